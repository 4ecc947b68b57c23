"""How the installation stands: what must be there before a request can be answered, and the figures of its feeds.

What is late (第6条第1項) is judged where it always is: procedures/feeds/states.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.listing import count_entries, list_waiting
from madoguchi.procedures.feeds.states import FeedState, feed_states
from madoguchi.procedures.service import NotFound, institution
from madoguchi.procedures.terms import terms_now
from madoguchi.records.upgrading import Release, Schema, schema_state
from madoguchi.rules.vocabulary import Feed


@dataclass(frozen=True, slots=True)
class Readiness:
    """What there is of all that an answer needs, beside a database that answers."""

    schema: Schema
    has_institution: bool = False
    has_terms: bool = False

    @property
    def is_migrated(self) -> bool:
        """Whether this release can serve from it; a later one may have expanded it already (decisions/0006)."""
        return self.schema is not Schema.BEHIND


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the books: the state of every feed (none before an institution is there), blocks in quarantine, and how many
    status files wait for the one before them."""

    feeds: dict[Feed, FeedState]
    quarantined: int
    waiting: int


def readiness(session: Session, at: datetime, release: Release) -> Readiness:
    """What is there at `at`; of a database that a former release has left, nothing but that is looked at."""
    schema = schema_state(session.connection(), release)
    if schema is Schema.BEHIND:
        return Readiness(schema)
    return Readiness(schema, _is_there(lambda: institution(session)), _is_there(lambda: terms_now(session, at)))


def figures(session: Session, at: datetime) -> Figures:
    """The figures at `at`."""
    feeds = feed_states(session, at) if _is_there(lambda: institution(session)) else {}
    return Figures(feeds, count_entries(session), len(list_waiting(session)))


def _is_there(look: Callable[[], object]) -> bool:
    try:
        look()
    except NotFound:
        return False
    return True

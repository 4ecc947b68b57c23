"""第6条第1項 in an answer: how fresh a value is, whether its feed is late, and when it is too late to give it at all.

The rule is rules/feed_lateness.py. It was asked at admission, of each feed as a whole and never of one account, so that
what is too late is not even read (plan.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from madoguchi.doors.api.errors import Code, Problem, problem
from madoguchi.doors.api.service_types import Feed
from madoguchi.doors.api.types import Freshness
from madoguchi.doors.api.words import Completeness, FeedSource, Precision
from madoguchi.procedures.feeds.states import FeedState
from madoguchi.procedures.ledger_reading import Moment
from madoguchi.procedures.reading import Admission
from madoguchi.rules import vocabulary

SOURCES: Final[Mapping[str, FeedSource]] = {
    "Balance": FeedSource.BALANCE_NOTICE,
    "TransactionConnection": FeedSource.TRANSACTION_NOTICE,
    "TransactionChanges": FeedSource.TRANSACTION_NOTICE,
    "Transaction": FeedSource.TRANSACTION_NOTICE,
}
"""By the type of a field: the feed its values come from."""


def withheld(admission: Admission, of_type: str) -> Problem | None:
    """Why no field of this type is answered: its feed is later than the credit union's limit. None: it is answered."""
    source = SOURCES.get(of_type)
    if source is None or not _state(admission, source).lateness.unavailable:
        return None
    return replace(problem(Code.DATA_UNAVAILABLE), retry_at=_state(admission, source).lateness.next_due)


def freshness(admission: Admission, moment: Moment, source: FeedSource) -> Freshness:
    """What is told beside a value. A gap inside the period outweighs that its end is late."""
    lateness = _state(admission, source).lateness
    completeness = Completeness(moment.completeness.value)
    if lateness.late and completeness is not Completeness.GAP:
        completeness = Completeness.LATE
    return Freshness(
        as_of=moment.as_of,
        as_of_precision=Precision(moment.precision.value),
        source=source,
        completeness=completeness,
        next_update_at=lateness.next_due,
    )


def shown(admission: Admission) -> list[Feed]:
    """What `Service.feeds` answers."""
    return [_shown(source, _state(admission, source)) for source in FeedSource]


def _shown(source: FeedSource, state: FeedState) -> Feed:
    arrival, lateness = state.arrival, state.lateness
    return Feed(
        source=source,
        as_of=arrival.as_of if arrival is not None else None,
        received_at=arrival.received_at if arrival is not None else None,
        expected_as_of=lateness.expected,
        late=lateness.late,
        late_since=lateness.late_since,
        unavailable=lateness.unavailable,
        next_due_at=lateness.next_due,
    )


def _state(admission: Admission, source: FeedSource) -> FeedState:
    return admission.feeds[vocabulary.Feed(source.value)]

"""How the feeds stand: what each brought last, judged against its timetable at one moment (第6条第1項).

The rule is rules/feed_lateness.py; the timetable is part of the institution's facts; arrivals are feeds/arrivals.py's.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.procedures.service import institution_facts
from madoguchi.records.admission import Arrival
from madoguchi.records.bank import FeedArrival
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.feed_lateness import FeedLateness, feed_lateness
from madoguchi.rules.vocabulary import Feed


@dataclass(frozen=True, slots=True)
class FeedState:
    """The newest data of a feed (None: nothing ever came), and how it stands against the timetable."""

    arrival: Arrival | None
    lateness: FeedLateness


def feed_state(facts: InstitutionFacts, feed: Feed, arrival: Arrival | None, at: datetime) -> FeedState:
    """The state of one feed at `at` (aware)."""
    newest = arrival.as_of if arrival is not None else None
    return FeedState(arrival, feed_lateness(at, feed, facts.feeds, newest, is_banking_day))


def feed_states(session: Session, at: datetime) -> dict[Feed, FeedState]:
    """The state of every feed at `at`. Raises NotFound before an institution is there."""
    facts = institution_facts(session)
    rows = {row.feed: Arrival(row.as_of, row.received_at) for row in session.exec(select(FeedArrival)).all()}
    return {feed: feed_state(facts, feed, rows.get(feed), at) for feed in Feed}

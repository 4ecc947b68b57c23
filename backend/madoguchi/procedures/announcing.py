"""What the public pages tell: the institution, its calendar and stops, the newest data, who is designated.

Source: terms 2-1 (hours), 6-1 (as of when the data is), 1-2-2 (designated aggregators), 7-3 (stops). Nothing here is
about a customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from madoguchi.procedures.aggregators import aggregator_facts, list_aggregators
from madoguchi.procedures.feeds.states import FeedState, feed_states
from madoguchi.procedures.service import institution, institution_facts
from madoguchi.procedures.terms import terms_now
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Balance
from madoguchi.records.service import Institution
from madoguchi.rules.eligibility import is_designated
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.vocabulary import Feed, Precision


@dataclass(frozen=True, slots=True)
class Announcement:
    """The service as anybody may know it.

    data_as_of  of the newest balance; None before the first feed.
    feeds       how each feed stands against its timetable.
    """

    institution: Institution
    facts: InstitutionFacts
    terms_version: date
    data_as_of: datetime | None
    data_precision: Precision
    feeds: Mapping[Feed, FeedState]


def announcement(session: Session, at: datetime) -> Announcement:
    """The state of things at `at`. Raises NotFound before an institution and terms are there."""
    newest = session.exec(select(Balance).order_by(col(Balance.as_of).desc()).limit(1)).first()
    return Announcement(
        institution=institution(session),
        facts=institution_facts(session),
        terms_version=terms_now(session, at).version,
        data_as_of=newest.as_of if newest is not None else None,
        data_precision=Precision(newest.as_of_precision) if newest is not None else Precision.DAY,
        feeds=feed_states(session, at),
    )


def designated_aggregators(session: Session, at: datetime) -> list[Aggregator]:
    """第1条第2項第2号: those whose contract is in force at `at`, oldest first."""
    return [row for row in list_aggregators(session) if is_designated(at, aggregator_facts(row)) is None]

"""From the calendar, stops and feeds to the state of the service as the notice board tells it (2-1, 6-1, 7-3).

The hours shown are those of personal internet banking; a customer's own are judged at each step. The rules give every
moment, models/service.py puts them into words.
"""

from datetime import date, datetime, time

from madoguchi.doors.pages.models.service import (
    ALWAYS_AS_A_SAMPLE,
    DAY_MINUTES,
    HoursLine,
    LateData,
    Pause,
    Service,
    ServiceState,
    hours_lines,
)
from madoguchi.procedures.announcing import Announcement
from madoguchi.procedures.feeds.states import FeedState
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.service_hours import is_open, next_closing, next_opening
from madoguchi.rules.suspension import service_stopped
from madoguchi.rules.vocabulary import JST, DayType, Feed, Precision, Product

SHOWN = Product.PERSONAL
GIVEN = {Feed.BALANCES: "残高", Feed.TRANSACTIONS: "入出金明細"}
"""The feeds whose values aggregators are given, as a customer calls them."""


def service_of(told: Announcement, at: datetime) -> Service:
    """The state of the service at `at` (aware)."""
    facts = told.facts
    stopped = service_stopped(at, facts.stops)
    opened = is_open(at, SHOWN, facts)
    state = ServiceState.STOPPED if stopped else ServiceState.OPEN if opened else ServiceState.CLOSED
    return Service(
        state=state,
        moment=at,
        hours=_lines(facts, at.astimezone(JST).date(), told.institution.is_sample),
        closes_at=next_closing(at, SHOWN, facts) if state is ServiceState.OPEN else None,
        opens_at=next_opening(at, SHOWN, facts) if state is not ServiceState.STOPPED else None,
        pauses=tuple(
            Pause(closure.starts_at, closure.ends_at)
            for closure in sorted(facts.closures, key=lambda closure: closure.starts_at)
            if closure.ends_at > at
        ),
        data_as_of=told.data_as_of,
        data_precision=told.data_precision,
        terms_as_of=told.terms_version,
        late=tuple(_late(what, told.feeds[feed]) for feed, what in GIVEN.items() if told.feeds[feed].lateness.late),
    )


def _late(what: str, state: FeedState) -> LateData:
    as_of = state.arrival.as_of if state.arrival is not None else None
    # A feed that tells the day only speaks of the day's end.
    is_day = as_of is not None and as_of.astimezone(JST).time() == time(23, 59, 59)
    return LateData(what, as_of, Precision.DAY if is_day else Precision.MINUTE, state.lateness.unavailable)


def _lines(facts: InstitutionFacts, day: date, is_sample: bool) -> tuple[HoursLine, ...]:
    of_types = [_windows(facts, day, day_type) for day_type in DayType]
    if is_sample and all(windows == [range(DAY_MINUTES)] for windows in of_types):
        return ALWAYS_AS_A_SAMPLE
    return hours_lines(*of_types)


def _windows(facts: InstitutionFacts, day: date, day_type: DayType) -> list[range]:
    """The windows of a day type in the calendar of `day`."""
    return [
        range(hours.opens, hours.closes)
        for hours in sorted(facts.hours, key=lambda hours: hours.opens)
        if hours.product is SHOWN
        and hours.day_type is day_type
        and hours.valid_from <= day
        and (hours.valid_until is None or day < hours.valid_until)
    ]

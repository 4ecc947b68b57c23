"""第2条第1項 サービス時間帯: when the API answers, and when a registration may be completed (4-1).

Source: terms 2-1 and 4-1; the hours themselves are dated rows, records/service.py.
A stop of the service is not here: suspension.py (第7条第3項).
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.vocabulary import JST, DayType, Product

LOOK_AHEAD = timedelta(days=62)
"""How far a next opening or closing is looked for: longer than any planned closure."""

Window = tuple[datetime, datetime]


def within_service_hours(at: datetime, product: Product, institution: InstitutionFacts) -> Refusal | None:
    """第2条第1項: both functions answer only inside the service hours of internet banking.

    at       aware, any zone; judged on the JST wall clock. The closing minute itself is outside.
    product  personal and business internet banking may keep different hours.
    Raises ValueError when `at` is naive: a caller's bug, never a refusal.
    """
    if is_open(at, product, institution):
        return None
    return Refusal(Reason.OUTSIDE_SERVICE_HOURS, retry_at=next_opening(at, product, institution))


def is_open(at: datetime, product: Product, institution: InstitutionFacts) -> bool:
    """Whether `at` (aware) lies in a window of its day and in no planned closure."""
    if at.tzinfo is None:
        raise ValueError("service hours need an aware datetime")
    return any(start <= at < end for start, end in _windows(at - timedelta(days=1), at, product, institution))


def next_opening(at: datetime, product: Product, institution: InstitutionFacts) -> datetime | None:
    """The first moment after `at` at which the service opens, in JST; None when none is known within two months."""
    windows = _windows(at - timedelta(days=1), at + LOOK_AHEAD, product, institution)
    return next((start for start, _ in windows if start > at), None)


def next_closing(at: datetime, product: Product, institution: InstitutionFacts) -> datetime | None:
    """When the window that holds `at` ends, in JST; None when it is closed or no end is known within two months."""
    for start, end in _windows(at - timedelta(days=1), at + LOOK_AHEAD, product, institution):
        if start <= at < end:
            return end if end < at + LOOK_AHEAD - timedelta(days=1) else None
    return None


def hours_on(day: date, product: Product, institution: InstitutionFacts) -> tuple[range, ...]:
    """The day's windows without planned closures, as ranges of minutes since 00:00 JST, in order."""
    day_type = _day_type(day, institution)
    return tuple(
        range(hours.opens, hours.closes)
        for hours in sorted(institution.hours, key=lambda hours: hours.opens)
        if hours.product is product
        and hours.day_type is day_type
        and hours.valid_from <= day
        and (hours.valid_until is None or day < hours.valid_until)
    )


def _day_type(day: date, institution: InstitutionFacts) -> DayType:
    if day in institution.holidays:
        return DayType.HOLIDAY
    return {5: DayType.SATURDAY, 6: DayType.SUNDAY}.get(day.weekday(), DayType.WEEKDAY)


def _windows(start: datetime, end: datetime, product: Product, institution: InstitutionFacts) -> Iterator[Window]:
    """Open windows that touch [start, end], closures cut out, windows that meet joined (midnight is no closing)."""
    joined: Window | None = None
    for window in _cut(_raw_windows(start, end, product, institution), institution):
        if joined is not None and window[0] <= joined[1]:
            joined = (joined[0], max(joined[1], window[1]))
            continue
        if joined is not None:
            yield joined
        joined = window
    if joined is not None:
        yield joined


def _raw_windows(start: datetime, end: datetime, product: Product, institution: InstitutionFacts) -> Iterator[Window]:
    day, last = start.astimezone(JST).date(), end.astimezone(JST).date()
    while day <= last:
        midnight = datetime.combine(day, time(), JST)
        for hours in hours_on(day, product, institution):
            yield midnight + timedelta(minutes=hours.start), midnight + timedelta(minutes=hours.stop)
        day += timedelta(days=1)


def _cut(windows: Iterator[Window], institution: InstitutionFacts) -> Iterator[Window]:
    closures = sorted(institution.closures, key=lambda closure: closure.starts_at)
    for start, end in windows:
        for closure in closures:
            if closure.ends_at <= start or end <= closure.starts_at:
                continue
            if start < closure.starts_at:
                yield start, closure.starts_at.astimezone(JST)
            start = min(closure.ends_at, end).astimezone(JST)
        if start < end:
            yield start, end

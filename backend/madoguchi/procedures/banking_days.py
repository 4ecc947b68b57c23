"""Banking days (銀行営業日): on which days books can move.

Books are closed on Saturdays, Sundays, national holidays and from 31 December to 3 January. This is not the calendar
of internet banking (2-1), which is data and another calendar.
The national holidays come from the package `holidays`; its lists end where the law's future is unknown.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@cache
def _national_holidays(year: int) -> frozenset[date]:
    import holidays  # here: loading it takes half a second, and many a command needs none

    return frozenset(holidays.country_holidays("JP", years=year))


def is_banking_day(day: date) -> bool:
    """Whether 勘定日 can be `day`."""
    closed_at_new_year = (day.month, day.day) in ((12, 31), (1, 1), (1, 2), (1, 3))
    return day.weekday() < _SATURDAY and not closed_at_new_year and day not in _national_holidays(day.year)


def banking_day_from(day: date) -> date:
    """`day`, or the next banking day when it is none (後営業日)."""
    while not is_banking_day(day):
        day += _ONE_DAY
    return day


def banking_day_until(day: date) -> date:
    """`day`, or the banking day before when it is none (前営業日)."""
    while not is_banking_day(day):
        day -= _ONE_DAY
    return day


def next_banking_day(day: date) -> date:
    """The first banking day after `day` (翌営業日)."""
    return banking_day_from(day + _ONE_DAY)


def banking_day_between(after: date, before: date) -> bool:
    """Whether a banking day lies strictly between two days."""
    return next_banking_day(after) < before


def days(first: date, last: date) -> Iterator[date]:
    """Every calendar day from `first` to `last`, both included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)

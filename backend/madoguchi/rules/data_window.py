"""第2条第4項 提供期間: how far back history is given.

Source: terms 2-4. The credit union sets months; the aggregator's contract can narrow them by days.
What the aggregator stores and shows itself is outside.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from madoguchi.rules.vocabulary import JST, WindowLimit


@dataclass(frozen=True, slots=True)
class DataWindow:
    """The first day given, the last (today, JST), and whose limit set the first."""

    first: date
    last: date
    limit: WindowLimit


@dataclass(frozen=True, slots=True)
class EffectivePeriod:
    """The days a page of history really covers. `limited_by` is empty when nothing that was asked for was cut."""

    first: date
    last: date
    limited_by: tuple[WindowLimit, ...]


def data_window(at: datetime, history_months: int, history_days: int | None) -> DataWindow:
    """第2条第4項: from the same day `history_months` ago (or that month's last), or `history_days` ago if later."""
    today = at.astimezone(JST).date()
    ours = months_before(today, history_months)
    if history_days is not None and today - timedelta(days=history_days) > ours:
        return DataWindow(today - timedelta(days=history_days), today, WindowLimit.AGGREGATOR_CONTRACT)
    return DataWindow(ours, today, WindowLimit.CREDIT_UNION)


def effective_period(window: DataWindow, asked_from: date | None, asked_to: date | None) -> EffectivePeriod:
    """What of the asked days (both included; None: as far as the window goes) lies inside the window.

    A period wholly outside comes back empty: `first` after `last`. Days to come are not cut by any limit.
    """
    first = window.first if asked_from is None else max(asked_from, window.first)
    last = window.last if asked_to is None else min(asked_to, window.last)
    cut = any(asked is not None and asked < window.first for asked in (asked_from, asked_to))
    return EffectivePeriod(first, last, (window.limit,) if cut else ())


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

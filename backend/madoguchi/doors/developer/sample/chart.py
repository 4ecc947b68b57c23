"""The balance as a step chart, laid out on the server: numbers for an SVG and for its text alternative.

A balance does not glide between two days, it steps; so the line is drawn in steps. Units of the drawing are those of
its own box (WIDTH by HEIGHT); how large it is shown is the style sheet's affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

WIDTH, HEIGHT = 360, 178
LEFT, RIGHT, TOP, BOTTOM = 58, 352, 10, 150
_STEPS = (1, 2, 5)
_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line or a date below the chart: where it stands and what is written there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class DayBalance:
    """The balance at the end of a day."""

    day: date
    balance: int


@dataclass(frozen=True, slots=True)
class BalanceChart:
    """`line` is the value of an SVG polyline's `points`; `end` is where the last balance stands."""

    line: str
    end: tuple[float, float]
    amounts: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    first: DayBalance
    last: DayBalance
    lowest: DayBalance
    highest: DayBalance
    changes: tuple[DayBalance, ...]
    days: int


def balance_chart(balances: Sequence[DayBalance]) -> BalanceChart:
    """Lay out the balances of consecutive days, oldest first. Raises ValueError when there is none."""
    if not balances:
        raise ValueError("a chart needs at least one day")
    first, last = balances[0], balances[-1]
    lowest = min(balances, key=lambda known: known.balance)
    highest = max(balances, key=lambda known: known.balance)
    step = _step(highest.balance - lowest.balance)
    bottom = lowest.balance // step * step
    lines = max(2, (highest.balance - bottom) // step + (2 if (highest.balance - bottom) % step else 1))
    top = bottom + (lines - 1) * step
    span = max(1, (last.day - first.day).days)

    def x(day: date) -> float:
        return round(LEFT + (RIGHT - LEFT) * (day - first.day).days / span, 1)

    def y(balance: int) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (balance - bottom) / (top - bottom), 1)

    corners = [(x(first.day), y(first.balance))]
    changes = [first]
    for before, after in pairwise(balances):
        if after.balance != before.balance:
            corners += [(x(after.day), y(before.balance)), (x(after.day), y(after.balance))]
            changes.append(after)
    end = (x(last.day), y(last.balance))
    return BalanceChart(
        line=" ".join(f"{across},{down}" for across, down in [*corners, end]),
        end=end,
        amounts=tuple(
            Tick(y(amount), _amount(amount, step)) for amount in range(bottom, top + 1, step)
        ),
        dates=tuple(Tick(x(day), f"{day.month}/{day.day}") for day in _days_below(first.day, span)),
        first=first,
        last=last,
        lowest=lowest,
        highest=highest,
        changes=tuple(changes),
        days=span,
    )


def _step(span: int) -> int:
    """The smallest of 1, 2, 5 times a power of ten (in yen, from 1,000) that needs few grid lines."""
    power = 1_000
    while True:
        for step in _STEPS:
            if span <= step * power * (_MOST_LINES - 2):
                return step * power
        power *= 10


def _amount(amount: int, step: int) -> str:
    if step >= 10_000:
        return f"{amount // 10_000:,}万円".replace("-", "−")
    return f"{amount:,}円".replace("-", "−")


def _days_below(first: date, span: int) -> list[date]:
    """Up to four dates, evenly spread, the first and the last among them."""
    parts = min(3, span)
    return [first + timedelta(days=round(span * part / parts)) for part in range(parts + 1)]

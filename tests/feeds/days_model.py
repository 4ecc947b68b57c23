"""A little model of what an account's history should be: a dictionary of days, and the rules read literally.

Independent of the code under test: no pieces, no positions until the end, every pair of rows looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

from madoguchi.procedures.feeds.values import StatementBlock, StatementRow
from madoguchi.rules.vocabulary import Completeness, Direction

BANKING_DAYS = {date(2026, 11, day) for day in (17, 18, 19, 20, 24, 25, 26, 27, 30)} | {date(2026, 12, 1)}
"""Of the days that the stories play on: 21 and 22 are a weekend, 23 is a holiday, 28 and 29 are a weekend."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day as it was last told."""

    opening: int
    rows: tuple[StatementRow, ...]
    made_on: date

    @property
    def closing(self) -> int:
        return self.opening + sum(row.change for row in self.rows)


@dataclass(slots=True)
class DaysModel:
    """The days of one account."""

    days: dict[date, Day] = field(default_factory=dict)

    def would_take(self, block: StatementBlock) -> bool:
        """Whether a block may be stored."""
        told = days_of(block)
        for day, new in told.items():
            known = self.days.get(day)
            if known and known.made_on > new.made_on and (known.opening, known.rows) != (new.opening, new.rows):
                return False  # an older file must not undo a newer one
        before = max((day for day in self.days if day < block.from_day), default=None)
        joins_before = before is not None and not _banking_day_between(before, block.from_day)
        if before and joins_before and self.days[before].closing != block.opening_balance:
            return False
        after = min((day for day in self.days if day > block.to_day), default=None)
        if after and not _banking_day_between(block.to_day, after):
            return self.days[after].opening == block.closing_balance
        return True

    def take(self, block: StatementBlock) -> None:
        """Store a block: each of its days as told, unless a newer file has told the same."""
        for day, new in days_of(block).items():
            known = self.days.get(day)
            if known is None or known.made_on <= new.made_on:
                self.days[day] = new

    @property
    def rows(self) -> list[tuple[object, ...]]:
        """The rows as readers should see them (history.SHOWN without the readable text; place of the corrected row)."""
        shown: list[tuple[object, ...]] = []
        flat: list[tuple[int, StatementRow]] = []
        for day in sorted(self.days):
            balance = self.days[day].opening
            rows = self.days[day].rows
            for order, row in enumerate(rows):
                balance += row.change
                position = int(f"{day:%Y%m%d}") * 1_000_000 + order
                shown.append(
                    (
                        position, day, row.value_on, row.direction.value, row.kind_code, row.amount, row.description,
                        row.counterparty, balance, rows[:order].count(row), _corrected(row, flat),
                    )
                )  # fmt: skip
                flat.append((position, row))
        return shown

    @property
    def gaps(self) -> list[date]:
        """Days that are told, though banking days before them are not."""
        days = sorted(self.days)
        return [day for before, day in pairwise(days) if _banking_day_between(before, day)]

    @property
    def ends_complete(self) -> str:
        """Completeness of the last day told, gaps apart."""
        last = max(self.days)
        return Completeness.COMPLETE if self.days[last].made_on > last else Completeness.MAY_LACK_LATER


def days_of(block: StatementBlock) -> dict[date, Day]:
    """A block, day by day. Without 照会番号, which says nothing about a row."""
    days = {}
    balance = block.opening_balance
    day = block.from_day
    while day <= block.to_day:
        rows = tuple(replace(row, inquiry_number=None) for row in block.rows if row.booked_on == day)
        days[day] = Day(balance, rows, block.created_on)
        balance = days[day].closing
        day += timedelta(days=1)
    return days


def _banking_day_between(after: date, before: date) -> bool:
    return any(after < day < before for day in BANKING_DAYS)


def _corrected(correction: StatementRow, earlier: Sequence[tuple[int, StatementRow]]) -> int | None:
    """Where the row that a 訂正 row corrects stands."""
    if correction.kind_code != "19":
        return None
    opposite = Direction.WITHDRAWAL if correction.direction is Direction.DEPOSIT else Direction.DEPOSIT
    fitting = [(at, row) for at, row in earlier if (row.direction, row.amount) == (opposite, correction.amount)]
    for same_day in ("value_on", "booked_on"):
        found = [at for at, row in fitting if getattr(row, same_day) == getattr(correction, same_day)]
        if found:
            return found[0] if len(found) == 1 else None
    return None

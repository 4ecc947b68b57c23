"""What a 訂正 row corrects (`corrects`), where there can be no doubt.

It is the one earlier row of opposite direction and same amount with its 起算日, or, failing that, with its 勘定日.
Two that fit equally leave it open.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from madoguchi.procedures.feeds.changes import Changes
from madoguchi.records.bank import Transaction
from madoguchi.records.positions import first_position, in_order, last_position
from madoguchi.rules.vocabulary import Direction

_CORRECTION = "19"  # 取引区分 訂正
_AMOUNTS_AT_ONCE = 1_000
_OPPOSITE = {
    Direction.DEPOSIT.value: Direction.WITHDRAWAL.value,
    Direction.WITHDRAWAL.value: Direction.DEPOSIT.value,
}
_READ = [
    col(getattr(Transaction, name))
    for name in ("transaction_id", "booked_on", "value_on", "direction", "kind", "amount", "corrects_id", "last_change")
]


def point_corrections(session: Session, account_id: int, since: date, changes: Changes) -> None:
    """Judge anew what the 訂正 rows booked from a day on correct, after rows of that day or later have changed.

    An earlier row has only earlier rows to correct, so it cannot be concerned. One pass in order over the rows that
    share an amount with a 訂正 row; nothing is read where there is none.
    """
    first, last = first_position(since), last_position(date.max)
    amount = col(Transaction.amount)
    amounts = set(
        session.scalars(
            select(amount)
            .where(col(Transaction.account_id) == account_id, col(Transaction.kind) == _CORRECTION)
            .where(col(Transaction.position) >= first)
            .distinct()
        )
    )
    if not amounts:
        return
    # As values: PostgreSQL, which does not know yet how many rows have come, looked a subquery up again for each row.
    only = [amount.in_(amounts)] if len(amounts) <= _AMOUNTS_AT_ONCE else []
    rows = in_order(session, account_id, _READ, 0, last, *only)
    changes.point(_judged((row for row in rows if row.amount in amounts), first, changes.pointers_lost))


def _judged(rows: Iterable[Any], first: int, lost: Mapping[int, int]) -> Iterator[tuple[Any, int | None]]:
    """The 訂正 rows from a position on whose answer is not what it was, with the new one."""
    # The only row of a direction, an amount and a day so far; None when there have been several.
    by_value_day: dict[tuple[str, int, date], int | None] = {}
    by_booking_day: dict[tuple[str, int, date], int | None] = {}
    for row in rows:
        if row.kind == _CORRECTION and row.position >= first:
            opposite = _OPPOSITE[row.direction]
            fitting = by_booking_day.get((opposite, row.amount, row.booked_on))
            fitting = by_value_day.get((opposite, row.amount, row.value_on), fitting)
            # A pointer to a row that went is null already, but not in the eyes of who read it before.
            if fitting != lost.get(row.transaction_id, row.corrects_id):
                yield row, fitting
        for only, day in ((by_value_day, row.value_on), (by_booking_day, row.booked_on)):
            key = (row.direction, row.amount, day)
            only[key] = None if key in only else row.transaction_id

"""The order of an account's rows, and reading them in it however many there are.

`position` is the booking day (YYYYMMDD) x 1,000,000 + the order in the day, so that days are ranges of the index
`page_of_account`.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from madoguchi.records.bank import Transaction

ROWS_A_DAY: Final = 1_000_000
_ROWS_AT_ONCE: Final = 5_000


def first_position(day: date) -> int:
    """Where the first row of a day stands; the next ones follow it one by one."""
    return ((day.year * 100 + day.month) * 100 + day.day) * ROWS_A_DAY


def last_position(day: date) -> int:
    """After this no row of a day can stand."""
    return first_position(day) + ROWS_A_DAY - 1


def order_in_day(position: int) -> int:
    """明細順: the place among the rows of its day, from 0."""
    return position % ROWS_A_DAY


def in_order(
    session: Session, account_id: int, columns: Sequence[Any], first: int, last: int, *only: Any
) -> Iterator[Any]:
    """An account's rows between two positions (both included) in order, page by page: memory holds one page.

    only  further conditions. Rows that the caller has been given may be changed while he goes on.
    """
    position = col(Transaction.position)
    above = first - 1
    while True:
        page = session.execute(
            select(position, *columns)
            .where(col(Transaction.account_id) == account_id, position > above, position <= last, *only)
            .order_by(position)
            .limit(_ROWS_AT_ONCE)
        ).all()
        yield from page
        if len(page) < _ROWS_AT_ONCE:
            return
        above = page[-1].position

"""Reads of what is new in the books since an earlier read (`changes`), one statement each for any number of accounts.

Changes of an account's history are numbered (records/bank.py, `Transaction`). Each part below is limited and comes out
of an index in order: `changes_of_account`, `page_of_account`, the key of `removed_row`. Merging the parts and cutting
them to a page is procedures/ledger_reading.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, literal, select, union_all
from sqlmodel import Session, col

from madoguchi.records.bank import Account, RemovedTransaction, Transaction
from madoguchi.records.ledger import ROW
from madoguchi.records.positions import first_position, last_position


@dataclass(frozen=True, slots=True)
class ChangesOf:
    """What is new in one account for somebody who was told its changes before; `limit` of it, and one more.

    first, last  booking days that are told at all (both included).
    number       he was told the changes up to this number, of rows up to the position `until`. Rows may be booked on
                 days to come; once such a day has come, its rows are new to him whatever their numbers.
    begun        the newest number when he began: he never heard of rows withdrawn up to then. None: he begins now.
    """

    account_id: int
    first: date
    last: date
    limit: int
    number: int
    until: int
    begun: int | None


def newest_changes(session: Session, ids: Collection[int]) -> Sequence[Any]:
    """Account and the newest number that a change of its history has."""
    return session.execute(
        select(col(Account.account_id), col(Account.last_change)).where(col(Account.account_id).in_(sorted(ids)))
    ).all()


def changed_rows(session: Session, asked: Sequence[ChangesOf]) -> Sequence[Any]:
    """Rows that are new or corrected: the number in `asked`, `first_change`, `last_change`, then the row.

    Those whose day has come since, up to the limit, and those with newer numbers, up to the limit; in no order.
    """
    selects = [each for number, one in enumerate(asked) for each in (_appeared(number, one), _changed(number, one))]
    return session.execute(union_all(*(select(each.subquery()) for each in selects))).all()


def removed_rows(session: Session, asked: Sequence[ChangesOf]) -> Sequence[Any]:
    """Rows withdrawn since: the number in `asked`, the change's number, the row's id and booking day; in no order."""
    selects = [_removed(number, one, one.begun) for number, one in enumerate(asked) if one.begun is not None]
    return session.execute(union_all(*(select(each.subquery()) for each in selects))).all() if selects else ()


def _appeared(number: int, asked: ChangesOf) -> Select[*tuple[Any, ...]]:
    position = col(Transaction.position)
    return (
        _rows(number, asked)
        .where(position >= first_position(asked.first), position > asked.until, position <= last_position(asked.last))
        .where(col(Transaction.last_change) <= asked.number)
        .order_by(position)
        .limit(asked.limit + 1)
    )


def _changed(number: int, asked: ChangesOf) -> Select[*tuple[Any, ...]]:
    # The days are compared by `booked_on`: bounds on `position` would lead planners to the other index, and to sort.
    return (
        _rows(number, asked)
        .where(col(Transaction.last_change) > asked.number)
        .where(col(Transaction.booked_on).between(asked.first, asked.last))
        .order_by(col(Transaction.last_change))
        .limit(asked.limit + 1)
    )


def _rows(number: int, asked: ChangesOf) -> Select[*tuple[Any, ...]]:
    return select(
        literal(number).label("asked"), col(Transaction.first_change), col(Transaction.last_change), *ROW
    ).where(col(Transaction.account_id) == asked.account_id)


def _removed(number: int, asked: ChangesOf, begun: int) -> Select[*tuple[Any, ...]]:
    change = col(RemovedTransaction.change)
    return (
        select(
            literal(number).label("asked"),
            change,
            col(RemovedTransaction.transaction_id),
            col(RemovedTransaction.booked_on),
        )
        .where(col(RemovedTransaction.account_id) == asked.account_id, change > max(asked.number, begun))
        .where(col(RemovedTransaction.booked_on).between(asked.first, asked.last))
        .order_by(change)
        .limit(asked.limit + 1)
    )

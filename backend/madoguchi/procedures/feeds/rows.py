"""The rows of a 入出金明細 block against the rows stored, a day at a time: equal ones stay, the others come and go.

A row stays the same row, id included, when its day, its content without 照会番号 and its occurrence among equal rows of
the day agree. Memory holds what differs on one day, however many rows a block has. Writing is feeds/changes.py's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby, zip_longest
from operator import attrgetter, itemgetter
from typing import Any

from sqlmodel import Session

from madoguchi.procedures.feeds.changes import Changes, Columns
from madoguchi.procedures.feeds.texts import readable
from madoguchi.procedures.feeds.values import StatementBlock, StatementRow
from madoguchi.records.bank import Statement, Transaction
from madoguchi.records.database import table_of
from madoguchi.records.positions import ROWS_A_DAY, first_position, in_order, last_position

_LEDGER = table_of(Transaction)

# What makes a row the same row, and what may be another when its day is told again.
_CONTENT = ("booked_on", "value_on", "direction", "kind", "amount", "description_raw", "counterparty", "occurrence")
_SHOWN = ("position", "balance_after")
_READ = [_LEDGER.c[name] for name in (*_CONTENT, "balance_after", "inquiry_number", "transaction_id", "last_change")]
_told_identity = itemgetter(*_CONTENT)
_held_identity = attrgetter(*_CONTENT)


def replace_rows(session: Session, account_id: int, block: StatementBlock, changes: Changes) -> None:
    """Bring the rows of the block's days to what the block says; days that it leaves empty lose theirs."""
    held = _held_rows(session, account_id, block.from_day, block.to_day)
    for told_of_day, held_of_day in _days(_columns(block), held):
        if held_of_day is None:
            changes.add(told_of_day)
            continue
        new, gone = [], []
        for told, row in _same_rows(told_of_day, held_of_day):
            if row is None:
                new.append(told)
            elif told is None:
                gone.append(row)
            elif any(told[name] != getattr(row, name) for name in (*_SHOWN, "inquiry_number")):
                changes.change(row, told)
        changes.withdraw(gone)
        changes.end_day()
        changes.add(new)
    changes.finish()


def overfull_day(block: StatementBlock) -> date | None:
    """The first day with more rows than `position` can tell apart, if there is one. Most blocks need no look."""
    if block.record_count <= ROWS_A_DAY:
        return None
    by_day = groupby(block.rows, attrgetter("booked_on"))
    return next((day for day, rows in by_day if sum(1 for _ in rows) > ROWS_A_DAY), None)


def says_the_same(session: Session, account_id: int, block: StatementBlock, pieces: Sequence[Statement]) -> bool:
    """Whether the block tells exactly the rows and balances that are stored for the days of these pieces, in order."""
    begun = [piece for piece in pieces if piece.first_day >= block.from_day]
    if list(_openings(block, [piece.first_day for piece in begun])) != [piece.opening_balance for piece in begun]:
        return False

    def within(day: date) -> bool:
        return any(piece.first_day <= day <= piece.last_day for piece in pieces)

    told = (columns for columns in _columns(block) if within(columns["booked_on"]))
    held = (row for row in _held_rows(session, account_id, block.from_day, block.to_day) if within(row.booked_on))
    shown = (*_CONTENT, *_SHOWN)
    return all(
        columns is not None and row is not None and all(columns[name] == getattr(row, name) for name in shown)
        for columns, row in zip_longest(told, held)
    )


def _openings(block: StatementBlock, days: Iterable[date]) -> Iterator[int]:
    """The balances at the beginning of these days, which are in order, by one pass over the rows."""
    balance = block.opening_balance
    rows = iter(block.rows)
    row = next(rows, None)
    for day in days:
        while row is not None and row.booked_on < day:
            balance += row.change
            row = next(rows, None)
        yield balance


def _columns(block: StatementBlock) -> Iterator[Columns]:
    """The block's rows as columns: order in the day, occurrence among equals and running balance worked out."""
    balance = block.opening_balance
    for day, rows in groupby(block.rows, attrgetter("booked_on")):
        equals: Counter[tuple[Any, ...]] = Counter()
        for position, row in enumerate(rows, first_position(day)):
            balance += row.change
            content = _content(row)
            occurrence = equals[content]
            equals[content] = occurrence + 1
            yield {
                "booked_on": day,
                "value_on": row.value_on,
                "direction": row.direction.value,
                "kind": row.kind_code,
                "amount": row.amount,
                "description_raw": row.description,
                "counterparty": row.counterparty,
                "occurrence": occurrence,
                "description": readable(row.description),
                "inquiry_number": row.inquiry_number or "",
                "position": position,
                "balance_after": balance,
            }


def _content(row: StatementRow) -> tuple[Any, ...]:
    return row.value_on, row.direction, row.kind_code, row.amount, row.description, row.counterparty


def _held_rows(session: Session, account_id: int, first: date, last: date) -> Iterator[Any]:
    return in_order(session, account_id, _READ, first_position(first), last_position(last))


def _days(told: Iterable[Columns], held: Iterable[Any]) -> Iterator[tuple[Iterable[Columns], Iterable[Any] | None]]:
    """For each day that has rows, in order: the rows told and the rows held of it (None: it is a new day)."""
    held_days = groupby(held, attrgetter("booked_on"))
    ahead = next(held_days, None)
    for day, rows in groupby(told, itemgetter("booked_on")):
        while ahead is not None and ahead[0] < day:
            yield (), ahead[1]
            ahead = next(held_days, None)
        if ahead is not None and ahead[0] == day:
            yield rows, ahead[1]
            ahead = next(held_days, None)
        else:
            yield rows, None
    while ahead is not None:
        yield (), ahead[1]
        ahead = next(held_days, None)


def _same_rows(told: Iterable[Columns], held: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """One day's rows told and held, paired where they are the same row; then those without a partner, and None.

    Both are read in step, and only what has not met its partner is kept.
    """
    waiting_told: dict[tuple[Any, ...], Columns] = {}
    waiting_held: dict[tuple[Any, ...], Any] = {}
    for columns, row in zip_longest(told, held):
        seen = []
        if columns is not None:
            seen.append(_told_identity(columns))
            waiting_told[seen[-1]] = columns
        if row is not None:
            seen.append(_held_identity(row))
            waiting_held[seen[-1]] = row
        for identity in seen:
            if identity in waiting_told and identity in waiting_held:
                yield waiting_told.pop(identity), waiting_held.pop(identity)
    for columns in waiting_told.values():
        yield columns, None
    for row in waiting_held.values():
        yield None, row

"""入出金明細 (種別 03) into the books: one block of one account, whole or not at all, in the caller's transaction.

The same content changes nothing; other content replaces the block's days. A row stays the same row, id included,
when its day, its content without 照会番号 and its occurrence among equal rows of the day agree. Days held and the chain
of balances are feed_days.py's subject; telling aggregators of rows added and removed is a later issue.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, insert, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from madoguchi.procedures.feed_days import held_pieces, hold, misfit
from madoguchi.procedures.feed_texts import readable
from madoguchi.procedures.feed_values import BlockRefused, StatementBlock
from madoguchi.records.bank import Account, FeedFile, Transaction
from madoguchi.records.database import table_of
from madoguchi.rules.vocabulary import Direction

_LEDGER = table_of(Transaction)
_THE_ROW: ColumnElement[bool] = _LEDGER.c.transaction_id == bindparam("row_id")
_CORRECTION = "19"  # 取引区分 訂正
_ROWS_A_DAY = 1_000_000  # how `position` counts: booking day, then order in the day

# What makes a row the same row, and what may change about it.
_CONTENT = ("booked_on", "value_on", "direction", "kind", "amount", "description_raw", "counterparty", "occurrence")
_MAY_MOVE = ("position", "balance_after", "inquiry_number")


@dataclass(frozen=True, slots=True)
class StatementStored:
    """What a block changed. `renewed`: rows, days, balances or the moment they held were not known like this before."""

    rows_added: int
    rows_removed: int
    renewed: bool


def store_statement(
    session: Session, account: Account, block: StatementBlock, feed_file: FeedFile
) -> StatementStored | BlockRefused:
    """Bring the account's days and rows to what the block says; a refusal leaves all as it was."""
    held = held_pieces(session, account, block)
    damage = misfit(session, held, block)
    if damage is not None:
        return BlockRefused(block.first_record, block.account, damage)
    added, removed = _replace_rows(session, account, block, feed_file)
    rows_changed = bool(added or removed)
    renewed = hold(session, held, account, block, feed_file, rows_changed)
    if rows_changed:
        _find_corrected(session, account, block)
    return StatementStored(added, removed, renewed)


def _replace_rows(session: Session, account: Account, block: StatementBlock, feed_file: FeedFile) -> tuple[int, int]:
    """Equal rows keep their ids, the others of the block's days go or come. Returns (added, removed)."""
    in_days = (
        select_columns(_LEDGER)
        .where(_LEDGER.c.account_id == account.account_id)
        .where(_LEDGER.c.booked_on.between(block.from_day, block.to_day))
    )
    stored = {_identity(row): row for row in map(dict, session.execute(in_days).mappings())}
    new, moved = [], []
    for row in _rows_of(block):
        known = stored.pop(_identity(row), None)
        if known is None:
            new.append(row)
        elif any(known[name] != row[name] for name in _MAY_MOVE):
            moved.append({"row_id": known["transaction_id"]} | {name: row[name] for name in _MAY_MOVE})
    gone = [{"row_id": row["transaction_id"]} for row in stored.values()]
    if gone:
        session.connection().execute(delete(_LEDGER).where(_THE_ROW), gone)
    if moved:
        # Positions are unique within an account: all that move step aside first.
        aside = update(_LEDGER).where(_THE_ROW).values(position=-_LEDGER.c.position)
        session.connection().execute(aside, [{"row_id": row["row_id"]} for row in moved])
        there = update(_LEDGER).where(_THE_ROW)
        session.connection().execute(there.values({name: bindparam(name) for name in _MAY_MOVE}), moved)
    if new:
        keys = {
            "account_id": account.account_id,
            "customer_id": account.customer_id,
            "feed_file_id": feed_file.feed_file_id,
        }
        first = account.last_change + 1
        account.last_change += len(new)
        numbered = [row | keys | {"first_change": n, "last_change": n} for n, row in enumerate(new, first)]
        session.connection().execute(insert(_LEDGER), numbered)
    return len(new), len(gone)


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CONTENT)


def _rows_of(block: StatementBlock) -> Iterator[dict[str, Any]]:
    """The block's rows as columns: order in the day, occurrence among equals and running balance worked out."""
    balance = block.opening_balance
    order: Counter[date] = Counter()
    equals: Counter[tuple[Any, ...]] = Counter()
    for row in block.rows:
        balance += row.change
        columns: dict[str, Any] = {
            "booked_on": row.booked_on,
            "value_on": row.value_on,
            "direction": row.direction.value,
            "kind": row.kind_code,
            "amount": row.amount,
            "description_raw": row.description,
            "counterparty": row.counterparty,
        }
        content = tuple(columns.values())
        yield columns | {
            "occurrence": equals[content],
            "description": readable(row.description),
            "inquiry_number": row.inquiry_number or "",
            "position": int(row.booked_on.strftime("%Y%m%d")) * _ROWS_A_DAY + order[row.booked_on],
            "balance_after": balance,
        }
        order[row.booked_on] += 1
        equals[content] += 1


def _find_corrected(session: Session, account: Account, block: StatementBlock) -> None:
    """Point each 訂正 row of the block's days to the row it corrects, where there can be no doubt which."""
    corrections = session.exec(
        select(Transaction)
        .where(Transaction.account_id == account.account_id, Transaction.kind == _CORRECTION)
        .where(col(Transaction.booked_on).between(block.from_day, block.to_day))
    ).all()
    for correction in corrections:
        correction.corrects_id = _corrected(session, correction)
        session.add(correction)


def _corrected(session: Session, correction: Transaction) -> int | None:
    """The one earlier row of opposite direction and same amount with its 起算日, or, failing that, its 勘定日."""
    opposite = Direction.WITHDRAWAL if correction.direction == Direction.DEPOSIT.value else Direction.DEPOSIT
    for same_day in (
        col(Transaction.value_on) == correction.value_on,
        col(Transaction.booked_on) == correction.booked_on,
    ):
        fitting = session.exec(
            select(col(Transaction.transaction_id))
            .where(Transaction.account_id == correction.account_id, Transaction.amount == correction.amount)
            .where(Transaction.direction == opposite.value, col(Transaction.position) < correction.position)
            .where(same_day)
            .limit(2)
        ).all()
        if fitting:
            return fitting[0] if len(fitting) == 1 else None
    return None

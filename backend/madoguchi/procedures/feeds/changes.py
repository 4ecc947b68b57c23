"""Changes of an account's rows, written down and numbered, so that an aggregator can be told what is new (`changes`).

Every row that came, was corrected in what is shown, or went has a number of its own. They count up without a gap in the
account's row, which is locked while they are given out: nobody can see a number before a smaller one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update
from sqlmodel import Session

from madoguchi.records.bank import Account, RemovedTransaction, Transaction
from madoguchi.records.database import table_of
from madoguchi.rules.batches import batches

_LEDGER = table_of(Transaction)
_REMOVED = table_of(RemovedTransaction)
_THE_ROW: ColumnElement[bool] = _LEDGER.c.transaction_id == bindparam("row_id")
_MAY_CHANGE = ("position", "balance_after", "inquiry_number", "last_change")
_STEP_ASIDE = update(_LEDGER).where(_THE_ROW).values(position=-_LEDGER.c.position)
_CHANGE = update(_LEDGER).where(_THE_ROW).values({name: bindparam(name) for name in _MAY_CHANGE})
_POINT = update(_LEDGER).where(_THE_ROW).values({name: bindparam(name) for name in ("corrects_id", "last_change")})
_ROWS_AT_ONCE = 1_000

Columns = dict[str, Any]


@dataclass(slots=True)
class Changes:
    """One block's changes of one account. Made by `begin_changes`; nothing is lost only when `finish` was called."""

    session: Session
    account: Account
    feed_file_id: int
    at: datetime  # when withdrawn rows went
    seen: int  # the newest number that others can have seen
    last: int
    rows_added: int = 0
    rows_removed: int = 0
    pointers_lost: dict[int, int] = field(default_factory=dict)  # 訂正 rows whose corrected row went, and its id
    _waiting: list[Columns] = field(default_factory=list)
    _changed: list[Columns] = field(default_factory=list)
    _moving: list[Columns] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether anybody who reads the rows can see a difference."""
        return self.last > self.seen

    def add(self, rows: Iterable[Columns]) -> None:
        """New rows. They are written some hundreds at a time, the last ones by `finish`."""
        keys = {
            "account_id": self.account.account_id,
            "customer_id": self.account.customer_id,
            "feed_file_id": self.feed_file_id,
        }
        for row in rows:
            number = self._next()
            self._waiting.append(row | keys | {"first_change": number, "last_change": number})
            if len(self._waiting) == _ROWS_AT_ONCE:
                self._write_new()

    def withdraw(self, rows: Iterable[Any]) -> None:
        """Rows that the feed no longer tells: they go, and their ids and days are kept for who already has them."""
        for some in batches(rows, _ROWS_AT_ONCE):
            ids = [row.transaction_id for row in some]
            pointing = select(_LEDGER.c.transaction_id, _LEDGER.c.corrects_id).where(_LEDGER.c.corrects_id.in_(ids))
            self.pointers_lost.update(map(tuple, self.session.execute(pointing)))
            self._execute(delete(_LEDGER).where(_THE_ROW), [{"row_id": row_id} for row_id in ids])
            removed = [
                {
                    "account_id": self.account.account_id,
                    "change": self._next(),
                    "transaction_id": row.transaction_id,
                    "booked_on": row.booked_on,
                    "removed_at": self.at,
                }
                for row in some
            ]
            self._execute(insert(_REMOVED), removed)
            self.rows_removed += len(some)

    def change(self, row: Any, told: Columns) -> None:
        """A row that stays but for order, balance or 照会番号 (the last is shown to nobody: no number)."""
        stays = row.position == told["position"]
        shown = not stays or row.balance_after != told["balance_after"]
        changed = {name: told[name] for name in _MAY_CHANGE if name != "last_change"}
        changed |= {"row_id": row.transaction_id, "last_change": self._next() if shown else row.last_change}
        (self._changed if stays else self._moving).append(changed)
        if len(self._changed) == _ROWS_AT_ONCE:
            self._write_changed()

    def end_day(self) -> None:
        """Rows of the day that changed their order take their places, which others may have left only now."""
        self._write_changed()
        for some in batches(self._moving, _ROWS_AT_ONCE):
            # Positions are unique within an account: all that move step aside first.
            self._execute(_STEP_ASIDE, [{"row_id": changed["row_id"]} for changed in some])
        for some in batches(self._moving, _ROWS_AT_ONCE):
            self._execute(_CHANGE, some)
        self._moving = []

    def point(self, corrections: Iterable[tuple[Any, int | None]]) -> None:
        """訂正 rows and the id of the row that each corrects. One that came with this block has its number already."""
        for some in batches(corrections, _ROWS_AT_ONCE):
            self._execute(
                _POINT,
                [
                    {
                        "row_id": row.transaction_id,
                        "corrects_id": corrected,
                        "last_change": row.last_change if row.last_change > self.seen else self._next(),
                    }
                    for row, corrected in some
                ],
            )

    def finish(self) -> None:
        """Write what waits, and in the account how far its numbers have come."""
        self._write_new()
        self.account.last_change = self.last

    def _write_changed(self) -> None:
        self._execute(_CHANGE, self._changed)
        self._changed = []

    def _write_new(self) -> None:
        self._execute(insert(_LEDGER), self._waiting)
        self.rows_added += len(self._waiting)
        self._waiting = []

    def _execute(self, statement: Any, rows: list[Columns]) -> None:
        if rows:
            self.session.connection().execute(statement, rows)

    def _next(self) -> int:
        self.last += 1
        return self.last


def begin_changes(session: Session, account: Account, feed_file_id: int, at: datetime) -> Changes:
    """Lock the account's row until the transaction ends, and number from what it says now."""
    session.refresh(account, ["last_change"], with_for_update={"key_share": True})
    return Changes(session, account, feed_file_id, at, account.last_change, account.last_change)

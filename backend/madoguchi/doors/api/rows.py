"""Rows of history made into the schema's values: connections, edges, changes, rows with what they correct, sums.

Source: 2-1-2, 2-4, 6-1; the Relay connection rules. A page is contiguous, so its sums chain to the next page's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from madoguchi.doors.api import feeds
from madoguchi.doors.api.changes import cursor_after
from madoguchi.doors.api.changes_types import RemovedTransaction, TransactionChanges
from madoguchi.doors.api.errors import Problem
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.paging import Asked
from madoguchi.doors.api.plan import Ask
from madoguchi.doors.api.types import (
    EffectivePeriod,
    PageInfo,
    StatementCheck,
    Transaction,
    TransactionConnection,
    TransactionEdge,
)
from madoguchi.doors.api.words import (
    Direction,
    FeedSource,
    TransactionKind,
    WindowLimit,
    Yen,
)
from madoguchi.procedures.ledger_reading import Changes, ChangesOf, History, Ledger, LedgerRow, PageOf
from madoguchi.procedures.reading import Admission

KINDS = {kind.value: kind for kind in TransactionKind}


class Rows:
    """All rows of one answer. Their ids are made in one call of the cipher."""

    def __init__(self, admission: Admission, ledger: Ledger, ids: Ids) -> None:
        self._ledger = ledger
        self._admission = admission
        self._ids = ids
        self._texts = dict(zip(ledger.rows, ids.seal(Kind.TRANSACTION, ledger.rows), strict=True))

    def connection(self, ask: Ask, asked: Asked, page: PageOf, history: History) -> TransactionConnection:
        """One page of one account."""
        fetched = self._ledger.pages[page]
        more = len(fetched) > page.limit
        rows = (fetched[1:] if page.from_end else fetched[:-1]) if more else fetched
        cursors = self._ids.seal(Kind.CURSOR, [row.position for row in rows], page.account_id)
        return TransactionConnection(
            prepared={key: self._part(child, rows, cursors) for key, child in ask.children.items()},
            page_info=PageInfo(
                # A cursor given is the place of a row: on its side of the page there is at least that one.
                has_next_page=asked.before is not None if page.from_end else more,
                has_previous_page=more if page.from_end else asked.after is not None,
                start_cursor=cursors[0] if cursors else None,
                end_cursor=cursors[-1] if cursors else None,
            ),
            period=EffectivePeriod(
                from_=asked.period.first,
                to=asked.period.last,
                limited_by=[WindowLimit(limit.value) for limit in asked.period.limited_by],
            ),
            freshness=feeds.freshness(
                self._admission,
                history.within(asked.period.first, asked.period.last),
                FeedSource.TRANSACTION_NOTICE,
            ),
        )

    def changes(self, ask: Ask, asked: ChangesOf, page: Changes, history: History) -> TransactionChanges:
        """One page of what is new in one account."""
        lists = {"added": page.added, "corrected": page.corrected}
        texts = self._ids.seal(Kind.TRANSACTION, [row.transaction_id for row in page.removed])
        return TransactionChanges(
            prepared={
                key: [self.transaction(row, child.children) for row in lists[child.name]]
                for key, child in ask.children.items()
                if child.name in lists
            },
            removed=[
                RemovedTransaction(id=strawberry.ID(text), booked_on=row.booked_on)
                for text, row in zip(texts, page.removed, strict=True)
            ],
            cursor=cursor_after(asked, page, self._ids),
            has_more=page.has_more,
            period=EffectivePeriod(from_=asked.first, to=asked.last, limited_by=[]),
            freshness=feeds.freshness(
                self._admission, history.within(asked.first, asked.last), FeedSource.TRANSACTION_NOTICE
            ),
        )

    def transaction(self, row: LedgerRow, asked: Mapping[str, Ask]) -> Transaction:
        """One row, with its guarded fields prepared for each response key that asks for them."""
        return Transaction(
            id=strawberry.ID(self._texts[row.transaction_id]),
            prepared={key: self._guarded(child, row) for key, child in asked.items() if child.guarded},
            booked_on=row.booked_on,
            order_in_day=row.order_in_day,
            value_on=row.value_on,
            direction=Direction(row.direction),
            kind=KINDS.get(row.kind or ""),
            amount=Yen(row.amount),
            description=row.description,
            description_raw=row.description_raw,
            counterparty=row.counterparty,
        )

    def _part(self, child: Ask, rows: Sequence[LedgerRow], cursors: Sequence[str]) -> Any:
        if child.name == "nodes":
            return [self.transaction(row, child.children) for row in rows]
        if child.name == "edges":
            nodes = {key: inner.children for key, inner in child.children.items() if inner.name == "node"}
            return [
                TransactionEdge(
                    cursor=cursor, prepared={key: self.transaction(row, asked) for key, asked in nodes.items()}
                )
                for row, cursor in zip(rows, cursors, strict=True)
            ]
        if child.name == "statement":
            return _statement(child, rows)
        return None  # a plain attribute, never looked up by key

    def _guarded(self, child: Ask, row: LedgerRow) -> Any:
        if child.problem is not None:
            return child.problem
        if child.name == "balanceAfter":
            return Yen(row.balance_after)
        if child.name == "corrects":
            corrected = self._ledger.rows.get(row.corrects_id or 0)
            if corrected is None or corrected.account_id != row.account_id:
                return None
            return self.transaction(corrected, child.children)
        raise LookupError(f"no answer is written for {child.name}")


def _statement(ask: Ask, rows: Sequence[LedgerRow]) -> StatementCheck:
    ordered = sorted(rows, key=lambda row: row.position)
    oldest, newest = (ordered[0], ordered[-1]) if ordered else (None, None)
    prepared: dict[str, Yen | Problem | None] = {}
    for key, child in ask.children.items():
        if child.name == "openingBalance":
            before = None if oldest is None else Yen(oldest.balance_after - _signed(oldest))
            prepared[key] = child.problem or before
        elif child.name == "closingBalance":
            prepared[key] = child.problem or (None if newest is None else Yen(newest.balance_after))
    signed = [_signed(row) for row in rows]
    return StatementCheck(
        prepared=prepared,
        deposits=Yen(sum(amount for amount in signed if amount > 0)),
        withdrawals=Yen(-sum(amount for amount in signed if amount < 0)),
        count=len(rows),
    )


def _signed(row: LedgerRow) -> int:
    return row.amount if row.direction == Direction.DEPOSIT.value else -row.amount

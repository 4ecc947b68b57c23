"""One page of history as it was asked for: size, period, order, cursors (2-4 and the Relay connection rules).

Pure. Cursors are positions within one account, so that the same arguments give each account a page of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from madoguchi.doors.api.errors import Code, Problem, problem
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.types import MAX_ROWS
from madoguchi.doors.api.words import Order
from madoguchi.procedures.ledger_reading import PageOf
from madoguchi.rules.data_window import DataWindow, EffectivePeriod, effective_period


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of one `transactions` field, found good, with the period they really cover."""

    limit: int
    from_end: bool
    newest_first: bool
    after: str | None
    before: str | None
    period: EffectivePeriod

    def page_of(self, account_id: int, ids: Ids) -> PageOf | Problem:
        """The page of one account; a cursor that is not this account's is refused, whatever else it may be."""
        after, before = self._position(self.after, account_id, ids), self._position(self.before, account_id, ids)
        if isinstance(after, Problem):
            return after
        if isinstance(before, Problem):
            return before
        # Newest first, what comes after a row lies below it.
        above, below = (before, after) if self.newest_first else (after, before)
        return PageOf(
            account_id=account_id,
            first=self.period.first,
            last=self.period.last,
            limit=self.limit,
            newest_first=self.newest_first,
            from_end=self.from_end,
            above=above,
            below=below,
        )

    @staticmethod
    def _position(cursor: str | None, account_id: int, ids: Ids) -> int | Problem | None:
        if cursor is None:
            return None
        opened = ids.open(cursor, (Kind.CURSOR,), account_id)
        return opened[1] if opened is not None else problem(Code.UNKNOWN_CURSOR)


def asked_page(arguments: Mapping[str, Any], window: DataWindow) -> Asked | Problem:
    """Read the coerced arguments of `transactions`; null and absent are the same."""
    first, last = arguments.get("first"), arguments.get("last")
    limit = first if last is None else last
    if limit is None or (first is not None and last is not None) or not 1 <= limit <= MAX_ROWS:
        return problem(Code.PAGE_SIZE, limit=MAX_ROWS)
    start, end = arguments.get("from"), arguments.get("to")
    if start is not None and end is not None and start > end:
        return problem(Code.PERIOD_INVALID)
    return Asked(
        limit=limit,
        from_end=last is not None,
        newest_first=arguments["order"] is Order.NEWEST_FIRST,
        after=arguments.get("after"),
        before=arguments.get("before"),
        period=effective_period(window, start, end),
    )

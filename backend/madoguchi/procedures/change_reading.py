"""What is new in an account's history for somebody who was told some of it before: one page of changes.

Whoever goes on from where each page ends holds, at the end, the rows of the window as they are: every change has a
number that no later change can precede, and a row whose booking day was still to come is told when that day has come.
What may be read was decided before (procedures/reading.py, the door's plan).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from madoguchi.records import changes
from madoguchi.records.changes import ChangesOf
from madoguchi.records.ledger import LedgerRow
from madoguchi.records.positions import last_position


@dataclass(frozen=True, slots=True)
class RemovedRow:
    """A row that a later file withdrew."""

    transaction_id: int
    booked_on: date


@dataclass(frozen=True, slots=True)
class Changes:
    """One page of changes, in their order; `number`, `until` and `begun` are what the next one goes on from."""

    added: tuple[LedgerRow, ...]
    corrected: tuple[LedgerRow, ...]
    removed: tuple[RemovedRow, ...]
    has_more: bool
    number: int
    until: int
    begun: int

    @property
    def rows(self) -> tuple[LedgerRow, ...]:
        """The rows that are there."""
        return self.added + self.corrected


@dataclass(frozen=True, slots=True)
class _Changed:
    """A row that is new or corrected, with the numbers it was added and last changed by."""

    added: int
    number: int
    row: LedgerRow


@dataclass(frozen=True, slots=True)
class _Removed:
    number: int
    row: RemovedRow


def read_changes(session: Session, asked: Sequence[ChangesOf]) -> Mapping[ChangesOf, Changes | None]:
    """One page each, in three statements for all; None for who was told numbers that the account has not given."""
    newest = dict(map(tuple, changes.newest_changes(session, {one.account_id for one in asked})))
    changed: list[list[_Changed]] = [[] for _ in asked]
    for number, added, last, *values in changes.changed_rows(session, asked):
        changed[number].append(_Changed(added, last, LedgerRow(*values)))
    removed: list[list[_Removed]] = [[] for _ in asked]
    for number, change, *values in changes.removed_rows(session, asked):
        removed[number].append(_Removed(change, RemovedRow(*values)))
    return {
        one: _page(one, newest[one.account_id], rows, gone)
        for one, rows, gone in zip(asked, changed, removed, strict=True)
    }


def _page(asked: ChangesOf, newest: int, rows: Sequence[_Changed], gone: Sequence[_Removed]) -> Changes | None:
    if asked.number > newest:
        return None
    begun = newest if asked.begun is None else asked.begun
    # What has only now come to its day goes first: then the numbers told go up with every page.
    appeared = sorted((one for one in rows if one.number <= asked.number), key=lambda one: one.row.position)
    numbered: list[_Changed | _Removed] = [*(one for one in rows if one.number > asked.number), *gone]
    waiting: list[_Changed | _Removed] = [*appeared, *sorted(numbered, key=lambda one: one.number)]
    told, has_more = waiting[: asked.limit], len(waiting) > asked.limit
    number, until = newest, last_position(asked.last)
    if has_more:
        last = told[-1]
        number = max(asked.number, last.number)
        if isinstance(last, _Changed) and last.number <= asked.number:
            until = last.row.position
    kept = [one for one in told if isinstance(one, _Changed)]

    def is_new(one: _Changed) -> bool:
        not_yet_told = one.added > asked.number or one.number <= max(begun, asked.number)
        return not_yet_told or one.row.position > asked.until

    return Changes(
        added=tuple(one.row for one in kept if is_new(one)),
        corrected=tuple(one.row for one in kept if not is_new(one)),
        removed=tuple(one.row for one in told if isinstance(one, _Removed)),
        has_more=has_more,
        number=number,
        until=until,
        begun=begun,
    )

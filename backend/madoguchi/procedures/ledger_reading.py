"""Fetching what a plan permits, and nothing else, in a number of statements that no row and no account changes.

Source: 2-1-1 (balances), 2-1-2 (history), 2-4 (window), 6-1 (freshness). What may be read was decided before
(procedures/reading.py, the door's plan); rows come out as plain frozen values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from madoguchi.procedures.change_reading import Changes, read_changes
from madoguchi.records import ledger
from madoguchi.records.changes import ChangesOf
from madoguchi.records.ledger import LedgerRow, PageOf
from madoguchi.records.positions import first_position, last_position
from madoguchi.rules.vocabulary import Completeness, Precision

__all__ = [
    "Changes",
    "ChangesOf",
    "Ledger",
    "LedgerRow",
    "PageOf",
    "Wanted",
    "first_position",
    "last_position",
    "read_ledger",
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch. `visible` are the accounts whose rows may be shown at all, from `since` on (2-4)."""

    institution: bool = False
    accounts: frozenset[int] = frozenset()
    balances: frozenset[int] = frozenset()
    pages: tuple[tuple[PageOf, ...], ...] = ()  # one statement for each field that asks for pages, for all its accounts
    changes: tuple[ChangesOf, ...] = ()
    rows: tuple[int, ...] | None = None  # single rows by id; a made-up id is looked for like any other
    corrections: int = 0  # how many times to follow `corrects`
    visible: frozenset[int] = frozenset()
    since: date = date.min
    until: date = date.max


@dataclass(frozen=True, slots=True)
class InstitutionRow:
    bank_code: str
    name: str
    name_kana: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    account_id: int
    branch_code: str
    branch_name: str
    branch_kana: str
    kind: str
    number: str
    holder_kana: str


@dataclass(frozen=True, slots=True)
class Moment:
    """6-1: when a value held, how exactly that is known, and what may be missing."""

    as_of: datetime
    precision: Precision
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class BalanceRow:
    current: int
    available: int | None
    previous_day: int | None
    uncleared: int | None
    moment: Moment


@dataclass(frozen=True, slots=True)
class History:
    """How fresh an account's history is, and the days (first days of blocks) before which something is missing."""

    moment: Moment
    gaps: tuple[date, ...]

    def within(self, first: date, last: date) -> Moment:
        """The moment for a period: a gap inside it outweighs what the last block says."""
        if any(first < day <= last for day in self.gaps):
            return Moment(self.moment.as_of, self.moment.precision, Completeness.GAP)
        return self.moment


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was fetched. `pages` are in the order asked for, with one row more than the limit where more exist.

    changes  None for who was told numbers that the account has not given: an older state of the books was restored.
    """

    institution: InstitutionRow | None = None
    accounts: Mapping[int, AccountRow] = field(default_factory=dict)
    balances: Mapping[int, BalanceRow] = field(default_factory=dict)
    histories: Mapping[int, History] = field(default_factory=dict)
    pages: Mapping[PageOf, tuple[LedgerRow, ...]] = field(default_factory=dict)
    changes: Mapping[ChangesOf, Changes | None] = field(default_factory=dict)
    rows: Mapping[int, LedgerRow] = field(default_factory=dict)


def read_ledger(session: Session, wanted: Wanted) -> Ledger:
    """Fetch everything a plan permits, in the snapshot of `session`."""
    institution = ledger.institution(session) if wanted.institution else None
    pages = {page: rows for each in wanted.pages for page, rows in _pages(session, each).items()}
    changes = read_changes(session, wanted.changes) if wanted.changes else {}
    told = {page.account_id for page in pages} | {one.account_id for one in changes}
    rows = {row.transaction_id: row for page in pages.values() for row in page}
    rows |= {row.transaction_id: row for new in changes.values() if new is not None for row in new.rows}
    if wanted.rows is not None:
        rows |= _rows(session, wanted.rows, wanted)
    level: Iterable[LedgerRow] = rows.values()
    for _ in range(wanted.corrections):
        corrected = _rows(session, [row.corrects_id for row in level if row.corrects_id is not None], wanted)
        rows |= corrected
        level = corrected.values()
    return Ledger(
        institution=InstitutionRow(*institution) if institution is not None else None,
        accounts={row.account_id: AccountRow(*row) for row in ledger.accounts(session, wanted.accounts)}
        if wanted.accounts
        else {},
        balances={row.account_id: _balance(row) for row in ledger.balances(session, wanted.balances)}
        if wanted.balances
        else {},
        histories=_histories(session, told, wanted.since) if told else {},
        pages=pages,
        changes=changes,
        rows=rows,
    )


def _pages(session: Session, asked: tuple[PageOf, ...]) -> dict[PageOf, tuple[LedgerRow, ...]]:
    found: dict[PageOf, list[LedgerRow]] = {page: [] for page in asked}
    for number, *values in ledger.pages(session, asked):
        found[asked[number]].append(LedgerRow(*values))
    # A page counted from its end was read backwards; both come out in the order asked for.
    return {
        page: tuple(sorted(rows, key=lambda row: row.position, reverse=page.newest_first))
        for page, rows in found.items()
    }


def _rows(session: Session, ids: Iterable[int], wanted: Wanted) -> dict[int, LedgerRow]:
    found = ledger.rows(session, tuple(ids), wanted.visible, wanted.since, wanted.until)
    return {row.transaction_id: LedgerRow(*row) for row in found}


def _balance(row: Any) -> BalanceRow:
    precision = Precision(row.as_of_precision)
    completeness = Completeness.COMPLETE if precision is Precision.DAY else Completeness.MAY_LACK_LATER
    moment = Moment(row.as_of, precision, completeness)
    return BalanceRow(row.current, row.available, row.previous_day, row.uncleared, moment)


def _histories(session: Session, accounts: set[int], since: date) -> dict[int, History]:
    gaps: dict[int, list[date]] = {}
    for account_id, first_day in ledger.gaps(session, accounts, since):
        gaps.setdefault(account_id, []).append(first_day)
    return {
        row.account_id: History(
            Moment(row.as_of, Precision(row.as_of_precision), _completeness(row)),
            tuple(gaps.get(row.account_id, ())),
        )
        for row in ledger.latest_statements(session, accounts)
    }


def _completeness(row: Any) -> Completeness:
    """6-1: an account with a block in quarantine may lack what stands in it."""
    told = Completeness(row.completeness)
    return Completeness.MAY_LACK_LATER if row.lacks_refused and told is Completeness.COMPLETE else told

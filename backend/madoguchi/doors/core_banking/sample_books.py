"""The sample's feed files: the same bytes for the same arguments, and never another yesterday.

Three files as a core-banking system would send them: the status feed, 種別 03 for every ordinary and current account,
種別 04 with the balances of all accounts, time deposits included. What is invented stands in backend/sample/books.toml.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from madoguchi.doors.core_banking.sample_customers import Books, SampleAccount, SampleCustomer, load_books
from madoguchi.doors.core_banking.sample_events import sample_events
from madoguchi.doors.core_banking.sample_patterns import sample_rows
from madoguchi.doors.core_banking.status_feed import write_status_events
from madoguchi.doors.core_banking.zengin_writer import Sender, write_notices, write_statements
from madoguchi.procedures.feeds.values import (
    NOWHERE,
    AccountKey,
    BalanceNotice,
    NoticeBlock,
    StatementBlock,
    StatementRow,
)
from madoguchi.procedures.status_feed.events import StatusEvent
from madoguchi.rules.data_window import months_before
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import JST, Precision

DEFAULT_SEED = 1
DEFAULT_MONTHS = 13
_BASE_TIME = time(14, 0)
_A_MONTH = timedelta(days=31)
"""How much of a busy account a top-up tells at most; where more was missing, a gap stays (6-1)."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What one sandbox has lived through beside its books.

    sequence   the greatest number of its status feed; what comes is numbered on from there.
    event_ids  events that were taken in.
    rows       by account, what was played on it: it belongs to the account's history from then on.
    """

    sequence: int
    event_ids: frozenset[str]
    rows: Mapping[AccountKey, tuple[StatementRow, ...]] = field(default_factory=dict)


def write_sample_files(
    directory: Path,
    until: date,
    seed: int = DEFAULT_SEED,
    months: int = DEFAULT_MONTHS,
    since: date | None = None,
    base_time: time = _BASE_TIME,
    lived: Lived | None = None,
) -> list[Path]:
    """Write the three files into `directory` (made if it is not there) and return them in the order of import.

    Arguments as `generate`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in generate(until, seed, months, since, base_time, lived).items():
        path = directory / name
        path.write_bytes(content)
        paths.append(path)
    return paths


def generate(
    until: date,
    seed: int = DEFAULT_SEED,
    months: int = DEFAULT_MONTHS,
    since: date | None = None,
    base_time: time = _BASE_TIME,
    lived: Lived | None = None,
    only: AccountKey | None = None,
) -> dict[str, bytes]:
    """File names and bytes, in the order of import: status feed, 03, 04.

    until      the last day in the books, and 作成日 of the files. Raises ValueError before the books' epoch.
    seed       another seed is another history of the same customers.
    months     how far back the first file reaches (to the epoch at most).
    since      for a top-up: the first day to write, instead of `months`; it joins what an earlier run wrote.
    base_time  基準時刻 of the balances, JST; midnight becomes 00:01, as 0000 in the format means that none is given.
    lived      for a top-up: whatever event was not taken in comes, of any day, and what was played is told.
    only       the one account that the Zengin files tell of.
    """
    base_time = max(base_time, time(0, 1))
    books = load_books()
    if until < books.epoch:
        raise ValueError(f"見本の帳簿は {books.epoch} からです。")
    first = max(since or months_before(until, months), books.epoch)
    if first > until:
        raise ValueError(f"始まりの日 {first} が、終わりの日 {until} より後です。")
    sender = Sender(books.bank.code, books.bank.kana)
    statements, notices = [], []
    for customer, account in _accounts(books):
        if only not in (None, account.key):
            continue
        begins = _begins(account, first, until, topping_up=since is not None)
        rows = sample_rows(books, account, seed, until, begins)
        if lived is not None and account.key in lived.rows:
            rows = sorted([*rows, *lived.rows[account.key]], key=lambda row: row.booked_on)
        if account.kind in ELIGIBLE_KINDS:
            statements.append(_statement(books, customer, account, rows, begins, until))
        notices.append(_notice(customer, account, rows, until, base_time))
    if lived is not None:
        events = events_to_come(until, lived)
    else:
        events = [event for event in sample_events(books, until) if since is None or event.time.date() >= since]
    period = f"{first:%Y%m%d}-{until:%Y%m%d}"
    return {
        f"status-{period}.jsonl": write_status_events(events),
        f"zengin03-{period}.txt": write_statements(sender, statements),
        f"zengin04-{until:%Y%m%d}.txt": write_notices(sender, _by_branch(books, notices, until)),
    }


def events_to_come(until: date, lived: Lived) -> list[StatusEvent]:
    """The events of the books up to a day that a sandbox has not taken in, of customers that came later too."""
    coming = [event for event in sample_events(load_books(), until) if event.event_id not in lived.event_ids]
    return [
        event.model_copy(update={"sequence": sequence}) for sequence, event in enumerate(coming, lived.sequence + 1)
    ]


def _accounts(books: Books) -> Iterator[tuple[SampleCustomer, SampleAccount]]:
    for customer in books.customers:
        for account in customer.accounts:
            yield customer, account


def _begins(account: SampleAccount, first: date, until: date, *, topping_up: bool) -> date:
    """The first day that a file tells of an account."""
    if account.recent_days is None:
        return first
    return max(first, until - (_A_MONTH if topping_up else timedelta(days=account.recent_days)))


def _statement(
    books: Books, customer: SampleCustomer, account: SampleAccount, rows: list[StatementRow], first: date, until: date
) -> StatementBlock:
    opening = _balance(account, rows, first - timedelta(days=1))
    return StatementBlock(
        first_record=1,
        bank_code=books.bank.code,
        account=account.key,
        branch_kana=books.branches[account.branch].kana,
        holder_kana=customer.holder_of(account),
        created_on=until,
        from_day=first,
        to_day=until,
        opening_balance=opening,
        rows=tuple(row for row in rows if row.booked_on >= first),
        closing_balance=_balance(account, rows, until),
        opening_place=NOWHERE,
        closing_place=NOWHERE,
    )


def _balance(account: SampleAccount, rows: list[StatementRow], at_end_of: date) -> int:
    return account.opening + sum(row.change for row in rows if row.booked_on <= at_end_of)


def _notice(
    customer: SampleCustomer, account: SampleAccount, rows: list[StatementRow], until: date, base_time: time
) -> BalanceNotice:
    current = _balance(account, rows, until)
    return BalanceNotice(
        account=account.key,
        holder_kana=customer.holder_of(account),
        as_of=datetime.combine(until, base_time, JST),
        as_of_precision=Precision.MINUTE,
        current=current,
        uncleared=None,
        available=current if account.available else None,
        previous_day=_balance(account, rows, until - timedelta(days=1)),
        last_transaction_on=rows[-1].booked_on if rows else None,
    )


def _by_branch(books: Books, notices: list[BalanceNotice], until: date) -> Iterator[NoticeBlock]:
    for branch_code in books.branches:
        of_branch = tuple(notice for notice in notices if notice.account.branch_code == branch_code)
        if of_branch:
            yield NoticeBlock(1, books.bank.code, until, of_branch)

"""The bench's invented customers: a few whose books the sample's generator writes, copied many times (copying.py).

Nearly all have an account for daily life and a current account, moved by the sample's own patterns: some 490 rows in 13
months. Two small groups are busier, one with the whole history and one with the newest month of it only: both fill a
page of 50 rows, so that the cost of a page can be compared between short and long histories.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from madoguchi.doors.core_banking.sample_customers import Books, Pattern, SampleAccount, SampleCustomer, load_books
from madoguchi.doors.core_banking.sample_events import sample_events
from madoguchi.doors.core_banking.sample_patterns import sample_rows
from madoguchi.doors.core_banking.status_feed import write_status_events
from madoguchi.doors.core_banking.zengin_writer import Sender, write_notices, write_statements
from madoguchi.procedures.feeds.values import NOWHERE, BalanceNotice, NoticeBlock, StatementBlock, StatementRow
from madoguchi.rules.data_window import months_before
from madoguchi.rules.vocabulary import AccountKind, Precision, Product

BRANCH = "002"
KANA = "ﾐﾎﾝ ﾊﾅｺ"
DAILY_LIFE = (
    "salary", "family", "cash_in", "atm", "convenience", "card", "electric", "water", "nhk", "phone", "heating_oil",
    "savings_out", "interest", "mistake", "level", "shopping",
)  # fmt: skip
BUSINESS = ("sales", "card_sales", "takings", "suppliers", "cheque", "exchange", "wages", "tax", "level_business")
BUSY = ("morning", "evening")
OUR_OWN = {
    "shopping": Pattern(chance=150, kind="14", text="ｶ-ﾄﾞ ﾐﾎﾝﾏ-ﾄ", amount=3_000, spread=2_000),
    "morning": Pattern(chance=1000, kind="14", text="ｶ-ﾄﾞ ﾐﾎﾝｺ-ﾋ-", amount=600, spread=200),
    "evening": Pattern(chance=1000, kind="10", text="ﾆﾕｳｷﾝ", amount=640, spread=200, **{"in": True}),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Customers alike: how many are written by the generator, and how far back their history reaches."""

    name: str
    written: int
    months: int
    patterns: tuple[tuple[str, ...], tuple[str, ...]]


def groups(usual: int, busy: int, months: int) -> tuple[Group, ...]:
    """All groups, in the order of their customers."""
    return (
        Group("usual", usual, months, (DAILY_LIFE, BUSINESS)),
        Group("long", busy, months, (BUSY, BUSY)),
        Group("short", busy, 1, (BUSY, BUSY)),
    )


def feed_files(told: tuple[Group, ...], seed: int, until: date, as_of: datetime) -> dict[str, bytes]:
    """File names and bytes of the three feeds about all these customers, in the order of import.

    until  the last day of the history; as_of  the moment of the balances.
    """
    sample = load_books()
    statements, notices = [], []
    customers: list[SampleCustomer] = []
    for group in told:
        some = [_customer(group, len(customers) + number) for number in range(group.written)]
        customers += some
        first = months_before(until, group.months)
        books = sample.model_copy(
            update={"epoch": first, "patterns": {**sample.patterns, **OUR_OWN}, "customers": tuple(some)}
        )
        for account in (account for customer in some for account in customer.accounts):
            rows = sample_rows(books, account, seed, until)
            statements.append(_statement(books, account, rows, first, until))
            notices.append(_notice(account, rows, until, as_of))
    sender = Sender(sample.bank.code, sample.bank.kana)
    everybody = sample.model_copy(update={"customers": tuple(customers)})
    return {
        "status.jsonl": write_status_events(sample_events(everybody, until)),
        "zengin03.txt": write_statements(sender, statements),
        "zengin04.txt": write_notices(sender, [NoticeBlock(1, sender.bank_code, until, tuple(notices))]),
    }


def customer_numbers(told: tuple[Group, ...]) -> Iterator[tuple[str, str]]:
    """Customer number and group of everybody written, in order."""
    number = 0
    for group in told:
        for _ in range(group.written):
            yield _number(number), group.name
            number += 1


def _number(customer: int) -> str:
    return f"{30_000_000 + customer}"


def _customer(group: Group, number: int) -> SampleCustomer:
    kinds = (AccountKind.ORDINARY, AccountKind.CURRENT)
    return SampleCustomer(
        number=_number(number),
        name="見本 花子",
        kana=KANA,
        product=Product.PERSONAL,
        opened=date(2024, 3, 4),
        phrase="雪どけの朝",
        remark="",
        accounts=tuple(
            SampleAccount(branch=BRANCH, kind=kind, number=f"{number:07}", opening=2_000_000, patterns=patterns)
            for kind, patterns in zip(kinds, group.patterns, strict=True)
        ),
    )


def _statement(
    books: Books, account: SampleAccount, rows: list[StatementRow], first: date, until: date
) -> StatementBlock:
    return StatementBlock(
        first_record=1,
        bank_code=books.bank.code,
        account=account.key,
        branch_kana=books.branches[account.branch].kana,
        holder_kana=KANA,
        created_on=until,
        from_day=first,
        to_day=until,
        opening_balance=account.opening,
        rows=tuple(rows),
        closing_balance=_balance(account, rows, until),
        opening_place=NOWHERE,
        closing_place=NOWHERE,
    )


def _notice(account: SampleAccount, rows: list[StatementRow], until: date, as_of: datetime) -> BalanceNotice:
    return BalanceNotice(
        account=account.key,
        holder_kana=KANA,
        as_of=as_of,
        as_of_precision=Precision.MINUTE,
        current=_balance(account, rows, until),
        uncleared=0,
        available=_balance(account, rows, until),
        previous_day=_balance(account, rows, until - timedelta(days=1)),
        last_transaction_on=rows[-1].booked_on if rows else None,
    )


def _balance(account: SampleAccount, rows: list[StatementRow], at_end_of: date) -> int:
    return account.opening + sum(row.change for row in rows if row.booked_on <= at_end_of)

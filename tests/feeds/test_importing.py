"""Files into the books: whole or nothing for each block, the same again changes nothing, and balances that chain."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.sample_books import write_sample_files
from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.procedures.feed_values import AccountKey, FileRefused
from madoguchi.procedures.feeds import FileReport, FileSeen, begin_file, take_in_block
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Balance, Branch, Contract, Customer, FeedFile, Statement, Transaction
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import JST, AccountState, Completeness, ContractState, Direction
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, block, notice, notices, overwritten, row
from tests.feeds.events import opened, registered, status_file

pytestmark = pytest.mark.both_databases
NOW = datetime(2026, 11, 24, 15, 2, tzinfo=JST)
FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)  # Monday is a holiday


class Bank:
    """The institution under test: files go in, rows are looked at."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self._directory = directory
        self._files = 0

    async def send(
        self, content: bytes, at: datetime = NOW, suffix: str = "txt", as_of: date | None = None
    ) -> FileReport:
        """Import one file, always under a new name."""
        self._files += 1
        path = self._directory / f"feed-{self._files}.{suffix}"
        path.write_bytes(content)
        return await import_file(self.database, path, BANK.bank_code, at, as_of, "os-user:tests")

    async def rows(self, account: AccountKey = ORDINARY) -> Sequence[Transaction]:
        def read(session: Session) -> Sequence[Transaction]:
            return session.exec(
                select(Transaction)
                .join(Account, col(Account.account_id) == col(Transaction.account_id))
                .where(Account.number == account.number)
                .order_by(col(Transaction.position))
            ).all()

        return await self.database.reading(read)

    async def days(self, account: AccountKey = ORDINARY) -> list[tuple[date, date, str]]:
        """What is held of an account: first day, last day, completeness."""

        def read(session: Session) -> list[tuple[date, date, str]]:
            held = session.exec(
                select(Statement)
                .join(Account, col(Account.account_id) == col(Statement.account_id))
                .where(Account.number == account.number)
                .order_by(col(Statement.first_day))
            )
            return [(piece.first_day, piece.last_day, piece.completeness) for piece in held]

        return await self.database.reading(read)

    async def count(self, table: type) -> int:
        return await self.database.reading(lambda session: session.exec(select(func.count()).select_from(table)).one())

    async def acts(self, action: str) -> list[dict[str, object]]:
        return await self.database.reading(
            lambda session: list(session.exec(select(col(Act.detail)).where(Act.action == action)))
        )


@pytest.fixture
async def bank(database: Database, tmp_path: Path) -> Bank:
    """A bank that knows one customer with an ordinary and a current account, and no history."""
    bank = Bank(database, tmp_path)
    report = await bank.send(status_file(opened(1), registered(2, ORDINARY), registered(3, CURRENT)), suffix="jsonl")
    assert report.events_applied == 3, report
    return bank


async def test_the_whole_sample_is_imported_from_its_files_and_topped_up(database: Database, tmp_path: Path) -> None:
    for path in write_sample_files(tmp_path, date(2026, 11, 20)):
        report = await import_file(database, path, BANK.bank_code, NOW - timedelta(days=4))
        assert report.clean, report.details
    for path in write_sample_files(tmp_path, date(2026, 11, 24), since=date(2026, 11, 21)):
        report = await import_file(database, path, BANK.bank_code, NOW)
        assert report.clean, report.details

    def look(session: Session) -> None:
        assert len(session.exec(select(Branch)).all()) == 9
        assert len(session.exec(select(Customer)).all()) == 12
        contracts = session.exec(select(Contract)).all()
        states = [contract.state for contract in contracts]
        assert len(contracts) == 13, "one customer has a personal and a business contract"
        assert (states.count(ContractState.SUSPENDED), states.count(ContractState.CANCELLED)) == (1, 1)
        accounts = session.exec(select(Account)).all()
        assert [account.state for account in accounts].count(AccountState.FROZEN) == 1
        hanako = session.exec(select(Customer).where(Customer.customer_number == "10000001")).one()
        assert (hanako.name, hanako.phrase) == ("見本 花子", "雪どけの朝")
        hers = {one.number[-4:]: one.nickname for one in accounts if one.customer_id == hanako.customer_id}
        assert hers == {"4567": "生活口座", "3210": "屋号 みほん珈琲", "8901": "積立用", "1122": ""}
        for account in accounts:
            balance = session.get_one(Balance, account.account_id)
            last = session.exec(
                select(col(Transaction.balance_after))
                .where(Transaction.account_id == account.account_id)
                .order_by(col(Transaction.position).desc())
            ).first()
            assert last in (None, balance.current), "the history ends at the balance that was notified"
        gaps = session.exec(select(Statement).where(Statement.completeness == Completeness.GAP)).all()
        assert not gaps, "the top-up joins the first file"

    await database.reading(look)


async def test_rows_are_stored_in_order_with_running_balance_and_readable_text(bank: Bank) -> None:
    file = block(
        row(500, FRIDAY, description="ｶ-ﾄﾞ"),
        row(700, TUESDAY, Direction.WITHDRAWAL, value_on=date(2026, 11, 21), description="ATM"),
        row(300, TUESDAY),
    )
    report = await bank.send(write_statements(BANK, [file]))
    assert (report.blocks_accepted, report.rows_added, str(report)[:8]) == (1, 3, "1ブロックを取込")
    assert [(one.position, one.balance_after, one.description) for one in await bank.rows()] == [
        (20261120_000000, 100_500, "カード"),
        (20261124_000000, 99_800, "ATM"),
        (20261124_000001, 100_100, "フリコミ"),
    ]


async def test_the_same_file_again_changes_nothing(bank: Bank) -> None:
    file = write_statements(BANK, [block(row(500), row(500), row(300))])
    await bank.send(file)
    before = await bank.rows()
    again = await bank.send(file, at=NOW + timedelta(hours=3))
    assert again.known_before
    assert (await bank.rows(), await bank.count(FeedFile), await bank.count(Statement)) == (before, 2, 1)


async def test_the_same_content_in_another_file_changes_nothing(bank: Bank) -> None:
    days = block(row(500, FRIDAY), row(500, FRIDAY), row(300))
    await bank.send(write_statements(BANK, [days]))
    before = await bank.rows()
    other_file = await bank.send(write_statements(BANK, [days], b""))
    assert (other_file.blocks_accepted, other_file.blocks_unchanged) == (0, 1)
    assert await bank.rows() == before


async def test_one_wrong_digit_refuses_its_block_and_nothing_of_it_is_stored(bank: Bank) -> None:
    good = block(row(700), account=CURRENT)
    file = overwritten(write_statements(BANK, [block(row(50_000)), good]), 2, 32, b"6")
    report = await bank.send(file)
    assert [refused.damage.message for refused in report.blocks_refused] == [
        "3件目 8桁目「入金額合計」: 60,000 のはずですが、50,000 です"
    ]
    assert (report.blocks_accepted, report.rows_added) == (1, 1)
    assert not await bank.rows(ORDINARY)
    assert not await bank.days(ORDINARY)
    assert len(await bank.rows(CURRENT)) == 1
    assert await bank.acts("feed.block_refused") == [
        {"first_record": 1, "record": 3, "column": 8, "item": "入金額合計"}
    ]


async def test_a_mended_file_brings_the_refused_block_and_leaves_the_others(bank: Bank) -> None:
    good = write_statements(BANK, [block(row(50_000)), block(row(700), account=CURRENT)])
    await bank.send(overwritten(good, 2, 32, b"6"))
    kept = await bank.rows(CURRENT)
    report = await bank.send(good)
    assert (report.blocks_accepted, report.blocks_unchanged, report.rows_added) == (1, 1, 1)
    assert await bank.rows(CURRENT) == kept


@pytest.mark.parametrize("damage", ["cut", "bank"])
async def test_a_file_that_is_cut_or_of_another_bank_stores_nothing_and_stands_in_the_trail(
    bank: Bank, damage: str
) -> None:
    whole = write_statements(replace(BANK, bank_code="2998") if damage == "bank" else BANK, [block(row(1))])
    report = await bank.send(whole[:500] if damage == "cut" else whole)
    assert isinstance(report.refused, FileRefused)
    assert not report.clean
    assert (await bank.count(Transaction), await bank.count(FeedFile)) == (0, 1)
    assert len(await bank.acts("feed.refused")) == 1


async def test_an_import_that_was_interrupted_can_be_run_again(bank: Bank) -> None:
    file = write_statements(BANK, [block(row(1)), block(row(2), account=CURRENT)])
    blocks = read_zengin(BytesIO(file), BANK.bank_code, TODAY)
    assert not isinstance(blocks, FileRefused)
    seen = FileSeen("interrupted.txt", hashlib.sha256(file).hexdigest(), "03")
    feed_file_id = await bank.database.writing(begin_file, seen, NOW)
    assert feed_file_id is not None
    report = FileReport(seen.name, seen.kind)
    await bank.database.writing(take_in_block, feed_file_id, next(blocks), report, "os-user:tests", NOW)
    again = await bank.send(file)
    assert (again.blocks_unchanged, again.blocks_accepted) == (1, 1)
    assert (await bank.send(file)).known_before


async def test_other_content_replaces_the_days_and_equal_rows_keep_their_ids(bank: Bank) -> None:
    equal = row(500, FRIDAY)
    first = block(equal, equal, row(70, FRIDAY, description="ATM"), row(300))
    await bank.send(write_statements(BANK, [first]))
    before = {(one.amount, one.occurrence): one.transaction_id for one in await bank.rows()}
    second = block(row(70, FRIDAY, description="ATM"), equal, equal, row(310, inquiry_number="00000009"))
    report = await bank.send(write_statements(BANK, [second]))
    assert (report.rows_added, report.rows_removed) == (1, 1)
    after = {(one.amount, one.occurrence): one.transaction_id for one in await bank.rows()}
    assert {key: after[key] for key in ((70, 0), (500, 0), (500, 1))} == {
        key: before[key] for key in ((70, 0), (500, 0), (500, 1))
    }
    assert (300, 0) not in after
    assert [one.balance_after for one in await bank.rows()] == [100_070, 100_570, 101_070, 101_380]


async def test_a_replacement_that_changes_the_closing_balance_must_reach_the_last_day_held(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), row(300))]))
    friday_only = block(row(600, FRIDAY), to_day=FRIDAY)
    refused = await bank.send(write_statements(BANK, [friday_only]))
    (one,) = refused.blocks_refused
    assert (one.damage.record, one.damage.column, one.damage.item) == (3, 41, "取引後残高")
    assert (one.damage.found, one.damage.expected) == (
        "100,600", "取込済みの残高 100,500(残高を変えるなら 2026-11-24 までの明細)",
    )  # fmt: skip
    assert [row_.amount for row_ in await bank.rows()] == [500, 300]
    reaching = await bank.send(write_statements(BANK, [block(row(600, FRIDAY), row(300))]))
    assert (reaching.rows_added, reaching.rows_removed) == (1, 1)
    split = block(row(200, FRIDAY), row(400, FRIDAY), to_day=FRIDAY)
    same_closing = await bank.send(write_statements(BANK, [split]))
    assert same_closing.clean
    assert [row_.amount for row_ in await bank.rows()] == [200, 400, 300]
    assert [days[:2] for days in await bank.days()] == [(FRIDAY, FRIDAY), (date(2026, 11, 21), TUESDAY)]


async def test_the_opening_balance_must_be_the_closing_balance_held_when_no_banking_day_lies_between(
    bank: Bank,
) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY)]))
    tuesday = block(row(1), opening=100_501, from_day=TUESDAY)
    refused = await bank.send(write_statements(BANK, [tuesday]))
    (one,) = refused.blocks_refused
    assert one.damage.message == ("1件目 116桁目「取引前残高」: 取込済みの残高 100,500 のはずですが、100,501 です")
    joined = await bank.send(
        write_statements(BANK, [replace(tuesday, opening_balance=100_500, closing_balance=100_501)])
    )
    assert joined.clean
    assert [completeness for *_, completeness in await bank.days()] == [
        Completeness.COMPLETE, Completeness.MAY_LACK_LATER,
    ]  # fmt: skip


@pytest.mark.clause("6-1")
async def test_missing_banking_days_are_accepted_and_told_until_they_come(bank: Bank) -> None:
    thursday = date(2026, 11, 19)
    await bank.send(write_statements(BANK, [block(row(500, thursday), from_day=thursday, to_day=thursday)]))
    await bank.send(write_statements(BANK, [block(row(1), opening=100_700, from_day=TUESDAY)]))
    assert [days[2] for days in await bank.days()] == [Completeness.COMPLETE, Completeness.GAP]
    friday = block(row(200, FRIDAY), opening=100_500, from_day=FRIDAY, to_day=FRIDAY)
    assert (await bank.send(write_statements(BANK, [friday]))).clean
    assert [days[2] for days in await bank.days()] == [
        Completeness.COMPLETE, Completeness.COMPLETE, Completeness.MAY_LACK_LATER,
    ]  # fmt: skip


async def test_a_file_without_a_row_holds_its_days_as_well(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(5, FRIDAY), to_day=FRIDAY)]))
    quiet = block(opening=100_005, from_day=date(2026, 11, 21))
    assert (await bank.send(write_statements(BANK, [quiet]))).blocks_accepted == 1
    assert (await bank.days())[-1] == (date(2026, 11, 21), TUESDAY, Completeness.MAY_LACK_LATER)


@pytest.mark.clause("6-1")
async def test_a_file_that_tells_missing_days_without_a_row_closes_the_gap(bank: Bank) -> None:
    thursday = date(2026, 11, 19)
    on_thursday, on_tuesday = row(500, thursday), row(1)
    await bank.send(write_statements(BANK, [block(on_thursday, from_day=thursday, to_day=thursday)]))
    await bank.send(write_statements(BANK, [block(on_tuesday, opening=100_500, from_day=TUESDAY)]))
    assert (await bank.days())[-1][2] == Completeness.GAP
    await bank.send(write_statements(BANK, [block(on_thursday, on_tuesday, from_day=thursday)]))
    assert [days[2] for days in await bank.days()] == [Completeness.MAY_LACK_LATER]


async def test_other_balances_under_the_same_rows_are_a_change(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(5))]))
    report = await bank.send(write_statements(BANK, [block(row(5), opening=200_000)]))
    assert (report.blocks_accepted, report.rows_added) == (1, 0)
    assert [one.balance_after for one in await bank.rows()] == [200_005]
    wednesday = date(2026, 11, 25)
    following = block(row(1, wednesday), opening=200_005, from_day=wednesday, to_day=wednesday)
    assert (await bank.send(write_statements(BANK, [following]))).clean


@pytest.mark.parametrize("seed", range(6))
async def test_in_whatever_pieces_a_history_comes_it_is_held_as_if_it_had_come_at_once(bank: Bank, seed: int) -> None:
    """The current account gets one file; the ordinary one the same days in overlapping pieces."""
    draw = random.Random(seed)
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    days = [first + timedelta(days=offset) for offset in range(31)]
    booked = sorted(day for day in draw.choices(days, k=40) if is_banking_day(day))
    rows = [row(draw.choice([100, 100, 250]), day, draw.choice(list(Direction))) for day in booked]

    def window(account: AccountKey, begin: date, end: date) -> bytes:
        opening = 100_000 + sum(one.change for one in rows if one.booked_on < begin)
        inside = [one for one in rows if begin <= one.booked_on <= end]
        piece = block(
            *inside, account=account, opening=opening, from_day=begin, to_day=end, created_on=date(2026, 11, 2)
        )
        return write_statements(BANK, [piece])

    await bank.send(window(CURRENT, first, last))
    pieces = [sorted(draw.choices(days, k=2)) for _ in range(8)]
    pieces += [[begin, begin + timedelta(days=9)] for begin in (first, days[10], days[21])] + [[days[8], days[24]]]
    draw.shuffle(pieces)
    for begin, end in pieces:
        report = await bank.send(window(ORDINARY, begin, end))
        assert report.clean, report.details

    whole, pieced = await bank.rows(CURRENT), await bank.rows(ORDINARY)
    columns = ("position", "balance_after", "amount", "direction", "occurrence")
    assert [[getattr(one, name) for name in columns] for one in pieced] == [
        [getattr(one, name) for name in columns] for one in whole
    ]
    held = await bank.days(ORDINARY)
    assert {completeness for *_, completeness in held} == {Completeness.COMPLETE}
    assert (held[0][0], held[-1][1]) == (first, last)
    assert all(earlier[1] + timedelta(days=1) == later[0] for earlier, later in pairwise(held))


@pytest.mark.clause("6-1")
async def test_a_day_whose_file_was_made_on_it_is_complete_once_a_later_file_has_told_it_again(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(1))]))
    assert (await bank.days())[-1][2] == Completeness.MAY_LACK_LATER
    next_day = block(row(1), created_on=date(2026, 11, 25))
    report = await bank.send(write_statements(BANK, [next_day]), at=NOW + timedelta(days=1))
    assert (report.blocks_accepted, report.rows_added, report.rows_removed) == (1, 0, 0)
    assert await bank.days() == [(FRIDAY, TUESDAY, Completeness.COMPLETE)]


@pytest.mark.clause("6-1")
async def test_a_history_never_claims_a_moment_after_its_file_came(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(1))]))
    as_of = await bank.database.reading(lambda session: session.exec(select(col(Statement.as_of))).one())
    assert as_of == NOW


async def test_a_file_made_earlier_than_what_is_held_comes_too_late(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500))]))
    monday = block(row(400), created_on=date(2026, 11, 23))
    refused = await bank.send(write_statements(BANK, [monday]))
    assert [one.damage.item for one in refused.blocks_refused] == ["作成日"]
    assert [one.amount for one in await bank.rows()] == [500]


async def test_two_blocks_of_one_account_in_a_file_are_taken_in_order(bank: Bank) -> None:
    friday = block(row(500, FRIDAY), to_day=FRIDAY)
    tuesday = block(row(1), opening=100_500, from_day=date(2026, 11, 21))
    report = await bank.send(write_statements(BANK, [friday, tuesday]))
    assert (report.blocks_accepted, report.rows_added) == (2, 2)


async def test_a_correction_points_to_the_row_it_corrects_only_where_there_is_no_doubt(bank: Bank) -> None:
    wrong = row(880, FRIDAY, Direction.WITHDRAWAL, kind_code="18", description="ﾃｽｳﾘﾖｳ")
    correction = row(880, TUESDAY, value_on=FRIDAY, kind_code="19", description="ﾃｲｾｲ", counterparty=None)
    await bank.send(write_statements(BANK, [block(wrong, row(5), correction)]))
    mistaken, _, corrected = await bank.rows()
    assert corrected.corrects_id == mistaken.transaction_id
    await bank.send(write_statements(BANK, [block(wrong, wrong, row(5), correction)]))
    assert [one.corrects_id for one in await bank.rows()] == [None] * 4


@pytest.mark.clause("2-2")
async def test_an_account_unknown_to_internet_banking_is_not_taken_in_until_it_is_registered(bank: Bank) -> None:
    other = AccountKey("002", "1", "7654321")
    file = write_statements(BANK, [block(row(1), account=other), block(row(2))])
    report = await bank.send(file)
    assert report.details == ["インターネットバンキングに登録のない1口座は、取り込んでいません。"]
    assert await bank.count(Transaction) == 1
    await bank.send(status_file(registered(4, other)), suffix="jsonl")
    assert (await bank.send(file)).rows_added == 1


@pytest.mark.clause("2-2")
async def test_blocks_of_other_kinds_of_account_are_counted_and_reported(bank: Bank) -> None:
    time_deposit = block(row(1), account=AccountKey("002", "6", "0051122"))
    report = await bank.send(write_statements(BANK, [time_deposit, block(row(2))]))
    assert (report.rows_added, report.details) == (1, ["対象外の預金種目 6 のブロックを1件、読み飛ばしました。"])


async def test_balances_come_from_the_notice_and_an_older_notice_changes_nothing(bank: Bank) -> None:
    two = notices(notice(current=5_000, available=4_000, previous_day=3_000), notice(CURRENT, current=-7))
    report = await bank.send(write_notices(BANK, [two]))
    assert report.balances_changed == 2
    assert str(report) == "1ブロックを取込、変わりなし0、拒否0(残高 2口座)"
    earlier = notices(notice(current=1, as_of=datetime(2026, 11, 24, 13, 0, tzinfo=JST)))
    assert (await bank.send(write_notices(BANK, [earlier]))).blocks_unchanged == 1

    def look(session: Session) -> None:
        ordinary, current = session.exec(select(Balance).order_by(col(Balance.account_id))).all()
        assert (ordinary.current, ordinary.available, ordinary.previous_day) == (5_000, 4_000, 3_000)
        assert ordinary.as_of == datetime(2026, 11, 24, 14, 0, tzinfo=JST)
        assert (current.current, current.available, current.uncleared) == (-7, None, None)

    await bank.database.reading(look)


async def test_an_old_file_is_taken_in_when_its_day_is_named(bank: Bank) -> None:
    day = date(2019, 5, 31)
    old = block(row(1, day), from_day=date(2019, 4, 30), to_day=day, created_on=day)
    file = write_statements(BANK, [old])
    assert [one.damage.item for one in (await bank.send(file)).blocks_refused] == ["作成日"]
    assert (await bank.send(file, as_of=date(2019, 6, 1))).rows_added == 1
    assert (await bank.rows())[0].booked_on == day

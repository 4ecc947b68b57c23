"""Files into the books: whole or nothing for each block, and the same again changes nothing."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.sample_books import write_sample_files
from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.files import FileReport, FileSeen, begin_file
from madoguchi.procedures.feeds.quarantine import FileContent
from madoguchi.procedures.feeds.taking_in import take_in_block
from madoguchi.procedures.feeds.values import AccountKey, FileRefused
from madoguchi.records.bank import (
    Account,
    Balance,
    Branch,
    Contract,
    Customer,
    FeedArrival,
    FeedFile,
    Statement,
    Transaction,
)
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import JST, AccountState, Completeness, ContractState, Direction
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, block, notice, notices, overwritten, row
from tests.feeds.events import registered, status_file

pytestmark = pytest.mark.both_databases


async def test_the_whole_sample_is_imported_from_its_files_and_topped_up(database: Database, tmp_path: Path) -> None:
    for path in write_sample_files(tmp_path, date(2026, 11, 20)):
        report = await import_file(database, path, BANK.bank_code, NOW - timedelta(days=4))
        assert report.clean, report.details
    for path in write_sample_files(tmp_path, date(2026, 11, 24), since=date(2026, 11, 21)):
        report = await import_file(database, path, BANK.bank_code, NOW)
        assert report.clean, report.details

    def look(session: Session) -> None:
        assert len(session.exec(select(Branch)).all()) == 9
        assert len(session.exec(select(Customer)).all()) == 17
        contracts = session.exec(select(Contract)).all()
        states = [contract.state for contract in contracts]
        assert len(contracts) == 18, "one customer has a personal and a business contract"
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
        "3件目 8桁目: 入金額合計が合いません(明細の合計は 60,000、トレーラは 50,000)"
    ]
    assert (report.blocks_accepted, report.rows_added) == (1, 1)
    assert not await bank.rows(ORDINARY)
    assert not await bank.days(ORDINARY)
    assert len(await bank.rows(CURRENT)) == 1
    assert await bank.acts("feed.block_refused") == [
        {"first_record": 1, "record": 3, "column": 8, "item": "入金額合計", "quarantine": 1}
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
    assert (await bank.count(Transaction), await bank.count(FeedFile)) == (0, 2)
    assert len(await bank.acts("feed.refused")) == 1


async def test_an_import_that_was_interrupted_can_be_run_again(bank: Bank) -> None:
    file = write_statements(BANK, [block(row(1)), block(row(2), account=CURRENT)])
    blocks = read_zengin(BytesIO(file), BANK.bank_code, TODAY)
    assert not isinstance(blocks, FileRefused)
    seen = FileSeen("interrupted.txt", hashlib.sha256(file).hexdigest(), "03")
    feed_file_id = await bank.database.writing(begin_file, seen, NOW)
    assert feed_file_id is not None
    content = FileContent(lambda first, count: b"", TODAY)
    report = FileReport(seen.name, seen.kind)
    await bank.database.writing(take_in_block, feed_file_id, next(blocks), report, content, "os-user:tests", NOW)
    again = await bank.send(file)
    assert (again.blocks_unchanged, again.blocks_accepted) == (1, 1)
    assert (await bank.send(file)).known_before


async def test_one_new_file_sent_six_times_at_once_is_taken_in_once_and_nobody_fails(bank: Bank) -> None:
    file = write_statements(BANK, [block(row(1)), block(row(2), account=CURRENT)])
    await asyncio.gather(*(bank.count(FeedFile) for _ in range(6)))  # six connections are open: nobody comes later
    reports = await asyncio.gather(*(bank.send(file) for _ in range(6)))
    assert all(report.clean for report in reports)
    assert sum(report.rows_added for report in reports) == await bank.count(Transaction) == 2
    assert await bank.count(FeedFile) == 2  # the status feed's and this one
    assert (await bank.send(file)).known_before


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
    assert report.details == [
        "インターネットバンキングに登録のない口座の分1件は、取り込んでいません(002-1-…4321)。"
        "登録したはずの口座なら、account.registered を取り込んだあとで、同じファイルをもう一度取り込んでください。"
    ]
    several = [block(row(1), account=AccountKey("002", "1", f"765430{digit}")) for digit in range(4)]
    (told,) = (await bank.send(write_statements(BANK, several))).details
    assert "4件は、取り込んでいません(002-1-…4300、002-1-…4301、002-1-…4302 など)。" in told
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


@pytest.mark.clause("6-1")
async def test_how_far_a_feed_has_come_is_known_and_never_goes_back(bank: Bank) -> None:
    async def arrivals() -> dict[str, tuple[datetime, datetime]]:
        def read(session: Session) -> dict[str, tuple[datetime, datetime]]:
            return {one.feed: (one.as_of, one.received_at) for one in session.exec(select(FeedArrival))}

        return await bank.database.reading(read)

    nine, later = datetime(2026, 11, 24, 9, 0, tzinfo=JST), NOW + timedelta(hours=1)
    assert await arrivals() == {"status": (nine, NOW)}, "the time of the newest event"
    await bank.send(write_statements(BANK, [block(row(1, FRIDAY), to_day=FRIDAY)]))
    friday = datetime(2026, 11, 20, 23, 59, 59, tzinfo=JST)
    assert (await arrivals())["03"] == (friday, NOW), "the end of the last day"
    await bank.send(write_notices(BANK, [notices(notice())]), later)
    assert (await arrivals())["04"] == (datetime(2026, 11, 24, 14, 0, tzinfo=JST), later), "基準日時"
    await bank.send(write_statements(BANK, [block(row(1, FRIDAY))]))
    assert (await arrivals())["03"] == (NOW, NOW), "a day that is not over is known up to the file's coming"
    await bank.send(write_statements(BANK, [block(row(1, FRIDAY), to_day=FRIDAY, created_on=FRIDAY)]), later)
    assert (await arrivals())["03"] == (NOW, NOW)


@pytest.mark.clause("6-1")
async def test_a_refused_block_and_an_unknown_account_say_nothing_about_how_far_a_feed_has_come(bank: Bank) -> None:
    unknown = block(row(1), account=AccountKey("002", "1", "7654321"))
    await bank.send(overwritten(write_statements(BANK, [block(row(50_000)), unknown]), 2, 32, b"6"))
    assert await bank.count(FeedArrival) == 1, "the status feed's"


async def test_a_long_block_tells_on_the_way_how_far_it_is(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(write_statements(BANK, [block(*(row(1) for _ in range(2_500)))]))
    told: list[tuple[int, int]] = []
    await import_file(bank.database, path, BANK.bank_code, NOW, progress=lambda done, total: told.append((done, total)))
    total = 1 + 2_500 + 1 + 1
    assert {total} == {whole for _, whole in told}
    done = [number for number, _ in told]
    assert done == sorted(done)
    assert {1, 1_001, 2_001, total} <= set(done)

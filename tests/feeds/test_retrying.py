"""Blocks in quarantine judged again: once, in the order of the days, and counted as what they then are (6-1)."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from madoguchi.doors.core_banking import retrying
from madoguchi.doors.core_banking.retrying import judge_again
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.quarantine import kept, open_ids, set_aside
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records.bank import FeedFile, QuarantinedBlock
from madoguchi.rules.vocabulary import Settlement
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, notice, notices, overwritten, row
from tests.feeds.events import registered, status_file
from tests.feeds.quarantine import damaged, entries, settled

pytestmark = pytest.mark.clause("6-1")

LATER = NOW + timedelta(hours=1)


async def retry(bank: Bank, number: int) -> FileReport | None:
    return await judge_again(bank.database, number, BANK.bank_code, "os-user:tests", LATER)


@pytest.mark.both_databases
async def test_a_block_that_came_before_its_days_are_there_is_taken_in_when_it_is_judged_again(bank: Bank) -> None:
    friday = [row(500, FRIDAY)]
    await bank.send(write_statements(BANK, [block(*friday, to_day=FRIDAY, opening=90_000)]))
    tuesday = block(row(7), row(8), from_day=date(2026, 11, 21), opening=100_500)
    file = write_statements(BANK, [block(row(1), account=CURRENT), tuesday])
    await bank.send(file)

    again = await retry(bank, 1)
    assert again is not None
    (refused,) = again.blocks_refused
    assert (refused.first_record, refused.damage.item) == (4, "取引前残高"), "places of the file that came"
    assert await settled(bank) == [None]

    await bank.send(write_statements(BANK, [block(*friday, to_day=FRIDAY)]), LATER)
    again = await retry(bank, 1)
    assert again is not None
    assert (again.clean, again.rows_added, await settled(bank)) == (True, 2, [Settlement.TAKEN_IN])
    assert [one.balance_after for one in await bank.rows()] == [100_500, 100_507, 100_515]
    assert await retry(bank, 1) is None, "it was settled"
    assert (await bank.send(file)).known_before, "nothing of it is refused any more"


async def test_when_nothing_of_a_file_is_refused_any_more_the_same_file_changes_nothing(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY, opening=90_000)]))
    file = write_statements(BANK, [block(row(7), from_day=date(2026, 11, 21), opening=100_500)])
    await bank.send(file)
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY)]))
    assert not (await bank.send(file)).known_before
    assert await settled(bank) == [Settlement.TAKEN_IN], "reading the file again judges its blocks again"
    assert (await bank.send(file)).known_before


async def test_damage_stays_damage(bank: Bank) -> None:
    await bank.send(damaged(write_statements(BANK, [block(row(1))]), 3))
    again = await retry(bank, 1)
    assert again is not None
    assert (again.refused_count, await settled(bank)) == (1, [None])


async def test_a_block_of_an_account_that_nobody_registered_waits_on(bank: Bank) -> None:
    other = AccountKey("002", "1", "7654321")
    await bank.send(damaged(write_statements(BANK, [block(row(1), account=other)]), 3))
    await bank.send(status_file(registered(4, other)), suffix="jsonl")
    await retry(bank, 1)
    (entry,) = await entries(bank)
    assert entry.account_id is not None, "now it is known whose block it is"
    assert entry.settled_at is None


async def test_a_block_older_than_what_came_meanwhile_is_told_so_and_changes_nothing(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY, opening=90_000)]))
    await bank.send(write_statements(BANK, [block(row(7), from_day=date(2026, 11, 21), opening=100_500)]))
    newer = block(row(3), from_day=TUESDAY, opening=90_500, created_on=date(2026, 11, 25))
    assert (await bank.send(write_statements(BANK, [newer]), LATER)).clean
    before = await bank.rows()
    again = await retry(bank, 1)
    assert again is not None
    assert [one.damage.item for one in again.blocks_refused] == ["作成日"]
    assert await bank.rows() == before


@pytest.mark.both_databases
async def test_all_of_quarantine_is_judged_in_the_order_of_the_days(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY, opening=90_000)]))
    tuesday = block(row(7), from_day=TUESDAY, opening=100_500)
    weekend = block(row(500, FRIDAY), from_day=FRIDAY, to_day=date(2026, 11, 23), opening=99_999)
    for one in (tuesday, weekend):
        await bank.send(damaged(write_statements(BANK, [one]), 3))
    assert await bank.database.reading(open_ids) == [2, 1]


async def two_refused(bank: Bank) -> bytes:
    """A file with a block of each account that does not fit what is held, and Friday of the ordinary account mended."""
    both = (ORDINARY, CURRENT)
    wrong = [block(row(500, FRIDAY), to_day=FRIDAY, opening=90_000, account=key) for key in both]
    await bank.send(write_statements(BANK, wrong))
    tuesday = [block(row(7), from_day=date(2026, 11, 21), opening=100_500, account=key) for key in both]
    await bank.send(file := write_statements(BANK, tuesday))
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY)]), LATER)
    return file


async def refused_of_the_second_file(bank: Bank) -> int:
    return await bank.database.reading(lambda session: session.get_one(FeedFile, 3).blocks_refused)


@pytest.mark.both_databases
async def test_two_officers_who_judge_one_block_again_at_once_take_it_in_once(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await two_refused(bank)
    seen_by_both = await bank.database.reading(kept, 1)
    assert await retry(bank, 1) is not None
    assert await refused_of_the_second_file(bank) == 1
    monkeypatch.setattr(retrying, "kept", lambda session, number: seen_by_both)
    assert await retry(bank, 1) is None
    assert await refused_of_the_second_file(bank) == 1, "the other block is refused still"
    assert not (await bank.send(file)).known_before


@pytest.mark.both_databases
async def test_a_block_that_was_set_aside_a_moment_ago_is_not_taken_in(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_refused(bank)
    before, seen = await bank.rows(), await bank.database.reading(kept, 1)
    await bank.database.writing(set_aside, 1, "取消し", "os-user:tests", LATER)
    monkeypatch.setattr(retrying, "kept", lambda session, number: seen)
    assert await retry(bank, 1) is None
    assert await bank.rows() == before


async def test_a_file_with_a_block_set_aside_is_worth_reading_again_whatever_becomes_of_the_others(bank: Bank) -> None:
    file = await two_refused(bank)
    await bank.database.writing(set_aside, 2, "取消し", "os-user:tests", LATER)
    assert (await retry(bank, 1)) is not None
    assert (await refused_of_the_second_file(bank), (await bank.send(file)).refused_count) == (1, 1)


async def test_a_balance_block_that_names_an_unknown_account_is_worth_reading_again_after_a_retry(bank: Bank) -> None:
    unknown = AccountKey("002", "1", "7654321")
    file = overwritten(write_notices(BANK, [notices(notice(), notice(unknown))]), 4, 2, b"0000003")
    await bank.send(file)

    def mend(session: Session) -> None:
        session.get_one(QuarantinedBlock, 1).content = write_notices(BANK, [notices(notice(), notice(unknown))])[:808]

    await bank.database.writing(mend)
    report = await retry(bank, 1)
    assert report is not None
    assert (report.balances_changed, report.not_registered, await settled(bank)) == (1, 1, [Settlement.TAKEN_IN])
    assert not (await bank.send(file)).known_before

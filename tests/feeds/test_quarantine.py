"""Refused blocks are kept as they came until they are taken in after all, come otherwise, or are set aside (6-1)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.quarantine import set_aside
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.ledger_reading import PageOf, Wanted, read_ledger
from madoguchi.procedures.service import NotFound
from madoguchi.records.bank import Account
from madoguchi.rules.vocabulary import Completeness, Settlement
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, notice, notices, overwritten, row
from tests.feeds.quarantine import damaged, entries, settled

pytestmark = pytest.mark.clause("6-1")

LATER = NOW + timedelta(hours=1)


@pytest.mark.both_databases
async def test_a_refused_block_is_kept_as_it_came_with_its_reason_account_and_days(bank: Bank) -> None:
    file = damaged(write_statements(BANK, [block(row(1), account=CURRENT), block(row(7), row(8))]), 7)
    await bank.send(file)
    (entry,) = await entries(bank)
    assert (entry.first_record, entry.last_record, entry.whose) == (4, 7, "002-1-…4567")
    assert file.startswith(entry.content, 3 * 202)
    assert len(entry.content) == 4 * 202, "separators included"
    assert (entry.created_on, entry.from_day, entry.to_day) == (TUESDAY, FRIDAY, TUESDAY)
    assert (entry.damage["record"], entry.damage["item"]) == (7, "入金額合計")
    assert (entry.read_as_of, entry.refused_at, entry.settled_as) == (TUESDAY, NOW, None)

    account = await bank.database.reading(lambda session: session.get(Account, entry.account_id))
    assert account is not None
    assert account.number == ORDINARY.number


async def test_a_block_that_does_not_fit_the_books_is_kept_as_well(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY)]))
    later = block(row(1), opening=1, from_day=date(2026, 11, 21))
    file = write_statements(BANK, [later])
    await bank.send(file)
    (entry,) = await entries(bank)
    assert (entry.damage["item"], entry.from_day) == ("取引前残高", date(2026, 11, 21))
    assert entry.content == file[: 3 * 202]


async def test_the_same_file_read_again_keeps_one_place_for_each_refused_block(bank: Bank) -> None:
    file = damaged(write_statements(BANK, [block(row(1))]), 3)
    await bank.send(file)
    await bank.send(file, LATER)
    (entry,) = await entries(bank)
    assert entry.refused_at == LATER


@pytest.mark.both_databases
async def test_a_later_block_that_brings_the_days_settles_the_refused_one(bank: Bank) -> None:
    good = write_statements(BANK, [block(row(1, FRIDAY))])
    await bank.send(damaged(good, 3))
    await bank.send(good, LATER)
    (entry,) = await entries(bank)
    assert (entry.settled_as, entry.settled_at, entry.content) == (Settlement.SUPERSEDED, LATER, b"")
    assert entry.damage["item"] == "入金額合計", "the reason stays"
    assert len(await bank.acts("feed.block_superseded")) == 1


@pytest.mark.parametrize(
    "other",
    [
        block(row(1), from_day=date(2026, 11, 21)),
        block(row(1), account=CURRENT),
        replace(block(row(1, FRIDAY)), created_on=date(2026, 11, 23)),
    ],
    ids=["a day is missing", "another account", "made before"],
)
async def test_a_block_that_does_not_bring_all_its_days_leaves_it_in_quarantine(bank: Bank, other: object) -> None:
    await bank.send(damaged(write_statements(BANK, [block(row(1, FRIDAY))]), 3))
    assert (await bank.send(write_statements(BANK, [other]))).clean  # type: ignore[list-item]
    assert await settled(bank) == [None]


async def test_a_refused_notice_is_kept_and_names_no_account(bank: Bank) -> None:
    file = overwritten(write_notices(BANK, [notices(notice(), notice(CURRENT))]), 4, 2, b"0000003")
    await bank.send(file)
    (entry,) = await entries(bank)
    assert (entry.first_record, entry.last_record, entry.account_id, entry.whose) == (1, 4, None, "")
    assert entry.content == file[: 4 * 202]


async def test_the_block_of_an_account_that_nobody_registered_is_kept_when_it_is_damaged(bank: Bank) -> None:
    unknown = block(row(1), account=AccountKey("002", "1", "7654321"))
    await bank.send(damaged(write_statements(BANK, [unknown]), 3))
    (entry,) = await entries(bank)
    assert (entry.account_id, entry.whose) == (None, "002-1-…4321")


@pytest.mark.both_databases
async def test_an_officer_sets_a_block_aside_with_a_reason_and_once(bank: Bank) -> None:
    await bank.send(damaged(write_statements(BANK, [block(row(1))]), 3))

    async def aside(number: int) -> bool:
        return await bank.database.writing(set_aside, number, "送り元が取り消した", "os-user:tests", LATER)

    assert [await aside(1), await aside(1)] == [True, False]
    (entry,) = await entries(bank)
    assert (entry.settled_as, entry.set_aside_because) == (Settlement.SET_ASIDE, "送り元が取り消した")
    assert await bank.acts("feed.block_set_aside") == [{"reason": "送り元が取り消した"}]
    with pytest.raises(NotFound, match="q2 はありません"):
        await aside(2)


@pytest.mark.both_databases
async def test_while_a_block_of_an_account_is_refused_its_history_is_not_said_to_be_complete(bank: Bank) -> None:
    async def completeness() -> dict[str, Completeness]:
        def read(session: Session) -> dict[str, Completeness]:
            accounts = {one.account_id: one.number for one in session.exec(select(Account))}
            pages = tuple(PageOf(number or 0, FRIDAY, TUESDAY, 1) for number in accounts)
            histories = read_ledger(session, Wanted(pages=(pages,), since=FRIDAY)).histories
            return {accounts[number]: history.moment.completeness for number, history in histories.items()}

        return await bank.database.reading(read)

    friday = {"to_day": FRIDAY, "created_on": TUESDAY}
    days = [block(row(1, FRIDAY), **friday), block(row(1, FRIDAY), account=CURRENT, **friday)]  # type: ignore[arg-type]
    await bank.send(write_statements(BANK, days))
    whole = {ORDINARY.number: Completeness.COMPLETE, CURRENT.number: Completeness.COMPLETE}
    assert await completeness() == whole
    await bank.send(damaged(write_statements(BANK, [block(row(1), from_day=date(2026, 11, 21), opening=100_001)]), 3))
    assert await completeness() == {**whole, ORDINARY.number: Completeness.MAY_LACK_LATER}
    await bank.database.writing(set_aside, 1, "取消し", "os-user:tests", LATER)
    assert await completeness() == whole


async def test_of_many_refused_blocks_twenty_are_told_and_all_are_kept(bank: Bank) -> None:
    days = [block(row(1), account=AccountKey("002", "1", f"{number:07}")) for number in range(25)]
    file = write_statements(BANK, days)
    for number in range(25):
        file = damaged(file, 3 * (number + 1))
    report = await bank.send(file)
    assert (report.refused_count, len(report.blocks_refused)) == (25, 20)
    assert report.details[20:] == ["ほか 5件のブロックも受け付けません。"]
    assert len(await entries(bank)) == 25


@pytest.mark.both_databases
async def test_an_old_file_read_again_after_its_block_was_superseded_opens_no_second_entry(bank: Bank) -> None:
    good = write_statements(BANK, [block(row(1, FRIDAY))])
    refused = damaged(good, 3)
    await bank.send(refused)
    await bank.send(good)
    again = await bank.send(refused, LATER)
    assert again.refused_count == 1
    assert await settled(bank) == [Settlement.SUPERSEDED]


@pytest.mark.both_databases
async def test_a_block_whose_days_all_stand_from_files_made_later_is_refused_but_not_kept(bank: Bank) -> None:
    """There is nothing in it to wait for: while it was kept, its account's history was said to lack something."""
    wednesday = date(2026, 11, 25)
    newer = [
        block(row(1, FRIDAY), to_day=FRIDAY, created_on=wednesday),
        block(row(7), from_day=date(2026, 11, 21), opening=100_001, created_on=wednesday),
    ]
    for one in newer:
        assert (await bank.send(write_statements(BANK, [one]), LATER)).clean
    other, unread = write_statements(BANK, [block(row(2, FRIDAY))]), damaged(write_statements(BANK, [block(row(1))]), 3)
    for file in (other, unread):
        assert (await bank.send(file, LATER)).refused_count == 1
    assert await entries(bank) == []
    told = await bank.acts("feed.block_refused")
    assert [act["quarantine"] for act in told] == [None, None]
    further_back = block(row(2, FRIDAY), from_day=date(2026, 11, 19))
    assert (await bank.send(write_statements(BANK, [further_back]), LATER)).refused_count == 1
    assert await settled(bank) == [None], "a day of it is told by nobody else"

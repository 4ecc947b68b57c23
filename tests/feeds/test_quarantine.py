"""Refused blocks are kept as they came until they are taken in after all, come otherwise, or are set aside (6-1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session, col, select

from madoguchi.doors.core_banking.retrying import judge_again
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.quarantine import open_ids, set_aside
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.ledger_reading import PageOf, Wanted, read_ledger
from madoguchi.procedures.service import NotFound
from madoguchi.records.bank import Account, QuarantinedBlock
from madoguchi.rules.vocabulary import Completeness, Settlement
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, notice, notices, overwritten, row
from tests.feeds.events import account, event, registered, status_file

pytestmark = pytest.mark.clause("6-1")

LATER = NOW + timedelta(hours=1)


async def entries(bank: Bank) -> Sequence[QuarantinedBlock]:
    ordered = select(QuarantinedBlock).order_by(col(QuarantinedBlock.quarantine_id))
    return await bank.database.reading(lambda session: session.exec(ordered).all())


async def settled(bank: Bank) -> list[str | None]:
    return [entry.settled_as for entry in await entries(bank)]


def damaged(file: bytes, block_ends_at: int) -> bytes:
    """入金額合計 of a trailer says another sum."""
    return overwritten(file, block_ends_at, 8, b"9")


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


@pytest.mark.both_databases
async def test_a_status_file_that_waits_is_kept_and_taken_in_when_the_missing_one_has_come(bank: Bank) -> None:
    """Three files in the wrong order: the second and the first to come wait, each for the one before it."""
    more = [AccountKey("002", "1", f"765432{digit}") for digit in range(3)]
    files = [status_file(registered(4 + place, key)) for place, key in enumerate(more)]
    third = await bank.send(files[2], suffix="jsonl")
    assert third.refused is not None
    assert third.refused.waiting
    second = await bank.send(files[1], suffix="jsonl")
    assert [entry.content for entry in await entries(bank)] == [files[2], files[1]]
    assert await settled(bank) == [None, None]

    first = await bank.send(files[0], LATER, suffix="jsonl")
    assert (first.clean, first.events_applied) == (True, 1)
    assert [(one.name, one.events_applied) for one in first.followed] == [(second.name, 1), (third.name, 1)]
    assert await settled(bank) == [Settlement.TAKEN_IN] * 2
    assert await bank.count(Account) == 5
    assert (await bank.send(files[2], suffix="jsonl")).known_before


async def test_what_still_waits_is_left_alone(bank: Bank) -> None:
    await bank.send(status_file(registered(9, AccountKey("002", "1", "7654321"))), suffix="jsonl")
    report = await bank.send(status_file(registered(4, AccountKey("002", "1", "7654322"))), LATER, suffix="jsonl")
    assert report.followed == []
    (entry,) = await entries(bank)
    assert (entry.refused_at, entry.settled_as) == (NOW, None)


async def test_a_waiting_file_that_does_not_fit_when_its_turn_has_come_stays_with_the_new_reason(bank: Bank) -> None:
    await bank.send(
        status_file(event(5, "account.closed", account=account(AccountKey("002", "1", "7000000")))), suffix="jsonl"
    )
    report = await bank.send(status_file(registered(4, AccountKey("002", "1", "7654322"))), LATER, suffix="jsonl")
    assert [one.refused is None for one in report.followed] == [False]
    assert not report.clean
    (entry,) = await entries(bank)
    assert (entry.damage["item"], entry.settled_as) == ("account", None)
    later = await bank.send(status_file(registered(5, AccountKey("002", "1", "7654323"))), LATER, suffix="jsonl")
    assert later.followed == [], "it is not tried again and again"


async def test_of_many_refused_blocks_twenty_are_told_and_all_are_kept(bank: Bank) -> None:
    days = [block(row(1), account=AccountKey("002", "1", f"{number:07}")) for number in range(25)]
    file = write_statements(BANK, days)
    for number in range(25):
        file = damaged(file, 3 * (number + 1))
    report = await bank.send(file)
    assert (report.refused_count, len(report.blocks_refused)) == (25, 20)
    assert report.details[20:] == ["ほか 5件のブロックも受け付けません。"]
    assert len(await entries(bank)) == 25

"""残高 come from notices (04) and never go back: not in time, not to what an older file said of the same moment."""

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from madoguchi.doors.core_banking.zengin_writer import write_notices
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.values import BalanceNotice
from madoguchi.records.bank import Account, Balance, FeedArrival
from madoguchi.rules.vocabulary import JST, Precision
from tests.feeds.bank import NOW, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, notice, notices

pytestmark = [pytest.mark.both_databases, pytest.mark.clause("6-1")]

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=JST)
TOMORROW = TODAY + timedelta(days=1)
END_OF_DAY = {"as_of": datetime(2026, 11, 24, 23, 59, 59, tzinfo=JST), "as_of_precision": Precision.DAY}


async def told(bank: Bank, *all_notices: BalanceNotice, created_on: date = TODAY) -> FileReport:
    at = NOW + timedelta(days=1)
    return await bank.send(write_notices(BANK, [notices(*all_notices, created_on=created_on)]), at=at)


async def held(bank: Bank) -> tuple[int, int | None, datetime]:
    def look(session: Session) -> tuple[int, int | None, datetime]:
        whose = select(Account.account_id).where(Account.number == ORDINARY.number).scalar_subquery()
        one = session.exec(select(Balance).where(Balance.account_id == whose)).one()
        return one.current, one.available, one.as_of

    return await bank.database.reading(look)


async def test_the_same_notice_in_another_file_changes_nothing(bank: Bank) -> None:
    await told(bank, notice(current=500, as_of=NOON))
    again = await told(bank, notice(current=500, as_of=NOON), notice(CURRENT, current=1))
    assert (again.balances_changed, await held(bank)) == (1, (500, None, NOON))
    once_more = await told(bank, notice(current=500, as_of=NOON), created_on=TOMORROW)
    assert (once_more.balances_changed, once_more.blocks_unchanged) == (0, 1)


async def test_a_notice_of_an_earlier_minute_changes_nothing_and_one_of_a_later_minute_does(bank: Bank) -> None:
    await told(bank, notice(current=500, as_of=NOON))
    earlier = await told(bank, notice(current=400, as_of=NOON - timedelta(minutes=1)), created_on=TOMORROW)
    assert (earlier.balances_changed, await held(bank)) == (0, (500, None, NOON))
    later = await told(bank, notice(current=600, as_of=NOON + timedelta(minutes=1)))
    assert (later.balances_changed, await held(bank)) == (1, (600, None, NOON + timedelta(minutes=1)))


@pytest.mark.parametrize("order", [(1, 0), (0, 1)], ids=["later first", "earlier first"])
async def test_of_two_notices_of_an_account_in_a_file_the_later_moment_stands(
    bank: Bank, order: tuple[int, int]
) -> None:
    two = (notice(current=400, as_of=NOON), notice(current=600, available=7, as_of=NOON + timedelta(hours=1)))
    report = await told(bank, *(two[which] for which in order))
    assert await held(bank) == (600, 7, NOON + timedelta(hours=1))
    assert report.blocks_accepted == 1


async def test_for_one_moment_the_file_made_later_stands_whichever_comes_last(bank: Bank) -> None:
    """A notice without 基準時刻 is of the end of its day, though its file may have been made before that."""
    await told(bank, notice(current=600, **END_OF_DAY), created_on=TOMORROW)
    before_the_end = await told(bank, notice(current=500, **END_OF_DAY), created_on=TODAY)
    assert (before_the_end.balances_changed, (await held(bank))[0]) == (0, 600)
    corrected = await told(bank, notice(current=650, **END_OF_DAY), created_on=TOMORROW)
    assert (corrected.balances_changed, (await held(bank))[0]) == (1, 650)


async def test_what_the_later_notice_does_not_give_is_not_kept_from_the_earlier_one(bank: Bank) -> None:
    await told(bank, notice(current=500, available=450, as_of=NOON))
    await told(bank, notice(current=600, as_of=NOON + timedelta(minutes=1)))
    assert await held(bank) == (600, None, NOON + timedelta(minutes=1))


async def test_what_the_file_made_last_has_confirmed_no_file_made_in_between_can_undo(bank: Bank) -> None:
    await told(bank, notice(current=600, **END_OF_DAY), created_on=TODAY)
    confirmed = await told(bank, notice(current=600, **END_OF_DAY), created_on=TODAY + timedelta(days=2))
    assert (confirmed.balances_changed, confirmed.blocks_unchanged) == (0, 1)
    between = await told(bank, notice(current=500, **END_OF_DAY), created_on=TOMORROW)
    assert (between.balances_changed, (await held(bank))[0]) == (0, 600)


async def test_each_block_of_a_file_is_as_new_as_its_own_day_of_making(bank: Bank) -> None:
    old = notices(notice(current=600, **END_OF_DAY), created_on=TODAY)
    new = notices(notice(CURRENT, current=1), created_on=TODAY + timedelta(days=2))
    await bank.send(write_notices(BANK, [old, new]), at=NOW + timedelta(days=2))
    corrected = await told(bank, notice(current=500, **END_OF_DAY), created_on=TOMORROW)
    assert (corrected.balances_changed, (await held(bank))[0]) == (1, 500)


async def test_a_balance_of_a_day_after_its_file_was_made_refuses_its_block(bank: Bank) -> None:
    """Once held, it would keep every true balance out until that day."""
    tomorrow = datetime(2026, 11, 25, 0, 1, tzinfo=JST)
    report = await told(bank, notice(CURRENT), notice(as_of=tomorrow), created_on=TODAY)
    assert [one.damage.message for one in report.blocks_refused] == [
        "3件目 2桁目「基準日」: 作成日 2026-11-24 以前 のはずですが、2026-11-25 です"
    ]
    assert await bank.count(Balance) == 0
    assert (await told(bank, notice(as_of=tomorrow), created_on=TOMORROW)).clean


async def test_a_balance_of_a_moment_to_come_does_not_bring_its_feed_further_than_the_moment_it_came(
    bank: Bank,
) -> None:
    """Of a day that is not over, as a 基準日 without 基準時刻 says: the feed would not be late until that is over."""
    await bank.send(write_notices(BANK, [notices(notice(**END_OF_DAY))]), at=NOW)
    arrived = select(FeedArrival.as_of).where(FeedArrival.feed == "04")
    assert await bank.database.reading(lambda session: session.exec(arrived).one()) == NOW

"""第6条第1項: no value leaves without the moment it held, how exactly that is known, and what may be missing."""

from datetime import date

import pytest

from madoguchi.procedures.ledger_reading import History, Moment, PageOf, Wanted, read_ledger
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Completeness, Precision
from tests import story

TWO_O_CLOCK = story.NOW.replace(minute=0)


@pytest.mark.clause("6-1")
async def test_a_balance_taken_during_the_day_says_its_minute_and_that_later_postings_may_be_missing(
    database: Database,
) -> None:
    told = await database.writing(story.tell)
    ledger = await database.reading(read_ledger, Wanted(balances=frozenset({told.ordinary, told.current})))
    moment = Moment(TWO_O_CLOCK, Precision.MINUTE, Completeness.MAY_LACK_LATER)
    assert [balance.moment for balance in ledger.balances.values()] == [moment, moment]


@pytest.mark.clause("6-1")
async def test_a_page_of_history_says_how_fresh_its_account_is(database: Database) -> None:
    told = await database.writing(story.tell)
    page = PageOf(told.ordinary, date(2026, 11, 1), date(2026, 11, 24), 10)
    ledger = await database.reading(read_ledger, Wanted(pages=((page,),), since=story.FIRST_DAY))
    assert len(ledger.pages[page]) == 11, "one more, which tells that there are more"
    assert ledger.histories[told.ordinary].moment.as_of == TWO_O_CLOCK


@pytest.mark.clause("6-1")
def test_a_period_with_missing_days_inside_is_not_given_as_whole() -> None:
    history = History(Moment(TWO_O_CLOCK, Precision.DAY, Completeness.COMPLETE), (date(2026, 11, 10),))
    assert history.within(date(2026, 11, 9), date(2026, 11, 20)).completeness is Completeness.GAP
    assert history.within(date(2026, 11, 10), date(2026, 11, 20)).completeness is Completeness.COMPLETE
    assert history.within(date(2026, 11, 1), date(2026, 11, 9)).completeness is Completeness.COMPLETE

"""`changes`: what is new in an account's history since a cursor, for an aggregator that keeps a copy of it."""

from datetime import date, timedelta

import pytest
from sqlmodel import update

from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account
from tests.api.changing import add, asked, change, days, few_days, new, withdraw
from tests.api.conftest import Caller, refused


@pytest.mark.both_databases
@pytest.mark.clause("2-1-2")
@pytest.mark.clause("2-4")
@pytest.mark.clause("6-1")
async def test_the_beginning_is_every_row_of_the_window_and_says_how_fresh_it_is(caller: Caller) -> None:
    await few_days(caller)
    found = await new(caller)
    assert days(found["added"]) == [f"2026-11-{day}" for day in range(19, 25)]
    assert (found["corrected"], found["removed"], found["hasMore"]) == ([], [], False)
    assert found["period"] == {"from": "2026-11-19", "to": "2026-11-24", "limitedBy": []}
    assert found["freshness"] == {
        "asOf": "2026-11-24T14:00:00+09:00", "asOfPrecision": "MINUTE", "source": "TRANSACTION_NOTICE",
        "completeness": "MAY_LACK_LATER",
    }  # fmt: skip
    nothing = await new(caller, after=found["cursor"])
    assert (nothing["added"], nothing["corrected"], nothing["removed"], nothing["hasMore"]) == ([], [], [], False)
    assert nothing["cursor"] == found["cursor"]


@pytest.mark.both_databases
@pytest.mark.clause("2-1-2")
async def test_what_came_what_reads_differently_and_what_was_withdrawn_are_told_once_each(caller: Caller) -> None:
    await few_days(caller)
    cursor = (await new(caller))["cursor"]
    await change(caller, date(2026, 11, 20), balance_after=1)
    await change(caller, date(2026, 11, 20), balance_after=7)
    gone = await withdraw(caller, date(2026, 11, 21))
    await add(caller, date(2026, 11, 24))
    found = await new(caller, after=cursor)
    assert [(one["bookedOn"], one["orderInDay"]) for one in found["added"]] == [("2026-11-24", 7)]
    assert [(one["bookedOn"], one["balanceAfter"]) for one in found["corrected"]] == [("2026-11-20", 7)]
    assert found["removed"] == [{"id": gone, "bookedOn": "2026-11-21"}]
    pages = [await new(caller, first=1, after=cursor)]
    while pages[-1]["hasMore"]:
        pages.append(await new(caller, first=1, after=pages[-1]["cursor"]))
    told = [[part for part in ("added", "corrected", "removed") if page[part]] for page in pages]
    assert told == [["corrected"], ["removed"], ["added"]], "in the order in which it happened"
    assert pages[-1]["cursor"] == found["cursor"]


@pytest.mark.clause("2-1-2")
async def test_who_is_still_at_the_beginning_is_told_of_a_row_withdrawn_since_and_of_no_earlier_one(
    caller: Caller,
) -> None:
    await few_days(caller)
    await withdraw(caller, date(2026, 11, 22))
    first = await new(caller, first=2)
    assert (days(first["added"]), first["hasMore"]) == (["2026-11-19", "2026-11-20"], True)
    known = await withdraw(caller, date(2026, 11, 19))
    rest = await new(caller, after=first["cursor"])
    assert days(rest["added"]) == ["2026-11-21", "2026-11-23", "2026-11-24"]
    assert rest["removed"] == [{"id": known, "bookedOn": "2026-11-19"}]


@pytest.mark.clause("2-1-2")
async def test_a_row_corrected_before_the_beginning_is_added_and_one_corrected_during_it_is_told_again(
    caller: Caller,
) -> None:
    await few_days(caller)
    await change(caller, date(2026, 11, 19), balance_after=3)
    first = await new(caller, first=2)
    assert days(first["added"]) == ["2026-11-20", "2026-11-21"]
    await change(caller, date(2026, 11, 20), balance_after=5)
    rest = await new(caller, after=first["cursor"])
    assert days(rest["added"]) == ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-19"]
    assert days(rest["corrected"]) == ["2026-11-20"]


@pytest.mark.both_databases
@pytest.mark.clause("2-4")
async def test_a_row_booked_on_a_day_to_come_is_told_on_that_day_though_its_number_was_passed(caller: Caller) -> None:
    """勘定日 of an evening's transfer is the next banking day; `transactions` shows it from then on."""
    await few_days(caller)
    await add(caller, date(2026, 11, 25))
    await add(caller, date(2026, 11, 26))
    today = await new(caller)
    assert days(today["added"])[-1] == "2026-11-24"
    assert (today["hasMore"], (await new(caller, after=today["cursor"]))["added"]) == (False, [])
    caller.at += timedelta(days=1)
    await caller.register_again(at=caller.at)
    morrow = await new(caller, after=today["cursor"])
    assert (days(morrow["added"]), morrow["hasMore"]) == (["2026-11-25"], False)
    caller.at += timedelta(days=1)
    await caller.register_again(at=caller.at)
    assert days((await new(caller, after=today["cursor"]))["added"]) == ["2026-11-25", "2026-11-26"]
    one = await new(caller, first=1, after=today["cursor"])
    assert (days(one["added"]), one["hasMore"]) == (["2026-11-25"], True)
    assert days((await new(caller, first=1, after=one["cursor"]))["added"]) == ["2026-11-26"]


@pytest.mark.clause("2-4")
@pytest.mark.parametrize(("days_later", "code"), [(5, None), (6, "CURSOR_EXPIRED")])
async def test_a_cursor_serves_while_the_day_it_was_given_on_is_in_the_window(
    caller: Caller, days_later: int, code: str | None
) -> None:
    await few_days(caller)
    cursor = (await new(caller))["cursor"]
    caller.at += timedelta(days=days_later)
    await caller.register_again(at=caller.at)
    body = await asked(caller, after=cursor)
    assert refused(body) == ({("changes",): (code, "2-4")} if code else {})
    if code:
        assert "Start again without `after`" in body["errors"][0]["message"]


@pytest.mark.clause("2-4")
async def test_a_cursor_given_in_a_narrower_window_does_not_serve_in_a_wider_one(caller: Caller) -> None:
    wide = (await new(caller))["cursor"]
    await few_days(caller)
    narrow = (await new(caller, after=wide))["cursor"]
    await change(caller, date(2026, 11, 1), balance_after=1)
    nothing = await new(caller, after=narrow)
    assert nothing["corrected"] == [], "not in the window"
    assert nothing["cursor"] != narrow, "what was passed over once is not looked at again"
    await caller.database.writing(lambda session: session.execute(update(Aggregator).values(history_days=6)))
    assert refused(await asked(caller, after=narrow)) == {("changes",): ("CURSOR_EXPIRED", "2-4")}
    assert refused(await asked(caller, after=wide)) == {}


async def test_a_cursor_ahead_of_restored_books_does_not_serve(caller: Caller) -> None:
    """Numbers that were told and are not there any more: an older state of the database was restored."""
    cursor = (await new(caller))["cursor"]
    await caller.database.writing(lambda session: session.execute(update(Account).values(last_change=396)))
    assert refused(await asked(caller, after=cursor)) == {("changes",): ("CURSOR_EXPIRED", "2-4")}

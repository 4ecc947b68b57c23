"""利用量の上限: which windows a call is counted in, and what is left at their edges (security.md 14)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from madoguchi.doors.api.limits import COST
from madoguchi.rules.quotas import Allowance, Budget, Call, Kind, Standing, Used, Whose, counters
from madoguchi.rules.vocabulary import JST
from madoguchi.settings import LARGEST_OPERATION, Settings

ALLOWANCE = Allowance(10, 50, 20, 100, 1_000, 5_000, timedelta(minutes=5))
NOON = datetime(2026, 11, 24, 12, tzinfo=JST)
MIDNIGHT = datetime(2026, 11, 25, tzinfo=JST)
CALL = Call("reg_1", "agg_1", "token", attended=True, at=NOON)
UNATTENDED = replace(CALL, attended=False)
MICROSECOND = timedelta(microseconds=1)


def standing(call: Call, used: Mapping[Kind, Mapping[str, int]]) -> Standing:
    """What stands when each first counter of a kind has been used like this."""
    counted = counters(call, ALLOWANCE)
    firsts: dict[Kind, str] = {}
    for each in counted:
        firsts.setdefault(each.kind, each.name)
    names: Used = {firsts[kind]: parts for kind, parts in used.items()}
    return Standing(call, ALLOWANCE, counted, names)


def test_the_limits_are_those_that_aggregators_are_told() -> None:
    told = Settings(issuer="https://api.example", database_url="sqlite+aiosqlite:///x.db", bank_code="2999").allowance
    assert told == Allowance(10, 50, 20, 100, 240_000, 60_000_000, timedelta(seconds=300))
    assert LARGEST_OPERATION == COST, "a budget pays for the largest operation at least"


def test_an_attended_call_is_counted_by_the_second_and_its_cost_by_the_minute_for_both() -> None:
    counted = counters(replace(CALL, at=NOON + timedelta(seconds=7, microseconds=999_999)), ALLOWANCE)
    assert [(each.kind, each.whose, each.limit) for each in counted] == [
        (Kind.CALLS, Whose.REGISTRATION, 10),
        (Kind.CALLS, Whose.AGGREGATOR, 50),
        (Kind.COST, Whose.REGISTRATION, 1_000),
        (Kind.COST, Whose.AGGREGATOR, 5_000),
    ]
    assert [each.resets_at for each in counted] == [NOON + timedelta(seconds=8)] * 2 + [NOON + timedelta(minutes=1)] * 2


def test_every_window_and_every_caller_has_a_counter_of_its_own() -> None:
    calls = [
        CALL,
        replace(CALL, at=NOON + timedelta(seconds=1)),
        replace(CALL, at=NOON + timedelta(minutes=1)),
        replace(CALL, registration_id="reg_2", aggregator_id="agg_2"),
        UNATTENDED,
        replace(UNATTENDED, at=NOON + timedelta(days=1)),
    ]
    names = [{each.name for each in counters(call, ALLOWANCE) if each.kind is not Kind.COST} for call in calls]
    assert all(not one & other for n, one in enumerate(names) for other in names[:n])
    costs = [{each.name for each in counters(call, ALLOWANCE) if each.kind is Kind.COST} for call in calls]
    assert costs[0] == costs[1], "one minute has one budget"
    assert not costs[0] & costs[4], "attended and unattended budgets are apart"


@pytest.mark.parametrize(("used", "left"), [(9, True), (10, False)])
def test_the_tenth_call_of_a_second_has_room_and_the_eleventh_has_not(used: int, left: bool) -> None:
    assert (standing(CALL, {Kind.CALLS: {"": used}}).calls_exhausted() == ()) is left


@pytest.mark.parametrize(("used", "left"), [(899, True), (900, True), (901, False)])
def test_an_operation_that_uses_the_budget_up_to_its_last_unit_has_room(used: int, left: bool) -> None:
    stands = standing(CALL, {Kind.COST: {"": used}})
    assert (stands.cost_exhausted(100) == ()) is left
    assert stands.budget(100) == Budget(1_000, max(900 - used, 0), NOON + timedelta(minutes=1))


def test_sessions_are_those_of_a_day_of_japan() -> None:
    twenty = {f"token {n}": 1 for n in range(20)}
    last = replace(UNATTENDED, at=MIDNIGHT - MICROSECOND)
    (told,) = standing(last, {Kind.SESSIONS: twenty}).calls_exhausted()
    assert (told.kind, told.limit, told.retry_at) == (Kind.SESSIONS, 20, MIDNIGHT)
    assert standing(last, {Kind.SESSIONS: {**twenty, "token": 99}}).calls_exhausted() == (), "it is one of the twenty"
    names = [next(each.name for each in counters(call, ALLOWANCE)) for call in (last, replace(last, at=MIDNIGHT))]
    assert names[0].endswith("2026-11-24")
    assert names[1].endswith("2026-11-25")


def test_a_session_with_its_calls_used_up_is_told_to_come_with_a_fresh_token_or_tomorrow() -> None:
    (soon,) = standing(UNATTENDED, {Kind.SESSIONS: {"token": 100}}).calls_exhausted()
    assert (soon.kind, soon.limit, soon.retry_at) == (Kind.SESSION_CALLS, 100, NOON + timedelta(seconds=1))
    others = {f"token {n}": 1 for n in range(19)}
    (tomorrow,) = standing(UNATTENDED, {Kind.SESSIONS: {**others, "token": 100}}).calls_exhausted()
    assert tomorrow.retry_at == MIDNIGHT


@pytest.mark.parametrize(("minutes", "days"), [(4, 2), (5, 1)])
def test_a_session_that_began_yesterday_goes_on_after_midnight_as_long_as_its_token_lives(
    minutes: int, days: int
) -> None:
    call = replace(UNATTENDED, at=MIDNIGHT + timedelta(minutes=minutes))
    counted = counters(call, ALLOWANCE)
    sessions = [each for each in counted if each.kind is Kind.SESSIONS]
    assert len(sessions) == days
    assert len(counted) <= 4, "records/quotas.py reads four at most"
    if days == 2:
        stands = Standing(call, ALLOWANCE, counted, {sessions[1].name: {"token": 100}})
        assert [each.kind for each in stands.calls_exhausted()] == [Kind.SESSION_CALLS]
        stands = Standing(call, ALLOWANCE, counted, {sessions[1].name: {"token": 99}})
        assert stands.calls_exhausted() == ()
        assert stands.charges(0)[0].counter == sessions[1].name, "and is none of today's twenty"
        assert sessions[1].kept_until > call.at

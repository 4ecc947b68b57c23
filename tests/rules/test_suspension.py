"""第7条第3項: a stop reaches what it names, from its start until before its end, and nothing else."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.facts import Stop
from madoguchi.rules.suspension import WHOLE, account_stopped, function_stopped, in_force, service_stopped
from madoguchi.rules.vocabulary import AccountKind, Scope, StopTarget
from tests.rules.given import NOON, account, stop

HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.clause("7-3")
def test_a_stop_holds_from_its_first_moment_until_before_its_end() -> None:
    ours = stop(StopTarget.ALL, starts_at=NOON, ends_at=NOON + HOUR)
    assert [in_force(at, ours) for at in (NOON - MOMENT, NOON, NOON + HOUR - MOMENT, NOON + HOUR)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.clause("7-3")
@pytest.mark.parametrize("kind", WHOLE)
def test_a_stop_of_all_of_an_aggregator_a_customer_or_a_registration_pauses_the_whole_request(kind: StopTarget) -> None:
    refusal = service_stopped(NOON, [stop(kind, "x")])
    assert refusal is not None
    assert (refusal.reason, refusal.clause) == (Reason.SERVICE_STOPPED, "7-3")
    assert refusal.reason.effect is Effect.PAUSED


@pytest.mark.clause("7-3")
@pytest.mark.parametrize("kind", [kind for kind in StopTarget if kind not in WHOLE])
def test_a_stop_of_a_part_leaves_the_rest_served(kind: StopTarget) -> None:
    assert service_stopped(NOON, [stop(kind, "1")]) is None


@pytest.mark.clause("7-3")
def test_a_stop_of_balance_inquiry_leaves_history_served() -> None:
    stops = [stop(StopTarget.FUNCTION, Scope.BALANCES.value)]
    refusal = function_stopped(NOON, Scope.BALANCES, stops)
    assert refusal is not None
    assert (refusal.reason, refusal.reason.effect) == (Reason.FUNCTION_STOPPED, Effect.FIELD)
    assert function_stopped(NOON, Scope.TRANSACTIONS, stops) is None
    assert function_stopped(NOON, Scope.ACCOUNTS, stops) is None


@pytest.mark.clause("7-3")
def test_a_stop_of_current_accounts_leaves_ordinary_ones_served() -> None:
    stops = [stop(StopTarget.ACCOUNT_KIND, AccountKind.CURRENT.value)]
    refusal = account_stopped(NOON, account(kind=AccountKind.CURRENT), stops)
    assert refusal is not None
    assert (refusal.reason, refusal.reason.effect) == (Reason.ACCOUNT_STOPPED, Effect.FIELD)
    assert account_stopped(NOON, account(), stops) is None


@pytest.mark.clause("7-3")
def test_a_stop_of_branch_002_leaves_branch_001_served() -> None:
    stops = [stop(StopTarget.BRANCH, "002")]
    assert account_stopped(NOON, account(branch_code="002"), stops) is not None
    assert account_stopped(NOON, account(branch_code="001"), stops) is None


@pytest.mark.clause("7-3")
def test_a_branch_whose_code_looks_like_a_kind_of_account_is_not_taken_for_one() -> None:
    assert account_stopped(NOON, account(branch_code="1"), [stop(StopTarget.BRANCH, "2")]) is None
    assert account_stopped(NOON, account(branch_code="2"), [stop(StopTarget.ACCOUNT_KIND, "2")]) is None


@pytest.mark.clause("7-3")
def test_the_caller_is_told_the_end_of_the_stop_that_ends_last() -> None:
    stops = [stop(StopTarget.ALL, ends_at=NOON + 2 * HOUR), stop(StopTarget.CUSTOMER, "7", ends_at=NOON + HOUR)]
    refusal = service_stopped(NOON, stops)
    assert refusal is not None
    assert refusal.retry_at == NOON + 2 * HOUR


@pytest.mark.clause("7-3")
def test_beside_a_stop_without_an_end_nobody_is_told_to_come_back() -> None:
    refusal = service_stopped(NOON, [stop(StopTarget.ALL, ends_at=NOON + HOUR), stop(StopTarget.AGGREGATOR, "a")])
    assert refusal is not None
    assert refusal.retry_at is None


@pytest.mark.clause("7-3")
def test_a_stop_that_is_planned_or_over_stops_nothing_and_sets_no_time_to_come_back() -> None:
    planned = stop(StopTarget.ALL, starts_at=NOON + HOUR)
    over = stop(StopTarget.ALL, starts_at=NOON - 2 * HOUR, ends_at=NOON)
    assert service_stopped(NOON, [planned, over]) is None
    refusal = service_stopped(NOON, [planned, over, stop(StopTarget.ALL, ends_at=NOON + HOUR)])
    assert refusal is not None
    assert refusal.retry_at == NOON + HOUR


hours = st.integers(-5, 5).map(lambda h: NOON + h * HOUR)
stops = st.builds(stop, st.sampled_from(StopTarget), st.just("1"), hours, st.none() | hours)


@pytest.mark.clause("7-3")
@given(hours, st.lists(stops, max_size=6))
def test_at_the_moment_a_caller_is_told_to_come_back_no_stop_that_held_him_off_holds_any_more(
    at: datetime, given_stops: list[Stop]
) -> None:
    held = [s for s in given_stops if s.kind in WHOLE and in_force(at, s)]
    refusal = service_stopped(at, given_stops)
    assert (refusal is None) == (not held)
    if refusal is not None and refusal.retry_at is not None:
        assert refusal.retry_at > at
        assert not any(in_force(refusal.retry_at, s) for s in held)

"""第4条第1項 and 第1条第2項第3号: what has to be right before anything is registered."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import AggregatorFacts, InstitutionFacts, Stop
from madoguchi.rules.registering import (
    CONFIRMATIONS,
    PRECONDITIONS,
    is_fresh,
    may_approach,
    may_register,
    missing_confirmations,
)
from madoguchi.rules.vocabulary import ContractState, Product, StopTarget
from tests.rules.given import NOON, aggregator, institution, jst, stop

LIMIT = timedelta(minutes=5)
MOMENT = timedelta(microseconds=1)


def refusals(
    aggregator_: AggregatorFacts | None = None,
    institution_: InstitutionFacts | None = None,
    state: ContractState = ContractState.LIVE,
    stops: tuple[Stop, ...] = (),
) -> tuple[Refusal, ...]:
    contract = (state, Product.PERSONAL)
    return may_register(aggregator_ or aggregator(), institution_ or institution(), contract, stops, NOON)


@pytest.mark.clause("1-2-3")
@pytest.mark.clause("4-1")
def test_with_every_precondition_met_a_customer_can_register() -> None:
    assert refusals() == ()
    assert missing_confirmations(CONFIRMATIONS) == ()


BROKEN: dict[str, Callable[[], tuple[object, ...]]] = {
    "has_internet_banking": lambda: refusals(state=ContractState.CANCELLED),
    "is_designated": lambda: refusals(aggregator(contract_until=NOON)),
    "within_service_hours": lambda: refusals(institution_=institution(hours=())),
    "service_stopped": lambda: refusals(stops=(stop(StopTarget.ALL),)),
    "confirmations": lambda: missing_confirmations(CONFIRMATIONS[1:]),
}


@pytest.mark.clause("1-2-3")
@pytest.mark.parametrize("precondition", PRECONDITIONS)
def test_with_any_one_precondition_of_the_declared_list_broken_nothing_is_registered(precondition: str) -> None:
    assert len(BROKEN[precondition]()) == 1


@pytest.mark.clause("4-1")
@pytest.mark.parametrize("kind", [StopTarget.ALL, StopTarget.AGGREGATOR, StopTarget.CUSTOMER])
def test_a_stop_of_all_of_the_aggregator_or_of_the_customer_stops_registering(kind: StopTarget) -> None:
    assert [r.reason for r in refusals(stops=(stop(kind, "x"),))] == [Reason.SERVICE_STOPPED]
    assert [r.reason for r in refusals(institution_=institution(stops=(stop(kind, "x"),)))] == [Reason.SERVICE_STOPPED]


@pytest.mark.clause("4-1")
def test_a_suspended_contract_registers_nothing_new() -> None:
    assert [r.reason for r in refusals(state=ContractState.SUSPENDED)] == [Reason.INTERNET_BANKING_SUSPENDED]


@pytest.mark.clause("4-1")
def test_a_registration_completes_one_second_before_closing_and_is_refused_at_closing_with_the_next_opening() -> None:
    def at(moment: str) -> tuple[Refusal, ...]:
        return may_register(
            aggregator(), institution(), (ContractState.LIVE, Product.PERSONAL), (), jst(f"2026-11-24 {moment}")
        )

    assert at("22:59:59") == ()
    (refusal,) = at("23:00:00")
    assert (refusal.reason, refusal.retry_at) == (Reason.OUTSIDE_SERVICE_HOURS, jst("2026-11-25 07:00"))


@pytest.mark.clause("4-1")
def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_terms() -> None:
    ended, closed = aggregator(contract_until=NOON), institution(hours=())
    found = refusals(ended, closed, ContractState.CANCELLED, (stop(StopTarget.ALL),))
    assert [refusal.clause for refusal in found] == ["1-2-1", "1-2-2", "2-1", "7-3"]


@pytest.mark.clause("1-2-2")
def test_an_aggregator_whose_contract_has_not_begun_or_has_ended_gets_no_page() -> None:
    assert may_approach(aggregator(), institution(), (), NOON) == ()
    for outside in (aggregator(contract_from=NOON + MOMENT), aggregator(contract_until=NOON)):
        assert [r.reason for r in may_approach(outside, institution(), (), NOON)] == [Reason.AGGREGATOR_NOT_CONTRACTED]


@pytest.mark.clause("7-3")
def test_a_stop_of_the_aggregator_or_of_all_is_told_before_anybody_logs_in() -> None:
    assert may_approach(aggregator(), institution(), (stop(StopTarget.AGGREGATOR, "kakeibo"),), NOON) != ()
    assert may_approach(aggregator(), institution(stops=(stop(StopTarget.ALL),)), (), NOON) != ()


@pytest.mark.clause("1-2-2")
@pytest.mark.clause("1-3")
@pytest.mark.clause("4-7")
@pytest.mark.parametrize("clause", CONFIRMATIONS)
def test_each_of_the_three_checks_is_missed_by_its_clause(clause: str) -> None:
    assert missing_confirmations([c for c in CONFIRMATIONS if c != clause]) == (clause,)


@pytest.mark.clause("4-7")
def test_without_any_check_or_with_a_check_for_something_else_all_three_are_missing() -> None:
    assert missing_confirmations([]) == missing_confirmations(["4-4"]) == ("1-2-2", "1-3", "4-7")


@pytest.mark.clause("4-1")
def test_a_proof_of_identity_is_fresh_for_five_minutes_to_the_moment() -> None:
    assert is_fresh(NOON, NOON, LIMIT)
    assert is_fresh(NOON, NOON + LIMIT, LIMIT)
    assert not is_fresh(NOON, NOON + LIMIT + MOMENT, LIMIT)


@pytest.mark.clause("4-1")
def test_a_log_in_after_the_page_was_shown_proves_nothing() -> None:
    assert not is_fresh(NOON + MOMENT, NOON, LIMIT)

"""Which rules are asked before a read, before tokens are given and before a registration is ended (2-1, 4-1, 5-1)."""

from datetime import datetime

import pytest
from hypothesis import given

from madoguchi.rules.access import answers
from madoguchi.rules.asking import NOT_ASKED, REASONS, Action, as_asked
from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.facts import RegistrationFacts, Stop
from madoguchi.rules.vocabulary import ContractState, Scope, StopTarget
from tests.rules.given import NOON, aggregator, institution, jst, registration, stop
from tests.rules.test_access import everything_wrong, moments, registrations, some_stops, token_scopes

NIGHT = jst("2026-11-24 23:30")


def refusing(action: Action, ours: RegistrationFacts, stops: tuple[Stop, ...] = ()) -> set[Reason]:
    """What refuses an action at night, when the service is closed."""
    given_answers = answers(institution(stops=stops), ours, tuple(Scope), NIGHT)
    return {refusal.reason for answer in given_answers for refusal in as_asked(action, answer).refusals}


@pytest.mark.clause("2-1")
def test_closing_time_holds_up_data_and_neither_tokens_nor_an_end() -> None:
    assert {action: refusing(action, registration()) for action in Action} == {
        Action.QUERY: {Reason.OUTSIDE_SERVICE_HOURS},
        Action.MUTATION: set(),
        Action.CODE: set(),
        Action.REFRESH: set(),
    }


@pytest.mark.clause("5-1")
def test_what_may_come_back_never_hinders_an_end_and_hinders_tokens() -> None:
    suspended = registration(contract_state=ContractState.SUSPENDED)
    stopped = (stop(StopTarget.ALL), stop(StopTarget.FUNCTION, "balances"), stop(StopTarget.BRANCH, "001"))
    both = {Reason.INTERNET_BANKING_SUSPENDED, Reason.SERVICE_STOPPED}
    assert refusing(Action.MUTATION, suspended, stopped) == set()
    assert refusing(Action.REFRESH, suspended, stopped) == refusing(Action.CODE, suspended, stopped) == both
    assert refusing(Action.QUERY, suspended, stopped) == both | {
        Reason.OUTSIDE_SERVICE_HOURS, Reason.FUNCTION_STOPPED, Reason.ACCOUNT_STOPPED,
    }  # fmt: skip


@pytest.mark.clause("1-2-2")
def test_an_aggregator_without_a_contract_does_nothing_at_all() -> None:
    ended = registration(aggregator=aggregator(contract_until=NOON))
    assert all(Reason.AGGREGATOR_NOT_CONTRACTED in refusing(action, ended) for action in Action)


@pytest.mark.clause("4-1")
def test_a_code_is_not_asked_whether_the_registration_it_opens_is_active_and_nothing_else_is() -> None:
    assert {action for action in Action if Reason.REGISTRATION_NOT_ACTIVE in NOT_ASKED[action]} == {Action.CODE}
    final = {reason for reason in Reason if reason.effect is Effect.DENIED} - {Reason.REGISTRATION_NOT_ACTIVE}
    assert not any(final & NOT_ASKED[action] for action in Action)


def test_a_rule_that_no_reason_of_is_asked_is_told_as_not_asked() -> None:
    given_answers = answers(*everything_wrong(), tuple(Scope), NIGHT)
    not_asked = {
        action: {answer.rule for answer in given_answers if not as_asked(action, answer).asked} for action in Action
    }
    of_fields = {"is_granted", "function_stopped", "may_identify", "account_stopped"}
    assert not_asked == {
        Action.QUERY: set(),
        Action.MUTATION: of_fields | {"within_service_hours", "service_stopped", "has_agreed"},
        Action.CODE: of_fields | {"within_service_hours"},
        Action.REFRESH: of_fields | {"within_service_hours"},
    }


@given(some_stops, registrations, token_scopes, moments)
def test_the_reasons_of_each_rule_are_those_it_gives_and_a_read_asks_all(
    stops: tuple[Stop, ...], ours: RegistrationFacts, scopes: set[Scope], at: datetime
) -> None:
    for answer in answers(institution(stops=stops), ours, scopes, at):
        assert {refusal.reason for refusal in answer.refusals} <= REASONS[answer.rule]
        assert as_asked(Action.QUERY, answer) == answer


def test_every_reason_is_some_rules_but_that_an_account_is_not_part_of_the_service() -> None:
    given_answers = answers(institution(), registration(), tuple(Scope), NOON)
    assert {answer.rule for answer in given_answers} == set(REASONS)
    assert set(Reason) - set().union(*REASONS.values()) == {Reason.ACCOUNT_NOT_ELIGIBLE}

"""All rules for a read, asked once: every refusal is returned, and says how far it reaches."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.access import access, answers
from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.disclosure import HOLDER, NUMBER
from madoguchi.rules.facts import InstitutionFacts, RegistrationFacts, Stop, Terms, canonical, load
from madoguchi.rules.vocabulary import (
    AccountKind,
    AccountState,
    ContractState,
    RegistrationState,
    Scope,
    StopTarget,
    TermsChange,
)
from tests.rules.given import NOON, TERMS, account, aggregator, institution, jst, registration, stop

ALL = tuple(Scope)
NIGHT = jst("2026-11-24 23:30")


@pytest.mark.clause("1-1")
@pytest.mark.clause("4-2")
def test_a_sound_registration_reads_everything_it_was_given() -> None:
    decision = access(institution(), registration(), ALL, NOON)
    assert decision.refusals == ()
    assert not decision.denied
    assert [decision.function_refusals(scope) for scope in ALL] == [(), (), ()]
    assert [decision.identifier_refusals(item) for item in (NUMBER, HOLDER)] == [(), ()]
    assert [(a.account_id, a.refusals) for a in decision.accounts] == [(1, ())]


def everything_wrong() -> tuple[InstitutionFacts, RegistrationFacts]:
    agree_again = Terms(NOON.date(), NOON, TermsChange.AGREE_AGAIN)
    ours = registration(
        state=RegistrationState.ENDED,
        until=NOON,
        contract_state=ContractState.CANCELLED,
        aggregator=aggregator(contract_until=NOON),
        stops=(stop(StopTarget.CUSTOMER, "7"),),
    )
    return institution(terms=(TERMS, agree_again)), ours


def test_every_refusal_is_returned_in_the_order_of_the_terms_not_only_the_first() -> None:
    decision = access(*everything_wrong(), ALL, NIGHT)
    assert [(refusal.reason, refusal.clause) for refusal in decision.refusals] == [
        (Reason.INTERNET_BANKING_ENDED, "1-2-1"),
        (Reason.AGGREGATOR_NOT_CONTRACTED, "1-2-2"),
        (Reason.OUTSIDE_SERVICE_HOURS, "2-1"),
        (Reason.REGISTRATION_NOT_ACTIVE, "4-1"),
        (Reason.REGISTRATION_EXPIRED, "4-1"),
        (Reason.SERVICE_STOPPED, "7-3"),
        (Reason.TERMS_NOT_AGREED, "9-1"),
    ]
    assert decision.denied


@pytest.mark.clause("5-2")
@pytest.mark.parametrize(
    "lost",
    [
        {"contract_state": ContractState.CANCELLED},
        {"aggregator": aggregator(contract_until=NOON)},
        {"state": RegistrationState.ENDED},
        {"until": NOON},
    ],
    ids=["internet banking cancelled", "aggregator's contract ended", "registration ended", "registration over"],
)
def test_what_is_lost_for_good_denies_the_token(lost: dict[str, object]) -> None:
    decision = access(institution(), registration(**lost), ALL, NOON)
    assert decision.denied
    assert len(decision.refusals) == 1


@pytest.mark.clause("7-3")
def test_what_comes_back_only_pauses() -> None:
    """Closed, stopped, suspended, new terms: the token stays good, `service` and `registration` still answer."""
    agree_again = Terms(NOON.date(), NOON, TermsChange.AGREE_AGAIN)
    paused = [
        access(institution(), registration(), ALL, NIGHT),
        access(institution(stops=(stop(StopTarget.ALL),)), registration(), ALL, NOON),
        access(institution(), registration(stops=(stop(StopTarget.AGGREGATOR, "kakeibo"),)), ALL, NOON),
        access(institution(), registration(contract_state=ContractState.SUSPENDED), ALL, NOON),
        access(institution(terms=(TERMS, agree_again)), registration(), ALL, NOON),
    ]
    assert [[r.reason.effect for r in decision.refusals] for decision in paused] == [[Effect.PAUSED]] * 5
    assert not any(decision.denied for decision in paused)


@pytest.mark.clause("2-2")
@pytest.mark.parametrize(
    "change",
    [{"kind": AccountKind.TIME}, {"state": AccountState.REMOVED}, {"product_code": "17"}],
    ids=["time deposit", "taken out of internet banking", "excluded product"],
)
def test_an_account_that_is_not_eligible_is_not_there_at_all(change: dict[str, object]) -> None:
    """Neither in the accounts nor in any answer that an error could be made from."""
    ours = registration(accounts=(account(1), account(2, **change)))
    closed_to_it = institution(excluded_products=("17",), stops=(stop(StopTarget.BRANCH, "001"),))
    assert [a.account_id for a in access(closed_to_it, ours, ALL, NOON).accounts] == [1]
    assert all(answer.subject != "account 2" for answer in answers(closed_to_it, ours, ALL, NOON))


@pytest.mark.clause("7-3")
def test_a_stop_of_one_branch_withholds_its_account_and_serves_the_other() -> None:
    ours = registration(accounts=(account(1), account(2, branch_code="002")))
    decision = access(institution(stops=(stop(StopTarget.BRANCH, "002"),)), ours, ALL, NOON)
    assert decision.refusals == ()
    assert [(a.account_id, [r.reason for r in a.refusals]) for a in decision.accounts] == [
        (1, []),
        (2, [Reason.ACCOUNT_STOPPED]),
    ]


@pytest.mark.clause("2-1-1")
@pytest.mark.clause("2-1-2")
def test_balance_and_history_are_two_functions_each_under_its_own_scope() -> None:
    decision = access(institution(), registration(), [Scope.ACCOUNTS, Scope.TRANSACTIONS], NOON)
    assert [r.reason for r in decision.function_refusals(Scope.BALANCES)] == [Reason.SCOPE_NOT_GRANTED]
    assert decision.function_refusals(Scope.TRANSACTIONS) == ()


def test_a_function_that_is_neither_granted_nor_running_is_refused_for_both() -> None:
    stopped = institution(stops=(stop(StopTarget.FUNCTION, Scope.BALANCES.value),))
    decision = access(stopped, registration(), [Scope.ACCOUNTS], NOON)
    assert [r.reason for r in decision.function_refusals(Scope.BALANCES)] == [
        Reason.SCOPE_NOT_GRANTED,
        Reason.FUNCTION_STOPPED,
    ]


@pytest.mark.clause("4-1")
def test_another_aggregators_contract_never_opens_a_function() -> None:
    narrow = registration(aggregator=aggregator(scopes=(Scope.ACCOUNTS,)))
    decision = access(institution(), narrow, ALL, NOON)
    assert decision.function_refusals(Scope.TRANSACTIONS) != ()


@pytest.mark.clause("2-4")
def test_the_window_of_the_contract_is_carried_with_the_decision() -> None:
    ours = registration(aggregator=aggregator(history_days=90))
    assert access(institution(), ours, ALL, NOON).window.first == NOON.date() - timedelta(days=90)


def test_every_rule_answers_even_when_it_has_nothing_against_it() -> None:
    """`madoguchi explain` shows the examiner each rule, not only those that refused."""
    given_answers = answers(institution(), registration(), ALL, NOON)
    assert [answer.rule for answer in given_answers if not answer.subject] == [
        "has_internet_banking",
        "is_designated",
        "within_service_hours",
        "within_registration",
        "service_stopped",
        "has_agreed",
    ]
    assert not any(answer.refusals for answer in given_answers)


kinds = st.sampled_from([(target, value) for target, value in product(StopTarget, ["", "1", "001", "balances"])])
some_stops = st.lists(kinds, max_size=3).map(lambda found: tuple(stop(kind, value) for kind, value in found))
registrations = st.builds(
    lambda state, contract, scopes, stops, kind: registration(
        state=state, contract_state=contract, scopes=tuple(scopes), stops=stops, accounts=(account(kind=kind),)
    ),
    st.sampled_from(RegistrationState),
    st.sampled_from(ContractState),
    st.sets(st.sampled_from(Scope)),
    some_stops,
    st.sampled_from(AccountKind),
)
token_scopes = st.sets(st.sampled_from(Scope))
moments = st.integers(-600, 600).map(lambda minutes: NOON + timedelta(minutes=minutes))


@given(some_stops, registrations, token_scopes, moments)
def test_a_decision_asked_again_from_the_stored_facts_is_the_same(
    stops: tuple[Stop, ...], ours: RegistrationFacts, scopes: set[Scope], at: datetime
) -> None:
    theirs = institution(stops=stops)
    stored = (load(InstitutionFacts, canonical(theirs)), load(RegistrationFacts, canonical(ours)))
    assert access(*stored, scopes, at) == access(theirs, ours, scopes, at)


@given(registrations, token_scopes, moments)
def test_no_function_is_open_that_the_token_or_the_customer_did_not_name(
    ours: RegistrationFacts, scopes: set[Scope], at: datetime
) -> None:
    decision = access(institution(), ours, scopes, at)
    opened = {scope for scope in Scope if not decision.function_refusals(scope)}
    assert opened <= scopes & set(ours.scopes)


@given(some_stops, registrations, token_scopes, moments)
def test_a_stop_only_ever_takes_away(
    stops: tuple[Stop, ...], ours: RegistrationFacts, scopes: set[Scope], at: datetime
) -> None:
    before, after = access(institution(), ours, scopes, at), access(institution(stops=stops), ours, scopes, at)
    assert {refusal.reason for refusal in before.refusals} <= {refusal.reason for refusal in after.refusals}
    assert all(set(before.function_refusals(scope)) <= set(after.function_refusals(scope)) for scope in Scope)
    assert before.denied == after.denied, "a stop never ends a registration"

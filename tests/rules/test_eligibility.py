"""第1条第2項 and 第2条第2項: who can use the service, through whom, and with which accounts."""

from datetime import timedelta

import pytest

from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.eligibility import has_internet_banking, is_designated
from madoguchi.rules.eligible_accounts import is_eligible
from madoguchi.rules.vocabulary import AccountKind, AccountState, ContractState
from tests.rules.given import NOON, account, aggregator

MOMENT = timedelta(microseconds=1)


@pytest.mark.clause("1-2-1")
def test_a_live_internet_banking_contract_is_enough() -> None:
    assert has_internet_banking(ContractState.LIVE) is None


@pytest.mark.clause("1-2-1")
@pytest.mark.clause("5-2")
def test_a_cancelled_internet_banking_contract_ends_everything() -> None:
    refusal = has_internet_banking(ContractState.CANCELLED)
    assert refusal is not None
    assert (refusal.reason, refusal.clause) == (Reason.INTERNET_BANKING_ENDED, "1-2-1")
    assert refusal.reason.effect is Effect.DENIED


@pytest.mark.clause("1-2-1")
@pytest.mark.clause("7-3")
def test_a_suspended_contract_is_still_a_contract_and_pauses_only() -> None:
    refusal = has_internet_banking(ContractState.SUSPENDED)
    assert refusal is not None
    assert (refusal.reason, refusal.clause) == (Reason.INTERNET_BANKING_SUSPENDED, "7-3")
    assert refusal.reason.effect is Effect.PAUSED


@pytest.mark.clause("1-2-2")
def test_an_aggregators_contract_holds_from_its_first_moment_until_before_its_last() -> None:
    ours = aggregator(contract_from=NOON, contract_until=NOON + timedelta(days=1))
    assert is_designated(NOON, ours) is None
    assert is_designated(NOON + timedelta(days=1) - MOMENT, ours) is None
    for outside in (NOON - MOMENT, NOON + timedelta(days=1)):
        refusal = is_designated(outside, ours)
        assert refusal is not None
        assert (refusal.reason, refusal.clause) == (Reason.AGGREGATOR_NOT_CONTRACTED, "1-2-2")
        assert refusal.reason.effect is Effect.DENIED


@pytest.mark.clause("1-2-2")
def test_a_contract_without_an_end_goes_on() -> None:
    assert is_designated(NOON + timedelta(days=36500), aggregator()) is None


@pytest.mark.clause("2-2")
@pytest.mark.parametrize("kind", AccountKind)
def test_only_ordinary_and_current_accounts_are_linked(kind: AccountKind) -> None:
    assert is_eligible(account(kind=kind), ()) == (kind in (AccountKind.ORDINARY, AccountKind.CURRENT))


@pytest.mark.clause("2-2")
@pytest.mark.parametrize("state", AccountState)
def test_only_accounts_registered_in_internet_banking_now_are_linked(state: AccountState) -> None:
    assert is_eligible(account(state=state), ()) == (state is AccountState.REGISTERED)


@pytest.mark.clause("2-2")
def test_a_product_the_credit_union_excludes_is_not_linked_though_it_is_an_ordinary_account() -> None:
    assert not is_eligible(account(product_code="17"), ("17", "18"))
    assert is_eligible(account(product_code="16"), ("17", "18"))
    assert is_eligible(account(product_code=""), ("17", "18"))

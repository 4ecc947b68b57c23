"""第4条第3項: a function is shown when token, registration and contract all allow it; an identifying item likewise."""

from itertools import product

import pytest

from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.disclosure import IDENTIFIERS, is_granted, may_identify
from madoguchi.rules.vocabulary import Scope
from tests.rules.given import aggregator, registration


@pytest.mark.clause("4-3")
@pytest.mark.clause("2-1-1")
@pytest.mark.clause("2-1-2")
@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize(("token", "chosen", "contracted"), list(product([True, False], repeat=3)))
def test_a_function_is_shown_only_when_token_customer_and_contract_all_say_so(
    scope: Scope, token: bool, chosen: bool, contracted: bool
) -> None:
    def scopes(has_it: bool) -> tuple[Scope, ...]:
        return tuple(s for s in Scope if has_it or s is not scope)

    ours = registration(scopes=scopes(chosen), aggregator=aggregator(scopes=scopes(contracted)))
    refusal = is_granted(scope, scopes(token), ours)
    assert (refusal is None) == (token and chosen and contracted)
    if refusal is not None:
        assert (refusal.reason, refusal.clause) == (Reason.SCOPE_NOT_GRANTED, "4-3")
        assert refusal.reason.effect is Effect.FIELD


@pytest.mark.clause("4-3")
@pytest.mark.parametrize("item", IDENTIFIERS)
@pytest.mark.parametrize(("shown", "contracted"), list(product([True, False], repeat=2)))
def test_number_and_holder_are_shown_only_where_the_contract_lists_them_and_the_page_showed_them(
    item: str, shown: bool, contracted: bool
) -> None:
    def items(has_it: bool) -> tuple[str, ...]:
        return tuple(i for i in IDENTIFIERS if has_it or i != item)

    ours = registration(identifiers=items(shown), aggregator=aggregator(identifiers=items(contracted)))
    refusal = may_identify(item, ours)
    assert (refusal is None) == (shown and contracted)
    assert refusal is None or refusal.reason is Reason.IDENTIFIER_NOT_CONTRACTED


@pytest.mark.clause("4-3")
def test_an_item_nobody_ever_contracted_is_not_shown() -> None:
    assert may_identify("overdraft_limit", registration()) is not None

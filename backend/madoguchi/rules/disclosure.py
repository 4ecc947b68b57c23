"""第4条第3項 必要な範囲: which functions and identifying items a token may show.

Source: terms 4-3 with 2-1-1, 2-1-2. Scope x registration x contract; the account's own rules are eligible_accounts.py
and suspension.py.
"""

from collections.abc import Collection

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import RegistrationFacts
from madoguchi.rules.vocabulary import Scope

NUMBER = "number"
HOLDER = "holder"
IDENTIFIERS = (NUMBER, HOLDER)
"""Identifying items (口座番号, 口座名義): given only where the contract lists them and the consent page showed them."""


def is_granted(scope: Scope, token_scopes: Collection[Scope], registration: RegistrationFacts) -> Refusal | None:
    """第4条第3項: the token carries the scope, the customer chose it, and the aggregator's contract still allows it."""
    if scope in token_scopes and scope in registration.scopes and scope in registration.aggregator.scopes:
        return None
    return Refusal(Reason.SCOPE_NOT_GRANTED)


def may_identify(item: str, registration: RegistrationFacts) -> Refusal | None:
    """第4条第3項: an identifying item is in the contract now and was shown at consent."""
    if item in registration.identifiers and item in registration.aggregator.identifiers:
        return None
    return Refusal(Reason.IDENTIFIER_NOT_CONTRACTED)

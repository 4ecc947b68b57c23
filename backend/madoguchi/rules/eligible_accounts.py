"""第2条第2項 口座種類: which accounts an aggregator may be shown at all.

Source: terms 2-2. The registration in internet banking comes from the status feed (`domain.md`).
"""

from madoguchi.rules.facts import AccountFacts
from madoguchi.rules.vocabulary import AccountKind, AccountState

ELIGIBLE_KINDS = (AccountKind.ORDINARY, AccountKind.CURRENT)


def is_eligible(account: AccountFacts, excluded_products: tuple[str, ...]) -> bool:
    """第2条第2項: an ordinary or current account, registered in internet banking now, not of an excluded product.

    An account that is not eligible does not appear in any field, count, cursor or error.
    """
    return (
        account.kind in ELIGIBLE_KINDS
        and account.state is AccountState.REGISTERED
        and account.product_code not in excluded_products
    )

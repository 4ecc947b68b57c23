"""From the plan to what has to be fetched: one `Wanted` for the whole operation. Pure."""

from collections.abc import Mapping

from madoguchi.doors.api.errors import Problem
from madoguchi.doors.api.plan import Ask
from madoguchi.procedures.ledger_reading import Wanted
from madoguchi.rules.access import Access


def wanted(plan: Mapping[str, Ask], access: Access) -> Wanted:
    """What the permitted part of a plan needs of the books."""
    asks = [ask for root in plan.values() for ask in root.walk() if ask.problem is None]
    return Wanted(
        institution=any(ask.name == "institution" for ask in asks),
        accounts=frozenset(account.account_id for ask in asks for account in ask.accounts or ()),
        balances=frozenset(holder for ask in asks if ask.name == "balance" for holder in ask.holders),
        pages=tuple(
            pages
            for ask in asks
            if (pages := tuple(page for page in ask.pages.values() if not isinstance(page, Problem)))
        ),
        changes=tuple(dict.fromkeys(ask.changes for ask in asks if ask.changes is not None)),
        rows=tuple(ask.row for ask in asks if ask.row is not None) or None,
        corrections=max((_corrections(ask) for ask in plan.values()), default=0),
        visible=frozenset(account.account_id for account in access.accounts),
        since=access.window.first,
        until=access.window.last,
    )


def _corrections(ask: Ask) -> int:
    """How many `corrects` stand inside each other at most."""
    own = 1 if ask.name == "corrects" and ask.problem is None else 0
    return own + max((_corrections(child) for child in ask.children.values()), default=0)

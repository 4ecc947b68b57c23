"""第7条第3項 一時的な制限・停止: what a stop reaches.

Source: terms 7-3. A stop reaches all of the service, one function, one aggregator, one kind of account, one branch,
one customer or one registration; what is not stopped in the same query is still served.
Stops that end a registration for good are not here (5-1, 5-2: procedures/stopping.py).
"""

from collections.abc import Iterable
from datetime import datetime

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import AccountFacts, Stop
from madoguchi.rules.vocabulary import Scope, StopTarget

WHOLE = (StopTarget.ALL, StopTarget.AGGREGATOR, StopTarget.CUSTOMER, StopTarget.REGISTRATION)


def in_force(at: datetime, stop: Stop) -> bool:
    """Whether a stop holds at `at`: from its start, until before its end."""
    return stop.starts_at <= at and (stop.ends_at is None or at < stop.ends_at)


def service_stopped(at: datetime, stops: Iterable[Stop]) -> Refusal | None:
    """第7条第3項: a stop of all, or of this aggregator, customer or registration. `stops` are those that concern it."""
    return _refusal(Reason.SERVICE_STOPPED, [stop for stop in stops if stop.kind in WHOLE and in_force(at, stop)])


def function_stopped(at: datetime, scope: Scope, stops: Iterable[Stop]) -> Refusal | None:
    """第7条第3項: a stop of one function (口座情報, 残高照会, 入出金明細照会)."""
    hits = [s for s in stops if s.kind is StopTarget.FUNCTION and s.target == scope and in_force(at, s)]
    return _refusal(Reason.FUNCTION_STOPPED, hits)


def account_stopped(at: datetime, account: AccountFacts, stops: Iterable[Stop]) -> Refusal | None:
    """第7条第3項: a stop of the account's kind or branch."""
    of_account = {(StopTarget.ACCOUNT_KIND, account.kind.value), (StopTarget.BRANCH, account.branch_code)}
    return _refusal(
        Reason.ACCOUNT_STOPPED,
        [stop for stop in stops if (stop.kind, stop.target) in of_account and in_force(at, stop)],
    )


def _refusal(reason: Reason, hits: list[Stop]) -> Refusal | None:
    if not hits:
        return None
    ends = [stop.ends_at for stop in hits]
    # A stop without an end may be lifted at any time: nobody can say when to come back.
    return Refusal(reason, retry_at=None if None in ends else max(end for end in ends if end is not None))

"""Quotas (利用量の上限): how much one registration and one aggregator may ask for, and when they may ask again.

Attended calls (the customer is at the aggregator's service) are limited by the second; unattended ones by sessions a
day, a session being one access token's life, and by calls a session. Both have a budget of cost by the minute, each its
own: a nightly batch takes nothing from a customer who is there. Windows are fixed ones: seconds and minutes of UTC,
days of Japan; so 10 a second can be kept up for ever, and two seconds next to each other hold 20 at most.
Source: security.md 14; graphql.md "Cost". Where it is counted is procedures/quotas.py. What ends a registration is
never refused (clauses.md, reading 6): the door sees to that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from madoguchi.rules.vocabulary import JST

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
GRACE: Final = timedelta(minutes=1)
"""How long a count is kept when its window is over: workers' clocks differ, and a request was perhaps on its way."""


class Whose(StrEnum):
    REGISTRATION = "registration"
    AGGREGATOR = "aggregator"


class Kind(StrEnum):
    """What is counted. SESSION_CALLS are the parts of SESSIONS."""

    CALLS = "calls"
    COST = "cost"
    SESSIONS = "sessions"
    SESSION_CALLS = "session_calls"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits of one installation (settings.py).

    Calls are by the second, sessions by the day, cost by the minute; `session_lifetime` is that of an access token.
    """

    attended_calls: int
    aggregator_attended_calls: int
    sessions: int
    session_calls: int
    registration_cost: int
    aggregator_cost: int
    session_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request. `session` is the stored hash of its access token; `at` is aware."""

    registration_id: str
    aggregator_id: str
    session: str
    attended: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Counter:
    """One thing that is counted in one window, under a name that no other window has."""

    name: str
    kind: Kind
    whose: Whose
    limit: int
    resets_at: datetime
    kept_until: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call adds to one counter. `part` is the session; empty where a counter has no parts."""

    counter: str
    part: str
    amount: int
    kept_until: datetime


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A quota that leaves no room for a call. `left`: what remained of `limit`, too little for it."""

    kind: Kind
    whose: Whose
    limit: int
    left: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """A registration's budget of cost for the minute: what is left of `limit` until it is whole again."""

    limit: int
    remaining: int
    resets_at: datetime


Used = Mapping[str, Mapping[str, int]]
"""Counter's name -> part -> how much is used."""


def counters(call: Call, allowance: Allowance) -> tuple[Counter, ...]:
    """Everything this call is counted in, at most four; the newest day of sessions first."""
    how = "attended" if call.attended else "unattended"
    limits = (allowance.registration_cost, allowance.aggregator_cost)
    cost = _both(f"{how} cost", Kind.COST, limits, call, MINUTE)
    if not call.attended:
        return (*_days(call, allowance), *cost)
    limits = (allowance.attended_calls, allowance.aggregator_attended_calls)
    return (*_both("calls", Kind.CALLS, limits, call, SECOND), *cost)


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a call's quotas is used when it comes, without the call itself."""

    call: Call
    allowance: Allowance
    counters: tuple[Counter, ...]
    used: Used

    def calls_exhausted(self) -> tuple[Exhausted, ...]:
        """Which quotas have no room for one more call, whatever it costs."""
        if not self.call.attended:
            return self._session_exhausted()
        return tuple(
            Exhausted(each.kind, each.whose, each.limit, 0, each.resets_at)
            for each in self._of(Kind.CALLS)
            if self._sum(each) >= each.limit
        )

    def cost_exhausted(self, cost: int) -> tuple[Exhausted, ...]:
        """Which budgets have no room for an operation of this cost."""
        return tuple(
            Exhausted(each.kind, each.whose, each.limit, max(each.limit - self._sum(each), 0), each.resets_at)
            for each in self._of(Kind.COST)
            if self._sum(each) + cost > each.limit
        )

    def charges(self, cost: int) -> tuple[Charge, ...]:
        """What serving this call adds, and to which counters."""
        charged = [Charge(each.name, "", cost, each.kept_until) for each in self._of(Kind.COST) if cost]
        if self.call.attended:
            charged += [Charge(each.name, "", 1, each.kept_until) for each in self._of(Kind.CALLS)]
        else:
            day = self._day_of_session()
            charged.append(Charge(day.name, self.call.session, 1, day.kept_until))
        return tuple(charged)

    def budget(self, cost: int) -> Budget:
        """The registration's budget of cost after an operation of this cost."""
        own = next(each for each in self._of(Kind.COST) if each.whose is Whose.REGISTRATION)
        return Budget(own.limit, max(own.limit - self._sum(own) - cost, 0), own.resets_at)

    def _session_exhausted(self) -> tuple[Exhausted, ...]:
        day = self._day_of_session()
        today = self._of(Kind.SESSIONS)[0]
        calls = self.used.get(day.name, {}).get(self.call.session, 0)
        is_last = len(self.used.get(today.name, {})) >= today.limit
        if not calls:
            spent = Exhausted(Kind.SESSIONS, today.whose, today.limit, 0, today.resets_at)
            return (spent,) if is_last else ()
        if calls < self.allowance.session_calls:
            return ()
        # A fresh token serves at once, as long as the day has a session left.
        again = today.resets_at if is_last else self.call.at + SECOND
        return (Exhausted(Kind.SESSION_CALLS, today.whose, self.allowance.session_calls, 0, again),)

    def _day_of_session(self) -> Counter:
        """A session belongs to the day of its first unattended call, past midnight too."""
        days = self._of(Kind.SESSIONS)
        return next((day for day in days if self.call.session in self.used.get(day.name, {})), days[0])

    def _of(self, kind: Kind) -> list[Counter]:
        return [each for each in self.counters if each.kind is kind]

    def _sum(self, counter: Counter) -> int:
        return sum(self.used.get(counter.name, {}).values())


def _both(what: str, kind: Kind, limits: tuple[int, int], call: Call, window: timedelta) -> tuple[Counter, Counter]:
    """The registration's counter and the aggregator's, of the window in which the call comes."""
    number, begun = divmod(call.at - EPOCH, window)
    resets_at = call.at - begun + window
    kept_until = resets_at + GRACE
    own, all_ = limits
    return (
        Counter(f"{what}/{call.registration_id}/{number}", kind, Whose.REGISTRATION, own, resets_at, kept_until),
        Counter(f"{what}/{call.aggregator_id}/{number}", kind, Whose.AGGREGATOR, all_, resets_at, kept_until),
    )


def _days(call: Call, allowance: Allowance) -> list[Counter]:
    """The day's sessions of a registration, and those of the days on which this token may have begun one."""
    today, first = (at.astimezone(JST).date() for at in (call.at, call.at - allowance.session_lifetime))
    days = [today] if today == first else [today, today - timedelta(days=1)]
    found = []
    for day in days:
        resets_at = datetime.combine(day + timedelta(days=1), time(), JST)
        kept_until = resets_at + allowance.session_lifetime + GRACE
        name = f"sessions/{call.registration_id}/{day}"
        found.append(Counter(name, Kind.SESSIONS, Whose.REGISTRATION, allowance.sessions, resets_at, kept_until))
    return found

"""Facts for the tests of the rules: a credit union, an aggregator and a registration in which nothing is wrong.

Each test changes the one thing it speaks about: `registration(contract_state=ContractState.CANCELLED)`.
みほん信用組合 is open on weekdays 7:00 to 23:00, on Saturdays, Sundays and holidays 8:00 to 21:00.
2026-11-24 is a Tuesday.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from madoguchi.rules.facts import (
    AccountFacts,
    AggregatorFacts,
    Closure,
    Hours,
    InstitutionFacts,
    RegistrationFacts,
    Stop,
    Terms,
)
from madoguchi.rules.vocabulary import (
    JST,
    AccountKind,
    AccountState,
    ContractState,
    DayType,
    Product,
    RegistrationState,
    Scope,
    StopTarget,
    TermsChange,
)

SINCE = date(2020, 6, 17)


def jst(text: str) -> datetime:
    """A moment on the Japanese wall clock: `2026-11-24 23:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=JST)


NOON = jst("2026-11-24 12:00")
"""A Tuesday noon: open, and within everything."""


def window(day_type: DayType, opens: int, closes: int, **changes: Any) -> Hours:
    """A service window of personal internet banking, `opens` and `closes` in whole hours."""
    return replace(Hours(Product.PERSONAL, day_type, opens * 60, closes * 60, SINCE, None), **changes)


HOURS = (
    window(DayType.WEEKDAY, 7, 23),
    window(DayType.SATURDAY, 8, 21),
    window(DayType.SUNDAY, 8, 21),
    window(DayType.HOLIDAY, 8, 21),
    window(DayType.WEEKDAY, 8, 20, product=Product.BUSINESS),
)
ALL_HOURS = tuple(window(day_type, 0, 24) for day_type in DayType)
TERMS = Terms(SINCE, jst("2020-06-17 00:00"), TermsChange.NOTICE)


def institution(**changes: Any) -> InstitutionFacts:
    holidays = (date(2026, 11, 23), date(2027, 1, 1))
    return replace(InstitutionFacts(HOURS, holidays, (), (), (TERMS,), 13, ()), **changes)


def aggregator(**changes: Any) -> AggregatorFacts:
    since = jst("2026-04-01 00:00")
    return replace(AggregatorFacts("kakeibo", since, None, tuple(Scope), ("number", "holder"), None), **changes)


def account(account_id: int = 1, **changes: Any) -> AccountFacts:
    return replace(AccountFacts(account_id, "001", AccountKind.ORDINARY, "", AccountState.REGISTERED), **changes)


def registration(**changes: Any) -> RegistrationFacts:
    sound = RegistrationFacts(
        registration_id="rg1",
        state=RegistrationState.ACTIVE,
        registered_at=NOON - timedelta(days=1),
        until=jst("2027-05-23 00:00"),
        scopes=tuple(Scope),
        identifiers=("number", "holder"),
        terms_version=SINCE,
        product=Product.PERSONAL,
        contract_state=ContractState.LIVE,
        aggregator=aggregator(),
        accounts=(account(),),
        stops=(),
    )
    return replace(sound, **changes)


def stop(kind: StopTarget, target: str = "", starts_at: datetime = NOON, ends_at: datetime | None = None) -> Stop:
    return Stop(1, kind, target, starts_at, ends_at)


def closure(starts_at: str, ends_at: str) -> Closure:
    return Closure(jst(starts_at), jst(ends_at))

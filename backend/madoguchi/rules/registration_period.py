"""第4条第1項 一定期間: how long a registration lasts.

Source: terms 4-1; the number of days is the credit union's setting. The period counts from registration, its first day
not counted (民法140条), and ends with the end of its last day (141条). A refresh never extends it.
"""

from datetime import date, datetime, time, timedelta

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import RegistrationFacts
from madoguchi.rules.vocabulary import JST, RegistrationState


def registration_until(registered_at: datetime, days: int) -> datetime:
    """The exclusive end of a registration completed at `registered_at` (aware): 24:00 JST of its last day."""
    last = registered_at.astimezone(JST).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time(), JST)


def last_day(until: datetime) -> date:
    """The last day (JST) on which a registration with this exclusive end still serves: the day a customer is told."""
    return (until.astimezone(JST) - timedelta(microseconds=1)).date()


def within_registration(at: datetime, registration: RegistrationFacts) -> tuple[Refusal, ...]:
    """第4条第1項: only an active registration serves, and only before its end, with or without a sweep."""
    refusals = []
    if registration.state is not RegistrationState.ACTIVE:
        refusals.append(Refusal(Reason.REGISTRATION_NOT_ACTIVE))
    if at >= registration.until:
        refusals.append(Refusal(Reason.REGISTRATION_EXPIRED))
    return tuple(refusals)

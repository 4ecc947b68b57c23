"""第4条第1項: a registration lasts 180 days; the day of registration is not counted, the last day is whole."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.registration_period import last_day, registration_until, within_registration
from madoguchi.rules.vocabulary import JST, RegistrationState
from tests.rules.given import NOON, jst, registration

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=JST))
periods = st.integers(1, 3650)


@pytest.mark.clause("4-1")
@pytest.mark.parametrize("registered", ["2026-11-24 00:00", "2026-11-24 12:00", "2026-11-24 23:59:59"])
def test_180_days_from_24_november_2026_last_until_the_end_of_23_may_2027(registered: str) -> None:
    until = registration_until(jst(registered), 180)
    assert until == jst("2027-05-24 00:00")
    assert last_day(until) == date(2027, 5, 23)


@pytest.mark.clause("4-1")
def test_one_minute_after_midnight_in_japan_is_the_next_day_though_utc_has_the_old_one() -> None:
    at = datetime.fromisoformat("2026-11-24T15:01:00+00:00")
    assert registration_until(at, 180) == jst("2027-05-25 00:00")


@pytest.mark.clause("4-1")
def test_the_29_february_is_a_day_like_any_other() -> None:
    assert last_day(registration_until(jst("2028-02-28 12:00"), 1)) == date(2028, 2, 29)
    assert last_day(registration_until(jst("2027-11-24 12:00"), 180)) == date(2028, 5, 22)


@pytest.mark.clause("4-1")
def test_the_last_second_of_the_last_day_is_served_and_24_oclock_is_not() -> None:
    ours = registration(until=registration_until(NOON, 180))
    assert within_registration(jst("2027-05-23 23:59:59.999999"), ours) == ()
    (refusal,) = within_registration(jst("2027-05-24 00:00"), ours)
    assert (refusal.reason, refusal.clause) == (Reason.REGISTRATION_EXPIRED, "4-1")
    assert refusal.reason.effect is Effect.DENIED


@pytest.mark.clause("4-1")
@pytest.mark.parametrize("state", [RegistrationState.PENDING, RegistrationState.ENDED])
def test_only_an_active_registration_serves(state: RegistrationState) -> None:
    (refusal,) = within_registration(NOON, registration(state=state))
    assert (refusal.reason, refusal.reason.effect) == (Reason.REGISTRATION_NOT_ACTIVE, Effect.DENIED)


@pytest.mark.clause("4-1")
def test_a_registration_that_was_ended_and_is_over_says_both() -> None:
    refusals = within_registration(NOON, registration(state=RegistrationState.ENDED, until=NOON))
    assert [refusal.reason for refusal in refusals] == [
        Reason.REGISTRATION_NOT_ACTIVE,
        Reason.REGISTRATION_EXPIRED,
    ]


@pytest.mark.clause("4-1")
@given(moments, periods)
def test_every_registration_ends_at_midnight_in_japan_after_exactly_its_days(at: datetime, days: int) -> None:
    until = registration_until(at, days)
    assert (until.utcoffset(), until.hour, until.minute, until.second) == (timedelta(hours=9), 0, 0, 0)
    assert last_day(until) - at.date() == timedelta(days=days)
    assert timedelta(days=days) < until - at <= timedelta(days=days + 1)

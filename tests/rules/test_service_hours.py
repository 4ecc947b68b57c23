"""第2条第1項: みほん信用組合 answers on weekdays 7:00 to 23:00, on Saturdays, Sundays and holidays 8:00 to 21:00."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.facts import Closure, Hours, InstitutionFacts
from madoguchi.rules.service_hours import hours_on, is_open, next_closing, next_opening, within_service_hours
from madoguchi.rules.vocabulary import JST, DayType, Product
from tests.rules.given import ALL_HOURS, SINCE, closure, institution, jst, window

PERSONAL = Product.PERSONAL
SECOND = timedelta(seconds=1)


@pytest.mark.clause("2-1")
def test_one_second_before_opening_is_refused_and_told_the_opening() -> None:
    refusal = within_service_hours(jst("2026-11-24 06:59:59"), PERSONAL, institution())
    assert refusal is not None
    assert (refusal.reason, refusal.clause, refusal.retry_at) == (
        Reason.OUTSIDE_SERVICE_HOURS,
        "2-1",
        jst("2026-11-24 07:00"),
    )
    assert refusal.reason.effect is Effect.PAUSED


@pytest.mark.clause("2-1")
def test_the_opening_second_is_served() -> None:
    assert within_service_hours(jst("2026-11-24 07:00"), PERSONAL, institution()) is None


@pytest.mark.clause("2-1")
def test_the_last_second_before_closing_is_still_served() -> None:
    assert within_service_hours(jst("2026-11-24 22:59:59.999999"), PERSONAL, institution()) is None


@pytest.mark.clause("2-1")
def test_closing_time_itself_is_refused_and_told_the_next_mornings_opening() -> None:
    refusal = within_service_hours(jst("2026-11-24 23:00"), PERSONAL, institution())
    assert refusal is not None
    assert refusal.retry_at == jst("2026-11-25 07:00")


@pytest.mark.clause("2-1")
def test_on_friday_night_the_next_opening_is_saturdays() -> None:
    assert next_opening(jst("2026-11-27 23:30"), PERSONAL, institution()) == jst("2026-11-28 08:00")


@pytest.mark.clause("2-1")
def test_a_holiday_on_a_monday_keeps_the_holidays_hours() -> None:
    """2026-11-23 is 勤労感謝の日."""
    assert not is_open(jst("2026-11-23 07:30"), PERSONAL, institution())
    assert is_open(jst("2026-11-23 08:00"), PERSONAL, institution())
    assert not is_open(jst("2026-11-23 21:00"), PERSONAL, institution())


@pytest.mark.clause("2-1")
def test_business_internet_banking_keeps_hours_of_its_own() -> None:
    assert not is_open(jst("2026-11-24 20:00"), Product.BUSINESS, institution())
    assert is_open(jst("2026-11-24 20:00"), PERSONAL, institution())
    assert not is_open(jst("2026-11-28 12:00"), Product.BUSINESS, institution()), "no window is a closed day"


@pytest.mark.clause("2-1")
def test_a_day_without_any_window_is_closed_and_no_opening_is_promised() -> None:
    refusal = within_service_hours(jst("2026-11-24 12:00"), PERSONAL, institution(hours=()))
    assert refusal is not None
    assert refusal.retry_at is None


@pytest.mark.clause("2-1")
def test_open_at_all_hours_never_closes_at_midnight() -> None:
    always = institution(hours=ALL_HOURS)
    for moment in ("2026-11-24 23:59:59.999999", "2026-11-25 00:00", "2026-11-29 00:00"):
        assert is_open(jst(moment), PERSONAL, always)
    assert next_closing(jst("2026-11-24 12:00"), PERSONAL, always) is None


@pytest.mark.clause("2-1")
def test_a_window_that_goes_on_after_midnight_is_one_window() -> None:
    night = institution(hours=(window(DayType.WEEKDAY, 0, 2), window(DayType.WEEKDAY, 22, 24)))
    assert next_closing(jst("2026-11-24 23:00"), PERSONAL, night) == jst("2026-11-25 02:00")
    assert next_opening(jst("2026-11-24 23:00"), PERSONAL, night) == jst("2026-11-25 22:00")
    assert is_open(jst("2026-11-25 01:59:59"), PERSONAL, night)
    assert not is_open(jst("2026-11-25 02:00"), PERSONAL, night)


@pytest.mark.clause("2-1")
def test_next_closing_is_the_end_of_the_present_window_and_none_when_closed() -> None:
    assert next_closing(jst("2026-11-24 07:00"), PERSONAL, institution()) == jst("2026-11-24 23:00")
    assert next_closing(jst("2026-11-24 23:00"), PERSONAL, institution()) is None


@pytest.mark.clause("2-1")
def test_a_planned_maintenance_closes_from_its_first_second_until_before_its_end() -> None:
    works = institution(closures=(closure("2026-11-24 12:00", "2026-11-24 14:00"),))
    assert is_open(jst("2026-11-24 11:59:59"), PERSONAL, works)
    refusal = within_service_hours(jst("2026-11-24 12:00"), PERSONAL, works)
    assert refusal is not None
    assert refusal.retry_at == jst("2026-11-24 14:00")
    assert is_open(jst("2026-11-24 14:00"), PERSONAL, works)
    assert next_closing(jst("2026-11-24 10:00"), PERSONAL, works) == jst("2026-11-24 12:00")


@pytest.mark.clause("2-1")
def test_over_the_year_end_the_opening_told_is_the_first_one_after_the_closure() -> None:
    """Closed from 2026-12-31 17:00 to 2027-01-04 08:00, across a holiday and a weekend."""
    year_end = institution(closures=(closure("2026-12-31 17:00", "2027-01-04 08:00"),))
    assert next_opening(jst("2026-12-31 17:00"), PERSONAL, year_end) == jst("2027-01-04 08:00")
    assert next_opening(jst("2026-12-31 16:59"), PERSONAL, year_end) == jst("2027-01-04 08:00")


@pytest.mark.clause("2-1")
def test_closures_that_overlap_are_one_closure() -> None:
    twice = institution(
        closures=(closure("2026-11-24 13:00", "2026-11-24 15:00"), closure("2026-11-24 12:00", "2026-11-24 14:00"))
    )
    assert next_opening(jst("2026-11-24 12:30"), PERSONAL, twice) == jst("2026-11-24 15:00")


@pytest.mark.clause("2-1")
def test_new_hours_hold_from_their_first_day_and_the_old_ones_until_the_day_before() -> None:
    """Until 2026-11-30 from 7:00, from 2026-12-01 (a Tuesday) from 9:00."""
    change = date(2026, 12, 1)
    changed = institution(
        hours=(
            window(DayType.WEEKDAY, 7, 23, valid_until=change),
            window(DayType.WEEKDAY, 9, 23, valid_from=change),
        )
    )
    assert next_opening(jst("2026-11-30 06:00"), PERSONAL, changed) == jst("2026-11-30 07:00")
    assert next_opening(jst("2026-12-01 06:00"), PERSONAL, changed) == jst("2026-12-01 09:00")
    assert hours_on(date(2026, 11, 30), PERSONAL, changed) == (range(420, 1380),)
    assert hours_on(change, PERSONAL, changed) == (range(540, 1380),)


@pytest.fixture(params=["America/New_York", "Pacific/Kiritimati", "Asia/Tokyo"])
def host_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.clause("2-1")
def test_the_hours_are_japanese_time_whatever_the_hosts_zone(host_zone: str) -> None:
    """21:59:59 and 22:00 UTC are 06:59:59 and 07:00 of the next morning in Japan, in winter and in summer."""
    for day in (date(2026, 1, 14), date(2026, 7, 14)):
        opening = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
        assert not is_open(opening - SECOND, PERSONAL, institution())
        assert is_open(opening, PERSONAL, institution())
        assert is_open(opening.astimezone(ZoneInfo(host_zone)), PERSONAL, institution())


def test_a_moment_without_a_zone_is_a_bug_and_no_refusal() -> None:
    with pytest.raises(ValueError, match="aware"):
        within_service_hours(datetime(2026, 11, 24, 12), PERSONAL, institution())


FIRST = jst("2026-11-20 00:00")
minutes = st.integers(0, 8 * 24 * 60)
moments = st.integers(0, 8 * 24 * 60 * 60).map(lambda seconds: FIRST + timedelta(seconds=seconds))
windows = st.builds(
    lambda day_type, opens, length: Hours(PERSONAL, day_type, opens, min(opens + length, 1440), SINCE, None),
    st.sampled_from(DayType),
    st.integers(0, 1439),
    st.integers(1, 1440),
)
closures = st.builds(
    lambda start, length: Closure(FIRST + timedelta(minutes=start), FIRST + timedelta(minutes=start + length)),
    minutes,
    st.integers(1, 3000),
)
calendars = st.builds(
    lambda hours, shut: institution(hours=tuple(hours), closures=tuple(shut)),
    st.lists(windows, max_size=8),
    st.lists(closures, max_size=4),
)


def plainly_open(at: datetime, calendar: InstitutionFacts) -> bool:
    """The clause's own words, minute by minute: a window of that day, and no closure."""
    wall = at.astimezone(JST)
    minute = wall.hour * 60 + wall.minute
    return any(minute in span for span in hours_on(wall.date(), PERSONAL, calendar)) and not any(
        shut.starts_at <= at < shut.ends_at for shut in calendar.closures
    )


@pytest.mark.clause("2-1")
@given(moments, calendars)
def test_any_calendar_is_open_exactly_inside_a_window_and_outside_every_closure(
    at: datetime, calendar: InstitutionFacts
) -> None:
    assert is_open(at, PERSONAL, calendar) == plainly_open(at, calendar)


@pytest.mark.clause("2-1")
@given(moments, calendars)
def test_the_opening_that_is_told_is_the_first_open_moment(at: datetime, calendar: InstitutionFacts) -> None:
    """Nothing is open between now and then, one second before it is closed, and at it the service is open."""
    refusal = within_service_hours(at, PERSONAL, calendar)
    if refusal is None or refusal.retry_at is None:
        return
    opening = refusal.retry_at
    assert plainly_open(opening, calendar)
    assert not plainly_open(opening - SECOND, calendar)
    assert not any(plainly_open(moment, calendar) for moment in _each_minute(at, opening))


@pytest.mark.clause("2-1")
@given(moments, calendars)
def test_the_closing_that_is_told_is_the_first_closed_moment(at: datetime, calendar: InstitutionFacts) -> None:
    closing = next_closing(at, PERSONAL, calendar)
    if closing is None:
        return
    assert plainly_open(closing - SECOND, calendar)
    assert not plainly_open(closing, calendar)
    assert all(plainly_open(moment, calendar) for moment in _each_minute(at, closing))


def _each_minute(start: datetime, end: datetime) -> Iterator[datetime]:
    """Every minute from `start` on and before `end`, of the first two days."""
    at = start
    while at < min(end, start + timedelta(days=2)):
        yield at
        at += timedelta(minutes=1)

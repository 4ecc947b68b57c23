"""第6条第1項: 残高通知 is due by 7:00 on banking days with all of the banking day before; 2026-11-24 is a Tuesday.

The Monday before is 勤労感謝の日, so that Friday 20 November is the banking day before.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.rules.facts import FeedDue
from madoguchi.rules.feed_lateness import FeedLateness, feed_lateness
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays
from tests.rules.given import jst

MORNING = FeedDue(
    Feed.BALANCES, FeedDays.BANKING_DAYS, 7 * 60, FeedCovers.PREVIOUS_BANKING_DAY, 48 * 60, date(2026, 1, 5), None
)
FRIDAY = jst("2026-11-20 23:59:59")
TUESDAY = jst("2026-11-24 23:59:59")


def intraday(*hours: int, **changes: Any) -> tuple[FeedDue, ...]:
    """Due at these hours of every day with something of the day itself."""
    line = replace(MORNING, days=FeedDays.EVERY_DAY, covers=FeedCovers.SAME_DAY, unavailable_after=None)
    return tuple(replace(line, due=hour * 60, **changes) for hour in hours)


def judged(at: str | datetime, newest: datetime | None, *lines: FeedDue) -> FeedLateness:
    moment = jst(at) if isinstance(at, str) else at
    return feed_lateness(moment, Feed.BALANCES, lines or (MORNING,), newest, is_banking_day)


@pytest.mark.clause("6-1")
def test_a_second_before_it_is_due_nothing_is_late_and_the_due_second_itself_is() -> None:
    wednesday = jst("2026-11-18 23:59:59")
    assert judged("2026-11-20 06:59:59", wednesday).late_since is None
    assert judged("2026-11-20 07:00:00", wednesday).late_since == jst("2026-11-20 07:00")
    assert judged("2026-11-20 07:00:00", jst("2026-11-19 23:59:59")).late_since is None


@pytest.mark.clause("6-1")
def test_data_must_reach_the_last_second_of_the_banking_day_before() -> None:
    assert judged("2026-11-24 07:00", FRIDAY).late_since is None
    short = judged("2026-11-24 07:00", FRIDAY - timedelta(seconds=1))
    assert (short.late_since, short.expected) == (jst("2026-11-24 07:00"), FRIDAY)


@pytest.mark.clause("6-1")
def test_the_second_from_which_stale_data_is_withheld_is_forty_eight_hours_after_it_was_due() -> None:
    wednesday = jst("2026-11-18 23:59:59")
    assert judged("2026-11-22 06:59:59", wednesday) == FeedLateness(
        jst("2026-11-19 23:59:59"), jst("2026-11-20 07:00"), False, jst("2026-11-24 07:00")
    )
    assert judged("2026-11-22 07:00:00", wednesday).unavailable


def test_a_timetable_without_a_limit_never_withholds_anything() -> None:
    lenient = replace(MORNING, unavailable_after=None)
    year_ago = judged("2026-11-24 12:00", jst("2026-01-05 12:00"), lenient)
    assert (year_ago.late_since, year_ago.unavailable) == (jst("2026-01-06 07:00"), False)
    assert year_ago.expected == FRIDAY


def test_over_a_weekend_with_a_holiday_fridays_data_is_not_late_and_is_due_next_on_tuesday() -> None:
    for at in ("2026-11-21 07:00", "2026-11-22 23:00", "2026-11-23 12:00", "2026-11-24 06:59:59"):
        stand = judged(at, jst("2026-11-19 23:59:59"))
        assert (stand.late_since, stand.next_due) == (None, jst("2026-11-24 07:00"))
    assert judged("2026-11-21 07:00", FRIDAY).next_due == jst("2026-11-25 07:00")  # what is due on Tuesday is here


def test_over_new_year_the_data_of_30_december_is_due_on_4_january() -> None:
    second_last = jst("2026-12-29 23:59:59")
    assert judged("2027-01-04 06:59:59", second_last).late_since is None
    assert judged("2027-01-04 06:59:59", second_last).next_due == jst("2027-01-04 07:00")
    late = judged("2027-01-04 07:00", second_last)
    assert (late.late_since, late.expected) == (jst("2027-01-04 07:00"), jst("2026-12-30 23:59:59"))


def test_in_golden_week_three_holidays_and_a_weekend_pass_without_a_due_day() -> None:
    """2026: Friday 1 May is a banking day, 2 to 6 May are none."""
    assert judged("2026-05-07 06:59:59", jst("2026-04-30 23:59:59")).late_since is None
    assert judged("2026-05-07 07:00", jst("2026-05-01 23:59:58")).late_since == jst("2026-05-07 07:00")
    assert judged("2026-05-07 07:00", jst("2026-05-01 23:59:59")).next_due == jst("2026-05-08 07:00")


def test_of_three_due_moments_a_day_each_asks_for_data_newer_than_the_one_before() -> None:
    lines = intraday(10, 14, 17)
    morning = jst("2026-11-24 09:50")
    assert judged("2026-11-24 10:00", morning, *lines).late_since is None
    assert judged("2026-11-24 13:59:59", morning, *lines).next_due == jst("2026-11-24 14:00")
    late = judged("2026-11-24 16:00", morning, *lines)
    assert (late.late_since, late.expected) == (jst("2026-11-24 14:00"), jst("2026-11-24 10:00"))
    assert judged("2026-11-24 16:00", jst("2026-11-24 10:00"), *lines).late_since is None


def test_the_first_due_moment_of_a_day_asks_for_something_of_that_day() -> None:
    lines = intraday(10)
    assert judged("2026-11-24 10:00", jst("2026-11-23 23:59:59"), *lines).late_since == jst("2026-11-24 10:00")
    assert judged("2026-11-24 10:00", jst("2026-11-24 00:00"), *lines).late_since is None


def test_two_lines_for_one_moment_ask_for_the_same_data() -> None:
    lines = (*intraday(10), *intraday(10, days=FeedDays.BANKING_DAYS, unavailable_after=60))
    assert judged("2026-11-24 12:00", jst("2026-11-24 09:00"), *lines).late_since is None
    assert judged("2026-11-24 11:00", jst("2026-11-23 09:00"), *lines).unavailable


def test_each_due_moment_has_its_own_limit() -> None:
    """Intraday news may stay out for ever; that the morning's data is missing withholds the balances after two days."""
    lines = (MORNING, *intraday(14))
    friday_morning = jst("2026-11-20 08:00")
    first_missed = jst("2026-11-21 14:00")
    before = judged("2026-11-26 06:59:59", friday_morning, *lines)
    assert (before.late_since, before.unavailable) == (first_missed, False)
    after = judged("2026-11-26 07:00", friday_morning, *lines)
    assert (after.late_since, after.unavailable) == (first_missed, True)


def test_what_is_missing_since_an_intraday_moment_stays_missing_when_the_next_morning_asks_for_less() -> None:
    """Sunday morning asks for Friday's data again; that Saturday afternoon's never came is not forgotten."""
    lines = (replace(MORNING, days=FeedDays.EVERY_DAY), *intraday(10, 14))
    sunday = judged("2026-11-22 08:00", jst("2026-11-21 09:00"), *lines)
    assert (sunday.late_since, sunday.expected) == (jst("2026-11-21 14:00"), jst("2026-11-21 10:00"))


def test_a_changed_timetable_holds_from_its_first_day_and_the_days_before_keep_theirs() -> None:
    old = replace(MORNING, valid_until=date(2026, 11, 25))
    new = replace(MORNING, due=9 * 60, valid_from=date(2026, 11, 25))
    assert judged("2026-11-24 08:00", jst("2026-11-19 23:59:59"), old, new).late_since == jst("2026-11-24 07:00")
    assert judged("2026-11-25 08:00", FRIDAY, old, new).late_since is None
    assert judged("2026-11-25 08:00", FRIDAY, old, new).next_due == jst("2026-11-25 09:00")
    assert judged("2026-11-25 09:00", FRIDAY, old, new).late_since == jst("2026-11-25 09:00")
    missed = judged("2026-11-25 08:00", jst("2026-11-19 23:59:59"), old, new)
    assert missed.late_since == jst("2026-11-24 07:00")


def test_without_a_timetable_nothing_is_late_and_nobody_knows_the_next_update() -> None:
    nothing = feed_lateness(TUESDAY, Feed.BALANCES, (), None, is_banking_day)
    assert nothing == FeedLateness(None, None, False, None)
    assert not nothing.late
    of_another_feed = replace(MORNING, feed=Feed.TRANSACTIONS)
    assert judged(TUESDAY, None, of_another_feed) == nothing


def test_a_timetable_that_has_ended_expects_nothing_any_more() -> None:
    ended = replace(MORNING, valid_until=date(2026, 11, 24))
    assert judged("2026-11-24 00:00", None, ended) == FeedLateness()
    assert judged("2026-11-23 23:59:59", None, ended).late


def test_a_timetable_still_to_come_makes_nothing_late_and_tells_the_first_due_moment() -> None:
    coming = replace(MORNING, valid_from=date(2026, 11, 26))
    assert judged("2026-11-24 12:00", None, coming) == FeedLateness(next_due=jst("2026-11-26 07:00"))


@pytest.mark.clause("6-1")
def test_a_feed_that_never_came_is_late_since_the_first_day_of_its_timetable() -> None:
    stand = judged("2026-11-24 12:00", None)
    assert (stand.late_since, stand.unavailable) == (jst("2026-01-05 07:00"), True)
    assert stand.late


def test_a_moment_without_a_zone_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="aware"):
        judged(datetime(2026, 11, 24, 12), None)


lines = st.builds(
    FeedDue,
    feed=st.just(Feed.BALANCES),
    days=st.sampled_from(FeedDays),
    due=st.integers(0, 24 * 60 - 1),
    covers=st.sampled_from(FeedCovers),
    unavailable_after=st.none() | st.integers(0, 5 * 24 * 60),
    valid_from=st.dates(date(2026, 12, 20), date(2027, 1, 8)),
    valid_until=st.none() | st.dates(date(2026, 12, 25), date(2027, 1, 12)),
)
timetables = st.lists(lines, min_size=1, max_size=4)
moments = st.datetimes(datetime(2026, 12, 24), datetime(2027, 1, 14), timezones=st.just(JST))


@given(timetables, moments, moments | st.none(), moments)
def test_newer_data_never_makes_a_feed_later(
    timetable: list[FeedDue], at: datetime, older: datetime | None, newer: datetime
) -> None:
    if older is not None and older > newer:
        older, newer = newer, older
    before, after = (judged(at, newest, *timetable) for newest in (older, newer))
    assert before.late or not after.late
    assert before.unavailable or not after.unavailable
    assert after.late_since is None or (before.late_since is not None and before.late_since <= after.late_since)


@given(timetables, moments, moments | st.none())
def test_what_is_told_fits_together(timetable: list[FeedDue], at: datetime, newest: datetime | None) -> None:
    stand = judged(at, newest, *timetable)
    assert stand.late or not stand.unavailable
    assert stand.next_due is None or stand.next_due > at
    if stand.late_since is not None:
        assert stand.late_since <= at
        assert stand.expected is not None
        assert newest is None or newest < stand.expected
    assert judged(at.astimezone(UTC), newest, *timetable) == stand


@given(timetables, moments, moments | st.none())
def test_the_search_finds_what_looking_at_every_minute_finds(
    timetable: list[FeedDue], at: datetime, newest: datetime | None
) -> None:
    """An independent reading of the timetable: every day since its beginning, nothing skipped and no early end."""
    missed = [
        (moment, limit)
        for moment, expected, limit in _every_due(timetable, date(2027, 1, 15))
        if moment <= at and (newest is None or newest < expected)
    ]
    holds = any(
        line.valid_from <= at.date() and (line.valid_until is None or at.date() < line.valid_until)
        for line in timetable
    )
    stand = judged(at, newest, *timetable)
    assert stand.late_since == (min(moment for moment, _ in missed) if missed and holds else None)
    assert stand.unavailable == (holds and any(limit is not None and limit <= at for _, limit in missed))


def _every_due(timetable: list[FeedDue], until: date) -> Iterator[tuple[datetime, datetime, datetime | None]]:
    day = date(2026, 12, 20)
    while day < until:
        start = datetime(day.year, day.month, day.day, tzinfo=JST)
        due_today = [
            line
            for line in timetable
            if line.valid_from <= day
            and not (line.valid_until is not None and line.valid_until <= day)
            and not (line.days is FeedDays.BANKING_DAYS and not is_banking_day(day))
        ]
        for line in due_today:
            if line.covers is FeedCovers.PREVIOUS_BANKING_DAY:
                back = next(n for n in range(1, 20) if is_banking_day(day - timedelta(days=n)))
                expected = start - timedelta(days=back - 1, seconds=1)
            else:
                earlier = {each.due for each in due_today if each.covers is FeedCovers.SAME_DAY} & set(range(line.due))
                expected = start + timedelta(minutes=max(earlier | {0}))
            moment = start + timedelta(minutes=line.due)
            limit = None if line.unavailable_after is None else moment + timedelta(minutes=line.unavailable_after)
            yield moment, expected, limit
        day += timedelta(days=1)

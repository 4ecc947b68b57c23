"""第2条第4項: 13 months of history, or fewer days where the aggregator's contract says so."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.data_window import DataWindow, data_window, effective_period
from madoguchi.rules.vocabulary import JST, WindowLimit
from tests.rules.given import NOON, jst

OURS, THEIRS = WindowLimit.CREDIT_UNION, WindowLimit.AGGREGATOR_CONTRACT
days = st.dates(date(2020, 1, 1), date(2099, 12, 31))


@pytest.mark.clause("2-4")
def test_thirteen_months_before_24_november_2026_is_24_october_2025() -> None:
    assert data_window(NOON, 13, None) == DataWindow(date(2025, 10, 24), date(2026, 11, 24), OURS)


@pytest.mark.clause("2-4")
@pytest.mark.parametrize(
    ("today", "first"),
    [
        ("2026-03-31", date(2025, 2, 28)),
        ("2029-03-31", date(2028, 2, 29)),
        ("2026-12-31", date(2025, 11, 30)),
        ("2026-01-15", date(2024, 12, 15)),
        ("2028-02-29", date(2027, 1, 29)),
    ],
)
def test_where_that_month_has_no_such_day_the_window_begins_on_its_last(today: str, first: date) -> None:
    assert data_window(jst(f"{today} 12:00"), 13, None).first == first


@pytest.mark.clause("2-4")
def test_today_is_the_day_in_japan() -> None:
    """2026-11-24 15:00 UTC is midnight of the 25th."""
    assert data_window(datetime.fromisoformat("2026-11-24T14:59:59+00:00"), 13, None).last == date(2026, 11, 24)
    assert data_window(datetime.fromisoformat("2026-11-24T15:00:00+00:00"), 13, None).last == date(2026, 11, 25)


@pytest.mark.clause("2-4")
def test_a_contract_for_90_days_narrows_the_window_and_is_named() -> None:
    assert data_window(NOON, 13, 90) == DataWindow(date(2026, 8, 26), date(2026, 11, 24), THEIRS)


@pytest.mark.clause("2-4")
@pytest.mark.parametrize("history_days", [396, 397, 3650])
def test_a_contract_for_as_many_days_or_more_changes_nothing(history_days: int) -> None:
    """From 2025-10-24 to 2026-11-24 there are 396 days."""
    assert data_window(NOON, 13, history_days) == data_window(NOON, 13, None)
    assert data_window(NOON, 13, 395).limit is THEIRS


WINDOW = DataWindow(date(2025, 10, 24), date(2026, 11, 24), OURS)


@pytest.mark.clause("2-4")
def test_asking_for_nothing_special_gives_the_window_and_names_no_limit() -> None:
    period = effective_period(WINDOW, None, None)
    assert (period.first, period.last, period.limited_by) == (WINDOW.first, WINDOW.last, ())


@pytest.mark.clause("2-4")
def test_the_windows_first_day_is_given_whole_and_the_day_before_is_cut_and_said() -> None:
    assert effective_period(WINDOW, WINDOW.first, None).limited_by == ()
    cut = effective_period(WINDOW, date(2025, 10, 23), None)
    assert (cut.first, cut.limited_by) == (WINDOW.first, (OURS,))


@pytest.mark.clause("2-4")
def test_the_limit_named_is_the_one_that_cut() -> None:
    narrow = data_window(NOON, 13, 90)
    assert effective_period(narrow, date(2026, 8, 25), None).limited_by == (THEIRS,)


@pytest.mark.clause("2-4")
@pytest.mark.parametrize("asked_from", [None, date(2024, 1, 1)])
def test_a_period_that_ended_before_the_window_is_empty_and_the_limit_is_said(asked_from: date | None) -> None:
    period = effective_period(WINDOW, asked_from, date(2025, 10, 23))
    assert period.first > period.last
    assert period.limited_by == (OURS,)


@pytest.mark.clause("2-4")
def test_days_to_come_are_not_there_and_nobodys_limit() -> None:
    period = effective_period(WINDOW, date(2026, 11, 1), date(2026, 12, 31))
    assert (period.first, period.last, period.limited_by) == (date(2026, 11, 1), WINDOW.last, ())


@pytest.mark.clause("2-4")
@given(days, st.integers(1, 60), st.none() | st.integers(1, 2000))
def test_a_contract_can_only_narrow(day: date, months: int, history_days: int | None) -> None:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=JST)
    ours, theirs = data_window(at, months, None), data_window(at, months, history_days)
    assert ours.first <= theirs.first <= theirs.last == day
    assert (theirs.limit is THEIRS) == (theirs.first > ours.first)
    if history_days is not None:
        assert day - theirs.first <= timedelta(days=history_days)


@pytest.mark.clause("2-4")
@given(st.none() | days, st.none() | days)
def test_whatever_is_asked_no_day_outside_the_window_is_given(asked_from: date | None, asked_to: date | None) -> None:
    period = effective_period(WINDOW, asked_from, asked_to)
    if period.first <= period.last:
        assert WINDOW.first <= period.first
        assert period.last <= WINDOW.last
        assert asked_from is None or asked_from <= period.first
        assert asked_to is None or period.last <= asked_to

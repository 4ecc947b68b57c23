"""Dates without an era (和暦の年月日6桁) are read as the latest day they can mean."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.doors.core_banking.era import read_wareki, write_wareki

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("640107", date(1989, 1, 7)),  # the last day of Showa
        ("010108", date(1989, 1, 8)),  # the first day of Heisei
        ("310430", date(2019, 4, 30)),  # the last day of Heisei
        ("010501", date(2019, 5, 1)),  # the first day of Reiwa
        ("310501", date(2019, 5, 1)),  # systems went on writing Heisei 31
        ("311231", date(2019, 12, 31)),
        ("320101", date(1957, 1, 1)),  # but Heisei had no year 32
        ("081124", date(2026, 11, 24)),
        ("080229", date(1996, 2, 29)),  # Reiwa 8 has no 29 February, Heisei 8 had one
    ],
)
def test_the_edges_of_the_eras_read_as_the_calendar_has_them(digits: str, day: date) -> None:
    assert read_wareki(digits, TODAY) == day


@pytest.mark.parametrize("digits", ["640108", "010107", "081324", "000101", "08112", "08112x", "      "])
def test_a_day_that_no_era_had_is_no_day(digits: str) -> None:
    assert read_wareki(digits, TODAY) is None


def test_the_reading_is_the_latest_one_not_after_the_given_day() -> None:
    assert read_wareki("081127", date(2026, 11, 27)) == date(2026, 11, 27)
    assert read_wareki("081128", date(2026, 11, 27)) == date(1996, 11, 28)


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)))
def test_a_day_written_is_the_day_read_when_the_file_is_new(day: date) -> None:
    assert read_wareki(write_wareki(day), day + timedelta(days=3)) == day

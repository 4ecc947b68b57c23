"""Banking days (銀行営業日): when books move."""

from datetime import date

import pytest

from madoguchi.procedures.banking_days import (
    banking_day_between,
    banking_day_from,
    banking_day_until,
    is_banking_day,
    next_banking_day,
)


@pytest.mark.parametrize(
    "closed",
    [
        date(2026, 11, 21),  # Saturday
        date(2026, 11, 22),  # Sunday
        date(2026, 11, 23),  # 勤労感謝の日
        date(2026, 5, 6),  # 振替休日 of 3 May
        date(2026, 9, 22),  # 国民の休日 between two holidays
        date(2026, 12, 31),
        date(2027, 1, 1),
        date(2029, 1, 2),  # a Tuesday
        date(2029, 1, 3),
    ],
)
def test_banks_are_closed_on_weekends_holidays_and_around_new_year(closed: date) -> None:
    assert not is_banking_day(closed)


def test_year_end_is_six_days_without_a_booking() -> None:
    assert is_banking_day(date(2026, 12, 30))
    assert next_banking_day(date(2026, 12, 30)) == date(2027, 1, 4)
    assert banking_day_from(date(2026, 12, 31)) == date(2027, 1, 4)
    assert banking_day_until(date(2027, 1, 3)) == date(2026, 12, 30)


def test_no_banking_day_lies_between_a_friday_and_the_tuesday_after_a_holiday() -> None:
    assert not banking_day_between(date(2026, 11, 20), date(2026, 11, 24))
    assert banking_day_between(date(2026, 11, 20), date(2026, 11, 25))

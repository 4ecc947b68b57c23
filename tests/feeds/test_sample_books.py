"""The sample's files look like a bank's, are the same for the same arguments, and never rewrite a yesterday."""

from collections import Counter
from datetime import date, timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zengin_code import Bank

from madoguchi.doors.core_banking.sample_books import generate, write_sample_files
from madoguchi.doors.core_banking.sample_customers import load_books
from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.procedures.feeds.values import BalanceNotice, FileRefused, NoticeBlock, StatementBlock, StatementRow
from madoguchi.procedures.status_feed.events import StatusEvent
from madoguchi.rules.vocabulary import AccountKind
from tests.feeds.events import read_events

UNTIL = date(2026, 11, 24)
BOOKS = load_books()
BUSY = [account.key for customer in BOOKS.customers for account in customer.accounts if account.recent_days]
"""Accounts with so many rows a day that files tell the last days only; no day changes their balance."""
Key = tuple[str, str, str]


def statements(files: dict[str, bytes], on: date) -> dict[Key, StatementBlock]:
    (file,) = (content for name, content in files.items() if name.startswith("zengin03"))
    found = read_zengin(BytesIO(file), BOOKS.bank.code, on)
    assert not isinstance(found, FileRefused), found.message
    blocks: dict[Key, StatementBlock] = {}
    for block in found:
        assert isinstance(block, StatementBlock), block
        blocks[block.account] = block
    return blocks


def balances(files: dict[str, bytes], on: date) -> dict[Key, BalanceNotice]:
    (file,) = (content for name, content in files.items() if name.startswith("zengin04"))
    found = read_zengin(BytesIO(file), BOOKS.bank.code, on)
    assert not isinstance(found, FileRefused), found.message
    notices: dict[Key, BalanceNotice] = {}
    for block in found:
        assert isinstance(block, NoticeBlock), block
        notices |= {notice.account: notice for notice in block.notices}
    return notices


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return generate(UNTIL)


@pytest.fixture(scope="module")
def all_statements(files: dict[str, bytes]) -> dict[Key, StatementBlock]:
    return statements(files, UNTIL)


@pytest.fixture(scope="module")
def all_rows(all_statements: dict[Key, StatementBlock]) -> list[StatementRow]:
    return [row for block in all_statements.values() for row in block.rows]


def test_the_same_arguments_give_the_same_bytes_and_another_seed_other_rows(tmp_path: Path) -> None:
    first = write_sample_files(tmp_path / "first", UNTIL, seed=7)
    again = write_sample_files(tmp_path / "again", UNTIL, seed=7)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.name.split("-")[0] for path in first] == ["status", "zengin03", "zengin04"]
    other = generate(UNTIL, seed=8)[first[1].name]
    assert other != first[1].read_bytes()


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 500), st.integers(0, 3))
def test_a_longer_run_appends_days_and_rewrites_none(days: int, seed: int) -> None:
    earlier = UNTIL - timedelta(days=days)
    short, long = (statements(generate(until, seed, since=date(2025, 4, 1)), until) for until in (earlier, UNTIL))
    assert short.keys() == long.keys()
    for account, block in short.items():
        assert block.opening_balance == long[account].opening_balance
        told = [row for row in block.rows if row.booked_on >= long[account].from_day]
        assert told == [row for row in long[account].rows if row.booked_on <= earlier]


def test_another_window_shows_the_same_rows_and_balances(all_statements: dict[Key, StatementBlock]) -> None:
    three_months = statements(generate(UNTIL, months=3), UNTIL)
    for account, block in three_months.items():
        assert block.from_day == (date(2026, 11, 17) if account in BUSY else date(2026, 8, 24))
        assert block.rows == tuple(row for row in all_statements[account].rows if row.booked_on >= block.from_day)
        assert block.closing_balance == all_statements[account].closing_balance


def test_a_top_up_begins_where_the_earlier_run_ended() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    before = statements(generate(friday), friday)
    topped_up = statements(generate(UNTIL, since=monday), UNTIL)
    assert {key: block.closing_balance for key, block in before.items()} == {
        key: block.opening_balance for key, block in topped_up.items()
    }


def test_the_balances_notified_are_the_closing_balances(
    files: dict[str, bytes], all_statements: dict[Key, StatementBlock]
) -> None:
    notified = balances(files, UNTIL)
    for key, block in all_statements.items():
        assert notified[key].current == block.closing_balance
        assert notified[key].last_transaction_on == (block.rows[-1].booked_on if block.rows else None)
    time_deposits = {key for key in notified if key[1] == AccountKind.TIME}
    assert time_deposits == notified.keys() - all_statements.keys()
    assert len(time_deposits) == 4


def test_the_feed_leaves_the_available_balance_out_for_some_accounts(files: dict[str, bytes]) -> None:
    available = [notice.available is None for notice in balances(files, UNTIL).values()]
    assert any(available)
    assert not all(available)


def test_thirteen_months_reach_back_to_the_same_day_of_the_month(all_statements: dict[Key, StatementBlock]) -> None:
    assert {block.from_day for key, block in all_statements.items() if key not in BUSY} == {date(2025, 10, 24)}


def test_a_busy_account_has_two_hundred_rows_on_each_of_the_last_banking_days_and_keeps_its_balance(
    all_statements: dict[Key, StatementBlock],
) -> None:
    (account,) = BUSY
    block = all_statements[account]
    rows_by_day = Counter(row.booked_on for row in block.rows)
    assert rows_by_day == {date(2026, 11, day): 200 for day in (17, 18, 19, 20, 24)}
    assert block.opening_balance == block.closing_balance == 1_000_000
    assert {"ｶｲｲﾝ 001", "ｶｲｲﾝ 199"} <= {row.counterparty for row in block.rows}


@pytest.mark.parametrize("seed", range(3))
def test_no_ordinary_account_is_overdrawn_in_ten_years_and_a_current_one_is(seed: int) -> None:
    overdrawn = set()
    for account, block in statements(generate(date(2034, 3, 31), seed, months=120), date(2034, 3, 31)).items():
        balance = lowest = block.opening_balance
        for row in block.rows:
            balance += row.change
            lowest = min(lowest, balance)
        if lowest < 0:
            overdrawn.add(account)
    assert {kind for _, kind, _ in overdrawn} == {AccountKind.CURRENT}


def test_rows_are_booked_on_banking_days_only_and_a_weekend_keeps_its_own_value_date(
    all_rows: list[StatementRow],
) -> None:
    assert all(is_banking_day(row.booked_on) for row in all_rows)
    weekend = [row for row in all_rows if row.value_on.weekday() >= 5]
    assert len(weekend) > 50
    assert all(row.booked_on > row.value_on for row in weekend)


def test_pay_pension_and_debits_move_around_holidays_as_banks_move_them(all_rows: list[StatementRow]) -> None:
    days = {
        text: {row.booked_on for row in all_rows if row.description == text} for text in ("ｷﾕｳﾖ", "ﾈﾝｷﾝ", "ﾕｳｼﾍﾝｻｲ")
    }
    assert date(2026, 4, 24) in days["ｷﾕｳﾖ"]  # the 25th was a Saturday
    assert date(2026, 8, 14) in days["ﾈﾝｷﾝ"]  # the 15th was a Saturday
    assert date(2026, 6, 29) in days["ﾕｳｼﾍﾝｻｲ"]  # the 27th was a Saturday
    assert {day.month for day in days["ﾈﾝｷﾝ"]} == {2, 4, 6, 8, 10, 12}
    oil = {row.booked_on.month for row in all_rows if row.description.endswith("ﾄｳﾕ")}
    assert oil == {11, 12, 1, 2, 3}


def test_a_correction_stands_beside_what_it_corrects_with_the_sign_reversed(
    all_statements: dict[Key, StatementBlock],
) -> None:
    corrections = 0
    for block in all_statements.values():
        for row in block.rows:
            if row.kind_code != "19":
                continue
            corrections += 1
            assert [one for one in block.rows if one.value_on == row.value_on and one.change == -row.change]
    assert corrections > 0


def test_inquiry_numbers_rise_within_an_account(all_statements: dict[Key, StatementBlock]) -> None:
    for block in all_statements.values():
        numbers = [row.inquiry_number or "" for row in block.rows]
        assert all(first < second for first, second in pairwise(numbers))


def test_the_bank_code_is_given_to_nobody_and_there_are_nine_branches() -> None:
    assert BOOKS.bank.code not in Bank.all
    assert len(BOOKS.branches) == 9
    assert {account.branch for customer in BOOKS.customers for account in customer.accounts} == BOOKS.branches.keys()
    assert len(BOOKS.customers) == 17
    assert all(customer.remark for customer in BOOKS.customers)


def test_events_keep_their_numbers_and_a_top_up_brings_only_new_ones() -> None:
    def events(until: date, since: date | None = None) -> list[StatusEvent]:
        (file,) = (content for name, content in generate(until, since=since).items() if name.startswith("status"))
        found = read_events(file)
        assert not isinstance(found, FileRefused), found.message
        return found

    everything = events(UNTIL)
    until_august = events(date(2026, 8, 31))
    assert everything[: len(until_august)] == until_august
    assert everything[len(until_august) :] == events(UNTIL, since=date(2026, 9, 1))
    assert len(everything) > len(until_august)


def test_a_day_before_the_books_begin_is_refused() -> None:
    with pytest.raises(ValueError, match="2024-04-01"):
        generate(date(2024, 3, 31))

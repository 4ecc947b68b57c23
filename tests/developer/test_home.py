"""From the API's answer to みほん家計簿's home page: the chart, the latest ten, what was not given and why."""

from datetime import date
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from madoguchi.doors.developer.aggregator.client import Answer, ExchangeFailed
from madoguchi.doors.developer.sample import home
from madoguchi.doors.developer.sample.chart import DayBalance
from madoguchi.doors.developer.sample.models import AfterPage, App, PausedPage
from madoguchi.rules.vocabulary import Scope, clause_in_words
from tests import story
from tests.developer.visitor import data, refused, row
from tests.support.tree import ROOT

ALL = tuple(Scope)
APP = App("みほん家計簿", "株式会社みほん家計簿", "みほん信用組合")


def shown(body: dict[str, Any], *errors: dict[str, Any]) -> AfterPage:
    page = home.page(APP, Answer(200, body, errors), "/sample/end", "t", story.NOW, False)
    assert isinstance(page, AfterPage)
    return page


def two(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """An answer with two accounts."""
    return {**data(**first), "accounts": data(**first)["accounts"] + data(**second)["accounts"]}


def month(*rows: dict[str, Any], more: bool = False) -> dict[str, Any]:
    """Rows of the last 30 days, newest first."""
    return {"month": {"pageInfo": {"hasNextPage": more}, "nodes": list(rows)}}


def course(page: AfterPage) -> dict[date, int]:
    assert page.chart is not None
    return {change.day: change.balance for change in page.chart.changes}


@pytest.mark.parametrize("scopes", [ALL, (Scope.ACCOUNTS, Scope.BALANCES), (Scope.ACCOUNTS, Scope.TRANSACTIONS)])
def test_what_it_asks_fits_the_published_schema(scopes: tuple[Scope, ...]) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    document, _ = home.operation(scopes, story.NOW)
    assert validate(schema, parse(document)) == []


def test_it_asks_for_balances_after_each_row_only_when_both_functions_were_given() -> None:
    assert "balanceAfter" in home.operation(ALL, story.NOW)[0]
    for fewer in ((Scope.ACCOUNTS, Scope.BALANCES), (Scope.ACCOUNTS, Scope.TRANSACTIONS)):
        document, variables = home.operation(fewer, story.NOW)
        assert "balanceAfter" not in document
        assert variables == {}


def test_the_chart_covers_thirty_days_and_today_is_the_last() -> None:
    assert home.operation(ALL, story.NOW)[1] == {"since": "2026-10-26"}
    chart = shown(data()).chart
    assert chart is not None
    assert (chart.first.day, chart.last.day, chart.days) == (date(2026, 10, 26), date(2026, 11, 24), 29)


def test_a_balance_holds_from_one_row_to_the_next_and_a_days_last_row_closes_it() -> None:
    rows = month(
        row(20, "WITHDRAWAL", 1_000, 108_500),
        row(20, "DEPOSIT", 9_500, 109_500),
        row(10, "WITHDRAWAL", 50_000, 100_000),
    )
    assert course(shown(data(**rows))) == {
        date(2026, 10, 26): 150_000,
        date(2026, 11, 10): 100_000,
        date(2026, 11, 20): 108_500,
    }


def test_the_chart_is_the_sum_of_all_accounts_and_one_on_which_nothing_moved_stands_still() -> None:
    still = two(month(row(20, "DEPOSIT", 10_000, 110_000)), month())
    assert course(shown(still)) == {date(2026, 10, 26): 328_500, date(2026, 11, 20): 338_500}


def test_where_older_rows_did_not_fit_on_the_page_the_chart_begins_with_what_is_known() -> None:
    chart = shown(data(**month(row(24, "DEPOSIT", 1, 11), row(20, "DEPOSIT", 1, 10), more=True))).chart
    assert chart is not None
    assert chart.first == DayBalance(date(2026, 11, 20), 10)


@pytest.mark.parametrize("withheld", [{"month": None}, month(row(20, "DEPOSIT", 1, None))])
def test_without_the_balances_of_one_account_there_is_no_chart_of_all(withheld: dict[str, Any]) -> None:
    assert shown(two({}, withheld)).chart is None


def test_the_latest_ten_of_all_accounts_come_newest_first() -> None:
    ours = {"latest": {"nodes": [row(day, "DEPOSIT", day, None) for day in range(24, 14, -1)]}}
    theirs = {"latest": {"nodes": [row(23, "WITHDRAWAL", 1, None)]}, "type": "CURRENT", "number": "0013210"}
    movements = shown(two(ours, theirs)).movements
    assert movements is not None
    assert [(one.booked_on.day, one.amount) for one in movements] == [
        (24, 24), (23, 23), (23, -1), (22, 22), (21, 21), (20, 20), (19, 19), (18, 18), (17, 17), (16, 16),
    ]  # fmt: skip
    assert movements[2].account.startswith("当座")
    assert movements[2].account.endswith("3210")


def test_who_paid_is_shown_in_full_width() -> None:
    paid = {**row(24, "DEPOSIT", 1, None), "description": "給与", "counterparty": "ｶ)ﾐﾎﾝｼﾖｳｼﾞ"}
    movements = shown(data(latest={"nodes": [paid]})).movements
    assert movements is not None
    assert movements[0].description == "給与 カ)ミホンシヨウジ"


def error(code: str, clause: str, *path: str | int) -> dict[str, Any]:
    return {"message": "…", "path": list(path), "extensions": {"code": code, "clause": clause}}


@pytest.mark.clause("7-3")
def test_a_stop_of_one_account_is_told_with_its_clause_and_the_others_are_shown() -> None:
    body = two({}, {"type": "CURRENT", "number": "0013210", "balance": None, "latest": None, "month": None})
    stopped = [error("ACCOUNT_STOPPED", "7-3", "accounts", 1, name) for name in ("balance", "latest", "month")]
    page = shown(body, *stopped)
    assert [(what[-2:], why) for what, why in page.refused] == [
        ("残高", "ACCOUNT_STOPPED（第7条第3項）"),
        ("明細", "ACCOUNT_STOPPED（第7条第3項）"),
    ]
    assert page.refused[0][0].startswith("当座")
    assert page.accounts[0].balance == 228_500
    assert page.total is None, "a part is no total"


@pytest.mark.clause("4-3")
def test_what_the_customer_did_not_choose_is_told_from_the_registration_and_not_as_a_fault() -> None:
    body = data(balance=None)
    body["registration"]["scopes"] = ["ACCOUNTS", "TRANSACTIONS"]
    page = shown(body, error("SCOPE_NOT_GRANTED", "4-3", "accounts", 0, "balance"))
    assert page.without_balances
    assert not page.without_history
    assert page.refused == ()
    assert page.chart is None


def test_an_account_number_that_was_not_given_is_not_made_up() -> None:
    page = shown(data(number=None), error("IDENTIFIER_NOT_CONTRACTED", "4-3", "accounts", 0, "number"))
    assert page.accounts[0].last_digits is None
    assert page.refused == (("普通 の口座番号", "IDENTIFIER_NOT_CONTRACTED（第4条第3項）"),)


@pytest.mark.clause("2-4")
def test_the_first_day_of_the_history_is_told_and_whose_limit_it_is() -> None:
    body = data()
    assert (shown(body).history_from, shown(body).limited_by_contract) == (date(2025, 10, 24), False)
    body["registration"]["dataWindow"] = {"from": "2026-08-26", "limit": "AGGREGATOR_CONTRACT"}
    assert (shown(body).history_from, shown(body).limited_by_contract) == (date(2026, 8, 26), True)


def test_a_refusal_of_all_accounts_without_a_time_promises_none() -> None:
    body = refused("SERVICE_STOPPED", "7-3")
    page = home.page(APP, Answer(200, body["data"], tuple(body["errors"])), "/sample/end", "t", story.NOW, False)
    assert isinstance(page, PausedPage)
    assert (page.outside_hours, page.retry_at) == (False, None)


@pytest.mark.parametrize("body", [None, {}, {"registration": None, "accounts": []}, {**data(), "accounts": None}])
def test_an_answer_that_makes_no_sense_is_a_fault_of_the_server_and_not_an_empty_page(body: Any) -> None:
    with pytest.raises(ExchangeFailed):
        home.page(APP, Answer(200, body, ()), "/sample/end", "t", story.NOW, False)


@pytest.mark.parametrize(
    ("clause", "words"), [("4-1", "第4条第1項"), ("1-2-1", "第1条第2項第1号"), ("-", ""), ("", "")]
)
def test_a_clause_is_written_as_the_terms_write_it(clause: str, words: str) -> None:
    assert clause_in_words(clause) == words

"""From the API's answer to the sample aggregator's home page: what came, what did not come, and why.

The operation asks for everything; what the customer or the terms withhold comes back as null with an error that names
its clause. The chart is made of `balanceAfter`, and so asked for only when both functions were given.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from unicodedata import normalize

from madoguchi.doors.developer.aggregator.client import Answer, ExchangeFailed
from madoguchi.doors.developer.sample.chart import BalanceChart, DayBalance, balance_chart
from madoguchi.doors.developer.sample.models import AfterPage, App, AppAccount, AppMovement, Connection, PausedPage
from madoguchi.doors.templating.words import masked
from madoguchi.rules.vocabulary import JST, Precision, Scope, clause_in_words

LATEST: Final = 10
CHART_DAYS: Final = 30
BOTH: Final = {Scope.BALANCES, Scope.TRANSACTIONS}
KINDS: Final = {"ORDINARY": "普通預金", "CURRENT": "当座預金"}

_HOME: Final = """query Home%(variables)s {
  registration { scopes lastDay dataWindow { from limit } }
  accounts {
    type number branch { name }
    balance { current available freshness { asOf asOfPrecision nextUpdateAt } }
    latest: transactions(first: 10) { nodes { bookedOn direction amount description counterparty } }%(chart)s
  }
}"""
_CHART: Final = """
    month: transactions(first: 500, from: $since) {
      pageInfo { hasNextPage } nodes { bookedOn direction amount balanceAfter }
    }"""


def operation(scopes: Iterable[Scope], at: datetime) -> tuple[str, dict[str, Any]]:
    """The GraphQL document and its variables."""
    if not set(scopes) >= BOTH:
        return _HOME % {"variables": "", "chart": ""}, {}
    return _HOME % {"variables": "($since: Date!)", "chart": _CHART}, {"since": _chart_days(at)[0].isoformat()}


def page(
    app: App, answer: Answer, end_action: str, form_token: str, at: datetime, just_connected: bool
) -> AfterPage | PausedPage:
    """The page for an answer that came with 200. Raises ExchangeFailed for one that makes no sense."""
    try:
        data = answer.data or {}
        registration = data["registration"]
        scopes = tuple(scope for scope in Scope if scope.name in registration["scopes"])
        connection = Connection(date.fromisoformat(registration["lastDay"]), scopes, end_action, form_token)
        if data["accounts"] is None:
            return _paused(app, connection, answer)
        return _after(app, connection, answer, at, just_connected)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration):
        raise ExchangeFailed from None


def _paused(app: App, connection: Connection, answer: Answer) -> PausedPage:
    told = next(error["extensions"] for error in answer.errors if error["path"][0] == "accounts")
    retry_at = told.get("retryAt")
    return PausedPage(
        app=app,
        connection=connection,
        outside_hours=told["code"] == "OUTSIDE_SERVICE_HOURS",
        code=reason(told),
        retry_at=None if retry_at is None else datetime.fromisoformat(retry_at),
        inquiry=answer.request_id,
    )


def _after(app: App, connection: Connection, answer: Answer, at: datetime, just_connected: bool) -> AfterPage:
    data = answer.data or {}
    accounts: list[Mapping[str, Any]] = data["accounts"]
    histories = [account["latest"] for account in accounts]
    window = data["registration"]["dataWindow"]
    with_history = Scope.TRANSACTIONS in connection.scopes
    freshness = [account["balance"]["freshness"] for account in accounts if account["balance"]]
    updates = [datetime.fromisoformat(each["nextUpdateAt"]) for each in freshness if each["nextUpdateAt"]]
    return AfterPage(
        app=app,
        connection=connection,
        accounts=tuple(map(_account, accounts)),
        received_at=at,
        movements=_movements(accounts) if with_history and any(histories) else None,
        chart=_chart(accounts, at) if set(connection.scopes) >= BOTH else None,
        history_from=date.fromisoformat(window["from"]) if with_history else None,
        limited_by_contract=window["limit"] == "AGGREGATOR_CONTRACT",
        next_update_at=min(updates, default=None),
        available_given=any(account["balance"] and account["balance"]["available"] is not None for account in accounts),
        refused=tuple(dict.fromkeys(_refused(accounts, answer.errors))),
        just_connected=just_connected,
        inquiry=answer.request_id,
    )


def _account(account: Mapping[str, Any]) -> AppAccount:
    balance, number = account["balance"], account["number"]
    freshness = balance["freshness"] if balance else None
    return AppAccount(
        kind=KINDS[account["type"]],
        branch=account["branch"]["name"],
        last_digits=number[-4:] if number else None,
        balance=balance["current"] if balance else None,
        as_of=datetime.fromisoformat(freshness["asOf"]) if freshness else None,
        precision=Precision(freshness["asOfPrecision"].lower()) if freshness else Precision.MINUTE,
    )


def _name(account: Mapping[str, Any]) -> str:
    """普通 …4567"""
    number = account["number"]
    return KINDS[account["type"]].removesuffix("預金") + (masked(number[-4:]) if number else "")


def _movements(accounts: Sequence[Mapping[str, Any]]) -> tuple[AppMovement, ...]:
    rows = [
        AppMovement(
            booked_on=date.fromisoformat(row["bookedOn"]),
            # The payer's name comes as the feed has it, in half-width kana; a household book shows it in full width.
            description=normalize("NFKC", " ".join(filter(None, (row["description"], row["counterparty"])))),
            account=_name(account),
            amount=_signed(row),
        )
        for account in accounts
        for row in (account["latest"] or {"nodes": ()})["nodes"]
    ]
    # Each account comes newest first, and sorting keeps that order within a day.
    return tuple(sorted(rows, key=lambda row: row.booked_on, reverse=True)[:LATEST])


def _signed(row: Mapping[str, Any]) -> int:
    amount: int = row["amount"]
    return amount if row["direction"] == "DEPOSIT" else -amount


def _chart(accounts: Sequence[Mapping[str, Any]], at: datetime) -> BalanceChart | None:
    """The sum of all accounts at the end of each day; None unless each of them has its balances on some common days."""
    courses = [_course(account, _chart_days(at)) for account in accounts]
    days = [day for day in _chart_days(at) if courses and all(day in course for course in courses)]
    return balance_chart([DayBalance(day, sum(course[day] for course in courses)) for day in days]) if days else None


def _chart_days(at: datetime) -> list[date]:
    today = at.astimezone(JST).date()
    return [today - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]


def _course(account: Mapping[str, Any], days: Sequence[date]) -> dict[date, int]:
    """The balance at the end of each day that the rows tell: {} when they were withheld."""
    month = account["month"]
    if not month:
        return {}
    rows = month["nodes"][::-1]
    if any(row["balanceAfter"] is None for row in rows) or (not rows and not account["balance"]):
        return {}
    if not rows:  # nothing moved: the balance is what it was
        return dict.fromkeys(days, account["balance"]["current"])
    closing = {date.fromisoformat(row["bookedOn"]): row["balanceAfter"] for row in rows}
    balance: int = rows[0]["balanceAfter"] - _signed(rows[0])
    # Where older rows of the period did not fit on the page, what stood before its oldest row is not known by day.
    known_from = date.fromisoformat(rows[0]["bookedOn"]) if month["pageInfo"]["hasNextPage"] else days[0]
    course = {}
    for day in days:
        balance = closing.get(day, balance)
        if day >= known_from:
            course[day] = balance
    return course


def _refused(accounts: Sequence[Mapping[str, Any]], errors: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    """What was refused for another reason than its scope, which the page states from the registration."""
    for error in errors:
        path, told = error["path"], error["extensions"]
        if told["code"] == "SCOPE_NOT_GRANTED" or path[0] != "accounts" or len(path) < 3:
            continue
        what = {"balance": "残高", "latest": "入出金明細", "month": "入出金明細", "number": "口座番号"}.get(path[2])
        if what is not None:
            yield f"{_name(accounts[path[1]])} の{what}", reason(told)


def reason(told: Mapping[str, Any]) -> str:
    """ACCOUNT_STOPPED（第7条第3項）"""
    code, clause = str(told["code"]), clause_in_words(str(told["clause"]))
    return f"{code}（{clause}）" if clause else code

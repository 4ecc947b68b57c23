"""Enums and scalars of the schema, each value with its Japanese banking term.

The rules' own words are rules/vocabulary.py; here stand only what an aggregator reads. Values equal the rules' values
where a word is the same, so that `Scope(rule.value)` translates.
"""

import re
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from madoguchi.rules.vocabulary import JST, YEN_LIMIT

Yen = NewType("Yen", int)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _yen(value: Any) -> int:
    if type(value) is not int or not -YEN_LIMIT < value < YEN_LIMIT:
        raise ValueError("an amount is whole yen below 10^14 in magnitude")
    return value


def _day(value: Any) -> date:
    """A GraphQLError's words are told to the caller; any other exception's are not (operation.py)."""
    if isinstance(value, str) and DAY.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise GraphQLError("a Date is a day of the calendar, written YYYY-MM-DD")


def _moment(value: datetime) -> str:
    return value.astimezone(JST).isoformat(timespec="seconds")


def _output_only(value: Any) -> Any:
    raise ValueError("this scalar is never given as input")


SCALARS: dict[object, ScalarDefinition] = {
    Yen: strawberry.scalar(
        name="Yen",
        description="Whole Japanese yen (円), below 10^14 in magnitude: exact in JSON. Never a float, never a string.",
        serialize=_yen,
        parse_value=_output_only,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day (年月日) of the Gregorian calendar in Japan, YYYY-MM-DD.",
        serialize=date.isoformat,
        parse_value=_day,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment (日時) in ISO 8601, always with Japan's offset +09:00.",
        serialize=_moment,
        parse_value=_output_only,
    ),
}


def value(meaning: Any, description: str) -> Any:
    return strawberry.enum_value(meaning, description=description)


@strawberry.enum(description="What a token may show (認可の範囲). OAuth scope values are these words in lower case.")
class Scope(Enum):
    ACCOUNTS = value("accounts", "Which accounts there are (口座情報).")
    BALANCES = value("balances", "Balance inquiry (残高照会).")
    TRANSACTIONS = value("transactions", "Inquiry of deposits and withdrawals (入出金明細照会).")


@strawberry.enum(description="Kind of deposit (預金種目). Other kinds are not part of the service (clause 2-2).")
class AccountType(Enum):
    ORDINARY = value("1", "Ordinary deposit (普通預金).")
    CURRENT = value("2", "Current deposit (当座預金).")


@strawberry.enum(description="Order of the rows of a history (並び順).")
class Order(Enum):
    NEWEST_FIRST = value("newest", "The newest row first (新しい順).")
    OLDEST_FIRST = value("oldest", "The oldest row first (古い順).")


@strawberry.enum(description="Whether money came in or went out (入払区分).")
class Direction(Enum):
    DEPOSIT = value("1", "Deposit (入金).")
    WITHDRAWAL = value("2", "Withdrawal (出金).")


@strawberry.enum(description="Kind of transaction (取引区分).")
class TransactionKind(Enum):
    CASH = value("10", "Cash (現金).")
    TRANSFER = value("11", "Transfer from or to another account (振込).")
    OTHER_BANK_CHEQUE = value("12", "Cheque drawn on another bank (他店券入金).")
    CLEARING = value("13", "Cheque clearing (交換).")
    BOOK_TRANSFER = value("14", "Transfer within the institution, direct debit (振替).")
    CONTINUATION = value("15", "Continuation (継続).")
    OTHER = value("18", "Other (その他).")
    CORRECTION = value("19", "Correction (訂正); it stays visible and reverses the sign.")


@strawberry.enum(description="How exact a moment is (基準時刻の精度).")
class Precision(Enum):
    DAY = value("day", "The day only: the moment is that day's end (基準日).")
    MINUTE = value("minute", "The minute (基準時刻).")


@strawberry.enum(description="Whether later postings may be missing (明細の網羅性; clause 6-1).")
class Completeness(Enum):
    COMPLETE = value("complete", "Every banking day up to `asOf` is there (基準日まで揃っています).")
    MAY_LACK_LATER = value("may_lack_later", "Postings after `asOf` are not in it (基準時刻より後の取引を含みません).")
    GAP = value("gap", "Days are missing inside the period (期間内に届いていない日があります).")
    LATE = value("late", "Data that was due has not come yet (予定の連携が届いていません); see `Service.feeds`.")


@strawberry.enum(description="Which notice of the core banking system a value comes from (連携元).")
class FeedSource(Enum):
    BALANCE_NOTICE = value("04", "Balance notice (残高通知, Zengin 種別 04).")
    TRANSACTION_NOTICE = value("03", "Notice of deposits and withdrawals (入出金取引明細, Zengin 種別 03).")


@strawberry.enum(description="Whose limit set how far back history is given (提供期間の制限; clause 2-4).")
class WindowLimit(Enum):
    CREDIT_UNION = value("credit_union", "The credit union's own limit (当組合の提供期間).")
    AGGREGATOR_CONTRACT = value("aggregator_contract", "The limit in the aggregator's contract (連携事業者との契約).")


@strawberry.enum(description="What a temporary stop reaches (停止の対象; clause 7-3).")
class StopReach(Enum):
    ALL = value("all", "The whole service (全体).")
    FUNCTION = value("function", "One function (機能).")
    ACCOUNT_KIND = value("account_kind", "One kind of deposit (預金種目).")
    BRANCH = value("branch", "One branch (店舗).")
    AGGREGATOR = value("aggregator", "This aggregator (連携事業者).")
    CUSTOMER = value("customer", "This customer (お客さま).")
    REGISTRATION = value("registration", "This registration (利用登録).")

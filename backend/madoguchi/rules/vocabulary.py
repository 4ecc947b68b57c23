"""The words that rules, records, procedures and doors share.

Source: terms 1 to 9 (`terms.py` maps them) and the Zengin code lists. No behaviour lives here beyond what a word means.
"""

from datetime import timedelta, timezone
from enum import Enum, StrEnum

JST = timezone(timedelta(hours=9), "JST")
"""Japan Standard Time: the wall clock of every rule. Japan has had no summer time since 1951."""

YEN_LIMIT = 10**14
"""Amounts are whole yen below 10^14 in magnitude (14 Zengin digits): exact in JSON and in 64-bit columns."""


class Scope(StrEnum):
    """What a token may show (OAuth scope values). 口座情報, 残高照会, 入出金明細照会."""

    ACCOUNTS = "accounts"
    BALANCES = "balances"
    TRANSACTIONS = "transactions"


class Product(StrEnum):
    """The internet-banking product a contract is for; hours may differ between them (2-1)."""

    PERSONAL = "personal"
    BUSINESS = "business"


class AccountKind(StrEnum):
    """預金種目, by Zengin code. Only 1 and 2 are shown to aggregators (2-2)."""

    ORDINARY = "1"  # 普通預金
    CURRENT = "2"  # 当座預金
    TAX = "3"  # 納税準備預金
    SAVINGS = "4"  # 貯蓄預金
    NOTICE = "5"  # 通知預金
    TIME = "6"  # 定期預金
    INSTALMENT_TIME = "7"  # 積立定期預金
    INSTALMENT_SAVINGS = "8"  # 定期積金
    OTHER = "9"  # その他


class AccountState(StrEnum):
    """Where an account stands in internet banking, as the status feed said last (2-2)."""

    REGISTERED = "registered"
    REMOVED = "removed"
    FROZEN = "frozen"
    CLOSED = "closed"


class ContractState(StrEnum):
    """The customer's internet-banking contract (1-2-1). Suspended is still a contract: paused, not ended."""

    LIVE = "live"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class RegistrationState(StrEnum):
    """Stored states of a registration (利用登録). Closed or stopped are facts judged at the request, never states."""

    PENDING = "pending"  # registration complete, its code not redeemed yet
    ACTIVE = "active"
    ENDED = "ended"


class Cause(StrEnum):
    """Why a registration ended (4-1, 5-1, 5-2)."""

    REPLACED = "replaced"
    EXPIRED = "expired"
    STOPPED_BY_CUSTOMER = "stopped_by_customer"
    STOPPED_BY_AGGREGATOR = "stopped_by_aggregator"
    STOPPED_BY_CREDIT_UNION = "stopped_by_credit_union"
    INTERNET_BANKING_CANCELLED = "internet_banking_cancelled"
    NO_ACCOUNT_LEFT = "no_account_left"
    AGGREGATOR_REMOVED = "aggregator_removed"
    ABANDONED = "abandoned"
    CODE_REPLAYED = "code_replayed"


class StopTarget(StrEnum):
    """What a stop under 7-3 reaches: all of the service or a part of it."""

    ALL = "all"
    FUNCTION = "function"  # target: a Scope value
    AGGREGATOR = "aggregator"  # target: aggregator id
    ACCOUNT_KIND = "account_kind"  # target: an AccountKind value
    BRANCH = "branch"  # target: branch code
    CUSTOMER = "customer"  # target: customer id
    REGISTRATION = "registration"  # target: registration id


class TermsChange(StrEnum):
    """What a terms version asks of existing registrations (9-1)."""

    NONE = "none"
    NOTICE = "notice"
    AGREE_AGAIN = "agree_again"


class DayType(StrEnum):
    """The kinds of day a service calendar distinguishes (2-1)."""

    WEEKDAY = "weekday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    HOLIDAY = "holiday"


class WindowLimit(StrEnum):
    """Which limit cut a period of history (2-4)."""

    CREDIT_UNION = "credit_union"
    AGGREGATOR_CONTRACT = "aggregator_contract"


class Precision(StrEnum):
    """How exact an `asOf` is (6-1)."""

    DAY = "day"
    MINUTE = "minute"


class Completeness(StrEnum):
    """Whether later postings may be missing from what is given (6-1)."""

    COMPLETE = "complete"  # every banking day up to `asOf` is there
    MAY_LACK_LATER = "may_lack_later"  # intraday: postings after `asOf` are not in it
    GAP = "gap"  # days are missing between two feeds
    LATE = "late"  # data that was due is not here yet (feed_lateness.py)


class Feed(StrEnum):
    """What the core banking system and internet banking send (連携), by Zengin 種別 where there is one."""

    BALANCES = "04"  # 残高通知
    TRANSACTIONS = "03"  # 入出金取引明細
    STATUS = "status"  # インターネットバンキングの状態


class FeedDays(StrEnum):
    """The days on which a feed is due."""

    EVERY_DAY = "every_day"
    BANKING_DAYS = "banking_days"  # 銀行営業日


class FeedCovers(StrEnum):
    """Up to when a feed that is due on a day must have its data."""

    SAME_DAY = "same_day"  # something of the day itself (intraday), newer than the time due before on that day
    PREVIOUS_BANKING_DAY = "previous_banking_day"  # the whole of the banking day before


class Settlement(StrEnum):
    """How a refused block left quarantine."""

    TAKEN_IN = "taken_in"  # judged again and taken into the books
    SUPERSEDED = "superseded"  # its days came with a later block
    SET_ASIDE = "set_aside"  # an officer decided that it will never be taken in


class Direction(Enum):
    """入払区分 of a row."""

    DEPOSIT = "1"
    WITHDRAWAL = "2"

    @property
    def sign(self) -> int:
        return 1 if self is Direction.DEPOSIT else -1


def clause_in_words(clause: str) -> str:
    """A clause as the terms write it: 第1条第2項第1号 for `1-2-1`; empty where no clause speaks."""
    numbers = clause.split("-")
    if not all(number.isdecimal() for number in numbers):
        return ""
    return "".join(f"第{number}{unit}" for number, unit in zip(numbers, ("条", "項", "号"), strict=False))

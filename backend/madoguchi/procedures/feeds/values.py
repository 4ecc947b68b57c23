"""What a core-banking feed hands over (勘定系からの連携データ), as frozen values in the bank's words.

Source: the Zengin record layouts 種別 03 (入出金取引明細) and 04 (残高通知), and the status feed of internet banking.
How the bytes look is the doors' subject (`doors/core_banking`); what is done with a value is `taking_in.py`'s.
No overdraft limit stands here: it reveals credit, so it is never taken in (4-3).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple

from madoguchi.rules.vocabulary import JST, Direction, Precision


class AccountKey(NamedTuple):
    """How the bank knows an account: branch, 預金種目 and number together, never the number alone."""

    branch_code: str  # 3 digits
    kind_code: str  # 1 digit, an AccountKind value where the code is known
    number: str  # 7 digits

    def __str__(self) -> str:
        """For reports: only the last four digits of the number."""
        return f"{self.branch_code}-{self.kind_code}-…{self.number[-4:]}"


class Place(NamedTuple):
    """Where something stands in a file, for a person who looks it up."""

    record: int  # record (or line) number, from 1
    column: int  # first byte of the item in its record, from 1; 0 when the record as a whole is meant
    item: str  # the item's name in the standard


def end_of(day: date) -> datetime:
    """The moment that is meant where a feed gives the day only."""
    return datetime.combine(day, time(23, 59, 59), JST)


NOWHERE = Place(0, 0, "")
"""The place of what stands in no file yet."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One 入出金明細 row. Amounts are positive whole yen; the direction gives the sign."""

    inquiry_number: str | None  # 照会番号; may be numbered afresh in each file
    booked_on: date  # 勘定日
    value_on: date  # 預入・払出日(起算日); the 勘定日 where the feed gives none
    direction: Direction  # 入払区分
    kind_code: str | None  # 取引区分, two digits
    amount: int
    description: str  # 摘要, half-width as in the feed, trailing blanks removed
    counterparty: str | None  # 振込依頼人名, on deposits only: on withdrawals the column is a contract number

    @property
    def change(self) -> int:
        """What the row does to the balance, signed yen."""
        return self.direction.sign * self.amount


@dataclass(frozen=True, slots=True)
class StatementBlock:
    """種別 03, header to trailer: one account from one day to another, already checked against its own totals."""

    first_record: int  # record number of the header in its file, from 1
    bank_code: str
    account: AccountKey
    branch_kana: str
    holder_kana: str
    created_on: date  # 作成日
    from_day: date  # 勘定日 自
    to_day: date  # 勘定日 至
    opening_balance: int  # 取引前残高, signed
    # In the file's order, 勘定日 never going back: a tuple, or, in a long block, read from the file at each iteration.
    rows: Iterable[StatementRow]
    closing_balance: int  # 取引後残高, signed; equals opening plus the rows
    opening_place: Place = field(compare=False)
    closing_place: Place = field(compare=False)
    record_count: int = field(default=0, compare=False)  # header to trailer, both included; 0 where it is in no file


@dataclass(frozen=True, slots=True)
class BalanceNotice:
    """One data record of 種別 04: the balance of one account at one moment. None where the feed gives nothing."""

    account: AccountKey
    holder_kana: str
    as_of: datetime  # 基準日 and 基準時刻, JST; without a time the end of the day
    as_of_precision: Precision
    current: int  # 現在残高
    uncleared: int | None  # 他店券残高
    available: int | None  # 支払可能残高
    previous_day: int | None  # 前日残高
    last_transaction_on: date | None  # 最新取引日


@dataclass(frozen=True, slots=True)
class NoticeBlock:
    """種別 04, header to trailer."""

    first_record: int
    bank_code: str
    created_on: date
    notices: Iterable[BalanceNotice]  # as StatementBlock.rows
    record_count: int = field(default=0, compare=False)  # as in StatementBlock


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing wrong in a file, so exactly that a person with the file can find it. The first three are a Place.

    `told` is the sentence where "expected, but found" would read badly; record 0 is the file as a whole.
    """

    record: int
    column: int
    item: str
    found: str
    expected: str
    told: str = field(default="", compare=False)

    @property
    def message(self) -> str:
        if self.record == 0:
            return self.told
        place = f"{self.record}件目" if self.column == 0 else f"{self.record}件目 {self.column}桁目"
        if self.told:
            return f"{place}: {self.told}"
        return f"{place}「{self.item}」: {self.expected} のはずですが、{self.found} です"


@dataclass(frozen=True, slots=True)
class FileRefused:
    """The file as a whole is not taken in: nothing of it is stored.

    `waiting`: nothing is wrong with it but that an earlier file has not come; the same file may be taken in later.
    """

    damage: Damage
    waiting: bool = False

    @property
    def message(self) -> str:
        return f"ファイルを受け付けません。{self.damage.message}"


@dataclass(frozen=True, slots=True)
class BlockRefused:
    """One block is not taken in: nothing of it is stored; the others of the file are judged by themselves."""

    first_record: int
    account: AccountKey | None  # None for a 残高通知 block, or when the header itself cannot be read
    damage: Damage
    record_count: int = field(default=0, compare=False)  # as in StatementBlock: what quarantine cuts out of the file
    # What was read of it before the damage, so that a later block is known to bring its days.
    created_on: date | None = field(default=None, compare=False)
    days: tuple[date, date] | None = field(default=None, compare=False)

    @property
    def message(self) -> str:
        whose = f"(口座 {self.account})" if self.account else ""
        return f"{self.first_record}件目からのブロック{whose}を受け付けません。{self.damage.message}"


@dataclass(frozen=True, slots=True)
class BlockPassedOver:
    """A block of a 預金種目 that clause 2-2 leaves out: read past, counted and reported."""

    first_record: int
    kind_code: str
    record_count: int = field(default=0, compare=False)  # as in StatementBlock

"""One Zengin record and its items: bytes in, typed values out, or the exact place of what is wrong.

Source: zengin_layout.py for the columns; 入出金取引明細 and 残高通知 for blanks and zeros that mean "absent".
How records make a block is the subject of zengin_blocks.py, zengin_statements.py and zengin_notices.py.
"""

from datetime import date, timedelta

from madoguchi.doors.core_banking.era import read_wareki
from madoguchi.doors.core_banking.zengin_code import JIS, Code
from madoguchi.doors.core_banking.zengin_layout import Layout, decode, unprinted
from madoguchi.procedures.feeds.values import AccountKey, Damage, Place
from madoguchi.rules.vocabulary import AccountKind

_CREATION_MAY_BE_AHEAD = timedelta(days=3)
_CREATION_MAY_BE_OLD = timedelta(days=366)
# How much later the days of a block may be read: a 起算日 has no other bound.
_OTHER_DAYS_MAY_BE_AHEAD = timedelta(days=31)

_MASK = bytes.maketrans(b"0123456789", b"*" * 10)
"""Hides digits of an account number, and leaves what is none to be seen."""


class Damaged(Exception):
    """Ends the reading of a file or block; the reader turns it into the refusal that it returns."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.message)
        self.damage = damage


class Days(dict[bytes, date | None]):
    """The days of one block by their six bytes, each worked out once: all but 作成日, which they are near to.

    A day is the latest reading not more than 31 days after 作成日; None where the bytes are no day.
    """

    def __init__(self, created_on: date) -> None:
        super().__init__()
        self._not_after = created_on + _OTHER_DAYS_MAY_BE_AHEAD

    def __missing__(self, raw: bytes) -> date | None:
        day = self[raw] = read_wareki(raw.decode("ascii", "replace"), self._not_after)
        return day


class Record:
    """One record of 200 bytes, read by the names of its layout. What reads an item raises Damaged."""

    __slots__ = ("_layout", "_raw", "code", "number")

    def __init__(self, layout: Layout, number: int, raw: bytes, code: Code = JIS) -> None:
        """`raw` is in JIS; `code` is what it was in the file, for the bytes told to a person."""
        self._layout = layout
        self.number = number
        self._raw = raw
        self.code = code

    def check_text(self) -> None:
        """Text takes any printable byte; fillers may hold anything, digits are judged where they are used."""
        if not unprinted(self._raw):
            return
        for item in self._layout.items.values():
            if not (item.numeric or item.name.startswith("filler")):
                self.text(item.name)

    def has(self, name: str) -> bool:
        """Whether records of this type have the item at all."""
        return name in self._layout.items

    def place(self, name: str) -> Place:
        item = self._layout.items[name]
        return Place(self.number, item.column, item.label)

    def damaged(self, name: str, expected: str, found: str | None = None) -> Damaged:
        """`found` is the item as it stands there, unless another word is given."""
        return Damaged(Damage(*self.place(name), self.shown(name) if found is None else found, expected))

    def differs(self, name: str, written: int, computed: int, basis: str, writer: str) -> Damaged:
        """A total that disagrees: `basis` and `writer` say in Japanese what ours was computed from, and who wrote."""
        label = self._layout.items[name].label
        told = f"{label}が合いません({basis} {computed:,}、{writer} {written:,})"
        return Damaged(Damage(*self.place(name), f"{written:,}", f"{computed:,}", told))

    def item(self, name: str) -> bytes:
        return self._raw[self._layout.cuts[name]]

    def shown(self, name: str) -> str:
        """The item as a report shows it: what is not ASCII as the bytes that came."""
        raw = self.item(name)
        return self.code.told(raw) if raw.strip(b" ") else "空白"

    def text(self, name: str) -> str:
        """Characters without the blanks behind them."""
        raw = self.item(name)
        try:
            return decode(raw).rstrip(" ")
        except UnicodeDecodeError as error:
            # Only the byte is told, not the text around it: it may be a name.
            found = f"{error.start + 1}文字目に 0x{self.code.as_it_came(raw[error.start]):02X}"
            expected = "JIS X 0201 の文字" if self.code is JIS else f"{self.code.name} で JIS X 0201 にある文字"
            raise self.damaged(name, expected, found) from None

    def digits(self, name: str) -> str:
        """An identifier of digits, leading zeros kept."""
        raw = self.item(name)
        if not raw.isdigit():
            raise self.damaged(name, f"数字{self._layout.items[name].width}桁")
        return raw.decode("ascii")

    def optional_digits(self, name: str) -> str | None:
        """As `digits`; blank or all zeros is absent."""
        return self.digits(name) if self.item(name).strip(b" 0") else None

    def required_number(self, name: str) -> int:
        """Whole yen or a count."""
        return int(self.digits(name))

    def optional_number(self, name: str) -> int | None:
        """As `required_number`; blank is absent."""
        return int(self.digits(name)) if self.item(name).strip(b" ") else None

    def signed(self, sign: str, name: str) -> int:
        """種別 03: a balance, negative with 貸越区分 2; a blank (or zero) 貸越区分 beside it means plus."""
        amount = self.optional_number(name)
        if amount is None:
            raise self.damaged(name, "金額(残高がないと検算できません)")
        if not self.item(sign).strip(b" 0"):
            return amount
        return self._with_sign(sign, amount)

    def optional_signed(self, sign: str, name: str) -> int | None:
        """種別 04: a balance that a blank or zero 貸越区分 marks as absent."""
        if not self.item(sign).strip(b" 0"):
            return None
        return self._with_sign(sign, self.required_number(name))

    def _with_sign(self, sign: str, amount: int) -> int:
        match self.item(sign):
            case b"1":
                return amount
            case b"2":
                return -amount
        raise self.damaged(sign, "1(プラス)か 2(マイナス)")

    def creation_day(self, name: str, imported_on: date) -> date:
        """作成日: the latest reading not more than three days after the import; older than a year is refused."""
        day = read_wareki(self.item(name).decode("ascii", "replace"), imported_on + _CREATION_MAY_BE_AHEAD)
        if day is None:
            raise self._no_day(name)
        if day < imported_on - _CREATION_MAY_BE_OLD:
            raise self.damaged(name, "1年以内の日付(古いファイルは --as-of で日付を示してください)", f"{day}")
        return day

    def day(self, name: str, days: Days) -> date:
        day = days[self.item(name)]
        if day is None:
            raise self._no_day(name)
        return day

    def optional_day(self, name: str, days: Days) -> date | None:
        """As `day`; blank or all zeros is absent."""
        return self.day(name, days) if self.item(name).strip(b" 0") else None

    def _no_day(self, name: str) -> Damaged:
        return self.damaged(name, "和暦の日付6桁(YYMMDD)")

    def account_kind(self) -> AccountKind:
        """預金種目, one of those the standard knows."""
        try:
            return AccountKind(self.item("kind_code").decode("ascii", "replace"))
        except ValueError:
            raise self.damaged("kind_code", "1 から 9 までの預金種目") from None

    def account(self) -> AccountKey:
        """Branch, 預金種目 and number: seven digits, right-aligned in ten."""
        number = self.item("number").lstrip(b" ").rjust(10, b"0")
        if not number.isdigit() or not number.startswith(b"000"):
            raw = self.item("number")
            masked = self.code.told(raw[:-4].translate(_MASK) + raw[-4:])
            raise self.damaged("number", "口座番号7桁(右詰め)", masked)
        return AccountKey(self.digits("branch_code"), self.account_kind().value, number[3:].decode("ascii"))

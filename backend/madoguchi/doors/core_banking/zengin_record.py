"""One Zengin record and its items: bytes in, typed values out, or the exact place of what is wrong.

Source: zengin_layout.py for the columns; 入出金取引明細 and 残高通知 for blanks and zeros that mean "absent".
How records make a block is zengin_reader.py's subject.
"""

from datetime import date, timedelta

from madoguchi.doors.core_banking.era import read_wareki
from madoguchi.doors.core_banking.zengin_layout import Layout, decode
from madoguchi.procedures.feed_values import AccountKey, Damage, Place
from madoguchi.rules.vocabulary import AccountKind

_CREATION_MAY_BE_AHEAD = timedelta(days=3)
_CREATION_MAY_BE_OLD = timedelta(days=366)
# A 勘定日 is the next business day: six days over New Year, ten in Golden Week.
_OTHER_DAYS_MAY_BE_AHEAD = timedelta(days=31)


class Damaged(Exception):
    """Ends the reading of a file or block; the reader turns it into the refusal that it returns."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.message)
        self.damage = damage


class Record:
    """One record of 200 bytes, read by the names of its layout. Every method raises Damaged."""

    def __init__(self, layout: Layout, number: int, raw: bytes) -> None:
        self.number = number
        self._layout = layout
        self._items = layout.split(raw)
        try:
            decode(raw)
        except UnicodeDecodeError:
            self._check_text()

    def _check_text(self) -> None:
        """Text takes any printable byte; fillers may hold anything, digits are judged where they are used."""
        for item in self._layout.items.values():
            if item.numeric or item.name.startswith("filler"):
                continue
            raw = self._items[item.name]
            try:
                decode(raw)
            except UnicodeDecodeError as error:
                # Only the byte is told, not the text around it: it may be a name.
                found = f"{error.start + 1}文字目に 0x{raw[error.start]:02X}"
                raise self.damaged(item.name, found, "JIS X 0201 の文字") from None

    def has(self, name: str) -> bool:
        """Whether records of this type have the item at all."""
        return name in self._layout.items

    def place(self, name: str) -> Place:
        item = self._layout.items[name]
        return Place(self.number, item.column, item.label)

    def damaged(self, name: str, found: str, expected: str) -> Damaged:
        return Damaged(Damage(*self.place(name), found, expected))

    def differs(self, name: str, written: int, computed: int, basis: str, writer: str) -> Damaged:
        """A total that disagrees: `basis` and `writer` say in Japanese what ours was computed from, and who wrote."""
        label = self._layout.items[name].label
        told = f"{label}が合いません({basis} {computed:,}、{writer} {written:,})"
        return Damaged(Damage(*self.place(name), f"{written:,}", f"{computed:,}", told))

    def shown(self, name: str) -> str:
        """The item as a report shows it: what is not ASCII as escapes."""
        raw = self._items[name].decode("ascii", "backslashreplace")
        return raw if raw.strip() else "空白"

    def text(self, name: str) -> str:
        """Characters without the blanks behind them."""
        return decode(self._items[name]).rstrip(" ")

    def code(self, name: str) -> str:
        """An identifier of digits, leading zeros kept."""
        raw = self._items[name]
        if not raw.isdigit():
            raise self.damaged(name, self.shown(name), f"数字{self._layout.items[name].width}桁")
        return raw.decode("ascii")

    def optional_code(self, name: str) -> str | None:
        """As `code`; blank or all zeros is absent."""
        if not self._items[name].strip(b" 0"):
            return None
        return self.code(name)

    def optional_number(self, name: str) -> int | None:
        """Whole yen or a count; blank is absent."""
        if not self._items[name].strip(b" "):
            return None
        return int(self.code(name))

    def required_number(self, name: str) -> int:
        return int(self.code(name))

    def signed(self, sign: str, name: str) -> int:
        """種別 03: a balance, negative with 貸越区分 2; a blank (or zero) 貸越区分 beside it means plus."""
        amount = self.optional_number(name)
        if amount is None:
            raise self.damaged(name, "空白", "金額(残高がないと検算できません)")
        if not self._items[sign].strip(b" 0"):
            return amount
        return self._with_sign(sign, amount)

    def optional_signed(self, sign: str, name: str) -> int | None:
        """種別 04: a balance that a blank or zero 貸越区分 marks as absent."""
        if not self._items[sign].strip(b" 0"):
            return None
        return self._with_sign(sign, self.required_number(name))

    def _with_sign(self, sign: str, amount: int) -> int:
        match self._items[sign]:
            case b"1":
                return amount
            case b"2":
                return -amount
        raise self.damaged(sign, self.shown(sign), "1(プラス)か 2(マイナス)")

    def creation_day(self, name: str, imported_on: date) -> date:
        """作成日: the latest reading not more than three days after the import; older than a year is refused."""
        day = self.day(name, imported_on + _CREATION_MAY_BE_AHEAD)
        if day < imported_on - _CREATION_MAY_BE_OLD:
            raise self.damaged(name, f"{day}", "1年以内の日付(古いファイルは --as-of で日付を示してください)")
        return day

    def day(self, name: str, not_after: date) -> date:
        day = read_wareki(self._items[name].decode("ascii", "replace"), not_after)
        if day is None:
            raise self.damaged(name, self.shown(name), "和暦の日付6桁(YYMMDD)")
        return day

    def day_near(self, name: str, created_on: date) -> date:
        """Every day but 作成日: the latest reading not more than 31 days after 作成日."""
        return self.day(name, created_on + _OTHER_DAYS_MAY_BE_AHEAD)

    def optional_day_near(self, name: str, created_on: date) -> date | None:
        """As `day_near`; blank or all zeros is absent."""
        if not self._items[name].strip(b" 0"):
            return None
        return self.day_near(name, created_on)

    def account_kind(self) -> AccountKind:
        """預金種目, one of those the standard knows."""
        try:
            return AccountKind(self.shown("kind_code"))
        except ValueError:
            raise self.damaged("kind_code", self.shown("kind_code"), "1 から 9 までの預金種目") from None

    def account(self) -> AccountKey:
        """Branch, 預金種目 and number: seven digits, right-aligned in ten."""
        number = self._items["number"].lstrip(b" ").rjust(10, b"0")
        if not number.isdigit() or not number.startswith(b"000"):
            raise self.damaged("number", self.shown("number"), "口座番号7桁(右詰め)")
        return AccountKey(self.code("branch_code"), self.account_kind().value, number[3:].decode("ascii"))

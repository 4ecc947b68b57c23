"""A little model of Zengin 03 and 04, made from the standard's tables alone: what a file says, or that it is damaged.

It knows nothing of the product's reader. It keeps an account's history as days, so that replacing is replacing days.
Source: the record layouts 入出金取引明細 and 残高通知; the era of a date is the latest one that fits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import holidays

WIDTHS = {  # widths, and which columns (from 0) are text
    "031": ((1, 2, 1, 6, 6, 6, 4, 15, 3, 15, 3, 1, 10, 40, 1, 1, 14, 71), {7, 9, 13}),
    "032": ((1, 8, 6, 6, 1, 2, 12, 12, 6, 6, 1, 7, 3, 10, 48, 15, 15, 20, 20, 1), {14, 15, 16, 17, 18}),
    "038": ((1, 6, 13, 6, 13, 1, 14, 7, 139), set()),
    "039": ((1, 10, 5, 184), set()),
    "041": ((1, 2, 1, 1, 6, 10, 40, 4, 15, 3, 15, 102), {6, 8, 10}),
    "042": ((1, 6, 4, 3, 3, 1, 10, 4, 40, 1, 14, 14, 14, 1, 14, 1, 14, 6, 49), {8}),
    "048": ((1, 7, 192), set()),
    "049": ((1, 10, 189), set()),
}
TEXT = frozenset(range(0x20, 0x7F)) | frozenset(range(0xA1, 0xE0))
ERAS = (
    (2018, date(2019, 5, 1), date(9999, 12, 31)),
    (1988, date(1989, 1, 8), date(2019, 12, 31)),  # 平成31年 was written to the end of the year
    (1925, date(1926, 12, 25), date(1989, 1, 7)),
)
KINDS = tuple(b"%d" % kind for kind in range(1, 10))
HOLIDAYS = holidays.country_holidays("JP", years=range(1949, 2031))

Account = tuple[bytes, bytes, bytes]  # branch, 預金種目, number


class Bad(Exception):
    """The file, or the block that is being read, cannot be taken in."""


@dataclass
class Books:
    """What is held: by account its days (rows, opening and closing balance, day of making), and its latest balance."""

    known: frozenset[Account]
    days: dict[Account, dict[date, "Day"]] = field(default_factory=dict)
    balances: dict[Account, tuple[object, ...]] = field(default_factory=dict)

    def rows(self, account: Account) -> list[tuple[object, ...]]:
        """All rows of an account in order, each with the balance after it."""
        told = []
        for _, day in sorted(self.days.get(account, {}).items()):
            balance = day.opening
            for row in day.rows:
                balance += row.change
                told.append((*row.content, balance))
        return told


@dataclass(frozen=True)
class Row:
    booked_on: date
    change: int
    content: tuple[Any, ...]  # booked on, way, value date, kind, amount, description, counterparty


@dataclass(frozen=True)
class Day:
    rows: tuple[Row, ...]
    opening: int
    made_on: date

    @property
    def closing(self) -> int:
        return self.opening + sum(row.change for row in self.rows)


def take_in(books: Books, file: bytes, today: date, bank: bytes = b"2999") -> list[str] | None:
    """Change `books` as the file says; the verdict on each block, or None for a file that is damaged as a whole."""
    try:
        kind, blocks = _structure(file, bank)
    except Bad:
        return None
    verdicts = []
    for block in blocks:
        try:
            verdicts.append(_statement(books, block, today) if kind == "03" else _notices(books, block, today))
        except Bad:
            verdicts.append("refused")
    return verdicts


def _structure(file: bytes, bank: bytes) -> tuple[str, list[list[bytes]]]:
    separator = next(one for one in (b"\r\n", b"\n", b"") if file[200:].startswith(one))
    body = file.removesuffix(b"\x1a")
    if separator:
        body = body.removesuffix(separator)
    step = 200 + len(separator)
    records = [body[at : at + 200] for at in range(0, len(body), step)]
    between = {body[at + 200 : at + step] for at in range(0, len(body) - step, step)}
    rest = body[len(records) * step - len(separator) :]
    if not records or {len(one) for one in records} != {200} or between - {separator} or rest:
        raise Bad
    kind = records[0][1:3].decode("latin-1")
    shape = "".join(chr(one[0]) for one in records)
    blocks: list[list[bytes]] = []
    if kind not in ("03", "04") or shape[-1] != "9" or shape[0] != "1":
        raise Bad
    for before, record in zip(" " + shape, records, strict=False):
        if chr(record[0]) not in {" ": "1", "1": "28", "2": "28", "8": "19", "9": ""}.get(before, ""):
            raise Bad
        if record[:1] == b"1":
            header = _split(kind, record)
            code, sender = (2, 6) if kind == "03" else (3, 7)
            if header[1] != kind.encode() or header[code] != b"0" or header[sender] != bank:
                raise Bad
            blocks.append([])
        if record[:1] != b"9":
            blocks[-1].append(record)
    end = _split(kind, records[-1])
    if _number(end[1]) != len(records) or (kind == "03" and _number(end[2]) != len(blocks)):
        raise Bad
    return kind, blocks


def _statement(books: Books, block: list[bytes], today: date) -> str:
    kind = _split("03", block[0])[11]
    if kind not in KINDS:
        raise Bad
    if kind not in (b"1", b"2"):
        return "passed over"  # whatever else it holds
    header, trailer = _checked("03", block[0]), block[-1]
    account = _account(header[8], header[11], header[12])
    made_on = _made_on(header[3], today)
    first, last = (_day(item, made_on + timedelta(31)) for item in (header[4], header[5]))
    opening = _signed(header[14], header[16])
    rows = [_row(_checked("03", record), made_on) for record in block[1:-1]]
    booked = [row.booked_on for row in rows]
    if first > last or booked != sorted(booked) or [day for day in booked if not first <= day <= last]:
        raise Bad
    closing = opening + sum(row.change for row in rows)
    ins, outs = ([row.content[4] for row in rows if row.content[1] == way] for way in ("1", "2"))
    totals = _checked("03", trailer)
    if [_number(item) for item in totals[1:5]] != [len(ins), sum(ins), len(outs), sum(outs)]:
        raise Bad
    if _signed(totals[5], totals[6]) != closing or _number(totals[7]) != len(rows):
        raise Bad
    if account not in books.known:
        return "not registered"
    _replace(books.days.setdefault(account, {}), first, last, opening, rows, made_on)
    return "taken in"


def _replace(held: dict[date, Day], first: date, last: date, opening: int, rows: list[Row], made_on: date) -> None:
    if any(day.made_on > made_on for when, day in held.items() if first <= when <= last):
        raise Bad
    earlier = max((when for when in held if when < first), default=None)
    if earlier is not None and not _banking_day_between(earlier, first) and held[earlier].closing != opening:
        raise Bad
    later = min((when for when in held if when > last), default=None)
    closing = opening + sum(row.change for row in rows)
    if later is not None and not _banking_day_between(last, later) and held[later].opening != closing:
        raise Bad
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        when = date.fromordinal(ordinal)
        held[when] = Day(tuple(row for row in rows if row.booked_on == when), opening, made_on)
        opening = held[when].closing


def _row(items: list[bytes], made_on: date) -> Row:
    booked_on = _day(items[2], made_on + timedelta(31))
    value_on = booked_on if not items[3].strip(b" 0") else _day(items[3], made_on + timedelta(31))
    if items[4] not in (b"1", b"2"):
        raise Bad
    for item in (items[1], items[5]):
        if item.strip(b" 0"):
            _number(item)
    deposit, amount = items[4] == b"1", _number(items[6])
    kind = items[5].decode() if items[5].strip(b" 0") else None
    name = _text(items[14]) or None
    content = (booked_on, items[4].decode(), value_on, kind, amount, _text(items[17]), name if deposit else None)
    return Row(booked_on, amount if deposit else -amount, content)


def _notices(books: Books, block: list[bytes], today: date) -> str:
    made_on = _made_on(_checked("04", block[0])[4], today)
    told = [notice for notice in (_notice(_checked("04", one), made_on) for one in block[1:-1]) if notice]
    if _number(_checked("04", block[-1])[1]) != len(block) - 2:
        raise Bad
    for account, moment, balance in told:
        held = books.balances.get(account)
        if account in books.known and (held is None or held[0] <= moment):  # type: ignore[operator]
            books.balances[account] = (moment, *balance)
    return "taken in"


def _notice(items: list[bytes], made_on: date) -> tuple[Account, tuple[date, int], tuple[object, ...]] | None:
    day, minute = _day(items[1], made_on + timedelta(31)), 24 * 60
    if items[2].strip(b" 0"):
        hours, minutes = _number(items[2][:2]), _number(items[2][2:])
        if hours > 23 or minutes > 59:
            raise Bad
        minute = hours * 60 + minutes
    account = _account(items[3], items[5], items[6])
    current = _optional(items[9], items[10])
    if current is None:
        raise Bad
    uncleared = _number(items[11]) if items[11].strip(b" ") else 0
    available, previous = _optional(items[13], items[14]), _optional(items[15], items[16])
    if items[17].strip(b" 0"):
        _day(items[17], made_on + timedelta(31))
    return account, (day, minute), (current, uncleared or None, available, previous)


def _split(kind: str, record: bytes) -> list[bytes]:
    widths, _ = WIDTHS[kind + chr(record[0])]
    starts = [sum(widths[:number]) for number in range(len(widths))]
    return [record[start : start + width] for start, width in zip(starts, widths, strict=True)]


def _checked(kind: str, record: bytes) -> list[bytes]:
    items = _split(kind, record)
    if any(set(items[number]) - TEXT for number in WIDTHS[kind + chr(record[0])][1]):
        raise Bad
    return items


def _number(item: bytes) -> int:
    if set(item) - set(b"0123456789"):
        raise Bad
    return int(item)


def _signed(sign: bytes, item: bytes) -> int:
    amount = _number(item)
    if sign not in (b"1", b"2", b" ", b"0"):
        raise Bad
    return -amount if sign == b"2" else amount


def _optional(sign: bytes, item: bytes) -> int | None:
    return None if sign in (b" ", b"0") else _signed(sign, item)


def _text(item: bytes) -> str:
    return item.decode("shift_jis").rstrip(" ")


def _account(branch: bytes, kind: bytes, number: bytes) -> Account:
    _number(branch)
    if kind not in KINDS:
        raise Bad
    digits = number.lstrip(b" ").rjust(10, b"0")
    if _number(digits) >= 10**7:
        raise Bad
    return branch, kind, digits[3:]


def _made_on(item: bytes, today: date) -> date:
    day = _day(item, today + timedelta(3))
    if day < today - timedelta(366):
        raise Bad
    return day


def _day(item: bytes, not_after: date) -> date:
    _number(item)
    year, month, day = (int(item[at : at + 2]) for at in (0, 2, 4))
    for reading in _readings(year, month, day):
        if reading <= not_after:
            return reading
    raise Bad


def _readings(year: int, month: int, day: int) -> Iterator[date]:
    """The latest era first."""
    for before_first, begins, ends in ERAS:
        try:
            reading = date(before_first + year, month, day)
        except ValueError:
            continue
        if year and begins <= reading <= ends:
            yield reading


def _banking_day_between(after: date, before: date) -> bool:
    return any(_is_banking_day(date.fromordinal(one)) for one in range(after.toordinal() + 1, before.toordinal()))


def _is_banking_day(day: date) -> bool:
    new_year = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < 5 and not new_year and day not in HOLIDAYS

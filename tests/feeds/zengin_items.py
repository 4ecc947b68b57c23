"""One record of the little model (zengin_model.py) and its items: widths, characters, numbers, days.

Source: the record layouts 入出金取引明細 and 残高通知; the era of a date is the latest one that fits. EBCDIC is
code page 290 of the package `ebcdic`, turned to JIS record by record.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import ebcdic
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
JIS_BYTES = {bytes([byte]).decode("shift_jis"): byte for byte in TEXT - set(b"\\~")} | {"¥": 0x5C, "‾": 0x7E}
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


def to_jis(record: bytes) -> bytes:
    """What JIS X 0201 has none for becomes a byte that is neither text nor digit."""
    return bytes(JIS_BYTES.get(one, 0) for one in ebcdic.lookup("cp290").decode(record, "replace")[0])


def split(kind: str, record: bytes) -> list[bytes]:
    widths, _ = WIDTHS[kind + chr(record[0])]
    starts = [sum(widths[:number]) for number in range(len(widths))]
    return [record[start : start + width] for start, width in zip(starts, widths, strict=True)]


def checked(kind: str, record: bytes) -> list[bytes]:
    items = split(kind, record)
    if any(set(items[number]) - TEXT for number in WIDTHS[kind + chr(record[0])][1]):
        raise Bad
    return items


def read_number(item: bytes) -> int:
    if set(item) - set(b"0123456789"):
        raise Bad
    return int(item)


def read_signed(sign: bytes, item: bytes) -> int:
    amount = read_number(item)
    if sign not in (b"1", b"2", b" ", b"0"):
        raise Bad
    return -amount if sign == b"2" else amount


def read_optional(sign: bytes, item: bytes) -> int | None:
    return None if sign in (b" ", b"0") else read_signed(sign, item)


def read_text(item: bytes) -> str:
    return item.decode("shift_jis").replace("\\", "¥").replace("~", "‾").rstrip(" ")


def read_account(branch: bytes, kind: bytes, number: bytes) -> Account:
    read_number(branch)
    if kind not in KINDS:
        raise Bad
    digits = number.lstrip(b" ").rjust(10, b"0")
    if read_number(digits) >= 10**7:
        raise Bad
    return branch, kind, digits[3:]


def read_made_on(item: bytes, today: date) -> date:
    day = read_day(item, today + timedelta(3))
    if day < today - timedelta(366):
        raise Bad
    return day


def read_day(item: bytes, not_after: date) -> date:
    read_number(item)
    year, month, day = (int(item[at : at + 2]) for at in (0, 2, 4))
    for reading in readings(year, month, day):
        if reading <= not_after:
            return reading
    raise Bad


def readings(year: int, month: int, day: int) -> Iterator[date]:
    """The latest era first."""
    for before_first, begins, ends in ERAS:
        try:
            reading = date(before_first + year, month, day)
        except ValueError:
            continue
        if year and begins <= reading <= ends:
            yield reading


def banking_day_between(after: date, before: date) -> bool:
    return any(is_banking_day(date.fromordinal(one)) for one in range(after.toordinal() + 1, before.toordinal()))


def is_banking_day(day: date) -> bool:
    new_year = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < 5 and not new_year and day not in HOLIDAYS

"""A little model of Zengin 03 and 04, made from the standard's tables alone: what a file says, or that it is damaged.

It knows nothing of the product's reader. It keeps an account's history as days, so that replacing is replacing days.
Source: the record layouts 入出金取引明細 and 残高通知. Records and their items are read in zengin_items.py.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.feeds.zengin_items import (
    KINDS,
    Account,
    Bad,
    banking_day_between,
    checked,
    is_banking_day,
    read_account,
    read_day,
    read_made_on,
    read_number,
    read_optional,
    read_signed,
    read_text,
    split,
    to_jis,
)

SEPARATORS = {"0": (b"\r\n", b"\n", b""), "1": (b"\r\x25", b"\r\n", b"\x25", b"\x15", b"\n", b"")}  # by コード区分
ENDS = {"0": b"\x1a", "1": b"\x1a\x3f"}
MOST = 10**14 - 1  # yen


@dataclass
class Books:
    """What is held: by account its days (rows, opening and closing balance, day of making), and its latest balance."""

    known: frozenset[Account]
    days: dict[Account, dict[date, "Day"]] = field(default_factory=dict)
    balances: dict[Account, tuple[Any, ...]] = field(default_factory=dict)  # moment, day of making, and the four

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
    code = "1" if file[:1] == b"\xf1" else "0"
    separator = next(one for one in SEPARATORS[code] if file[200:].startswith(one))
    step = 200 + len(separator)
    body = file[:-1] if file[-1:] in [bytes([mark]) for mark in ENDS[code]] else file
    if separator:
        body = body.removesuffix(separator)
    records = [body[at : at + 200] for at in range(0, len(body), step)]
    between = {body[at + 200 : at + step] for at in range(0, len(body) - step, step)}
    rest = body[len(records) * step - len(separator) :]
    if not records or {len(one) for one in records} != {200} or between - {separator} or rest:
        raise Bad
    if code == "1":
        records = [to_jis(record) for record in records]
    kind = records[0][1:3].decode("latin-1")
    shape = "".join(chr(one[0]) for one in records)
    blocks: list[list[bytes]] = []
    if kind not in ("03", "04") or shape[-1] != "9" or shape[0] != "1":
        raise Bad
    for before, record in zip(" " + shape, records, strict=False):
        if chr(record[0]) not in {" ": "1", "1": "28", "2": "28", "8": "19", "9": ""}.get(before, ""):
            raise Bad
        if record[:1] == b"1":
            header = split(kind, record)
            own_code, sender = (2, 6) if kind == "03" else (3, 7)
            if header[1] != kind.encode() or header[own_code] != code.encode() or header[sender] != bank:
                raise Bad
            blocks.append([])
        if record[:1] != b"9":
            blocks[-1].append(record)
    end = split(kind, records[-1])
    if read_number(end[1]) != len(records) or (kind == "03" and read_number(end[2]) != len(blocks)):
        raise Bad
    return kind, blocks


def _statement(books: Books, block: list[bytes], today: date) -> str:
    kind = split("03", block[0])[11]
    if kind not in KINDS:
        raise Bad
    if kind not in (b"1", b"2"):
        return "passed over"  # whatever else it holds
    header, trailer = checked("03", block[0]), block[-1]
    account = read_account(header[8], header[11], header[12])
    made_on = read_made_on(header[3], today)
    first, last = (read_day(item, made_on + timedelta(31)) for item in (header[4], header[5]))
    opening = read_signed(header[14], header[16])
    rows = [_row(checked("03", record), made_on) for record in block[1:-1]]
    booked = [row.booked_on for row in rows]
    beyond = made_on.toordinal() + 1
    while not is_banking_day(date.fromordinal(beyond)):
        beyond += 1
    if last.toordinal() > beyond:
        raise Bad
    if first > last or booked != sorted(booked) or [day for day in booked if not first <= day <= last]:
        raise Bad
    balances = [opening + sum(row.change for row in rows[: number + 1]) for number in range(len(rows))]
    if [balance for balance in balances if abs(balance) > MOST]:
        raise Bad
    closing = balances[-1] if balances else opening
    ins, outs = ([row.content[4] for row in rows if row.content[1] == way] for way in ("1", "2"))
    totals = checked("03", trailer)
    if [read_number(item) for item in totals[1:5]] != [len(ins), sum(ins), len(outs), sum(outs)]:
        raise Bad
    if read_signed(totals[5], totals[6]) != closing or read_number(totals[7]) != len(rows):
        raise Bad
    if account not in books.known:
        return "not registered"
    _replace(books.days.setdefault(account, {}), first, last, opening, rows, made_on)
    return "taken in"


def _replace(held: dict[date, Day], first: date, last: date, opening: int, rows: list[Row], made_on: date) -> None:
    earlier = max((when for when in held if when < first), default=None)
    if earlier is not None and not banking_day_between(earlier, first) and held[earlier].closing != opening:
        raise Bad
    later = min((when for when in held if when > last), default=None)
    closing = opening + sum(row.change for row in rows)
    if later is not None and not banking_day_between(last, later) and held[later].opening != closing:
        raise Bad
    told = {}
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        when = date.fromordinal(ordinal)
        told[when] = Day(tuple(row for row in rows if row.booked_on == when), opening, made_on)
        opening = told[when].closing
    newer = {when for when in told if when in held and held[when].made_on > made_on}
    if [when for when in newer if (told[when].rows, told[when].opening) != (held[when].rows, held[when].opening)]:
        raise Bad  # an older file can only agree
    held.update({when: day for when, day in told.items() if when not in newer})


def _row(items: list[bytes], made_on: date) -> Row:
    booked_on = read_day(items[2], made_on + timedelta(31))
    value_on = booked_on if not items[3].strip(b" 0") else read_day(items[3], made_on + timedelta(31))
    if items[4] not in (b"1", b"2"):
        raise Bad
    for item in (items[1], items[5]):
        if item.strip(b" 0"):
            read_number(item)
    deposit, amount = items[4] == b"1", read_number(items[6])
    kind = items[5].decode() if items[5].strip(b" 0") else None
    name = read_text(items[14]) or None
    content = (booked_on, items[4].decode(), value_on, kind, amount, read_text(items[17]), name if deposit else None)
    return Row(booked_on, amount if deposit else -amount, content)


def _notices(books: Books, block: list[bytes], today: date) -> str:
    made_on = read_made_on(checked("04", block[0])[4], today)
    told = [notice for notice in (_notice(checked("04", one), made_on) for one in block[1:-1]) if notice]
    if read_number(checked("04", block[-1])[1]) != len(block) - 2:
        raise Bad
    for account, moment, balance in told:
        held = books.balances.get(account)
        if account in books.known and (held is None or held[:2] <= (moment, made_on)):
            books.balances[account] = (moment, made_on, *balance)
    return "taken in"


def _notice(items: list[bytes], made_on: date) -> tuple[Account, tuple[date, int], tuple[object, ...]] | None:
    day, minute = read_day(items[1], made_on + timedelta(31)), 24 * 60
    if day > made_on:
        raise Bad
    if items[2].strip(b" 0"):
        hours, minutes = read_number(items[2][:2]), read_number(items[2][2:])
        if hours > 23 or minutes > 59:
            raise Bad
        minute = hours * 60 + minutes
    account = read_account(items[3], items[5], items[6])
    current = read_optional(items[9], items[10])
    if current is None:
        raise Bad
    uncleared = read_number(items[11]) if items[11].strip(b" ") else 0
    available, previous = read_optional(items[13], items[14]), read_optional(items[15], items[16])
    if items[17].strip(b" 0"):
        read_day(items[17], made_on + timedelta(31))
    return account, (day, minute), (current, uncleared or None, available, previous)

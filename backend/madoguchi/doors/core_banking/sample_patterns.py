"""From patterns to rows: what happened on a sample account, day by day.

A row depends only on seed, account and day (a keyed hash; for a levelling row, on the days before it since the fixed
epoch as well), so a longer run appends days and rewrites none.
Source of the patterns: the habits of Japanese accounts: pay day on the 25th, before a banking holiday; debits on the
27th or at the month's end, after one; what happens on a holiday is booked on the next banking day, its own day
as 起算日.
"""

import calendar
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import blake2b

from madoguchi.doors.core_banking.sample_customers import Books, Pattern, SampleAccount
from madoguchi.procedures.banking_days import (
    banking_day_from,
    banking_day_until,
    days,
    is_banking_day,
    next_banking_day,
)
from madoguchi.procedures.feeds.values import StatementRow
from madoguchi.rules.vocabulary import Direction

_LEVEL_FROM = 10_000  # yen: smaller differences stay
_LEVEL_STEP = 1_000
_FEE_KIND = "18"
CORRECTION_KIND = "19"
_TRANSFER_KIND = "14"


def sample_rows(
    books: Books, account: SampleAccount, seed: int, until: date, first: date | None = None
) -> list[StatementRow]:
    """All rows booked from the epoch to `until`, in the order of the books, 照会番号 (day and place in it) included.

    first  of an account whose days leave its balance as it was (`recent_days`): what is before is left out.
    """
    rows: list[StatementRow] = []
    begins = first if first and account.recent_days else books.epoch
    drift = 0
    patterns = [
        (name, pattern, _scheduled_days(pattern, books.epoch, until)) for name, pattern in books.patterns_of(account)
    ]
    for day in days(begins, until):
        for name, pattern, scheduled in patterns:
            if not (day in scheduled if pattern.days else _happens(pattern, name, account, seed, day)):
                continue
            found = _level(pattern, drift, day) if pattern.levels else _rows(pattern, name, account, seed, day)
            for row in found:
                drift += row.change
                rows.append(row)
    rows.sort(key=lambda row: row.booked_on)
    form = "%y%j{:03}" if account.recent_days else "%y%m%d{:02}"
    return _numbered([row for row in rows if row.booked_on <= until], form)


def _numbered(rows: list[StatementRow], form: str) -> list[StatementRow]:
    """照会番号 of eight digits: the day and the row's place in it, which takes three where a day has many rows."""
    numbered: list[StatementRow] = []
    place = 0
    for row in rows:
        place = place + 1 if numbered and numbered[-1].booked_on == row.booked_on else 1
        numbered.append(replace(row, inquiry_number=row.booked_on.strftime(form.format(place))))
    return numbered


def _chance(seed: int, account: SampleAccount, name: str, day: date, of: int, what: str) -> int:
    """A number from 0 to `of` - 1 that is always the same for the same arguments."""
    text = f"{account.key.branch_code}{account.key.kind_code}{account.key.number}|{name}|{day:%Y%m%d}|{what}"
    digest = blake2b(text.encode(), digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(digest) % of


def _happens(pattern: Pattern, name: str, account: SampleAccount, seed: int, day: date) -> bool:
    """Whether chance wills it on this day."""
    if pattern.banking_days and not is_banking_day(day):
        return False
    return _chance(seed, account, name, day, 1000, "happens") < pattern.chance


def _scheduled_days(pattern: Pattern, first: date, last: date) -> frozenset[date]:
    """The banking days of a pattern with fixed days of the month, one month beyond `last` for what moves forward."""
    move = banking_day_until if pattern.shift == "before" else banking_day_from
    scheduled = set()
    for months in range(first.year * 12 + first.month - 1, last.year * 12 + last.month + 1):
        year, month = months // 12, months % 12 + 1
        if month in pattern.months:
            last_of_month = calendar.monthrange(year, month)[1]
            scheduled |= {move(date(year, month, min(day, last_of_month))) for day in pattern.days}
    return frozenset(scheduled)


def _rows(pattern: Pattern, name: str, account: SampleAccount, seed: int, day: date) -> Iterator[StatementRow]:
    if pattern.times > 1:
        yield from _swept(pattern, name, account, seed, day)
        return
    row = _row(pattern, pattern.deposit, _amount(pattern, name, account, seed, day), day)
    yield row
    if pattern.fee:
        yield replace(
            row, kind_code=_FEE_KIND, amount=pattern.fee, description="ﾃｽｳﾘﾖｳ", direction=Direction.WITHDRAWAL
        )
    if pattern.corrected:
        # 訂正 reverses the sign and keeps the day of what it corrects as its 起算日.
        yield replace(
            row,
            booked_on=next_banking_day(row.booked_on),
            direction=Direction.WITHDRAWAL if pattern.deposit else Direction.DEPOSIT,
            kind_code=CORRECTION_KIND,
            description=f"ﾃｲｾｲ {pattern.text}",
            counterparty=None,
        )


def _swept(pattern: Pattern, name: str, account: SampleAccount, seed: int, day: date) -> Iterator[StatementRow]:
    """Many of one kind, each from another payer, and one withdrawal of all of them."""
    total = 0
    for place in range(1, pattern.times + 1):
        row = _row(pattern, True, _amount(pattern, name, account, seed, day, f"amount {place}"), day)
        total += row.amount
        yield replace(row, counterparty=f"{pattern.counterparty} {place:03}")
    swept = _row(pattern, False, total, day)
    yield replace(swept, kind_code=_TRANSFER_KIND, description="ｼｷﾝｲﾄﾞｳ")


def _amount(pattern: Pattern, name: str, account: SampleAccount, seed: int, day: date, what: str = "amount") -> int:
    steps = pattern.spread // pattern.unit
    return pattern.amount + (_chance(seed, account, name, day, 2 * steps + 1, what) - steps) * pattern.unit


def _level(pattern: Pattern, drift: int, day: date) -> Iterator[StatementRow]:
    """Bring the account back to where it began, in thousands of yen."""
    if abs(drift) >= _LEVEL_FROM:
        yield _row(pattern, drift < 0, abs(drift) // _LEVEL_STEP * _LEVEL_STEP, day)


def _row(pattern: Pattern, deposit: bool, amount: int, day: date) -> StatementRow:
    return StatementRow(
        inquiry_number=None,
        booked_on=banking_day_from(day),
        value_on=day,
        direction=Direction.DEPOSIT if deposit else Direction.WITHDRAWAL,
        kind_code=pattern.kind,
        amount=amount,
        description=pattern.text,
        counterparty=pattern.counterparty if deposit else None,
    )

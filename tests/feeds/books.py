"""Small Zengin files for these tests: blocks that chain, and bytes damaged at one place."""

from datetime import date, datetime

from madoguchi.doors.core_banking.zengin_writer import Sender
from madoguchi.procedures.feeds.values import (
    NOWHERE,
    AccountKey,
    BalanceNotice,
    NoticeBlock,
    StatementBlock,
    StatementRow,
)
from madoguchi.rules.vocabulary import JST, Direction, Precision

BANK = Sender("2999", "ﾐﾎﾝｼﾝﾖｳｸﾐｱｲ")
TODAY = date(2026, 11, 24)
ORDINARY = AccountKey("002", "1", "1234567")
CURRENT = AccountKey("002", "2", "0013210")


def row(
    amount: int, booked_on: date = TODAY, direction: Direction = Direction.DEPOSIT, **changes: object
) -> StatementRow:
    values: dict[str, object] = {
        "inquiry_number": "00000001",
        "booked_on": booked_on,
        "value_on": booked_on,
        "direction": direction,
        "kind_code": "11",
        "amount": amount,
        "description": "ﾌﾘｺﾐ",
        "counterparty": "ｶ)ﾐﾎﾝﾔ" if direction is Direction.DEPOSIT else None,
    }
    return StatementRow(**{**values, **changes})  # type: ignore[arg-type]


def block(
    *rows: StatementRow,
    account: AccountKey = ORDINARY,
    opening: int = 100_000,
    from_day: date = date(2026, 11, 20),
    to_day: date = TODAY,
    created_on: date = TODAY,
    first_record: int = 1,
) -> StatementBlock:
    return StatementBlock(
        first_record=first_record,
        bank_code=BANK.bank_code,
        account=account,
        branch_kana="ﾎﾝﾃﾝｴｲｷﾞﾖｳﾌﾞ",
        holder_kana="ﾐﾎﾝ ﾊﾅｺ",
        created_on=created_on,
        from_day=from_day,
        to_day=to_day,
        opening_balance=opening,
        rows=rows,
        closing_balance=opening + sum(one.change for one in rows),
        opening_place=NOWHERE,
        closing_place=NOWHERE,
    )


def notice(account: AccountKey = ORDINARY, current: int = 100_000, **changes: object) -> BalanceNotice:
    values: dict[str, object] = {
        "account": account,
        "holder_kana": "ﾐﾎﾝ ﾊﾅｺ",
        "as_of": datetime(2026, 11, 24, 14, 0, tzinfo=JST),
        "as_of_precision": Precision.MINUTE,
        "current": current,
        "uncleared": None,
        "available": None,
        "previous_day": None,
        "last_transaction_on": None,
    }
    return BalanceNotice(**{**values, **changes})  # type: ignore[arg-type]


def notices(*all_notices: BalanceNotice, created_on: date = TODAY) -> NoticeBlock:
    return NoticeBlock(1, BANK.bank_code, created_on, all_notices)


def overwritten(file: bytes, record: int, column: int, new: bytes, record_bytes: int = 202) -> bytes:
    """The file with `new` written at a record's column, both counted from 1."""
    at = (record - 1) * record_bytes + column - 1
    return file[:at] + new + file[at + len(new) :]

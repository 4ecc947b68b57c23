"""The second pass over a Zengin file: its blocks, one at a time, each checked against its own totals.

Source: 全銀 record layouts 入出金取引明細 (03) and 残高通知 (04). A block is header to trailer. Counts, sums or
balances that do not chain refuse their block whole; a damaged structure has refused the file before (zengin_file.py).
Whether a block fits what is stored already is the procedure's question (procedures/feeds.py).
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import BinaryIO

from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm, FileOutline, examine, records
from madoguchi.doors.core_banking.zengin_layout import LAYOUTS
from madoguchi.doors.core_banking.zengin_record import Damaged, Record
from madoguchi.procedures.feed_values import (
    AccountKey,
    BalanceNotice,
    BlockPassedOver,
    BlockRefused,
    FileRefused,
    NoticeBlock,
    StatementBlock,
    StatementRow,
)
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import JST, Direction, Precision

ZenginBlock = StatementBlock | NoticeBlock | BlockRefused | BlockPassedOver

_END_OF_DAY = time(23, 59, 59)


def read_zengin(
    stream: BinaryIO, bank_code: str, imported_on: date, form: FileForm = USUAL_FORM
) -> FileRefused | Iterator[ZenginBlock]:
    """The blocks of a 種別 03 or 04 file in its order, or why the file as a whole is refused: examine, then read_blocks.

    bank_code    four digits, the institution we serve.
    imported_on  as for read_blocks.
    """
    outline = examine(stream, bank_code, form)
    if isinstance(outline, FileRefused):
        return outline
    return read_blocks(stream, outline, imported_on)


def read_blocks(stream: BinaryIO, outline: FileOutline, imported_on: date) -> Iterator[ZenginBlock]:
    """The blocks of a file that was examined, in its order. Memory does not grow with file or block.

    stream       seekable, and open as long as a block's rows are wanted: the rows of a long block are read again from
                 it each time they are iterated. Whoever else reads from it in between does no harm.
    imported_on  the JST day of the import, or the day that the operator names for an old file: 作成日 has no era,
                 so it is read as the latest day up to three days after this one.
    """
    read_one = _statement_block if outline.file_type == "03" else _notice_block
    return (read_one(first, block, imported_on) for first, block in _blocks(stream, outline))


def read_block(
    content: bytes, bank_code: str, imported_on: date, form: FileForm = USUAL_FORM, first_record: int = 1
) -> FileRefused | ZenginBlock:
    """One block alone, as block_bytes cut it out: header to trailer, without an end record.

    first_record  where the block stood in its file, so that messages name places of that file.
    Returns FileRefused where it is no such block, as it is with another `form` than the one it was cut by.
    """
    outline = examine(BytesIO(content), bank_code, form, one_block=True)
    if isinstance(outline, FileRefused):
        return outline
    return next(read_blocks(BytesIO(content), outline, imported_on))


def _blocks(stream: BinaryIO, outline: FileOutline) -> Iterator[tuple[int, list[bytes]]]:
    """Header to trailer, with the header's record number."""
    block: list[bytes] = []
    for number, raw in records(stream, outline.separator):
        block.append(raw)
        if raw.startswith(b"8"):
            yield number - len(block) + 1, block
            block = []


def _statement_block(first: int, block: list[bytes], imported_on: date) -> ZenginBlock:
    layouts = LAYOUTS["03"]
    account: AccountKey | None = None
    created_on: date | None = None
    days: tuple[date, date] | None = None
    try:
        header = Record(layouts.header, first, block[0])
        kind = header.account_kind()
        if kind not in ELIGIBLE_KINDS:
            return BlockPassedOver(first, kind.value)
        account = header.account()
        created_on = header.creation_day("created_on", imported_on)
        from_day, to_day = (header.day_near(name, created_on) for name in ("from_day", "to_day"))
        if to_day < from_day:
            raise header.damaged("to_day", f"{to_day}", f"勘定日(自) {from_day} 以後")
        days = from_day, to_day
        opening_balance = header.signed("opening_sign", "opening_balance")
        rows = []
        earliest = from_day
        for number, raw in enumerate(block[1:-1], first + 1):
            row = _row(Record(layouts.data, number, raw), created_on, earliest, to_day)
            earliest = row.booked_on
            rows.append(row)
        trailer = Record(layouts.trailer, first + len(block) - 1, block[-1])
        closing_balance = _check_totals(trailer, opening_balance, rows)
    except Damaged as damaged:
        return BlockRefused(first, account, damaged.damage, len(block), created_on, days)
    return StatementBlock(
        first_record=first,
        record_count=len(block),
        bank_code=header.code("bank_code"),
        account=account,
        branch_kana=header.text("branch_kana"),
        holder_kana=header.text("holder_kana"),
        created_on=created_on,
        from_day=from_day,
        to_day=to_day,
        opening_balance=opening_balance,
        rows=tuple(rows),
        closing_balance=closing_balance,
        opening_place=header.place("opening_balance"),
        closing_place=trailer.place("closing_balance"),
    )


def _row(record: Record, created_on: date, earliest: date, latest: date) -> StatementRow:
    booked_on = record.day_near("booked_on", created_on)
    if not earliest <= booked_on <= latest:
        raise record.damaged("booked_on", f"{booked_on}", f"{earliest} から {latest} まで(日付の順)")
    match record.shown("direction"):
        case "1":
            direction = Direction.DEPOSIT
        case "2":
            direction = Direction.WITHDRAWAL
        case other:
            raise record.damaged("direction", other, "1(入金)か 2(出金)")
    return StatementRow(
        inquiry_number=record.optional_code("inquiry_number"),
        booked_on=booked_on,
        value_on=record.optional_day_near("value_on", created_on) or booked_on,
        direction=direction,
        kind_code=record.optional_code("kind_code"),
        amount=record.required_number("amount"),
        description=record.text("description"),
        counterparty=record.text("counterparty") or None if direction is Direction.DEPOSIT else None,
    )


def _check_totals(trailer: Record, opening_balance: int, rows: list[StatementRow]) -> int:
    """The closing balance, when the trailer's six figures agree with the rows read."""
    deposits = [row.amount for row in rows if row.direction is Direction.DEPOSIT]
    withdrawals = [row.amount for row in rows if row.direction is Direction.WITHDRAWAL]
    counted = {
        "deposit_count": len(deposits),
        "deposit_sum": sum(deposits),
        "withdrawal_count": len(withdrawals),
        "withdrawal_sum": sum(withdrawals),
        "data_count": len(rows),
    }
    for name, value in counted.items():
        if trailer.required_number(name) != value:
            basis = "明細の合計は" if name.endswith("_sum") else "明細の件数は"
            raise trailer.differs(name, trailer.required_number(name), value, basis, "トレーラは")
    closing_balance = trailer.signed("closing_sign", "closing_balance")
    chained = opening_balance + sum(deposits) - sum(withdrawals)
    if closing_balance != chained:
        raise trailer.differs("closing_balance", closing_balance, chained, "取引前残高と明細の合計は", "トレーラは")
    return closing_balance


def _notice_block(first: int, block: list[bytes], imported_on: date) -> ZenginBlock:
    layouts = LAYOUTS["04"]
    try:
        header = Record(layouts.header, first, block[0])
        created_on = header.creation_day("created_on", imported_on)
        notices = tuple(
            _notice(Record(layouts.data, number, raw), created_on) for number, raw in enumerate(block[1:-1], first + 1)
        )
        trailer = Record(layouts.trailer, first + len(block) - 1, block[-1])
        if trailer.required_number("data_count") != len(notices):
            raise trailer.differs(
                "data_count", trailer.required_number("data_count"), len(notices), "残高の件数は", "トレーラは"
            )
    except Damaged as damaged:
        return BlockRefused(first, None, damaged.damage, len(block))
    return NoticeBlock(first, header.code("bank_code"), created_on, notices, len(block))


def _notice(record: Record, created_on: date) -> BalanceNotice:
    current = record.optional_signed("current_sign", "current")
    if current is None:
        raise record.damaged("current_sign", record.shown("current_sign"), "1(プラス)か 2(マイナス)")
    base_day = record.day_near("base_day", created_on)
    base_time = _base_time(record)
    return BalanceNotice(
        account=record.account(),
        holder_kana=record.text("holder_kana"),
        as_of=datetime.combine(base_day, base_time or _END_OF_DAY, JST),
        as_of_precision=Precision.MINUTE if base_time else Precision.DAY,
        current=current,
        # It has no 貸越区分, so zeros cannot be told from absent: null claims less than 0 yen.
        uncleared=record.optional_number("uncleared") or None,
        available=record.optional_signed("available_sign", "available"),
        previous_day=record.optional_signed("previous_sign", "previous_day"),
        last_transaction_on=record.optional_day_near("last_transaction_on", created_on),
    )


def _base_time(record: Record) -> time | None:
    """基準時刻 HHMM; blank or 0000 is absent."""
    digits = record.optional_code("base_time")
    if digits is None:
        return None
    try:
        return time(int(digits[:2]), int(digits[2:]))
    except ValueError:
        raise record.damaged("base_time", digits, "0001 から 2359 まで") from None

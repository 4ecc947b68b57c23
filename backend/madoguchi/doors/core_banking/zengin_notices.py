"""種別 04 残高通知: one block is a branch's balances, or the bank's, one data record an account.

Source: 全銀 record layout 残高通知. Every 預金種目 is taken: balances of time deposits are shown by nobody, but known.
A count that does not agree, or one record that cannot be read, refuses the block whole.
"""

from collections.abc import Iterator
from datetime import date, datetime, time
from functools import partial

from madoguchi.doors.core_banking.zengin_blocks import BlockAt, checked
from madoguchi.doors.core_banking.zengin_record import Damaged, Days, Record
from madoguchi.procedures.feeds.values import BalanceNotice, BlockRefused, NoticeBlock, end_of
from madoguchi.rules.vocabulary import JST, Precision


def notice_block(block: BlockAt, imported_on: date) -> NoticeBlock | BlockRefused:
    """The block, or why it is refused; `imported_on` as for read_blocks."""
    try:
        header = block.header()
        header.check_text()
        created_on = header.creation_day("created_on", imported_on)
        notices, count = checked(partial(_notices, block, created_on))
        return NoticeBlock(block.first, header.digits("bank_code"), created_on, notices, count + 2)
    except Damaged as damaged:
        return BlockRefused(block.first, None, damaged.damage, block.record_count())


def _notices(block: BlockAt, created_on: date) -> Iterator[BalanceNotice]:
    """The notices, and at their end the trailer compared with them. Raises Damaged."""
    days = Days(created_on)
    count = 0
    for record in block.data():
        count += 1
        yield _notice(record, days, created_on)
    trailer = block.trailer(count)
    written = trailer.required_number("data_count")
    if written != count:
        raise trailer.differs("data_count", written, count, "残高の件数は", "トレーラは")


def _notice(record: Record, days: Days, created_on: date) -> BalanceNotice:
    current = record.optional_signed("current_sign", "current")
    if current is None:
        raise record.damaged("current_sign", "1(プラス)か 2(マイナス)")
    base_day = record.day("base_day", days)
    if base_day > created_on:  # held, it would keep out every true balance until that day
        raise record.damaged("base_day", f"作成日 {created_on} 以前", f"{base_day}")
    base_time = _base_time(record)
    return BalanceNotice(
        account=record.account(),
        holder_kana=record.text("holder_kana"),
        as_of=datetime.combine(base_day, base_time, JST) if base_time else end_of(base_day),
        as_of_precision=Precision.MINUTE if base_time else Precision.DAY,
        current=current,
        # It has no 貸越区分, so zeros cannot be told from absent: null claims less than 0 yen.
        uncleared=record.optional_number("uncleared") or None,
        available=record.optional_signed("available_sign", "available"),
        previous_day=record.optional_signed("previous_sign", "previous_day"),
        last_transaction_on=record.optional_day("last_transaction_on", days),
    )


def _base_time(record: Record) -> time | None:
    """基準時刻 HHMM; blank or 0000 is absent."""
    digits = record.optional_digits("base_time")
    if digits is None:
        return None
    try:
        return time(int(digits[:2]), int(digits[2:]))
    except ValueError:
        raise record.damaged("base_time", "0001 から 2359 まで") from None

"""Writing Zengin 種別 03 and 04 files: the reader's mirror, on the same layout tables.

Source: 全銀 record layouts 入出金取引明細 and 残高通知. Used by the sample books and by tests. The totals
are computed here, so that a file written is a file that chains.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from madoguchi.doors.core_banking.era import write_wareki
from madoguchi.doors.core_banking.zengin_code import JIS, Code
from madoguchi.doors.core_banking.zengin_layout import (
    NOTICE_DATA,
    NOTICE_END,
    NOTICE_HEADER,
    NOTICE_TRAILER,
    STATEMENT_DATA,
    STATEMENT_END,
    STATEMENT_HEADER,
    STATEMENT_TRAILER,
)
from madoguchi.procedures.feeds.values import BalanceNotice, NoticeBlock, StatementBlock, StatementRow
from madoguchi.rules.vocabulary import JST, Direction, Precision

CR_LF = b"\r\n"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose file it is: bank code of four digits and the bank's name in half-width kana."""

    bank_code: str
    bank_kana: str


def write_statements(
    sender: Sender, blocks: Iterable[StatementBlock], separator: bytes = CR_LF, code: Code = JIS
) -> bytes:
    """A whole 種別 03 file; `separator` as its bytes are to be. Raises ValueError for a value its item cannot hold."""
    written = [record for block in blocks for record in _statement_records(sender, block, code)]
    accounts = sum(record.startswith(b"1") for record in written)
    end = STATEMENT_END.join(record_type=9, record_count=len(written) + 1, account_count=accounts)
    return b"".join(record.translate(code.from_jis) + separator for record in [*written, end])


def write_notices(sender: Sender, blocks: Iterable[NoticeBlock], separator: bytes = CR_LF, code: Code = JIS) -> bytes:
    """A whole 種別 04 file; a block's header names the branch of its first account. The rest as write_statements."""
    written = [record for block in blocks for record in _notice_records(sender, block, code)]
    end = NOTICE_END.join(record_type=9, record_count=len(written) + 1)
    return b"".join(record.translate(code.from_jis) + separator for record in [*written, end])


def _sign(balance: int | None) -> int:
    """貸越区分: 1 plus, 2 minus, 0 where the balance is absent."""
    if balance is None:
        return 0
    return 2 if balance < 0 else 1


def _statement_records(sender: Sender, block: StatementBlock, code: Code) -> Iterator[bytes]:
    yield STATEMENT_HEADER.join(
        record_type=1,
        file_type="03",
        code_type=code.code_type,
        created_on=write_wareki(block.created_on),
        from_day=write_wareki(block.from_day),
        to_day=write_wareki(block.to_day),
        bank_code=sender.bank_code,
        bank_kana=sender.bank_kana,
        branch_code=block.account.branch_code,
        branch_kana=block.branch_kana,
        filler_1="000",
        kind_code=block.account.kind_code,
        number=block.account.number,
        holder_kana=block.holder_kana,
        opening_sign=_sign(block.opening_balance),
        passbook_type=1,
        opening_balance=abs(block.opening_balance),
    )
    deposits: list[int] = []
    withdrawals: list[int] = []
    for row in block.rows:
        yield _row_record(row)
        (deposits if row.direction is Direction.DEPOSIT else withdrawals).append(row.amount)
    yield STATEMENT_TRAILER.join(
        record_type=8,
        deposit_count=len(deposits),
        deposit_sum=sum(deposits),
        withdrawal_count=len(withdrawals),
        withdrawal_sum=sum(withdrawals),
        closing_sign=_sign(block.closing_balance),
        closing_balance=abs(block.closing_balance),
        data_count=len(deposits) + len(withdrawals),
    )


def _row_record(row: StatementRow) -> bytes:
    return STATEMENT_DATA.join(
        record_type=2,
        inquiry_number=row.inquiry_number or "",
        booked_on=write_wareki(row.booked_on),
        value_on=write_wareki(row.value_on),
        direction=row.direction.value,
        kind_code=row.kind_code or "",
        amount=row.amount,
        uncleared=0,
        presented_on="000000",
        dishonoured_on="000000",
        counterparty=row.counterparty or "",
        description=row.description,
    )


def _notice_records(sender: Sender, block: NoticeBlock, code: Code) -> Iterator[bytes]:
    notices = tuple(block.notices)
    yield NOTICE_HEADER.join(
        record_type=1,
        file_type="04",
        notice_type=0,
        code_type=code.code_type,
        created_on=write_wareki(block.created_on),
        bank_code=sender.bank_code,
        bank_kana=sender.bank_kana,
        branch_code=notices[0].account.branch_code if notices else "",
    )
    for notice in notices:
        yield _notice_record(notice)
    yield NOTICE_TRAILER.join(record_type=8, data_count=len(notices))


def _notice_record(notice: BalanceNotice) -> bytes:
    as_of = notice.as_of.astimezone(JST)
    last = notice.last_transaction_on
    return NOTICE_DATA.join(
        record_type=2,
        base_day=write_wareki(as_of.date()),
        base_time=f"{as_of:%H%M}" if notice.as_of_precision is Precision.MINUTE else "",
        branch_code=notice.account.branch_code,
        filler_1="000",
        kind_code=notice.account.kind_code,
        number=notice.account.number,
        parts=1,
        holder_kana=notice.holder_kana,
        current_sign=_sign(notice.current),
        current=abs(notice.current),
        uncleared=notice.uncleared or 0,
        available_sign=_sign(notice.available),
        available=abs(notice.available or 0),
        previous_sign=_sign(notice.previous_day),
        previous_day=abs(notice.previous_day or 0),
        last_transaction_on=write_wareki(last) if last else "000000",
    )

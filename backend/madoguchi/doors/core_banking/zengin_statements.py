"""種別 03 入出金取引明細: one block is one account from one day to another, and has to agree with its own totals.

Source: 全銀 record layout 入出金取引明細. Counts, sums or balances that do not chain refuse the block whole. A block of
a 預金種目 outside clause 2-2 is passed over by its header: its data may have another layout and is not looked at.
Whether a block fits what is stored already is the procedure's question (procedures/feeds/statements.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from madoguchi.doors.core_banking.zengin_blocks import BlockAt, checked
from madoguchi.doors.core_banking.zengin_record import Damaged, Days, Record
from madoguchi.procedures.banking_days import next_banking_day
from madoguchi.procedures.feeds.values import (
    AccountKey,
    BlockPassedOver,
    BlockRefused,
    Damage,
    StatementBlock,
    StatementRow,
)
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import Direction

_DIGITS = 14
_MOST = 10**_DIGITS - 1  # yen: what 取引後残高 can hold, as every balance that we give
_DIRECTIONS = {b"1": Direction.DEPOSIT, b"2": Direction.WITHDRAWAL}


def statement_block(block: BlockAt, imported_on: date) -> StatementBlock | BlockRefused | BlockPassedOver:
    """The block, or why it is refused; `imported_on` as for read_blocks."""
    account: AccountKey | None = None
    created_on: date | None = None
    span: tuple[date, date] | None = None
    try:
        header = block.header()
        kind = header.account_kind()
        if kind not in ELIGIBLE_KINDS:
            return BlockPassedOver(block.first, kind.value, block.record_count())
        header.check_text()
        account = header.account()
        created_on = header.creation_day("created_on", imported_on)
        days = Days(created_on)
        from_day, to_day = header.day("from_day", days), header.day("to_day", days)
        if to_day < from_day:
            raise header.damaged("to_day", f"勘定日(自) {from_day} 以後", f"{to_day}")
        # What happens after the books were closed is booked on the next day. Later days would keep true files out.
        if to_day > (last := next_banking_day(created_on)):
            raise header.damaged("to_day", f"作成日 {created_on} の翌営業日 {last} 以前", f"{to_day}")
        span = from_day, to_day
        opening_balance = header.signed("opening_sign", "opening_balance")
        rows, row_count = checked(_Body(block, days, from_day, to_day, opening_balance).rows)
        trailer = block.trailer(row_count)
        return StatementBlock(
            first_record=block.first,
            bank_code=header.digits("bank_code"),
            account=account,
            branch_kana=header.text("branch_kana"),
            holder_kana=header.text("holder_kana"),
            created_on=created_on,
            from_day=from_day,
            to_day=to_day,
            opening_balance=opening_balance,
            rows=rows,
            closing_balance=trailer.signed("closing_sign", "closing_balance"),
            opening_place=header.place("opening_balance"),
            closing_place=trailer.place("closing_balance"),
            record_count=row_count + 2,
        )
    except Damaged as damaged:
        return BlockRefused(block.first, account, damaged.damage, block.record_count(), created_on, span)


@dataclass(frozen=True, slots=True)
class _Body:
    """What the header says that the rows are read by."""

    block: BlockAt
    days: Days
    from_day: date
    to_day: date
    opening_balance: int

    def rows(self) -> Iterator[StatementRow]:
        """The rows, and at their end the trailer compared with them. Raises Damaged."""
        earliest = self.from_day
        deposits = deposit_sum = withdrawals = withdrawal_sum = 0
        balance = self.opening_balance
        for record in self.block.data():
            row = _row(record, self.days, earliest, self.to_day)
            earliest = row.booked_on
            if row.direction is Direction.DEPOSIT:
                deposits += 1
                deposit_sum += row.amount
            else:
                withdrawals += 1
                withdrawal_sum += row.amount
            balance += row.change
            if abs(balance) > _MOST:
                told = f"この明細の取引後残高が {_DIGITS}桁を超えます"
                raise Damaged(Damage(*record.place("amount"), f"{row.amount:,}", f"{_DIGITS}桁以内の残高", told))
            yield row
        totals = {
            "deposit_count": deposits,
            "deposit_sum": deposit_sum,
            "withdrawal_count": withdrawals,
            "withdrawal_sum": withdrawal_sum,
            "data_count": deposits + withdrawals,
        }
        _check_totals(self.block.trailer(deposits + withdrawals), totals, self.opening_balance)


def _row(record: Record, days: Days, earliest: date, latest: date) -> StatementRow:
    booked_on = record.day("booked_on", days)
    if not earliest <= booked_on <= latest:
        raise record.damaged("booked_on", f"{earliest} から {latest} まで(日付の順)", f"{booked_on}")
    direction = _DIRECTIONS.get(record.item("direction"))
    if direction is None:
        raise record.damaged("direction", "1(入金)か 2(出金)")
    return StatementRow(
        inquiry_number=record.optional_digits("inquiry_number"),
        booked_on=booked_on,
        value_on=record.optional_day("value_on", days) or booked_on,
        direction=direction,
        kind_code=record.optional_digits("kind_code"),
        amount=record.required_number("amount"),
        description=record.text("description"),
        counterparty=record.text("counterparty") or None if direction is Direction.DEPOSIT else None,
    )


def _check_totals(trailer: Record, totals: dict[str, int], opening_balance: int) -> None:
    """The trailer's six figures agree with the rows read."""
    for name, computed in totals.items():
        if trailer.required_number(name) != computed:
            basis = "明細の合計は" if name.endswith("_sum") else "明細の件数は"
            raise trailer.differs(name, trailer.required_number(name), computed, basis, "トレーラは")
    closing_balance = trailer.signed("closing_sign", "closing_balance")
    chained = opening_balance + totals["deposit_sum"] - totals["withdrawal_sum"]
    if closing_balance != chained:
        raise trailer.differs("closing_balance", closing_balance, chained, "取引前残高と明細の合計は", "トレーラは")

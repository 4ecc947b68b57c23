"""Zengin files 種別 03 and 04: what is written is read, and what is damaged is refused with its place."""

from dataclasses import replace
from datetime import date, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.values import (
    AccountKey,
    BlockPassedOver,
    BlockRefused,
    Damage,
    FileRefused,
    NoticeBlock,
    StatementBlock,
)
from madoguchi.rules.vocabulary import JST, Direction, Precision
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, block, notice, notices, overwritten, row

TWO_ROWS = block(row(50_000), row(20_000, direction=Direction.WITHDRAWAL))  # records 1 to 4, end 5
KANA = st.text("ｱｲｳｶｷｸﾞﾟﾔﾕﾖABCabc019()-./¥‾ ", max_size=20).map(str.rstrip)
SEPARATORS = st.sampled_from([b"", b"\r\n"])


def read(file: bytes, on: date = TODAY) -> list[object]:
    found = read_zengin(BytesIO(file), BANK.bank_code, on)
    assert not isinstance(found, FileRefused), found.message
    return list(found)


def refusal(file: bytes, on: date = TODAY) -> Damage:
    """The damage that refuses the file as a whole."""
    found = read_zengin(BytesIO(file), BANK.bank_code, on)
    assert isinstance(found, FileRefused)
    return found.damage


def block_refusal(file: bytes, on: date = TODAY) -> Damage:
    """The damage that refuses the file's first block."""
    first = read(file, on)[0]
    assert isinstance(first, BlockRefused)
    return first.damage


@st.composite
def statement_blocks(draw: st.DrawFn) -> StatementBlock:
    days = st.dates(date(2026, 10, 1), date(2026, 11, 24))
    booked = sorted(draw(st.lists(days, max_size=8)))
    rows = []
    for day in booked:
        direction = draw(st.sampled_from(Direction))
        deposit = direction is Direction.DEPOSIT
        rows.append(
            row(
                draw(st.integers(0, 10**12 - 1)),
                day,
                direction,
                value_on=draw(days),
                kind_code=draw(st.sampled_from([None, "10", "11", "18", "19"])),
                inquiry_number=draw(st.none() | st.integers(1, 10**8 - 1).map("{:08d}".format)),
                description=draw(KANA),
                counterparty=draw(KANA.map(lambda name: name or None)) if deposit else None,
            )
        )
    return block(
        *rows,
        account=draw(st.sampled_from([ORDINARY, CURRENT])),
        opening=draw(st.integers(-(10**13), 10**13)),
        from_day=date(2026, 10, 1),
    )


@given(st.lists(statement_blocks(), min_size=1, max_size=3), SEPARATORS)
def test_a_statement_file_reads_as_it_was_written(blocks: list[StatementBlock], separator: bytes) -> None:
    found = read(write_statements(BANK, blocks, separator))
    assert [replace(one, first_record=1) for one in found] == blocks  # type: ignore[type-var]


@given(
    st.integers(-(10**13), 10**13),
    st.none() | st.integers(-(10**13), 10**13),
    st.none() | st.integers(1, 10**13),
    SEPARATORS,
)
def test_a_balance_file_reads_as_it_was_written(
    current: int, available: int | None, uncleared: int | None, separator: bytes
) -> None:
    time_deposit = AccountKey("002", "6", "0001122")
    written = notices(
        notice(current=current, available=available, previous_day=available, uncleared=uncleared),
        notice(time_deposit, last_transaction_on=date(2026, 8, 17)),
    )
    assert read(write_notices(BANK, [written], separator)) == [written]


def test_a_balance_without_its_time_holds_at_the_end_of_the_day() -> None:
    file = write_notices(BANK, [notices(notice())])
    for absent in (b"    ", b"0000"):
        (found,) = read(overwritten(file, 2, 8, absent))
        assert isinstance(found, NoticeBlock)
        assert found.notices[0].as_of == datetime(2026, 11, 24, 23, 59, 59, tzinfo=JST)
        assert found.notices[0].as_of_precision is Precision.DAY


def test_a_balance_notice_without_a_balance_is_refused() -> None:
    file = write_notices(BANK, [notices(notice())])
    assert block_refusal(overwritten(file, 2, 73, b" ")) == Damage(2, 73, "貸越区分", "空白", "1(プラス)か 2(マイナス)")


def test_the_last_separator_may_be_missing_and_one_1a_may_stand_at_the_end() -> None:
    with_cr_lf, without = write_statements(BANK, [TWO_ROWS]), write_statements(BANK, [TWO_ROWS], b"")
    for file in (with_cr_lf[:-2], with_cr_lf + b"\x1a", with_cr_lf[:-2] + b"\x1a", without + b"\x1a"):
        assert read(file) == [TWO_ROWS]
    assert refusal(with_cr_lf + b"\x1a\x1a").record == 6
    assert refusal(without + b"\x1a\x1a").record == 6


@pytest.mark.parametrize("record_bytes", [200, 202])
def test_a_file_cut_anywhere_in_its_middle_is_refused_as_a_whole(record_bytes: int) -> None:
    file = write_statements(BANK, [TWO_ROWS], b"\r\n" if record_bytes == 202 else b"")
    for kept in range(0, 4 * record_bytes + 200):
        refusal(file[:kept])
    assert refusal(file[: 3 * record_bytes]) == Damage(
        4, 0, "データ区分", "ファイルの終わり", "エンド・レコード(9)まで"
    )
    assert refusal(file[: 3 * record_bytes + 50]) == Damage(4, 0, "レコード長", "50バイト", "200バイト")


def test_a_record_that_lost_one_byte_is_named() -> None:
    file = write_statements(BANK, [TWO_ROWS])
    damage = refusal(file[:300] + file[301:])
    assert (damage.record, damage.column, damage.item) == (2, 201, "レコードの区切り")


def test_another_banks_file_is_refused_as_a_whole() -> None:
    file = write_statements(replace(BANK, bank_code="2998"), [TWO_ROWS])
    assert refusal(file) == Damage(1, 23, "銀行コード", "2998", "2999")


def test_another_kind_of_file_and_ebcdic_are_refused_by_name() -> None:
    file = write_statements(BANK, [TWO_ROWS])
    assert refusal(overwritten(file, 1, 2, b"21")).item == "種別コード"
    assert refusal(b"").item == "ファイル"
    assert refusal(overwritten(file, 1, 4, b"1")).item == "コード区分"
    assert "EBCDIC" in refusal("1030".encode("cp500") + file[4:]).expected


def test_records_out_of_order_and_wrong_end_totals_refuse_the_file() -> None:
    file = write_statements(BANK, [TWO_ROWS])
    assert refusal(overwritten(file, 2, 1, b"8")) == Damage(3, 1, "データ区分", "2", "1か 9")
    assert refusal(overwritten(file, 5, 2, b"0000000006")) == Damage(5, 2, "レコード総件数", "6", "5")
    assert refusal(overwritten(file, 5, 12, b"00002")) == Damage(5, 12, "口座数", "2", "1")
    assert refusal(file + file).record == 6


@pytest.mark.parametrize(
    ("record", "column", "new", "expected"),
    [
        # an amount of 50,000 read as 60,000: the trailer's sum of deposits tells
        (2, 32, b"6", Damage(4, 8, "入金額合計", "50,000", "60,000")),
        (3, 32, b"3", Damage(4, 27, "出金額合計", "20,000", "30,000")),
        (4, 7, b"2", Damage(4, 2, "入金件数", "2", "1")),
        (4, 26, b"2", Damage(4, 21, "出金件数", "2", "1")),
        (4, 54, b"1", Damage(4, 41, "取引後残高", "130,001", "130,000")),
        (4, 40, b"2", Damage(4, 41, "取引後残高", "-130,000", "130,000")),
        (4, 61, b"3", Damage(4, 55, "データ・レコード件数", "3", "2")),
        (1, 129, b"1", Damage(4, 41, "取引後残高", "130,000", "130,001")),
        (2, 22, b"3", Damage(2, 22, "入払区分", "3", "1(入金)か 2(出金)")),
        (2, 10, b"081125", Damage(2, 10, "勘定日", "2026-11-25", "2026-11-20 から 2026-11-24 まで(日付の順)")),
        (2, 25, b"x", Damage(2, 25, "取引金額", "x00000050000", "数字12桁")),
        (1, 66, b"1", Damage(1, 64, "口座番号", "******4567", "口座番号7桁(右詰め)")),
        (3, 160, b"\x07", Damage(3, 160, "摘要", "1文字目に 0x07", "JIS X 0201 の文字")),
        (1, 116, b" " * 14, Damage(1, 116, "取引前残高", "空白", "金額(残高がないと検算できません)")),
    ],
)
def test_one_wrong_place_refuses_the_block_and_says_where(
    record: int, column: int, new: bytes, expected: Damage
) -> None:
    file = write_statements(BANK, [TWO_ROWS, block(row(1), account=CURRENT)])
    refused, untouched = read(overwritten(file, record, column, new))
    assert isinstance(refused, BlockRefused)
    assert refused.damage == expected
    assert isinstance(untouched, StatementBlock)
    assert untouched.account == CURRENT


@given(st.integers(0, 11), st.integers(1, 9))
def test_any_other_digit_in_an_amount_refuses_the_block(place: int, step: int) -> None:
    file = write_statements(BANK, [TWO_ROWS])
    at = 202 + 24 + place
    wrong = bytes([(file[at] - 0x30 + step) % 10 + 0x30])
    assert block_refusal(overwritten(file, 2, 25 + place, wrong)).item == "入金額合計"


def test_the_days_of_a_block_may_not_go_back() -> None:
    earlier = row(2, date(2026, 11, 20))
    damage = block_refusal(write_statements(BANK, [block(row(1, date(2026, 11, 24)), earlier)]))
    assert (damage.record, damage.item, damage.found) == (3, "勘定日", "2026-11-20")


def test_optional_items_are_absent_as_blanks_and_as_zeros() -> None:
    file = write_statements(BANK, [block(row(1))])
    for kind, inquiry, value_on in ((b"  ", b" " * 8, b" " * 6), (b"00", b"0" * 8, b"0" * 6)):
        changed = overwritten(overwritten(overwritten(file, 2, 23, kind), 2, 2, inquiry), 2, 16, value_on)
        assert read(changed) == [block(row(1, kind_code=None, inquiry_number=None))]


def test_a_blank_sign_beside_a_balance_means_plus() -> None:
    file = write_statements(BANK, [TWO_ROWS])
    assert read(overwritten(overwritten(file, 1, 114, b" "), 4, 40, b" ")) == [TWO_ROWS]


def test_the_name_column_of_a_withdrawal_is_a_contract_number_and_is_not_taken() -> None:
    file = write_statements(BANK, [block(row(1, direction=Direction.WITHDRAWAL))])
    (found,) = read(overwritten(file, 2, 82, b"0001234567"))
    assert isinstance(found, StatementBlock)
    assert found.rows[0].counterparty is None


@pytest.mark.clause("2-2")
@pytest.mark.parametrize("kind", ["3", "4", "5", "6", "7", "8", "9"])
def test_a_block_of_another_kind_of_account_is_passed_over_and_the_next_is_read(kind: str) -> None:
    other = block(row(1), account=AccountKey("002", kind, "0001122"))
    damaged = overwritten(write_statements(BANK, [other, TWO_ROWS]), 2, 2, b"\x00" * 100)
    assert read(damaged) == [BlockPassedOver(1, kind), replace(TWO_ROWS, first_record=4)]


@pytest.mark.clause("2-2")
@pytest.mark.parametrize(("kind", "told"), [(b"X", "X"), (b"0", "0"), (b" ", "空白"), (b"\xb1", "\\xb1")])
def test_a_kind_of_account_that_nobody_knows_is_damage_and_never_passed_over(kind: bytes, told: str) -> None:
    statements = overwritten(write_statements(BANK, [TWO_ROWS]), 1, 63, kind)
    assert block_refusal(statements) == Damage(1, 63, "預金種目", told, "1 から 9 までの預金種目")
    balances = overwritten(write_notices(BANK, [notices(notice())]), 2, 18, kind)
    assert block_refusal(balances) == Damage(2, 18, "預金種目", told, "1 から 9 までの預金種目")


def test_an_old_file_is_refused_until_its_day_is_named() -> None:
    on_31_may_2019 = block(
        row(1, date(2019, 5, 31)), from_day=date(2019, 4, 30), to_day=date(2019, 5, 31), created_on=date(2019, 5, 31)
    )
    file = write_statements(BANK, [on_31_may_2019])
    damage = block_refusal(file)
    assert (damage.record, damage.column, damage.item, damage.found) == (1, 5, "作成日", "2019-05-31")
    assert read(file, date(2019, 6, 3)) == [on_31_may_2019]


def test_the_creation_day_may_be_three_days_ahead_and_not_four() -> None:
    file = write_statements(BANK, [block(row(1))])
    assert read(file, date(2026, 11, 21)) == [block(row(1))]
    assert block_refusal(file, date(2026, 11, 20)).item == "作成日"


def test_a_message_to_the_operator_names_place_found_and_expected_but_no_whole_account_number() -> None:
    file = overwritten(write_statements(BANK, [TWO_ROWS]), 2, 32, b"6")
    (refused,) = read(file)
    assert isinstance(refused, BlockRefused)
    assert refused.message == (
        "1件目からのブロック(口座 002-1-…4567)を受け付けません。"
        "4件目 8桁目: 入金額合計が合いません(明細の合計は 60,000、トレーラは 50,000)"
    )
    assert "1234567" not in refused.message


@pytest.mark.parametrize(
    ("number", "told"), [(b"0012345678", "******5678"), (b"0123A\xb14567", "****A\\xb14567")]
)
def test_a_damaged_account_number_shows_what_is_wrong_with_it_and_only_its_last_four_digits(
    number: bytes, told: str
) -> None:
    file = overwritten(write_statements(BANK, [TWO_ROWS]), 1, 64, number)
    damage = block_refusal(file)
    assert (damage.column, damage.item, damage.expected) == (64, "口座番号", "口座番号7桁(右詰め)")
    assert damage.found == told

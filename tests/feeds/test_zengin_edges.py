"""The edges of Zengin files: eras, old files, weekends, corrections, what is absent, several accounts and branches."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO

import pytest

from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.values import (
    AccountKey,
    BlockPassedOver,
    BlockRefused,
    FileRefused,
    NoticeBlock,
    StatementBlock,
)
from madoguchi.rules.vocabulary import JST, Direction, Precision
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, block, notice, notices, overwritten, row

SATURDAY, TUESDAY = date(2026, 11, 21), date(2026, 11, 24)  # Monday is 勤労感謝の日
NEW_YEAR = date(1989, 1, 10)
GOLDEN_WEEK = date(2019, 5, 7)


def read(file: bytes, on: date = TODAY) -> list[object]:
    found = read_zengin(BytesIO(file), BANK.bank_code, on)
    assert not isinstance(found, FileRefused), found.message
    return list(found)


def refusal(file: bytes, on: date = TODAY) -> str:
    """What is said of a file's first block."""
    first = read(file, on)[0]
    assert isinstance(first, BlockRefused)
    return first.damage.message


def changed(file: bytes, *changes: tuple[int, int, bytes]) -> bytes:
    """The file with bytes written at (record, column)."""
    for record, column, new in changes:
        file = overwritten(file, record, column, new)
    return file


def test_a_weekend_transfer_is_booked_on_the_next_business_day_and_keeps_its_own_day_as_value_date() -> None:
    written = block(row(3_000, TUESDAY, value_on=SATURDAY), row(5, TUESDAY), from_day=TUESDAY)
    file = write_statements(BANK, [written])
    assert read(file) == [written]
    (found,) = read(changed(file, (2, 16, b"000000"), (3, 16, b"      ")))
    assert isinstance(found, StatementBlock)
    assert [one.value_on for one in found.rows] == [TUESDAY, TUESDAY], "absent, it is the 勘定日"


def test_a_correction_stays_a_row_of_its_own_with_the_opposite_sign() -> None:
    """取引区分 19: the correction of a deposit is coded 2, of a withdrawal 1."""
    written = block(
        row(800),
        row(800, direction=Direction.WITHDRAWAL, kind_code="19"),
        row(20, direction=Direction.WITHDRAWAL),
        row(20, kind_code="19"),
        opening=0,
    )
    (found,) = read(write_statements(BANK, [written]))
    assert isinstance(found, StatementBlock)
    assert [(one.change, one.kind_code) for one in found.rows] == [(800, "11"), (-800, "19"), (-20, "11"), (20, "19")]
    assert found.closing_balance == 0


def test_the_first_days_of_heisei_are_read_between_two_eras() -> None:
    written = block(
        row(1, date(1989, 1, 7)),
        row(2, date(1989, 1, 8), value_on=date(1989, 1, 6)),
        row(3, NEW_YEAR),
        from_day=date(1988, 12, 30),
        to_day=NEW_YEAR,
        created_on=NEW_YEAR,
    )
    file = write_statements(BANK, [written])
    assert [file[202 * n + 9 : 202 * n + 15] for n in (1, 2, 3)] == [b"640107", b"010108", b"010110"]
    assert read(file, NEW_YEAR) == [written]


@pytest.mark.parametrize("made", [b"010507", b"310507"])
def test_the_first_days_of_reiwa_may_still_be_written_as_heisei_31(made: bytes) -> None:
    days = [date(2019, 4, 30), date(2019, 5, 1), GOLDEN_WEEK]
    written = block(*(row(1, day) for day in days), from_day=days[0], to_day=GOLDEN_WEEK, created_on=GOLDEN_WEEK)
    file = write_statements(BANK, [written])
    assert [file[202 * n + 9 : 202 * n + 15] for n in (1, 2, 3)] == [b"310430", b"010501", b"010507"]
    old = changed(file, (1, 5, made), (1, 17, b"310507"), (3, 10, b"310501"), (3, 16, b"310501"), (4, 10, b"310507"))
    assert read(old, GOLDEN_WEEK) == [written]


def test_an_old_file_needs_its_day_and_the_sentence_says_how_to_name_it() -> None:
    written = block(row(1, GOLDEN_WEEK), from_day=GOLDEN_WEEK, to_day=GOLDEN_WEEK, created_on=GOLDEN_WEEK)
    file = write_statements(BANK, [written])
    assert refusal(file) == (
        "1件目 5桁目「作成日」: 1年以内の日付(古いファイルは --as-of で日付を示してください) のはずですが、"
        "2019-05-07 です"
    )
    assert read(file, GOLDEN_WEEK) == [written]


@pytest.mark.parametrize(
    ("made", "last"),
    [
        (TUESDAY, date(2026, 11, 25)),
        (date(2026, 11, 20), TUESDAY),  # over a weekend and a holiday
        (date(2026, 12, 30), date(2027, 1, 4)),
        (date(2019, 4, 26), GOLDEN_WEEK),
    ],
)
def test_a_block_reaches_at_most_to_the_banking_day_after_its_making(made: date, last: date) -> None:
    """勘定日 of what happens after the books were closed; a day after that would keep every true file out."""
    reaching = block(row(1, last), from_day=made, to_day=last, created_on=made)
    assert read(write_statements(BANK, [reaching]), made) == [reaching]
    beyond = last + timedelta(days=1)
    assert refusal(write_statements(BANK, [replace(reaching, to_day=beyond)]), made) == (
        f"1件目 17桁目「勘定日(至)」: 作成日 {made} の翌営業日 {last} 以前 のはずですが、{beyond} です"
    )


def test_a_value_date_may_lie_31_days_after_the_making_and_not_32() -> None:
    file = write_statements(BANK, [block(row(1))])
    (found,) = read(changed(file, (2, 16, b"081225")))
    assert isinstance(found, StatementBlock)
    assert [one.value_on for one in found.rows] == [date(2026, 12, 25)]
    (found,) = read(changed(file, (2, 16, b"081226")))
    assert isinstance(found, StatementBlock)
    assert [one.value_on for one in found.rows] == [date(1996, 12, 26)], "the era before"


def test_a_balance_of_more_than_14_digits_refuses_the_block_at_its_row_though_it_falls_again() -> None:
    most = 10**14 - 1
    rows = (row(1), row(2), row(2, direction=Direction.WITHDRAWAL))
    fitting = block(*rows[1:], opening=most - 2)
    assert read(write_statements(BANK, [fitting])) == [fitting]
    assert refusal(write_statements(BANK, [block(*rows, opening=most - 2)])) == (
        "3件目 25桁目: この明細の取引後残高が 14桁を超えます"
    )
    below = block(row(2, direction=Direction.WITHDRAWAL), row(2), opening=1 - most, account=CURRENT)
    assert refusal(write_statements(BANK, [below])) == "2件目 25桁目: この明細の取引後残高が 14桁を超えます"


def test_accounts_of_several_branches_and_blocks_of_one_account_come_in_the_files_order() -> None:
    elsewhere = AccountKey("008", "1", "1234567")  # the same number in another branch is another account
    friday = block(row(1, date(2026, 11, 20)), to_day=date(2026, 11, 20))
    tuesday = block(row(2), opening=friday.closing_balance, from_day=TUESDAY)
    written = [friday, block(row(3), account=elsewhere), tuesday, block(account=CURRENT)]
    found = read(write_statements(BANK, written))
    assert [replace(one, first_record=1) for one in found] == written  # type: ignore[type-var]
    assert [one.account for one in found] == [ORDINARY, elsewhere, ORDINARY, CURRENT]  # type: ignore[attr-defined]


@pytest.mark.clause("2-2")
def test_blocks_passed_over_are_counted_in_the_files_end_totals() -> None:
    passed_over = block(row(1), row(2), account=AccountKey("002", "5", "0001122"))
    file = write_statements(BANK, [passed_over, block(row(3))])
    assert [type(one) for one in read(file)] == [BlockPassedOver, StatementBlock]
    found = read_zengin(BytesIO(changed(file, (8, 12, b"00001"))), BANK.bank_code, TODAY)
    assert isinstance(found, FileRefused)
    assert found.damage.message == "8件目 12桁目: 口座数が合いません(口座の数は 2、エンド・レコードは 1)"


@pytest.mark.clause("2-2")
def test_of_a_block_passed_over_nothing_but_its_kind_is_looked_at() -> None:
    file = write_statements(BANK, [block(row(1), account=AccountKey("002", "6", "0001122")), block(row(2))])
    odd = changed(file, (1, 5, b"999999"), (1, 74, b"\x00"), (1, 116, b" " * 14), (2, 2, b"\xff" * 199), (3, 2, b"??"))
    assert read(odd) == [BlockPassedOver(1, "6"), block(row(2), first_record=4)]


@pytest.mark.parametrize(
    ("record", "column", "item"),
    [(1, 27, "銀行名"), (1, 45, "支店名"), (1, 74, "口座名"), (2, 130, "仕向銀行名"), (2, 180, "EDI情報")],
)
def test_a_text_that_is_no_jis_x_0201_refuses_the_block_even_where_it_is_not_taken(
    record: int, column: int, item: str
) -> None:
    file = write_statements(BANK, [block(row(1))])
    assert refusal(changed(file, (record, column, b"\x80"))) == (
        f"{record}件目 {column}桁目「{item}」: JIS X 0201 の文字 のはずですが、1文字目に 0x80 です"
    )


def test_a_name_in_a_balance_notices_header_is_held_to_the_same() -> None:
    file = write_notices(BANK, [notices(notice())])
    assert refusal(changed(file, (1, 22, b"\xff"))) == (
        "1件目 22桁目「会社名」: JIS X 0201 の文字 のはずですが、1文字目に 0xFF です"
    )


def test_fillers_may_hold_anything() -> None:
    statements = write_statements(BANK, [block(row(1))])
    odd = changed(statements, (1, 130, b"\x00" * 71), (2, 200, b"\x00"), (3, 62, b"\xff" * 139), (4, 17, b"\x1b" * 184))
    assert read(odd) == [block(row(1))]
    balances = write_notices(BANK, [notices(notice())])
    odd = changed(
        balances, (1, 99, b"\x00" * 102), (2, 152, b"\x00" * 49), (3, 9, b"\x00" * 192), (4, 12, b"\x00" * 189)
    )
    assert read(odd) == [notices(notice())]


def test_without_its_balances_a_block_cannot_be_checked_and_is_refused() -> None:
    file = write_statements(BANK, [block(row(1))])
    blank = b" " * 14
    said = "金額(残高がないと検算できません) のはずですが、空白 です"
    assert refusal(changed(file, (1, 114, b" "), (1, 116, blank))) == f"1件目 116桁目「取引前残高」: {said}"
    assert refusal(changed(file, (3, 40, b" "), (3, 41, blank))) == f"3件目 41桁目「取引後残高」: {said}"
    both = changed(file, (1, 114, b" "), (1, 116, blank), (3, 40, b" "), (3, 41, blank))
    assert refusal(both) == f"1件目 116桁目「取引前残高」: {said}"
    assert isinstance(read(changed(file, (1, 116, b"0" * 14), (3, 41, b"0" * 13 + b"1")))[0], StatementBlock)


def test_what_a_balance_notice_need_not_say_is_null_whether_blank_or_zero() -> None:
    told = notice(
        uncleared=5,
        available=7,
        previous_day=-9,
        last_transaction_on=TODAY,
        as_of=datetime(2026, 11, 24, 9, 5, tzinfo=JST),
    )
    file = write_notices(BANK, [notices(told)])
    assert read(file) == [notices(told)]
    # column and width: 基準時刻, 他店券残高, 支払可能残高, 前日残高, 最新取引日; the balances are absent by 貸越区分
    absent = ((8, 4), (88, 14), (116, 1), (131, 1), (146, 6))
    for blank in (b" ", b"0"):
        (found,) = read(changed(file, *((2, column, blank * width) for column, width in absent)))
        assert isinstance(found, NoticeBlock)
        assert tuple(found.notices) == (
            notice(as_of=datetime(2026, 11, 24, 23, 59, 59, tzinfo=JST), as_of_precision=Precision.DAY),
        )


@pytest.mark.parametrize(
    ("column", "new", "said"),
    [
        (2, b"081324", "2桁目「基準日」: 和暦の日付6桁(YYMMDD) のはずですが、081324 です"),
        (8, b"2400", "8桁目「基準時刻」: 0001 から 2359 まで のはずですが、2400 です"),
        (8, b" 905", "8桁目「基準時刻」: 数字4桁 のはずですが、 905 です"),
        (12, b"  2", "12桁目「支店コード」: 数字3桁 のはずですが、  2 です"),
        (19, b"X", "19桁目「口座番号」: 口座番号7桁(右詰め) のはずですが、X*****4567 です"),
        (73, b"3", "73桁目「貸越区分」: 1(プラス)か 2(マイナス) のはずですが、3 です"),
        (74, b"-", "74桁目「現在残高」: 数字14桁 のはずですが、-0000000100000 です"),
        (146, b"0811\x1b[", "146桁目「最新取引日」: 和暦の日付6桁(YYMMDD) のはずですが、0811\\x1b[ です"),
    ],
)
def test_one_wrong_place_in_a_balance_notice_refuses_its_block_and_says_where(
    column: int, new: bytes, said: str
) -> None:
    file = write_notices(BANK, [notices(notice()), notices(notice(CURRENT))])
    refused, untouched = read(changed(file, (2, column, new)))
    assert isinstance(refused, BlockRefused)
    assert refused.damage.message == f"2件目 {said}"
    assert untouched == replace(notices(notice(CURRENT)), first_record=4)


def test_a_count_of_balances_that_does_not_agree_refuses_the_block() -> None:
    file = write_notices(BANK, [notices(notice(), notice(CURRENT))])
    assert refusal(changed(file, (4, 2, b"0000003"))) == (
        "4件目 2桁目: データ・レコード件数が合いません(残高の件数は 2、トレーラは 3)"
    )

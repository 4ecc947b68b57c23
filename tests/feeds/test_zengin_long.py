"""Blocks of any length: read in bounded memory, refused whole, cut out for quarantine and read alone."""

import tracemalloc
from datetime import date
from io import BytesIO

import pytest

from madoguchi.doors.core_banking import zengin_blocks
from madoguchi.doors.core_banking.zengin_code import JIS, KANA_TABLES, Code
from madoguchi.doors.core_banking.zengin_file import FileForm, FileOutline, block_bytes, examine
from madoguchi.doors.core_banking.zengin_reader import read_block, read_blocks, read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.values import (
    AccountKey,
    BlockPassedOver,
    BlockRefused,
    FileRefused,
    NoticeBlock,
    StatementBlock,
)
from madoguchi.rules.vocabulary import Direction
from tests.feeds.books import BANK, CURRENT, TODAY, block, notice, notices, overwritten, row

SIX_ROWS = block(*(row(amount, date(2026, 11, 20)) for amount in range(1, 7)))
TWO_ROWS = block(row(50_000), row(20_000, direction=Direction.WITHDRAWAL), account=CURRENT)


@pytest.fixture
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of more than three data records is a long one."""
    monkeypatch.setattr(zengin_blocks, "KEPT", 3)


def opened(file: bytes) -> tuple[BytesIO, FileOutline]:
    stream = BytesIO(file)
    outline = examine(stream, BANK.bank_code)
    assert isinstance(outline, FileOutline)
    return stream, outline


def blocks_of(file: bytes) -> list[object]:
    found = read_zengin(BytesIO(file), BANK.bank_code, TODAY)
    assert not isinstance(found, FileRefused)
    return list(found)


def of_many_rows(count: int) -> bytes:
    """A file with one block of equal deposits of 1 yen."""
    one = write_statements(BANK, [block(row(1), opening=0)])
    header, data, trailer, end = (one[202 * n : 202 * (n + 1)] for n in range(4))
    file = header + data * count + trailer + end
    figures = f"8{count:06}{count:013}{0:06}{0:013}1{count:014}{count:07}".encode()
    with_trailer = overwritten(file, count + 2, 1, figures)
    return overwritten(with_trailer, count + 3, 2, f"{count + 3:010}".encode())


def test_a_long_block_is_read_in_bounded_memory_and_says_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zengin_blocks, "KEPT", 100)
    stream = BytesIO(of_many_rows(3_000))
    tracemalloc.start()
    try:
        found = read_zengin(stream, BANK.bank_code, TODAY)
        assert not isinstance(found, FileRefused)
        (long,) = found
        assert isinstance(long, StatementBlock)
        assert [sum(one.amount for one in long.rows) for _ in range(2)] == [3_000, 3_000]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert long.closing_balance == 3_000
    assert peak < 200_000, "3,000 rows kept would be more than a megabyte"


@pytest.mark.usefixtures("few_kept")
def test_blocks_may_be_wanted_in_any_order_and_side_by_side() -> None:
    first, second = blocks_of(write_statements(BANK, [SIX_ROWS, TWO_ROWS]))
    assert isinstance(first, StatementBlock)
    assert isinstance(second, StatementBlock)
    assert tuple(second.rows) == tuple(TWO_ROWS.rows)
    assert tuple(first.rows) == tuple(SIX_ROWS.rows)
    assert tuple(first.rows) == tuple(SIX_ROWS.rows), "and again"
    (balances,) = blocks_of(write_notices(BANK, [notices(*(notice(current=n) for n in range(9)))]))
    assert isinstance(balances, NoticeBlock)
    assert [one.current for one in balances.notices] == list(range(9))


@pytest.mark.usefixtures("few_kept")
def test_damage_far_back_in_a_long_block_refuses_it_whole() -> None:
    file = write_statements(BANK, [SIX_ROWS, TWO_ROWS])
    refused, untouched = blocks_of(overwritten(file, 7, 160, b"\x07"))
    assert isinstance(refused, BlockRefused)
    assert refused.message == (
        "1件目からのブロック(口座 002-1-…4567)を受け付けません。"
        "7件目 160桁目「摘要」: JIS X 0201 の文字 のはずですが、1文字目に 0x07 です"
    )
    assert (refused.created_on, refused.days) == (TODAY, (date(2026, 11, 20), TODAY))
    assert untouched == block(*TWO_ROWS.rows, account=CURRENT, first_record=9)


@pytest.mark.usefixtures("few_kept")
def test_a_file_that_another_program_writes_in_while_it_is_read_is_told() -> None:
    file = write_statements(BANK, [SIX_ROWS])
    for at, byte in ((202 * 5, b"9"), (202 * 6 + 31, b"8")):  # a type, a digit of an amount
        stream, outline = opened(file)
        (long,) = read_blocks(stream, outline, TODAY)
        assert isinstance(long, StatementBlock)
        stream.seek(at)
        stream.write(byte)
        with pytest.raises(OSError, match="ほかのプログラムが書き換えました"):
            list(long.rows)


def test_a_file_that_was_cut_after_it_was_examined_is_told() -> None:
    for kept in (0, 100, 202, 500):
        stream, outline = opened(write_statements(BANK, [TWO_ROWS]))
        stream.truncate(kept)
        with pytest.raises(OSError, match="ほかのプログラムが書き換えました"):
            list(read_blocks(stream, outline, TODAY))


def test_each_block_says_where_the_next_begins() -> None:
    passed_over = block(row(1), row(2), account=AccountKey("002", "7", "0001122"))
    file = write_statements(BANK, [SIX_ROWS, passed_over, block(account=CURRENT), TWO_ROWS])
    found = blocks_of(overwritten(file, 3, 22, b"9"))
    assert [type(one) for one in found] == [BlockRefused, BlockPassedOver, StatementBlock, StatementBlock]
    assert [(one.first_record, one.record_count) for one in found] == [(1, 8), (9, 4), (13, 2), (15, 4)]  # type: ignore[attr-defined]

    balances = blocks_of(write_notices(BANK, [notices(notice(), notice(CURRENT)), notices(notice(CURRENT))]))
    assert [(one.first_record, one.record_count) for one in balances] == [(1, 4), (5, 3)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("separator", "code"),
    [(b"\r\n", JIS), (b"\n", JIS), (b"", JIS), (b"", KANA_TABLES["cp290"]), (b"\x15", KANA_TABLES["cp290"])],
)
def test_a_block_cut_out_is_as_it_came_and_is_judged_alone_as_it_was_in_its_file(separator: bytes, code: Code) -> None:
    file = write_statements(BANK, [SIX_ROWS, TWO_ROWS, block(row(7), account=CURRENT)], separator, code)
    wrong = overwritten(file, 10, 32, "6".encode("ascii").translate(code.from_jis), 200 + len(separator))
    stream, outline = opened(wrong)
    _, refused, _ = read_blocks(stream, outline, TODAY)
    assert isinstance(refused, BlockRefused)
    assert block_bytes(stream, outline, 1, 64 * 1024 * 1024 // 200 + 1) == b"", "more than 64 MiB are not kept"
    kept = block_bytes(stream, outline, refused.first_record, refused.record_count)
    assert kept == wrong[8 * (200 + len(separator)) : 12 * (200 + len(separator))]
    again = read_block(kept, BANK.bank_code, TODAY, first_record=9)
    assert again == refused
    assert again.message == (
        "9件目からのブロック(口座 002-2-…3210)を受け付けません。"
        "12件目 8桁目: 入金額合計が合いません(明細の合計は 60,000、トレーラは 50,000)"
    )
    mended = file[8 * (200 + len(separator)) : 12 * (200 + len(separator))]
    assert read_block(mended, BANK.bank_code, TODAY, first_record=9) == block(
        *TWO_ROWS.rows, account=CURRENT, first_record=9
    )


def test_what_is_no_lone_block_is_refused_with_its_place() -> None:
    file = write_statements(BANK, [TWO_ROWS, SIX_ROWS])
    for content, place in (
        (file[: 202 * 3], 12),
        (file[: 202 * 5], 13),
        (file[: 202 * 12], 13),
        (file[: 202 * 4] + file[202 * 12 :], 13),
        (b"", 0),
    ):
        found = read_block(content, BANK.bank_code, TODAY, first_record=9)
        assert isinstance(found, FileRefused)
        assert found.damage.record == place
    other_form = read_block(file[: 202 * 4], BANK.bank_code, TODAY, FileForm(separator="lf"), 9)
    assert isinstance(other_form, FileRefused)
    assert other_form.damage.message.startswith("9件目 201桁目「レコードの区切り」: LF")

"""Zengin files in every form a bank sends: EBCDIC with its kana tables, records parted by CR LF, LF or nothing."""

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi import settings
from madoguchi.doors.core_banking.zengin_code import JIS, KANA_TABLES, Code
from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm
from madoguchi.doors.core_banking.zengin_layout import PRINTED, encode
from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.values import AccountKey, BlockPassedOver, BlockRefused, FileRefused
from madoguchi.rules.vocabulary import Direction
from tests.feeds.bank import Bank
from tests.feeds.books import BANK, CURRENT, TODAY, block, notice, notices, overwritten, row
from tests.support.desk import Command

CP290, CP1027 = KANA_TABLES["cp290"], KANA_TABLES["cp1027"]
TWO_ROWS = block(row(50_000), row(20_000, direction=Direction.WITHDRAWAL))  # records 1 to 4, end 5
SEPARATORS = [
    *((JIS, separator) for separator in (b"", b"\r\n", b"\n")),
    *((CP290, separator) for separator in (b"", b"\r\x25", b"\x25", b"\x15", b"\r\n", b"\n")),
]


def read(file: bytes, form: FileForm = USUAL_FORM) -> list[object]:
    found = read_zengin(BytesIO(file), BANK.bank_code, TODAY, form)
    assert not isinstance(found, FileRefused), found.message
    return list(found)


def refusal(file: bytes, form: FileForm = USUAL_FORM) -> str:
    """What is said of a file that is refused as a whole."""
    found = read_zengin(BytesIO(file), BANK.bank_code, TODAY, form)
    assert isinstance(found, FileRefused)
    return found.damage.message


def block_refusal(file: bytes) -> str:
    """What is said of a file's first block."""
    first = read(file)[0]
    assert isinstance(first, BlockRefused)
    return first.damage.message


@given(
    st.sampled_from(SEPARATORS),
    st.text(PRINTED, max_size=20).map(lambda text: text.rstrip(" ")),
    st.integers(0, 10**12 - 1),
)
def test_in_whatever_form_a_file_comes_the_same_is_read(
    form: tuple[Code, bytes], description: str, amount: int
) -> None:
    code, separator = form
    written = block(row(amount, description=description), row(1))
    assert read(write_statements(BANK, [written], separator, code)) == [written]
    balances = notices(notice(current=amount))
    assert read(write_notices(BANK, [balances], separator, code)) == [balances]


def test_the_other_kana_table_is_read_when_it_is_set() -> None:
    written = block(row(1, description="ATM ｶ-ﾄﾞ atm ¥‾"))
    file = write_statements(BANK, [written], b"\x25", CP1027)
    assert read(file, FileForm(ebcdic="cp1027")) == [written]


@pytest.mark.parametrize(
    ("code", "text", "raw"),
    [
        (CP290, "0129AIJRSZ -.()/ｱｲｳｶﾝﾞﾟ¥‾", "f0f1f2f9c1c9d1d9e2e9 40604b4d5d61 81828386bdbebf 5ba1"),
        (CP290, "abhiq", "62 63 69 71 8b"),
        (CP1027, "0129AIJRSZ -.()/ｱｲｳｶﾝﾞﾟ¥‾", "f0f1f2f9c1c9d1d9e2e9 40604b4d5d61 59626366bcbebf b2a0"),
        (CP1027, "abhiq", "81 82 88 89 98"),
    ],
)
def test_the_kana_tables_are_those_of_the_code_pages(code: Code, text: str, raw: str) -> None:
    assert bytes.fromhex(raw.replace(" ", "")).translate(code.to_jis) == encode(text)


@pytest.mark.parametrize("code", KANA_TABLES.values(), ids=KANA_TABLES)
def test_every_character_of_jis_x_0201_has_one_byte_in_a_kana_table_and_no_byte_is_lost(code: Code) -> None:
    assert code.to_jis is not None
    assert sorted(code.to_jis) == list(range(256))
    assert encode(PRINTED).translate(code.from_jis).translate(code.to_jis) == encode(PRINTED)


@pytest.mark.parametrize("code", [JIS, CP290], ids=["JIS", "EBCDIC"])
def test_what_a_header_says_of_its_characters_is_held_against_the_bytes(code: Code) -> None:
    file = write_statements(BANK, [TWO_ROWS], b"", code)
    other = {"0": "1", "1": "0"}[code.code_type]
    lying = overwritten(file, 1, 4, encode(other).translate(code.from_jis), 200)
    assert refusal(lying) == (
        f"1件目 4桁目「コード区分」: {code.code_type}(ファイルの文字は {code.name} です) のはずですが、{other} です"
    )


def test_a_byte_that_the_kana_table_does_not_print_is_told_as_it_came() -> None:
    file = write_statements(BANK, [TWO_ROWS], b"", CP290)
    assert block_refusal(overwritten(file, 3, 162, b"\x4a", 200)) == (  # the pound sign
        "3件目 160桁目「摘要」: EBCDIC(cp290) で JIS X 0201 にある文字 のはずですが、3文字目に 0x4A です"
    )
    assert block_refusal(overwritten(file, 2, 25, b"\x81", 200)) == (
        "2件目 25桁目「取引金額」: 数字12桁 のはずですが、\\x8100000050000 です"
    )


def test_a_text_that_a_header_cannot_have_refuses_its_block_and_not_the_file() -> None:
    file = write_statements(BANK, [TWO_ROWS, block(row(1), account=CURRENT)], b"")
    refused, untouched = read(overwritten(file, 1, 74, b"\x00", 200))
    assert isinstance(refused, BlockRefused)
    assert refused.damage.message == ("1件目 74桁目「口座名」: JIS X 0201 の文字 のはずですが、1文字目に 0x00 です")
    assert untouched == block(row(1), account=CURRENT, first_record=5)


@pytest.mark.parametrize(("code", "separator"), SEPARATORS)
def test_the_last_separator_may_be_missing_and_one_mark_of_the_end_may_follow(code: Code, separator: bytes) -> None:
    file = write_statements(BANK, [TWO_ROWS], separator, code)
    bare = file.removesuffix(separator)
    for mark in (b"\x1a",) if code is JIS else (b"\x3f", b"\x1a"):
        for whole in (bare, bare + mark, file + mark):
            assert read(whole) == [TWO_ROWS]
        refusal(file + mark + mark)
        refusal(bare + mark + mark)
    refusal(file + b" ")


def test_a_separator_that_is_set_is_the_only_one_taken() -> None:
    for code, separator in SEPARATORS:
        word = {b"": "none", b"\r\n": "crlf", b"\r\x25": "crlf"}.get(separator, "lf")
        file = write_statements(BANK, [TWO_ROWS], separator, code)
        for set_to in ("none", "crlf", "lf"):
            if set_to == word:
                assert read(file, FileForm(separator=set_to)) == [TWO_ROWS]
            else:
                assert "201桁目「レコードの区切り」" in refusal(file, FileForm(separator=set_to))
    with_cr_lf = write_statements(BANK, [TWO_ROWS])
    assert refusal(with_cr_lf, FileForm(separator="none")) == (
        "1件目 201桁目「レコードの区切り」: 区切りなし(MADOGUCHI_FEED_SEPARATOR=none) のはずですが、CR LF(0x0d0a) です"
    )


def test_one_separator_parts_all_records_of_a_file() -> None:
    file = write_statements(BANK, [TWO_ROWS], b"\n")
    damaged = file[:401] + b"\r" + file[402:]
    assert refusal(damaged) == (
        "2件目 201桁目「レコードの区切り」: ほかのレコードと同じ区切り(0x0a) のはずですが、0x0d です"
    )


def test_a_passed_over_block_may_hold_anything_in_ebcdic_too() -> None:
    """Clause 2-2: its data records have another layout."""
    time_deposit = block(row(1), account=AccountKey("002", "6", "0001122"))
    file = write_statements(BANK, [time_deposit, TWO_ROWS], b"\x15", CP290)
    assert read(overwritten(file, 2, 2, bytes(range(0x80, 0xFF)), 201)) == [
        BlockPassedOver(1, "6"),
        replace(TWO_ROWS, first_record=4),
    ]


async def test_an_ebcdic_file_comes_into_the_books_readable(bank: Bank) -> None:
    written = block(row(500, description="ｺﾝﾋﾞﾆATM"))
    report = await bank.send(write_statements(BANK, [written], b"\x25", CP290))
    assert (report.kind, report.rows_added) == ("03", 1)
    assert [one.description for one in await bank.rows()] == ["コンビニATM"]


def test_settings_know_the_same_forms_as_the_reader() -> None:
    assert set(settings.FEED_EBCDIC) == set(KANA_TABLES)
    assert set(settings.FEED_SEPARATORS) == {"auto", *JIS.separators}
    assert set(CP290.separators) == set(JIS.separators)


def test_a_form_that_nobody_knows_is_refused_at_the_start(command: Command) -> None:
    said = command("serve", "--sample", MADOGUCHI_FEED_EBCDIC="cp037", MADOGUCHI_FEED_SEPARATOR="cr")
    assert said.code == 1
    assert "MADOGUCHI_FEED_EBCDIC: cp290、cp1027 のどれかにしてください。" in said.err
    assert "MADOGUCHI_FEED_SEPARATOR: auto、none、crlf、lf のどれかにしてください。" in said.err

"""The first pass over a Zengin file: is its structure whole? In bounded memory, before anything is believed.

Source: 全銀 record layouts 入出金取引明細 (03) and 残高通知 (04): 200 bytes a record in JIS or EBCDIC; header, data,
trailer of each block in order, one end record whose totals count everything. Any damage refuses the file.
What may part records is the standard's silence: CR LF, LF or nothing, found after the first record or named by setting.
What stands inside a block is the subject of zengin_statements.py and zengin_notices.py.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from madoguchi.doors.core_banking.zengin_code import JIS, KANA_TABLES, Code
from madoguchi.doors.core_banking.zengin_layout import LAYOUTS, RECORD_BYTES
from madoguchi.doors.core_banking.zengin_record import Damaged, Record
from madoguchi.procedures.feeds.values import Damage, FileRefused
from madoguchi.settings import Settings

_HEADER_IN_JIS = b"1"
KEPT_AT_MOST = 64 * 1024 * 1024
"""Bytes of a block that quarantine keeps."""

_HEADER_IN_EBCDIC = b"\xf1"

# What may follow a record of the type before it; "" is the beginning, and after what is not named nothing may follow.
_IN_A_BLOCK = {"": "1", "1": "28", "2": "28"}
_IN_A_FILE = {**_IN_A_BLOCK, "8": "19"}

_SEPARATORS_IN_WORDS = {"none": "区切りなし", "crlf": "CR LF", "lf": "LF"}


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a bank writes its Zengin files, where the standard leaves it open: settings of the installation."""

    ebcdic: str = "cp290"  # the kana table of EBCDIC files, one of zengin_code.KANA_TABLES
    separator: str = "auto"  # between records: none, crlf or lf; auto is what follows the first record

    @classmethod
    def set_by(cls, settings: Settings) -> "FileForm":
        return cls(settings.feed_ebcdic, settings.feed_separator)


USUAL_FORM = FileForm()


@dataclass(frozen=True, slots=True)
class FileOutline:
    """A file, or one block of a file, whose structure is whole."""

    file_type: str  # 種別: 03 or 04
    code: Code
    separator: bytes
    first_record: int  # the number that its first record has: 1, or a lone block's place in its file
    record_count: int  # header, trailer and end records included


def examine(
    stream: BinaryIO, bank_code: str, form: FileForm = USUAL_FORM, lone_block_at: int | None = None
) -> FileOutline | FileRefused:
    """Read `stream` from its beginning to its end and say what it is, or what refuses it as a whole.

    bank_code      four digits: the institution we serve; a block of another bank refuses the file.
    lone_block_at  where the stream holds no file but one block, header to trailer: its record number in its file.
    """
    try:
        return _examine(stream, bank_code, form, lone_block_at)
    except Damaged as damaged:
        return FileRefused(damaged.damage)


def records(stream: BinaryIO, outline: FileOutline, first: int) -> Iterator[tuple[int, bytes]]:
    """Record numbers and the 200 bytes of each in JIS, from record `first` on.

    Raises Damaged where a record is not 200 bytes long. The last separator may be missing, and one 0x1A may stand at
    the end. `stream` must not be moved by others between two records.
    """
    separator, to_jis, number = outline.separator, outline.code.to_jis, first
    length = RECORD_BYTES + len(separator)
    stream.seek((first - outline.first_record) * length)
    while len(read := stream.read(length)) == length and read.endswith(separator):
        yield number, read[:RECORD_BYTES].translate(to_jis)
        number += 1
    if read in (b"", *outline.code.end_of_file):
        return
    if len(read) < RECORD_BYTES:
        raise Damaged(Damage(number, 0, "レコード長", f"{len(read)}バイト", f"{RECORD_BYTES}バイト"))
    record, between = read[:RECORD_BYTES], read[RECORD_BYTES:]
    if between not in (b"", *outline.code.end_of_file) or stream.read(1):
        expected = f"ほかのレコードと同じ区切り(0x{separator.hex()})" if separator else "ファイルの終わり"
        raise Damaged(Damage(number, RECORD_BYTES + 1, "レコードの区切り", f"0x{between.hex()}", expected))
    yield number, record.translate(to_jis)


def block_bytes(stream: BinaryIO, outline: FileOutline, first_record: int, record_count: int) -> bytes:
    """A block as it came, separators and character code included: what is kept in quarantine, read_block reads.

    Nothing where it is very long: the file can be taken in again.
    """
    length = RECORD_BYTES + len(outline.separator)
    if record_count * length > KEPT_AT_MOST:
        return b""
    stream.seek((first_record - outline.first_record) * length)
    return stream.read(record_count * length)


def _examine(stream: BinaryIO, bank_code: str, form: FileForm, lone_block_at: int | None) -> FileOutline:
    outline = _beginning(stream, form, lone_block_at or 1)
    layouts = LAYOUTS[outline.file_type]
    may_follow, last = (_IN_A_FILE, "9") if lone_block_at is None else (_IN_A_BLOCK, "8")
    previous, blocks = "", 0
    number = outline.first_record - 1
    for number, raw in records(stream, outline, outline.first_record):
        record_type = raw[:1].decode("ascii", "replace")
        if record_type not in may_follow.get(previous, ""):
            expected = "か ".join(may_follow.get(previous, "")) or "ファイルの終わり"
            raise Record(layouts.data, number, raw, outline.code).damaged("record_type", expected)
        if record_type == "1":
            blocks += 1
            _check_header(Record(layouts.header, number, raw, outline.code), outline.file_type, bank_code)
        elif record_type == "9":
            _check_end(Record(layouts.end, number, raw, outline.code), number, blocks)
        previous = record_type
    if previous != last:
        ending = {"8": "トレーラ・レコード(8)まで", "9": "エンド・レコード(9)まで"}[last]
        raise Damaged(Damage(number + 1, 0, "データ区分", "ファイルの終わり", ending))
    return replace(outline, record_count=number - outline.first_record + 1)


def _beginning(stream: BinaryIO, form: FileForm, first: int) -> FileOutline:
    """種別, character code and separator, by the first record and what follows it."""
    stream.seek(0)
    beginning = stream.read(RECORD_BYTES + 2)
    if not beginning:
        raise Damaged(Damage(0, 0, "ファイル", "空のファイル", "03(入出金取引明細)か 04(残高通知)", "ファイルが空です"))
    if beginning.startswith(codecs.BOM_UTF8):
        told = "ファイルの先頭に BOM(0xefbbbf)が付いています。付いていないファイルを受け取ってください"
        raise Damaged(Damage(first, 1, "データ区分", "0xefbbbf", "1", told))
    code = KANA_TABLES[form.ebcdic] if beginning.startswith(_HEADER_IN_EBCDIC) else JIS
    header = beginning[:RECORD_BYTES].translate(code.to_jis)
    if header[:1] != _HEADER_IN_JIS or header[1:3].decode("ascii", "replace") not in LAYOUTS:
        item = (1, "データ区分") if header[:1] != _HEADER_IN_JIS else (2, "種別コード")
        expected = "103(入出金取引明細)か 104(残高通知)で始まるファイル"
        raise Damaged(Damage(first, *item, code.told(header[:3]), expected))
    separator = _separator(beginning[RECORD_BYTES:], code, form, first)
    return FileOutline(header[1:3].decode("ascii"), code, separator, first, 0)


def _separator(after_first: bytes, code: Code, form: FileForm, first: int) -> bytes:
    word, found = next(
        (word, separator)
        for word, separators in code.separators.items()
        for separator in separators
        if after_first.startswith(separator)
    )
    if form.separator not in ("auto", word) and after_first.strip(b"".join(code.end_of_file)):
        expected = f"{_SEPARATORS_IN_WORDS[form.separator]}(MADOGUCHI_FEED_SEPARATOR={form.separator})"
        told = f"{_SEPARATORS_IN_WORDS[word]}(0x{after_first[:2].hex()})"
        raise Damaged(Damage(first, RECORD_BYTES + 1, "レコードの区切り", told, expected))
    return found


def _check_header(header: Record, file_type: str, bank_code: str) -> None:
    _expect(header, "file_type", file_type, file_type)
    code = header.code
    _expect(header, "code_type", code.code_type, f"{code.code_type}(ファイルの文字は {code.name} です)")
    _expect(header, "bank_code", bank_code, bank_code)


def _expect(record: Record, name: str, value: str, expected: str) -> None:
    if record.shown(name) != value:
        raise record.damaged(name, expected)


def _check_end(end: Record, number: int, blocks: int) -> None:
    """レコード総件数 counts header, trailer and end records too; 口座数 (03 only) counts the blocks."""
    totals = {"record_count": number, "account_count": blocks}
    for name, counted in totals.items():
        if end.has(name) and end.required_number(name) != counted:
            basis = "レコードの数は" if name == "record_count" else "口座の数は"
            raise end.differs(name, end.required_number(name), counted, basis, "エンド・レコードは")

"""The first pass over a Zengin file: is its structure whole? In bounded memory, before anything is believed.

Source: 全銀 record layouts 入出金取引明細 (03) and 残高通知 (04): 200 bytes a record with CR LF or nothing between
them, header, data, trailer of each block in order, one end record whose totals count everything. Any damage refuses
the file.
What stands inside a block is zengin_reader.py's subject. EBCDIC is not read yet and is refused by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from madoguchi.doors.core_banking.zengin_layout import LAYOUTS, RECORD_BYTES
from madoguchi.doors.core_banking.zengin_record import Damaged, Record
from madoguchi.procedures.feed_values import Damage, FileRefused

_CR_LF = b"\r\n"
_END_OF_FILE = b"\x1a"  # some transfer programs append one
_EBCDIC_ONE = b"\xf1"

# What may follow a record of the type before it; "" is the beginning of the file.
_MAY_FOLLOW = {"": "1", "1": "28", "2": "28", "8": "19"}


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a bank writes its Zengin files, where the standard leaves it open: settings of the installation."""

    ebcdic: str = "cp290"  # the kana table of EBCDIC files
    separator: str = "auto"  # between records: none, crlf or lf; auto is what follows the first record


USUAL_FORM = FileForm()


@dataclass(frozen=True, slots=True)
class FileOutline:
    """A file whose structure is whole."""

    file_type: str  # 種別: 03 or 04
    separator: bytes
    record_count: int  # header, trailer and end records included


def examine(
    stream: BinaryIO, bank_code: str, form: FileForm = USUAL_FORM, one_block: bool = False
) -> FileOutline | FileRefused:
    """Read `stream` from its beginning to its end and say what it is, or what refuses it as a whole.

    bank_code  four digits: the institution we serve; a block of another bank refuses the file.
    one_block  whether it is not a whole file but one block, header to trailer.
    """
    try:
        return _examine(stream, bank_code, form, one_block)
    except Damaged as damaged:
        return FileRefused(damaged.damage)


def block_bytes(stream: BinaryIO, outline: FileOutline, first_record: int, record_count: int) -> bytes:
    """A block as it came, separators and character code included: what is kept in quarantine, read_block reads."""
    length = RECORD_BYTES + len(outline.separator)
    stream.seek((first_record - 1) * length)
    return stream.read(record_count * length)


def records(stream: BinaryIO, separator: bytes) -> Iterator[tuple[int, bytes]]:
    """Record numbers (from 1) and their 200 bytes. Raises Damaged where a record is not 200 bytes long.

    The last separator may be missing, and one 0x1A may stand at the end.
    """
    stream.seek(0)
    number = 0
    while (record := stream.read(RECORD_BYTES)) not in (b"", _END_OF_FILE):
        number += 1
        if len(record) < RECORD_BYTES:
            raise Damaged(Damage(number, 0, "レコード長", f"{len(record)}バイト", f"{RECORD_BYTES}バイト"))
        yield number, record
        between = stream.read(len(separator))
        if between == separator:
            continue
        if between in (b"", _END_OF_FILE) and not stream.read(1):
            return
        raise Damaged(Damage(number, RECORD_BYTES + 1, "レコードの区切り", f"0x{between.hex()}", "CR LF(0x0d0a)"))


def _examine(stream: BinaryIO, bank_code: str, form: FileForm, one_block: bool) -> FileOutline:
    stream.seek(0)
    beginning = stream.read(RECORD_BYTES + len(_CR_LF))
    if not beginning:
        raise Damaged(Damage(0, 0, "ファイル", "空のファイル", "03(入出金取引明細)か 04(残高通知)", "ファイルが空です"))
    if beginning.startswith(_EBCDIC_ONE):
        raise Damaged(Damage(1, 1, "データ区分", "EBCDIC の文字", "JIS の文字(EBCDIC にはまだ対応していません)"))
    separator = _CR_LF if beginning.endswith(_CR_LF) else b""
    file_type = beginning[1:3].decode("ascii", "backslashreplace")
    if beginning[:1] != b"1" or file_type not in LAYOUTS:
        raise Damaged(Damage(1, 2, "種別コード", file_type or "空白", "03(入出金取引明細)か 04(残高通知)"))

    layouts = LAYOUTS[file_type]
    previous, number, blocks = "", 0, 0
    for number, raw in records(stream, separator):
        record_type = raw[:1].decode("ascii", "backslashreplace")
        may_follow = _MAY_FOLLOW.get(previous, "")
        if record_type not in may_follow:
            expected = "か ".join(may_follow) or "ファイルの終わり"
            raise Damaged(Damage(number, 1, "データ区分", record_type, expected))
        if record_type == "1":
            blocks += 1
            _check_header(Record(layouts.header, number, raw), file_type, bank_code)
        elif record_type == "9":
            _check_end(Record(layouts.end, number, raw), number, blocks)
        previous = record_type
    if one_block and blocks == 1 and previous == "8":
        return FileOutline(file_type, separator, number)
    if previous != "9":
        raise Damaged(Damage(number + 1, 0, "データ区分", "ファイルの終わり", "エンド・レコード(9)まで"))
    return FileOutline(file_type, separator, number)


def _check_header(header: Record, file_type: str, bank_code: str) -> None:
    _expect(header, "file_type", file_type, file_type)
    _expect(header, "code_type", "0", "0(JIS。EBCDIC にはまだ対応していません)")
    _expect(header, "bank_code", bank_code, bank_code)


def _expect(record: Record, name: str, value: str, expected: str) -> None:
    if record.shown(name) != value:
        raise record.damaged(name, record.shown(name), expected)


def _check_end(end: Record, records_so_far: int, blocks: int) -> None:
    """レコード総件数 counts header, trailer and end records too; 口座数 (03 only) counts the blocks."""
    totals = {"record_count": records_so_far, "account_count": blocks}
    for name, counted in totals.items():
        if end.has(name) and end.required_number(name) != counted:
            basis = "レコードの数は" if name == "record_count" else "口座の数は"
            raise end.differs(name, end.required_number(name), counted, basis, "エンド・レコードは")

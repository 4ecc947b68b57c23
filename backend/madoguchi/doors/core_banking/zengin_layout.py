"""The records of Zengin 種別 03 and 04 as tables: one line an item, 200 bytes a record.

Source: 全銀協標準通信プロトコル(ベーシック手順) record layouts 入出金取引明細 and 残高通知.
Reader and writer use the same tables, so that they cannot differ. What an item means is the reader's subject.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

RECORD_BYTES = 200

_UNPRINTABLE = "\ufffe"  # what codecs take for "no character here"
# ASCII but for yen sign and overline, then half-width kana from 0xA1 to 0xDF.
_ASCII = "".join(map(chr, range(0x20, 0x7F))).replace("\\", "¥").replace("~", "‾")
_KANA = "".join(map(chr, range(0xFF61, 0xFFA0)))
PRINTED = _ASCII + _KANA
"""The 158 characters that JIS X 0201 prints."""
_JIS_X_0201 = 0x20 * _UNPRINTABLE + _ASCII + (0xA1 - 0x7F) * _UNPRINTABLE + _KANA + 0x20 * _UNPRINTABLE
_TO_JIS_X_0201 = codecs.charmap_build(_JIS_X_0201)


def decode(raw: bytes) -> str:
    """One item's bytes as text. Raises UnicodeDecodeError at a byte that JIS X 0201 does not print."""
    return codecs.charmap_decode(raw, "strict", _JIS_X_0201)[0]


def encode(text: str) -> bytes:
    """Raises UnicodeEncodeError for what JIS X 0201 does not have."""
    return codecs.charmap_encode(text, "strict", _TO_JIS_X_0201)[0]


def unprinted(raw: bytes) -> bytes:
    """Those of the bytes that JIS X 0201 does not print, in their order."""
    return raw.translate(None, _PRINTED_BYTES)


_PRINTED_BYTES = encode(PRINTED)


class Item(NamedTuple):
    """One item of a record: our name for it, its name in the standard, its bytes, and whether it holds digits."""

    name: str
    label: str
    width: int
    numeric: bool
    column: int  # first byte, from 1


@dataclass(frozen=True, slots=True)
class Layout:
    """One record type."""

    title: str
    items: Mapping[str, Item]
    cuts: Mapping[str, slice]  # where the items stand in the record's bytes

    def join(self, **values: str | int) -> bytes:
        """The record's bytes: digits to the right with zeros before, text to the left with blanks behind.

        An item without a value is blank. Raises ValueError for a value wider than its item.
        """
        unknown = values.keys() - self.items.keys()
        if unknown:
            raise ValueError(f"{self.title} has no item {unknown}")
        return b"".join(_fill(item, values.get(item.name, "")) for item in self.items.values())


def _fill(item: Item, value: str | int) -> bytes:
    raw = encode(str(value))
    if len(raw) > item.width:
        raise ValueError(f"{item.label} has {item.width} bytes")
    return raw.rjust(item.width, b"0") if item.numeric and raw else raw.ljust(item.width, b" ")


def _layout(title: str, table: str) -> Layout:
    """Reads the table below: name, label, N (digits) or C (characters), bytes."""
    items: dict[str, Item] = {}
    column = 1
    for line in table.split("\n"):
        if not line.strip():
            continue
        name, label, form, width = line.split()
        items[name] = Item(name, label, int(width), form == "N", column)
        column += int(width)
    if column != RECORD_BYTES + 1:
        raise ValueError(f"{title}: {column - 1} bytes")
    cuts = {item.name: slice(item.column - 1, item.column - 1 + item.width) for item in items.values()}
    return Layout(title, items, cuts)


STATEMENT_HEADER = _layout(
    "入出金取引明細 ヘッダ・レコード",
    """
    record_type       データ区分      N  1
    file_type         種別コード      N  2
    code_type         コード区分      N  1
    created_on        作成日          N  6
    from_day          勘定日(自)      N  6
    to_day            勘定日(至)      N  6
    bank_code         銀行コード      N  4
    bank_kana         銀行名          C 15
    branch_code       支店コード      N  3
    branch_kana       支店名          C 15
    filler_1          ダミー          N  3
    kind_code         預金種目        N  1
    number            口座番号        N 10
    holder_kana       口座名          C 40
    opening_sign      貸越区分        N  1
    passbook_type     通帳・証書区分  N  1
    opening_balance   取引前残高      N 14
    filler_2          ダミー          C 71
""",
)

STATEMENT_DATA = _layout(
    "入出金取引明細 データ・レコード",
    """
    record_type       データ区分      N  1
    inquiry_number    照会番号        N  8
    booked_on         勘定日          N  6
    value_on          預入・払出日    N  6
    direction         入払区分        N  1
    kind_code         取引区分        N  2
    amount            取引金額        N 12
    uncleared         うち他店券金額  N 12
    presented_on      交換呈示日      N  6
    dishonoured_on    不渡返還日      N  6
    bill_type         手形・小切手区分 N  1
    bill_number       手形・小切手番号 N  7
    fellow_branch     僚店番号        N  3
    client_code       振込依頼人コード N 10
    counterparty      振込依頼人名    C 48
    from_bank_kana    仕向銀行名      C 15
    from_branch_kana  仕向支店名      C 15
    description       摘要            C 20
    edi               EDI情報         C 20
    filler            ダミー          C  1
""",
)

STATEMENT_TRAILER = _layout(
    "入出金取引明細 トレーラ・レコード",
    """
    record_type       データ区分      N   1
    deposit_count     入金件数        N   6
    deposit_sum       入金額合計      N  13
    withdrawal_count  出金件数        N   6
    withdrawal_sum    出金額合計      N  13
    closing_sign      貸越区分        N   1
    closing_balance   取引後残高      N  14
    data_count        データ・レコード件数 N 7
    filler            ダミー          C 139
""",
)

STATEMENT_END = _layout(
    "入出金取引明細 エンド・レコード",
    """
    record_type       データ区分      N   1
    record_count      レコード総件数  N  10
    account_count     口座数          N   5
    filler            ダミー          C 184
""",
)

NOTICE_HEADER = _layout(
    "残高通知 ヘッダ・レコード",
    """
    record_type       データ区分      N   1
    file_type         種別コード      N   2
    notice_type       通知区分        N   1
    code_type         コード区分      N   1
    created_on        作成日          N   6
    company_code      会社コード      N  10
    company_kana      会社名          C  40
    bank_code         銀行コード      N   4
    bank_kana         銀行名          C  15
    branch_code       支店コード      N   3
    branch_kana       支店名          C  15
    filler            ダミー          C 102
""",
)

NOTICE_DATA = _layout(
    "残高通知 データ・レコード",
    """
    record_type       データ区分      N  1
    base_day          基準日          N  6
    base_time         基準時刻        N  4
    branch_code       支店コード      N  3
    filler_1          ダミー          C  3
    kind_code         預金種目        N  1
    number            口座番号        N 10
    parts             口数            N  4
    holder_kana       口座名          C 40
    current_sign      貸越区分        N  1
    current           現在残高        N 14
    uncleared         他店券残高      N 14
    overdraft_limit   貸越極度額      N 14
    available_sign    貸越区分        N  1
    available         支払可能残高    N 14
    previous_sign     貸越区分        N  1
    previous_day      前日残高        N 14
    last_transaction_on 最新取引日    N  6
    filler_2          ダミー          C 49
""",
)

NOTICE_TRAILER = _layout(
    "残高通知 トレーラ・レコード",
    """
    record_type       データ区分      N   1
    data_count        データ・レコード件数 N 7
    filler            ダミー          C 192
""",
)

NOTICE_END = _layout(
    "残高通知 エンド・レコード",
    """
    record_type       データ区分      N   1
    record_count      レコード総件数  N  10
    filler            ダミー          C 189
""",
)


@dataclass(frozen=True, slots=True)
class FileLayouts:
    """The four records of one 種別."""

    header: Layout
    data: Layout
    trailer: Layout
    end: Layout


LAYOUTS = {
    "03": FileLayouts(STATEMENT_HEADER, STATEMENT_DATA, STATEMENT_TRAILER, STATEMENT_END),
    "04": FileLayouts(NOTICE_HEADER, NOTICE_DATA, NOTICE_TRAILER, NOTICE_END),
}

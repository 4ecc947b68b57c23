"""The characters of a Zengin file (コード区分): JIS X 0201, or EBCDIC with one of its Japanese kana tables.

Source: 全銀 record layouts, コード区分 0 (JIS) and 1 (EBCDIC). EBCDIC is several code pages that agree in digits,
capitals and most signs, and differ in kana and small letters: which one a bank uses is a setting. EBCDIC is turned into
JIS X 0201 byte for byte, so that whatever reads a record knows one code only.

cp290   カタカナ拡張 (package `ebcdic`): small letters stand in the gaps between kana (a is 0x62, q 0x8B). Other makers'
        kana tables have the same kana and capitals, and small letters in other gaps or none.
cp1027  英小文字拡張: small letters where Latin pages have them (a is 0x81), kana in the gaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import ebcdic

from madoguchi.doors.core_banking.zengin_layout import PRINTED, encode

# Code page 1027 from 0x40 on, 16 characters a line; □ is none.
_CP1027 = """
 □｡｢｣､･ｦｧｨ¢.<(+|
&ｩｪｫｬｭｮｯｰｱ!$*);¬
-/ｲｳｴｵｶｷｸｹ□,%_>?
ｺｻｼｽｾｿﾀﾁﾂ`:#@'="
□abcdefghiﾃﾄﾅﾆﾇﾈ
□jklmnopqrﾉﾊﾋﾌﾍﾎ
‾~stuvwxyzﾏﾐﾑ[ﾒﾓ
^£¥ﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ]ﾞﾟ
{ABCDEFGHI□□□□□□
}JKLMNOPQR□□□□□□
\\□STUVWXYZ□□□□□□
0123456789□□□□□□
""".replace("\n", "")


@dataclass(frozen=True, slots=True)
class Code:
    """How the bytes of a file stand for characters, and what may part its records and end it."""

    name: str
    code_type: str  # コード区分
    to_jis: bytes | None  # for bytes.translate: a permutation of all bytes; None leaves them as they are
    from_jis: bytes | None
    separators: Mapping[str, tuple[bytes, ...]]  # by the word of the setting
    end_of_file: tuple[bytes, ...]  # some transfer programs append one

    def as_it_came(self, byte: int) -> int:
        """The byte of the file that became this one of JIS."""
        return byte if self.from_jis is None else self.from_jis[byte]

    def told(self, raw: bytes) -> str:
        """Bytes of JIS for a report: ASCII as it is, anything else as the hexadecimal number with which it came."""
        return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{self.as_it_came(byte):02x}" for byte in raw)


JIS = Code("JIS", "0", None, None, {"crlf": (b"\r\n",), "lf": (b"\n",), "none": (b"",)}, (b"\x1a",))


def _ebcdic(table: str, page: str) -> Code:
    """EBCDIC by the 256 characters of a code page.

    What JIS X 0201 does not print goes to the bytes that it does not print, each to its own: so such a byte is found by
    the reader, and can be told to a person as it came.
    """
    printed = {byte: encode(character)[0] for byte, character in enumerate(page) if character in PRINTED}
    others = iter(sorted(set(range(256)) - set(printed.values())))
    to_jis = bytes(printed[byte] if byte in printed else next(others) for byte in range(256))
    from_jis = bytes(to_jis.index(byte) for byte in range(256))
    # Transfer programs part EBCDIC records as EBCDIC does (LF 0x25, NL 0x15), or as the machine they write on does.
    separators = {"crlf": (b"\r\x25", b"\r\n"), "lf": (b"\x25", b"\x15", b"\n"), "none": (b"",)}
    return Code(f"EBCDIC({table})", "1", to_jis, from_jis, separators, (b"\x3f", b"\x1a"))


KANA_TABLES = {
    "cp290": _ebcdic("cp290", ebcdic.lookup("cp290").decode(bytes(range(256)), "replace")[0]),
    "cp1027": _ebcdic("cp1027", "□" * 0x40 + _CP1027),
}

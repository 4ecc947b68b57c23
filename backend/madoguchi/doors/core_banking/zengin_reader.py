"""Zengin 種別 03 and 04: a file, or one block that was kept in quarantine, into the values that procedures take.

Two passes: the first says whether the file is whole (zengin_file.py), the second reads its blocks one at a time, each
checked against its own totals (zengin_statements.py, zengin_notices.py).
"""

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import BinaryIO

from madoguchi.doors.core_banking.zengin_blocks import BlockAt
from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm, FileOutline, examine
from madoguchi.doors.core_banking.zengin_notices import notice_block
from madoguchi.doors.core_banking.zengin_statements import statement_block
from madoguchi.procedures.feeds.values import (
    BlockPassedOver,
    BlockRefused,
    FileRefused,
    NoticeBlock,
    StatementBlock,
)

ZenginBlock = StatementBlock | NoticeBlock | BlockRefused | BlockPassedOver


def read_zengin(
    stream: BinaryIO, bank_code: str, imported_on: date, form: FileForm = USUAL_FORM
) -> FileRefused | Iterator[ZenginBlock]:
    """Examine, then read_blocks: a 種別 03 or 04 file's blocks in its order, or why it is refused as a whole.

    bank_code    four digits, the institution we serve.
    imported_on  as for read_blocks.
    """
    outline = examine(stream, bank_code, form)
    if isinstance(outline, FileRefused):
        return outline
    return read_blocks(stream, outline, imported_on)


def read_blocks(stream: BinaryIO, outline: FileOutline, imported_on: date) -> Iterator[ZenginBlock]:
    """The blocks of a file that was examined, in its order. Memory grows neither with the file nor with a block.

    stream       seekable, and open as long as a block's rows are wanted: a long block's are read again from it each
                 time they are iterated. Between blocks, and between iterations, anybody may move it.
    imported_on  the JST day of the import, or the day that the operator names for an old file: 作成日 has no era,
                 so it is read as the latest day up to three days after this one.
    Raises OSError when the file is not what it was when it was examined.
    """
    read_one = statement_block if outline.file_type == "03" else notice_block
    first, end = outline.first_record, outline.first_record + outline.record_count
    while first < end - 1:  # a file's end record is no block; a lone block has two records or more
        block = read_one(BlockAt(stream, outline, first), imported_on)
        yield block
        first += block.record_count


def read_block(
    content: bytes, bank_code: str, imported_on: date, form: FileForm = USUAL_FORM, first_record: int = 1
) -> FileRefused | ZenginBlock:
    """One block alone, as block_bytes cut it out: header to trailer, without an end record.

    first_record  where the block stood in its file, so that messages name places of that file.
    Returns FileRefused where it is no such block, as it is with another `form` than the one it was cut by.
    """
    stream = BytesIO(content)
    outline = examine(stream, bank_code, form, lone_block_at=first_record)
    if isinstance(outline, FileRefused):
        return outline
    return next(read_blocks(stream, outline, imported_on))

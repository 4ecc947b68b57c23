"""A feed file by its path: what it is, its digest, and into the books with it.

Zengin 03 and 04 are known by their first record, the status feed by its JSON. The procedures act
(procedures/feeds/taking_in.py).
"""

import hashlib
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from madoguchi.doors.core_banking.opening import open_regular
from madoguchi.doors.core_banking.packing import packed
from madoguchi.doors.core_banking.retrying import take_in_waiting
from madoguchi.doors.core_banking.status_feed import BYTE_ORDER_MARK, read_status_file
from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm, block_bytes, examine
from madoguchi.doors.core_banking.zengin_layout import LAYOUTS
from madoguchi.doors.core_banking.zengin_reader import read_blocks
from madoguchi.procedures.feeds.files import FileReport, FileSeen, refuse_file
from madoguchi.procedures.feeds.quarantine import FileContent
from madoguchi.procedures.feeds.taking_in import take_in_blocks
from madoguchi.procedures.feeds.values import FileRefused
from madoguchi.procedures.installing import Database
from madoguchi.procedures.status_feed.files import take_in_status
from madoguchi.procedures.status_feed.reconciling import USUAL_BOUND, EndingBound
from madoguchi.rules.vocabulary import JST, Feed

UNKNOWN = "unknown"

Progress = Callable[[int, int], None]
"""Is told how many records are done, of how many."""


def in_silence(done: int, total: int) -> None:
    """Nobody watches."""


async def import_file(
    database: Database,
    path: Path,
    bank_code: str,
    at: datetime,
    as_of: date | None = None,
    actor: str = "system:feed",
    form: FileForm = USUAL_FORM,
    progress: Progress = in_silence,
    bound: EndingBound = USUAL_BOUND,
    follow_links: bool = True,
) -> FileReport:
    """Take one file in and report what it did; str(report) is a Japanese line, report.details are the others.

    bank_code  the institution we serve; a file of another bank is refused.
    at         the moment of the import.
    as_of      the day on which an old file was new (作成日 has no era); default: the JST day of `at`.
    form       how this bank writes its Zengin files.
    bound      how many contracts a full file of the status feed may end.
    follow_links  whether whoever names the file may name a link to it.
    Raises OSError when the file cannot be read.
    """
    read_as_of = as_of or at.astimezone(JST).date()
    with open_regular(path, follow_links) as stream:
        # Any bytes make a name on Linux.
        name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        seen = FileSeen(name, hashlib.file_digest(stream, "sha256").hexdigest(), kind_of(path, stream))
        if seen.kind == Feed.STATUS:
            status = read_status_file(stream)
            if isinstance(status, FileRefused):
                return await _refused(database, seen, status, actor, at)
            whole = FileContent(lambda first_record, record_count: packed(stream), read_as_of)
            report = await take_in_status(database, seen, status, whole, bound, actor, at)
            if report.clean and not report.known_before:
                report.followed = await take_in_waiting(database, actor, at)
            return report

        outline = examine(stream, bank_code, form)
        if isinstance(outline, FileRefused):
            return await _refused(database, seen, outline, actor, at)
        content = FileContent(lambda first, count: block_bytes(stream, outline, first, count), read_as_of)
        blocks = read_blocks(stream, outline, read_as_of)
        total = outline.record_count
        report = await take_in_blocks(
            database, seen, blocks, content, actor, at, lambda records: progress(records, total)
        )
        progress(total, total)
        return report


def kind_of(path: Path, stream: BinaryIO) -> str:
    """03, 04 or status (which may be empty); what looks like none of them, the Zengin reader will refuse."""
    stream.seek(0)
    beginning = stream.read(4)
    if beginning.removeprefix(BYTE_ORDER_MARK)[:1] == b"{" or path.suffix == ".jsonl":
        return Feed.STATUS
    if beginning.startswith(b"\xf1"):  # EBCDIC digits are 0xF0 to 0xF9
        beginning = bytes(0x30 | byte & 0x0F for byte in beginning)
    kind = beginning[1:3].decode("ascii", "replace")
    return kind if kind in LAYOUTS else UNKNOWN


async def _refused(database: Database, seen: FileSeen, refused: FileRefused, actor: str, at: datetime) -> FileReport:
    report = FileReport(seen.name, seen.kind, refused=refused)
    await database.writing(refuse_file, seen, report, actor, at)
    return report

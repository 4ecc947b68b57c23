"""A feed file by its path: what it is, its digest, and into the books with it.

Zengin 03 and 04 are known by their first record, the status feed by its JSON. The procedures act (procedures/feeds.py).
"""

import hashlib
import os
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from madoguchi.doors.core_banking.status_feed import read_status_events
from madoguchi.doors.core_banking.zengin_layout import LAYOUTS
from madoguchi.doors.core_banking.zengin_reader import read_zengin
from madoguchi.procedures.feed_files import FileReport, FileSeen, refuse_file
from madoguchi.procedures.feed_values import FileRefused
from madoguchi.procedures.feeds import take_in_blocks, take_in_events
from madoguchi.procedures.installing import Database
from madoguchi.rules.vocabulary import JST

STATUS = "status"
UNKNOWN = "unknown"


async def import_file(
    database: Database,
    path: Path,
    bank_code: str,
    at: datetime,
    as_of: date | None = None,
    actor: str = "system:feed",
) -> FileReport:
    """Take one file in and report what it did; str(report) is a Japanese line, report.details are the others.

    bank_code  the institution we serve; a file of another bank is refused.
    at         the moment of the import.
    as_of      the day on which an old file was new (作成日 has no era); default: the JST day of `at`.
    Raises OSError when the file cannot be read.
    """
    with path.open("rb") as stream:
        # Any bytes make a name on Linux.
        name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        seen = FileSeen(name, hashlib.file_digest(stream, "sha256").hexdigest(), _kind(path, stream))
        if seen.kind == STATUS:
            events = read_status_events(stream)
            if isinstance(events, FileRefused):
                return await _refused(database, seen, events, actor, at)
            return await take_in_events(database, seen, events, actor, at)
        blocks = read_zengin(stream, bank_code, as_of or at.astimezone(JST).date())
        if isinstance(blocks, FileRefused):
            return await _refused(database, seen, blocks, actor, at)
        return await take_in_blocks(database, seen, blocks, actor, at)


def _kind(path: Path, stream: BinaryIO) -> str:
    """03, 04 or status (which may be empty); what looks like none of them, the Zengin reader will refuse."""
    stream.seek(0)
    beginning = stream.read(3)
    if beginning.startswith(b"{") or path.suffix == ".jsonl":
        return STATUS
    kind = beginning[1:3].decode("ascii", "replace")
    return kind if kind in LAYOUTS else UNKNOWN


async def _refused(database: Database, seen: FileSeen, refused: FileRefused, actor: str, at: datetime) -> FileReport:
    report = FileReport(seen.name, seen.kind, refused=refused)
    await database.writing(refuse_file, seen, report, actor, at)
    return report

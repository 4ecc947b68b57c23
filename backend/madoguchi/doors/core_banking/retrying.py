"""A block of quarantine judged again: after the missing days have come.

It is read from the bytes that were kept, as on the day when its file came. A status file that had waited for another is
judged again by itself once that one has come (`take_in_waiting`). The procedures act (procedures/feeds/taking_in.py).
"""

from datetime import datetime

from madoguchi.doors.core_banking.packing import unpacked
from madoguchi.doors.core_banking.status_feed import read_status_file
from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm
from madoguchi.doors.core_banking.zengin_reader import read_block
from madoguchi.procedures.feeds.files import FileReport, FileSeen
from madoguchi.procedures.feeds.quarantine import FileContent, Kept, kept
from madoguchi.procedures.feeds.taking_in import take_in_again
from madoguchi.procedures.feeds.values import Damage, FileRefused
from madoguchi.procedures.installing import Database
from madoguchi.procedures.status_feed.files import ready_files, take_in_status
from madoguchi.procedures.status_feed.reconciling import USUAL_BOUND
from madoguchi.rules.vocabulary import Feed

_NOT_KEPT = FileRefused(
    Damage(0, 0, "", "", "", "長いため、内容を隔離に残していません。同じファイルを、もう一度取り込んでください")
)


async def judge_again(
    database: Database,
    quarantine_id: int,
    bank_code: str,
    actor: str,
    at: datetime,
    form: FileForm = USUAL_FORM,
) -> FileReport | None:
    """What the block did now, as a report of its file; None when it had been settled before. Raises NotFound."""
    held = await database.reading(kept, quarantine_id)
    if held is None:
        return None
    if not held.content:
        return FileReport(held.file_name, held.kind, refused=_NOT_KEPT)
    if held.kind == Feed.STATUS:
        report = await _status_file(database, held, actor, at)
        report.followed = await take_in_waiting(database, actor, at) if report.clean else []
        return report
    return await _block(database, held, bank_code, actor, at, form)


async def take_in_waiting(database: Database, actor: str, at: datetime) -> list[FileReport]:
    """Take in the status files that waited for what has come now; each may be what the next one waits for."""
    followed: list[FileReport] = []
    tried: set[int] = set()
    while ready := [number for number in await database.reading(ready_files) if number not in tried]:
        tried.add(ready[0])
        held = await database.reading(kept, ready[0])
        if held is not None and not held.content:
            followed.append(FileReport(held.file_name, held.kind, refused=_NOT_KEPT))
        elif held is not None:
            followed.append(await _status_file(database, held, actor, at))
    return followed


async def _status_file(database: Database, held: Kept, actor: str, at: datetime) -> FileReport:
    seen = FileSeen(held.file_name, held.sha256, held.kind)
    with unpacked(held.content) as stream:
        status = read_status_file(stream)
        if isinstance(status, FileRefused):
            return FileReport(seen.name, seen.kind, refused=status)
        whole = FileContent(lambda first_record, record_count: held.content, held.read_as_of)
        return await take_in_status(database, seen, status, whole, USUAL_BOUND, actor, at)


async def _block(
    database: Database, held: Kept, bank_code: str, actor: str, at: datetime, form: FileForm
) -> FileReport | None:
    report = FileReport(held.file_name, held.kind)
    block = read_block(held.content, bank_code, held.read_as_of, form, held.first_record)
    if isinstance(block, FileRefused):
        report.refused = block
        return report
    return report if await database.writing(take_in_again, held, block, report, actor, at) else None

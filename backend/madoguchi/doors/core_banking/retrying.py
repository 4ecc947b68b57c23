"""A block of quarantine judged again: after the missing days have come, or the account has been registered.

It is read from the bytes that were kept, as on the day when its file came. The procedures act (procedures/feeds.py).
"""

from datetime import datetime

from madoguchi.doors.core_banking.zengin_file import USUAL_FORM, FileForm
from madoguchi.doors.core_banking.zengin_reader import read_block
from madoguchi.procedures.feed_files import FileReport
from madoguchi.procedures.feed_quarantine import Kept, kept
from madoguchi.procedures.feed_values import FileRefused
from madoguchi.procedures.feeds import take_in_again
from madoguchi.procedures.installing import Database


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
    return await _block(database, held, bank_code, actor, at, form)


async def _block(
    database: Database, held: Kept, bank_code: str, actor: str, at: datetime, form: FileForm
) -> FileReport:
    report = FileReport(held.file_name, held.kind)
    block = read_block(held.content, bank_code, held.read_as_of, form, held.first_record)
    if isinstance(block, FileRefused):
        report.refused = block
    else:
        await database.writing(take_in_again, held, block, report, actor, at)
    return report

"""A file of the status feed taken in: all of it in one transaction, or nothing, and then the reason in the trail.

A file that waits for an earlier one raises the alarm (domain.md: a gap in the sequence), and may be sent again as it
is. Acting on it is feed_status.py's subject for events, feed_reconciling.py's for the nightly full file.
"""

from datetime import datetime

from sqlmodel import Session

from madoguchi.procedures.feed_events import EventFile
from madoguchi.procedures.feed_files import FileReport, FileSeen, begin_file, count, finish_file, refuse_file
from madoguchi.procedures.feed_full_file import FullFile
from madoguchi.procedures.feed_reconciling import EndingBound, reconcile
from madoguchi.procedures.feed_sequence import Unfit
from madoguchi.procedures.feed_status import apply_events
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import FeedFile
from madoguchi.records.database import Database


async def take_in_status(
    database: Database, file: FileSeen, content: EventFile | FullFile, bound: EndingBound, actor: str, at: datetime
) -> FileReport:
    """Take in a file of events or a full file; `bound` says how many contracts the latter may end."""
    try:
        return await database.writing(_take_in, file, content, bound, actor, at)
    except Unfit as unfit:
        report = FileReport(file.name, file.kind, refused=unfit.refusal)
        await database.writing(_refuse, file, report, actor, at)
        return report


def _take_in(
    session: Session,
    file: FileSeen,
    content: EventFile | FullFile,
    bound: EndingBound,
    actor: str,
    at: datetime,
) -> FileReport:
    report = FileReport(file.name, file.kind)
    feed_file_id = begin_file(session, file, at)
    if feed_file_id is None:
        report.known_before = True
        return report
    until: datetime | None
    if isinstance(content, FullFile):
        report.reconciled = reconcile(session, content, bound, actor, at)
        until = content.begin.as_of
    else:
        applied = apply_events(session, content, actor, at)
        count(session.get_one(FeedFile, feed_file_id), report, events_applied=applied.applied)
        report.events_known, until = applied.known, applied.until
    if until is not None:
        report.reaches(min(until, at))
    finish_file(session, feed_file_id, report, actor, at)
    return report


def _refuse(session: Session, file: FileSeen, report: FileReport, actor: str, at: datetime) -> None:
    refuse_file(session, file, report, actor, at)
    if report.refused is not None and report.refused.waiting:
        damage = report.refused.damage
        record_act(
            session, at, actor, "feed.alarm", f"feed:{file.sha256}", "5-2",
            missing_from=int(damage.expected), found=int(damage.found),
        )  # fmt: skip

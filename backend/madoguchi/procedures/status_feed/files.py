"""A file of the status feed taken in: all of it in one transaction, or nothing, and then the reason in the trail.

A file that waits for an earlier one raises the alarm (domain.md: a gap in the sequence) and is kept in quarantine as it
came, to be taken in when that one has. Acting on what a file says is status_feed/acting.py's subject for events,
status_feed/reconciling.py's for the nightly full file.
"""

from datetime import datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.files import FileReport, FileSeen, begin_file, count, finish_file, refuse_file
from madoguchi.procedures.feeds.quarantine import FileContent, is_kept, keep, open_damages, settle
from madoguchi.procedures.feeds.values import BlockRefused, Damage
from madoguchi.procedures.status_feed.acting import apply_events
from madoguchi.procedures.status_feed.events import EventFile
from madoguchi.procedures.status_feed.full_file import FullFile
from madoguchi.procedures.status_feed.reconciling import EndingBound, reconcile
from madoguchi.procedures.status_feed.sequence import Unfit, lock_cursor
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import FeedFile, StatusCursor
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Feed


async def take_in_status(
    database: Database,
    file: FileSeen,
    content: EventFile | FullFile,
    whole: FileContent,
    bound: EndingBound,
    actor: str,
    at: datetime,
) -> FileReport:
    """Take in a file of events or a full file.

    whole  gives what is kept of the whole file, however many records are asked for.
    bound  says how many contracts a full file may end.
    """
    while True:
        try:
            return await database.writing(_take_in, file, content, bound, actor, at)
        except Unfit as unfit:
            report = FileReport(file.name, file.kind, refused=unfit.refusal)
        if await database.writing(_refuse, file, content, whole, report, actor, at):
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
        report.events_known, report.events_covered, until = applied.known, applied.covered, applied.until
    if until is not None:
        report.reaches(min(until, at))
    settle(session, session.get_one(FeedFile, feed_file_id), 1, actor, at)
    finish_file(session, feed_file_id, report, actor, at)
    return report


def ready_files(session: Session) -> list[int]:
    """The quarantine numbers of files whose missing events have come meanwhile, in the order of their events."""
    cursor = session.get(StatusCursor, Feed.STATUS)
    waiting = sorted((int(one.found), number) for number, one in open_damages(session, Feed.STATUS) if waits(one))
    return [number for sequence, number in waiting if cursor is not None and sequence <= cursor.sequence + 1]


def waits(damage: Damage) -> bool:
    """Whether a file was refused because events before its own are missing."""
    return damage.item == "sequence" and damage.found.isdecimal() and damage.expected.isdecimal()


def _refuse(
    session: Session,
    file: FileSeen,
    content: EventFile | FullFile,
    whole: FileContent,
    report: FileReport,
    actor: str,
    at: datetime,
) -> bool:
    """False when what the file waits for has come since it was looked at: then nothing is refused."""
    if report.refused is None:
        return False
    damage, waiting = report.refused.damage, report.refused.waiting
    if waiting and lock_cursor(session).sequence >= int(damage.expected):
        return False
    feed_file = refuse_file(session, file, report, actor, at)
    if feed_file is None:
        return True
    lines = len(content.sequences) if isinstance(content, EventFile) else 0
    if waiting or is_kept(session, feed_file, 1):
        report.is_kept = bool(keep(session, feed_file, BlockRefused(1, None, damage, lines), whole, at).content)
    if waiting:
        record_act(
            session, at, actor, "feed.alarm", f"feed:{file.sha256}", "5-2",
            missing_from=int(damage.expected), found=int(damage.found),
        )  # fmt: skip
    return True

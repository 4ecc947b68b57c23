"""Taking core-banking files into the books (勘定系ファイルの取込): one transaction a block, whole or nothing.

A refused block leaves no row, stands in the trail and is reported; the others are judged by themselves. Blocks and
events come as values (feed_values.py, feed_events.py); reading bytes is the doors' subject (doors/core_banking). What
is remembered of a file as a whole is feed_files.py's.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlmodel import Session

from madoguchi.procedures.feed_accounts import find_account
from madoguchi.procedures.feed_balances import store_balance
from madoguchi.procedures.feed_events import StatusEvent
from madoguchi.procedures.feed_files import FileReport, FileSeen, begin_file, count, finish_file, refuse_file
from madoguchi.procedures.feed_statements import store_statement
from madoguchi.procedures.feed_status import Unfit, apply_events, refusal_of
from madoguchi.procedures.feed_values import BlockPassedOver, BlockRefused, NoticeBlock, StatementBlock
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import FeedFile
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import JST

Block = StatementBlock | NoticeBlock | BlockRefused | BlockPassedOver


async def take_in_blocks(
    database: Database, file: FileSeen, blocks: Iterable[Block], actor: str, at: datetime
) -> FileReport:
    """Take in the blocks of a Zengin file in order, each in its own transaction; if interrupted, it can run again."""
    report = FileReport(file.name, file.kind)
    feed_file_id = await database.writing(begin_file, file, at)
    if feed_file_id is None:
        report.known_before = True
        return report
    for block in blocks:
        await database.writing(take_in_block, feed_file_id, block, report, actor, at)
    await database.writing(finish_file, feed_file_id, report, actor, at)
    return report


async def take_in_events(
    database: Database, file: FileSeen, events: Sequence[StatusEvent], actor: str, at: datetime
) -> FileReport:
    """Take in a status file: all its new events in one transaction, or none."""
    try:
        return await database.writing(_take_in_events, file, events, actor, at)
    except Unfit as unfit:
        report = FileReport(file.name, file.kind, refused=refusal_of(unfit, events))
        await database.writing(refuse_file, file, report, actor, at)
        return report


def take_in_block(
    session: Session, feed_file_id: int, block: Block, report: FileReport, actor: str, at: datetime
) -> None:
    """One block into the books and the report. A refusal is a value: its place in the trail commits."""
    feed_file = session.get_one(FeedFile, feed_file_id, with_for_update=True)
    match block:
        case BlockPassedOver():
            report.passed_over[block.kind_code] += 1
        case BlockRefused():
            _refuse(session, feed_file, block, report, actor, at)
        case StatementBlock():
            _statement(session, feed_file, block, report, actor, at)
        case NoticeBlock():
            _notices(session, feed_file, block, report)


def _take_in_events(
    session: Session, file: FileSeen, events: Sequence[StatusEvent], actor: str, at: datetime
) -> FileReport:
    report = FileReport(file.name, file.kind)
    feed_file_id = begin_file(session, file, at)
    if feed_file_id is None:
        report.known_before = True
        return report
    applied = apply_events(session, events, actor, at)
    count(session.get_one(FeedFile, feed_file_id), report, events_applied=applied.applied)
    report.events_known = applied.known
    for event in events:
        report.reaches(event.time)
    finish_file(session, feed_file_id, report, actor, at)
    return report


def _statement(
    session: Session, feed_file: FeedFile, block: StatementBlock, report: FileReport, actor: str, at: datetime
) -> None:
    account = find_account(session, block.account)
    if account is None:
        report.not_registered += 1
        return
    _made_on(session, feed_file, block.created_on)
    stored = store_statement(session, account, block, feed_file, at)
    if isinstance(stored, BlockRefused):
        _refuse(session, feed_file, stored, report, actor, at)
        return
    count(feed_file, report, rows_added=stored.rows_added, rows_removed=stored.rows_removed, **_one(stored.renewed))
    # Never a moment after the file came, though its last day may not be over.
    report.reaches(min(datetime.combine(block.to_day, time(23, 59, 59), JST), feed_file.imported_at))


def _notices(session: Session, feed_file: FeedFile, block: NoticeBlock, report: FileReport) -> None:
    _made_on(session, feed_file, block.created_on)
    changed = 0
    for notice in block.notices:
        account = find_account(session, notice.account)
        if account is None:
            report.not_registered += 1
        else:
            changed += store_balance(session, account, notice, feed_file)
            report.reaches(notice.as_of)
    count(feed_file, report, balances_changed=changed, **_one(changed > 0))


def _one(accepted: bool) -> dict[str, int]:
    return {"blocks_accepted" if accepted else "blocks_unchanged": 1}


def _made_on(session: Session, feed_file: FeedFile, created_on: date) -> None:
    """作成日 is known once the first block has been read."""
    if feed_file.created_on != created_on:
        feed_file.created_on = created_on
        session.add(feed_file)


def _refuse(
    session: Session, feed_file: FeedFile, refused: BlockRefused, report: FileReport, actor: str, at: datetime
) -> None:
    report.refuse(refused)
    damage = refused.damage
    _record(
        session, "feed.block_refused", feed_file.sha256, actor, at,
        first_record=refused.first_record, record=damage.record, column=damage.column, item=damage.item,
    )  # fmt: skip


def _record(session: Session, action: str, sha256: str, actor: str, at: datetime, **detail: Any) -> None:
    record_act(session, at, actor, action, f"feed:{sha256}", "6-1", **detail)

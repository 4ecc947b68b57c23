"""Taking core-banking files into the books (勘定系ファイルの取込): one transaction a block, whole or nothing.

A refused block leaves no row, stands in the trail and is reported; the others are judged by themselves. Blocks come as
values (feeds/values.py); reading bytes is the doors' subject (doors/core_banking). What is remembered of a file as a
whole is feeds/files.py's, the status feed status_feed/files.py's.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.accounts import find_account
from madoguchi.procedures.feeds.arrivals import note_arrival
from madoguchi.procedures.feeds.balances import store_balance
from madoguchi.procedures.feeds.days import all_made_later
from madoguchi.procedures.feeds.files import FileReport, FileSeen, begin_file, count, finish_file
from madoguchi.procedures.feeds.quarantine import (
    FileContent,
    Kept,
    count_left_out,
    is_kept,
    keep,
    lock_open,
    settle,
    was_superseded,
)
from madoguchi.procedures.feeds.statements import store_statement
from madoguchi.procedures.feeds.values import (
    BlockPassedOver,
    BlockRefused,
    NoticeBlock,
    StatementBlock,
    StatementRow,
    end_of,
)
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import FeedFile
from madoguchi.records.database import Database

Block = StatementBlock | NoticeBlock | BlockRefused | BlockPassedOver


@dataclass(frozen=True, slots=True)
class _Taking:
    """What every block of a file is taken in with, in its transaction."""

    session: Session
    feed_file: FeedFile
    report: FileReport
    content: FileContent
    actor: str
    at: datetime


async def take_in_blocks(
    database: Database,
    file: FileSeen,
    blocks: Iterable[Block],
    content: FileContent,
    actor: str,
    at: datetime,
    progress: Callable[[int], None] = lambda records: None,
) -> FileReport:
    """Take in the blocks of a Zengin file in order, each in its own transaction; if interrupted, it can run again.

    progress  is told before each block, and in a long one on the way, how many records are done.
    """
    report = FileReport(file.name, file.kind)
    feed_file_id = await database.writing(begin_file, file, at)
    if feed_file_id is None:
        report.known_before = True
        return report
    for block in blocks:
        progress(block.first_record - 1)
        if isinstance(block, StatementBlock):
            block = replace(block, rows=_Told(block.rows, block.first_record, progress))
        await database.writing(take_in_block, feed_file_id, block, report, content, actor, at)
    await database.writing(finish_file, feed_file_id, report, actor, at)
    return report


def take_in_block(
    session: Session,
    feed_file_id: int,
    block: Block,
    report: FileReport,
    content: FileContent,
    actor: str,
    at: datetime,
) -> None:
    """One block into the books and the report. A refusal is a value: its place in quarantine and trail commits."""
    feed_file = session.get_one(FeedFile, feed_file_id, with_for_update={"key_share": True})
    taking = _Taking(session, feed_file, report, content, actor, at)
    match block:
        case BlockPassedOver():
            report.passed_over[block.kind_code] += 1
        case BlockRefused():
            _refuse(taking, block)
        case StatementBlock():
            _statement(taking, block)
        case NoticeBlock():
            _notices(taking, block)


def take_in_again(session: Session, kept: Kept, block: Block, report: FileReport, actor: str, at: datetime) -> bool:
    """Judge a block that was in quarantine again, as if its file were read now; refused again, it stays there.

    False, and nothing done, when another officer or file has settled it since it was read.
    """
    # Locked in the order of an import, which may settle the same block: file, account, quarantine.
    feed_file = session.get_one(FeedFile, kept.feed_file_id, with_for_update={"key_share": True})
    if isinstance(block, StatementBlock):
        find_account(session, block.account)
    if not lock_open(session, kept.quarantine_id):
        return False
    content = FileContent(lambda first_record, record_count: kept.content, kept.read_as_of)
    take_in_block(session, kept.feed_file_id, block, report, content, actor, at)
    feed_file.blocks_refused = count_left_out(session, kept.feed_file_id)
    if isinstance(block, NoticeBlock):
        feed_file.accounts_unknown += report.not_registered
    session.add(feed_file)
    if report.data_until is not None:
        note_arrival(session, feed_file, report.data_until, at)
    return True


def _statement(taking: _Taking, block: StatementBlock) -> None:
    session, feed_file, report = taking.session, taking.feed_file, taking.report
    account = find_account(session, block.account)
    if account is None:
        report.leave_out(block.account)
        return
    _made_on(taking, block.created_on)
    stored = store_statement(session, account, block, feed_file, taking.at)
    if isinstance(stored, BlockRefused):
        days = block.from_day, block.to_day
        _refuse(taking, replace(stored, record_count=block.record_count, created_on=block.created_on, days=days))
        return
    settle(session, feed_file, block.first_record, taking.actor, taking.at, account, block)
    count(feed_file, report, rows_added=stored.rows_added, rows_removed=stored.rows_removed, **_one(stored.renewed))
    _reaches(taking, end_of(block.to_day))


def _notices(taking: _Taking, block: NoticeBlock) -> None:
    session, feed_file, report = taking.session, taking.feed_file, taking.report
    _made_on(taking, block.created_on)
    changed = 0
    for notice in block.notices:
        account = find_account(session, notice.account)
        if account is None:
            report.leave_out(notice.account)
        else:
            changed += store_balance(session, account, notice, block.created_on, feed_file)
            _reaches(taking, notice.as_of)
    settle(session, feed_file, block.first_record, taking.actor, taking.at)
    count(feed_file, report, balances_changed=changed, **_one(changed > 0))


def _reaches(taking: _Taking, moment: datetime) -> None:
    """Never a moment after the file came: a day that it tells may not be over."""
    taking.report.reaches(min(moment, taking.feed_file.imported_at))


def _one(accepted: bool) -> dict[str, int]:
    return {"blocks_accepted" if accepted else "blocks_unchanged": 1}


def _made_on(taking: _Taking, created_on: date) -> None:
    """The file's 作成日, as a person is told it: that of the block read last. What is held has its own block's."""
    if taking.feed_file.created_on != created_on:
        taking.feed_file.created_on = created_on
        taking.session.add(taking.feed_file)


def _refuse(taking: _Taking, refused: BlockRefused) -> None:
    taking.report.refuse(refused)
    kept = not _brings_nothing(taking.session, taking.feed_file, refused)
    entry = keep(taking.session, taking.feed_file, refused, taking.content, taking.at) if kept else None
    damage = refused.damage
    record_act(
        taking.session, taking.at, taking.actor, "feed.block_refused", f"feed:{taking.feed_file.sha256}", "6-1",
        first_record=refused.first_record, record=damage.record, column=damage.column, item=damage.item,
        quarantine=entry.quarantine_id if entry else None,
    )  # fmt: skip


def _brings_nothing(session: Session, feed_file: FeedFile, refused: BlockRefused) -> bool:
    """Whether blocks made later have told all that a refused block could: there is nothing to wait for."""
    if is_kept(session, feed_file, refused.first_record):
        return False
    if was_superseded(session, feed_file, refused.first_record):
        return True
    account = find_account(session, refused.account) if refused.account else None
    if account is None or refused.days is None or refused.created_on is None:
        return False
    return all_made_later(session, account, refused.days, refused.created_on)


class _Told(Iterable[StatementRow]):
    """A block's rows, of which it is told how far they have been gone through, now and then."""

    EVERY = 1_000

    def __init__(self, rows: Iterable[StatementRow], first_record: int, progress: Callable[[int], None]) -> None:
        self._rows = rows
        self._first_record = first_record
        self._progress = progress

    def __iter__(self) -> Iterator[StatementRow]:
        for number, row in enumerate(self._rows):
            if number % self.EVERY == 0:
                self._progress(self._first_record + number)
            yield row

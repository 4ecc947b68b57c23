"""Taking core-banking files into the books (勘定系ファイルの取込): one transaction a block, whole or nothing.

A file is remembered by its SHA-256, so the same file again changes nothing. A refused block leaves no row, stands in
the trail and is reported; the others are judged by themselves. Blocks and events come as values (feed_values.py,
feed_events.py); reading bytes is the doors' subject (doors/core_banking).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from madoguchi.procedures.feed_balances import store_balance
from madoguchi.procedures.feed_events import StatusEvent
from madoguchi.procedures.feed_statements import store_statement
from madoguchi.procedures.feed_status import Unfit, apply_events, refusal_of
from madoguchi.procedures.feed_values import (
    AccountKey,
    BlockPassedOver,
    BlockRefused,
    FileRefused,
    NoticeBlock,
    StatementBlock,
)
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import Account, FeedFile
from madoguchi.records.database import Database, insert_new

Block = StatementBlock | NoticeBlock | BlockRefused | BlockPassedOver


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as it came: its name without the folder, and the digest by which it is known again."""

    name: str
    sha256: str
    kind: str  # 03, 04 or status


@dataclass(slots=True)
class FileReport:
    """What a file did, for the operator. Filled block by block; str() is one Japanese line, `details` the rest."""

    name: str
    kind: str
    known_before: bool = False  # the same file was taken in before: nothing was done
    refused: FileRefused | None = None  # the file as a whole
    blocks_accepted: int = 0
    blocks_unchanged: int = 0
    blocks_refused: list[BlockRefused] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)  # blocks by 預金種目 (2-2)
    not_registered: set[AccountKey] = field(default_factory=set)  # accounts unknown to internet banking (2-2)
    rows_added: int = 0
    rows_removed: int = 0
    balances_changed: int = 0
    events_applied: int = 0
    events_known: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was refused."""
        return self.refused is None and not self.blocks_refused

    def __str__(self) -> str:
        if self.refused is not None:
            return self.refused.message
        if self.known_before:
            return "取込済みのファイルです。何も変わりません。"
        if self.kind == "status":
            if self.events_applied == self.events_known == 0:
                return "ファイルが空です(イベントはありません)。"
            return f"イベント{self.events_applied}件を反映(取込済み{self.events_known}件)"
        done = (
            f"{self.blocks_accepted}ブロックを取込、変わりなし{self.blocks_unchanged}、拒否{len(self.blocks_refused)}"
        )
        if self.kind == "03":
            return f"{done}(明細 {self.rows_added:,}行を追加、{self.rows_removed:,}行を削除)"
        return f"{done}(残高 {self.balances_changed}口座)"

    @property
    def details(self) -> list[str]:
        """Refused blocks and what was passed over, one Japanese sentence each."""
        sentences = [refused.message for refused in self.blocks_refused]
        sentences += [
            f"対象外の預金種目 {kind} のブロックを{count}件、読み飛ばしました。"
            for kind, count in sorted(self.passed_over.items())
        ]
        if self.not_registered:
            count = len(self.not_registered)
            sentences.append(f"インターネットバンキングに登録のない{count}口座は、取り込んでいません。")
        return sentences


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
        await database.writing(record_refused_file, file, report, actor, at)
        return report


def begin_file(session: Session, file: FileSeen, at: datetime) -> int | None:
    """Remember the file. None when it was taken in to its end and without a refusal before: nothing is to be done."""
    new = FeedFile(sha256=file.sha256, kind=file.kind, name=file.name, imported_at=at)
    row = new.model_dump(exclude={"feed_file_id"})
    # One statement: two officers may send one new file at the same moment.
    session.execute(insert_new(session, FeedFile, [row], "feed_file_id"))
    known = session.exec(select(FeedFile).where(FeedFile.sha256 == file.sha256)).one()
    finished = known.blocks_accepted + known.blocks_unchanged > 0 and known.blocks_refused == 0
    return None if finished else known.feed_file_id


def take_in_block(
    session: Session, feed_file_id: int, block: Block, report: FileReport, actor: str, at: datetime
) -> None:
    """One block into the books and the report. A refusal is a value: its place in the trail commits."""
    feed_file = session.get_one(FeedFile, feed_file_id)
    match block:
        case BlockPassedOver():
            report.passed_over[block.kind_code] += 1
        case BlockRefused():
            _refuse(session, feed_file, block, report, actor, at)
        case StatementBlock():
            _statement(session, feed_file, block, report, actor, at)
        case NoticeBlock():
            _notices(session, feed_file, block, report)


def finish_file(session: Session, feed_file_id: int, report: FileReport, actor: str, at: datetime) -> None:
    """Write down what the file did, in its row and in the trail."""
    feed_file = session.get_one(FeedFile, feed_file_id)
    feed_file.blocks_accepted = report.blocks_accepted
    # A file of nothing but passed-over blocks is finished as well.
    feed_file.blocks_unchanged = report.blocks_unchanged + sum(report.passed_over.values())
    # Accounts may be registered later: the file is worth reading again, like one with refused blocks.
    feed_file.blocks_refused = len(report.blocks_refused) + len(report.not_registered)
    session.add(feed_file)
    _record(session, "feed.imported", feed_file.sha256, actor, at, **_figures(report))


def record_refused_file(session: Session, file: FileSeen, report: FileReport, actor: str, at: datetime) -> None:
    """A file that was refused as a whole, in the trail."""
    if report.refused is not None:
        damage = report.refused.damage
        _record(session, "feed.refused", file.sha256, actor, at, record=damage.record, column=damage.column)


def _take_in_events(
    session: Session, file: FileSeen, events: Sequence[StatusEvent], actor: str, at: datetime
) -> FileReport:
    report = FileReport(file.name, file.kind)
    feed_file_id = begin_file(session, file, at)
    if feed_file_id is None:
        report.known_before = True
        return report
    applied = apply_events(session, events, actor, at)
    report.events_applied, report.events_known = applied.applied, applied.known
    report.blocks_accepted, report.blocks_unchanged = (1, 0) if applied.applied else (0, 1)
    finish_file(session, feed_file_id, report, actor, at)
    return report


def _statement(
    session: Session, feed_file: FeedFile, block: StatementBlock, report: FileReport, actor: str, at: datetime
) -> None:
    account = _account(session, block.account)
    if account is None:
        report.not_registered.add(block.account)
        return
    _made_on(session, feed_file, block.created_on)
    stored = store_statement(session, account, block, feed_file)
    if isinstance(stored, BlockRefused):
        _refuse(session, feed_file, stored, report, actor, at)
        return
    report.rows_added += stored.rows_added
    report.rows_removed += stored.rows_removed
    if stored.renewed:
        report.blocks_accepted += 1
    else:
        report.blocks_unchanged += 1


def _notices(session: Session, feed_file: FeedFile, block: NoticeBlock, report: FileReport) -> None:
    _made_on(session, feed_file, block.created_on)
    changed = 0
    for notice in block.notices:
        account = _account(session, notice.account)
        if account is None:
            report.not_registered.add(notice.account)
        else:
            changed += store_balance(session, account, notice, feed_file)
    report.balances_changed += changed
    if changed:
        report.blocks_accepted += 1
    else:
        report.blocks_unchanged += 1


def _account(session: Session, key: AccountKey) -> Account | None:
    return session.exec(
        select(Account)
        .where(Account.branch_code == key.branch_code, Account.kind == key.kind_code, Account.number == key.number)
        .with_for_update()  # PostgreSQL: two imports at once take turns on an account
    ).first()


def _made_on(session: Session, feed_file: FeedFile, created_on: date) -> None:
    """作成日 is known once the first block has been read."""
    if feed_file.created_on != created_on:
        feed_file.created_on = created_on
        session.add(feed_file)


def _refuse(
    session: Session, feed_file: FeedFile, refused: BlockRefused, report: FileReport, actor: str, at: datetime
) -> None:
    report.blocks_refused.append(refused)
    damage = refused.damage
    _record(
        session, "feed.block_refused", feed_file.sha256, actor, at,
        first_record=refused.first_record, record=damage.record, column=damage.column, item=damage.item,
    )  # fmt: skip


def _figures(report: FileReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "accepted": report.blocks_accepted,
        "unchanged": report.blocks_unchanged,
        "refused": len(report.blocks_refused),
        "passed_over": sum(report.passed_over.values()),
        "not_registered": len(report.not_registered),
        "rows_added": report.rows_added,
        "rows_removed": report.rows_removed,
        "balances_changed": report.balances_changed,
        "events_applied": report.events_applied,
    }


def _record(session: Session, action: str, sha256: str, actor: str, at: datetime, **detail: Any) -> None:
    record_act(session, at, actor, action, f"feed:{sha256}", "6-1", **detail)

"""A feed file as it is known here: by its digest, what it did, and that it was taken in to its end (取込の記録).

The same file again changes nothing. One that was interrupted, that had refused blocks or that named accounts unknown to
internet banking is worth reading again. What its blocks do is taking_in.py's subject, what its
events do status_feed/acting.py's.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from madoguchi.procedures.feeds.arrivals import note_arrival
from madoguchi.procedures.feeds.values import AccountKey, BlockRefused, FileRefused
from madoguchi.procedures.status_feed.reconciled import Reconciled
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import FeedFile
from madoguchi.records.database import insert_new
from madoguchi.rules.vocabulary import Feed

REFUSALS_TOLD = 20
"""How many refused blocks of a file are told one by one; quarantine holds them all, memory and screen do not."""

_ACCOUNTS_TOLD = 3

REGISTERED_LATER = (
    "登録したはずの口座なら、account.registered を取り込んだあとで、同じファイルをもう一度取り込んでください。"
)
"""What to do about accounts that were left out."""

IMPORTED = "feed.imported"
"""The act of a file that was taken in to its end."""

_FIGURES = ("blocks_accepted", "blocks_unchanged", "rows_added", "rows_removed", "balances_changed", "events_applied")

_FOLLOWED = {True: "取り込みました", False: "取り込めませんでした"}


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as it came: its name without the folder, and the digest by which it is known again."""

    name: str
    sha256: str
    kind: str  # 03, 04 or status; unknown for what looks like none of them


@dataclass(slots=True)
class FileReport:
    """What a file did, for the operator. Filled block by block; str() is one Japanese line, `details` the rest."""

    name: str
    kind: str
    known_before: bool = False  # the same file was taken in before: nothing was done
    refused: FileRefused | None = None  # the file as a whole
    is_kept: bool = True  # a file that waits: in quarantine whole, else its reason alone
    blocks_accepted: int = 0
    blocks_unchanged: int = 0
    blocks_refused: list[BlockRefused] = field(default_factory=list)  # the first REFUSALS_TOLD
    refused_count: int = 0  # all of them
    passed_over: Counter[str] = field(default_factory=Counter)  # blocks by 預金種目 (2-2)
    not_registered: int = 0  # blocks and notices of accounts unknown to internet banking (2-2)
    not_registered_accounts: list[str] = field(default_factory=list)  # the first of them, masked
    rows_added: int = 0
    rows_removed: int = 0
    balances_changed: int = 0
    events_applied: int = 0
    events_known: int = 0
    events_covered: int = 0  # of those known: by a full file only
    reconciled: Reconciled | None = None  # what the nightly full file changed
    followed: "list[FileReport]" = field(default_factory=list)  # status files that had waited for this one
    data_until: datetime | None = None  # the newest moment that what was taken in speaks of

    @property
    def clean(self) -> bool:
        """Whether nothing of this file was refused; those that followed it have verdicts of their own."""
        return self.refused is None and not self.refused_count

    @property
    def is_waiting(self) -> bool:
        """Whether it was refused only because an earlier file has not come."""
        return self.refused is not None and self.refused.waiting

    def refuse(self, block: BlockRefused) -> None:
        """Count a refused block, and keep it as long as there are few."""
        self.refused_count += 1
        if len(self.blocks_refused) < REFUSALS_TOLD:
            self.blocks_refused.append(block)

    def leave_out(self, account: AccountKey) -> None:
        """Count a block or notice of an account that internet banking does not know; keep the first few accounts."""
        self.not_registered += 1
        if len(self.not_registered_accounts) < _ACCOUNTS_TOLD and str(account) not in self.not_registered_accounts:
            self.not_registered_accounts.append(str(account))

    def reaches(self, moment: datetime) -> None:
        """What was taken in speaks of this moment."""
        self.data_until = moment if self.data_until is None else max(self.data_until, moment)

    def __str__(self) -> str:
        if self.refused is not None:
            return self.refused.message
        if self.known_before:
            return "取込済みのファイルです。何も変わりません。"
        if self.reconciled is not None:
            return str(self.reconciled)
        if self.kind == Feed.STATUS:
            if self.events_applied == self.events_known == 0:
                return "ファイルが空です(イベントはありません)。"
            covered = f"、うち全件照合に含まれるもの{self.events_covered}件" if self.events_covered else ""
            return f"イベント{self.events_applied}件を反映(取込済み{self.events_known}件{covered})"
        done = f"{self.blocks_accepted}ブロックを取込、変わりなし{self.blocks_unchanged}、拒否{self.refused_count}"
        if self.kind == Feed.TRANSACTIONS:
            return f"{done}(明細 {self.rows_added:,}行を追加、{self.rows_removed:,}行を削除)"
        return f"{done}(残高 {self.balances_changed}口座)"

    @property
    def details(self) -> list[str]:
        """Refused blocks and what was passed over, one Japanese sentence each."""
        sentences = [refused.message for refused in self.blocks_refused]
        if self.refused_count > len(self.blocks_refused):
            sentences.append(f"ほか {self.refused_count - len(self.blocks_refused):,}件のブロックも受け付けません。")
        sentences += [
            f"対象外の預金種目 {kind} のブロックを{count}件、読み飛ばしました。"
            for kind, count in sorted(self.passed_over.items())
        ]
        if self.not_registered:
            accounts = "、".join(self.not_registered_accounts)
            more = " など" if self.not_registered > len(self.not_registered_accounts) else ""
            sentences.append(
                f"インターネットバンキングに登録のない口座の分{self.not_registered:,}件は、取り込んでいません({accounts}{more})。"
                f"{REGISTERED_LATER}"
            )
        if self.reconciled is not None:
            sentences += self.reconciled.details
        sentences += [f"続けて{_FOLLOWED[one.clean]}: {one.name}: {one}" for one in self.followed]
        return sentences


def begin_file(session: Session, file: FileSeen, at: datetime) -> int | None:
    """Remember the file. None when it was taken in to its end and without a refusal before: nothing is to be done."""
    new = FeedFile(sha256=file.sha256, kind=file.kind, name=file.name, imported_at=at)
    row = new.model_dump(exclude={"feed_file_id"})
    # One statement: two officers may send one new file at the same moment.
    session.execute(insert_new(session, FeedFile, [row], "feed_file_id"))
    known = session.exec(select(FeedFile).where(FeedFile.sha256 == file.sha256).with_for_update(key_share=True)).one()
    whole = known.refusal is None and known.blocks_refused == known.accounts_unknown == 0
    if known.finished_at is not None and whole:
        return None
    known.finished_at = known.refusal = None
    known.blocks_unchanged = known.blocks_refused = known.accounts_unknown = 0
    session.add(known)
    return known.feed_file_id


def count(feed_file: FeedFile, report: FileReport, **done: int) -> None:
    """Add to the figures of the file's row and of the report alike, so that a killed import has said what it did."""
    for name, number in done.items():
        setattr(feed_file, name, getattr(feed_file, name) + number)
        setattr(report, name, getattr(report, name) + number)


def finish_file(session: Session, feed_file_id: int, report: FileReport, actor: str, at: datetime) -> None:
    """Write down that the file was taken in to its end: in its row, in the trail, and how far its data goes (6-1)."""
    feed_file = session.get_one(FeedFile, feed_file_id)
    feed_file.blocks_refused = report.refused_count
    feed_file.accounts_unknown = report.not_registered
    feed_file.finished_at = at
    session.add(feed_file)
    if report.data_until is not None:
        note_arrival(session, feed_file, report.data_until, at)
    _record(session, IMPORTED, feed_file.sha256, actor, at, **_figures(report))


def refuse_file(session: Session, file: FileSeen, report: FileReport, actor: str, at: datetime) -> FeedFile | None:
    """A file that was refused as a whole: in its row, which is returned, and in the trail.

    None when the same file had been taken in before, by an installation with other settings.
    """
    if report.refused is None:
        raise ValueError("nothing refused this file")
    damage = report.refused.damage
    _record(session, "feed.refused", file.sha256, actor, at, record=damage.record, column=damage.column)
    feed_file_id = begin_file(session, file, at)
    if feed_file_id is None:
        return None
    feed_file = session.get_one(FeedFile, feed_file_id)
    feed_file.refusal, feed_file.finished_at = asdict(damage), at
    session.add(feed_file)
    return feed_file


def _figures(report: FileReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        **{name.removeprefix("blocks_"): getattr(report, name) for name in _FIGURES},
        "refused": report.refused_count,
        "passed_over": sum(report.passed_over.values()),
        "not_registered": report.not_registered,
        **({"reconciled": report.reconciled.figures} if report.reconciled else {}),
    }


def _record(session: Session, action: str, sha256: str, actor: str, at: datetime, **detail: Any) -> None:
    record_act(session, at, actor, action, f"feed:{sha256}", "6-1", **detail)

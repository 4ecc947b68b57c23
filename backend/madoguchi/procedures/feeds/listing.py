"""What an officer looks up about feeds: files that came, newest first, and what is in quarantine (隔離)."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from madoguchi.procedures.feeds.files import IMPORTED
from madoguchi.procedures.feeds.quarantine import unknown_entry
from madoguchi.procedures.feeds.values import Damage
from madoguchi.procedures.service import NotFound
from madoguchi.records.audit import Act
from madoguchi.records.bank import FeedFile, QuarantinedBlock
from madoguchi.rules.batches import batches
from madoguchi.rules.vocabulary import Feed

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file and what it did. `finished_at` is None while it is taken in, and when that was interrupted."""

    number: int
    kind: str  # 03, 04, status, unknown
    name: str
    sha256: str
    created_on: date | None  # 作成日
    imported_at: datetime
    finished_at: datetime | None
    refusal: Damage | None  # why the file as a whole was refused
    blocks_accepted: int
    blocks_unchanged: int
    blocks_refused: int
    accounts_unknown: int
    rows_added: int
    rows_removed: int
    balances_changed: int
    events_applied: int
    in_quarantine: int  # entries that nothing has settled
    reconciled: dict[str, Any] | None = None  # what a full file of the status feed did (status_feed/reconciled.py)


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A refused block, and what settled it. A status file that waits for another is one block of its lines."""

    number: int
    file_number: int
    file_name: str
    kind: str
    first_record: int
    last_record: int
    whose: str  # the account, masked
    created_on: date | None
    from_day: date | None
    to_day: date | None
    damage: Damage
    refused_at: datetime
    settled_at: datetime | None
    settled_as: str | None  # vocabulary.Settlement
    has_content: bool  # False when settled, and for what was too long to keep
    set_aside_because: str | None


def list_files(session: Session, limit: int | None = None) -> list[FileLine]:
    """Files, the newest first."""
    return _with_reconciled(session, [_file(*row) for row in session.execute(_files().limit(limit))])


def find_file(session: Session, number: int) -> FileLine:
    """A file by its number. Raises NotFound."""
    row = session.execute(_files().where(col(FeedFile.feed_file_id) == number)).first()
    if row is None:
        raise NotFound(f"ファイル {number} はありません。番号は「madoguchi feed list」で確かめられます。")
    return _with_reconciled(session, [_file(*row)])[0]


def list_entries(session: Session, limit: int | None = None, file_number: int | None = None) -> list[EntryLine]:
    """What is in quarantine, the newest first; of one file also what has been settled, in the file's order."""
    if file_number is None:
        chosen = _entries().where(col(QuarantinedBlock.settled_at).is_(None))
        chosen = chosen.order_by(col(QuarantinedBlock.quarantine_id).desc())
    else:
        chosen = _entries().where(col(QuarantinedBlock.feed_file_id) == file_number)
        chosen = chosen.order_by(col(QuarantinedBlock.first_record), col(QuarantinedBlock.quarantine_id))
    return [_entry(row) for row in session.execute(chosen.limit(limit))]


def count_entries(session: Session) -> int:
    """How many blocks are in quarantine."""
    counted = select(func.count()).select_from(QuarantinedBlock).where(col(QuarantinedBlock.settled_at).is_(None))
    number: int = session.execute(counted).scalar_one()
    return number


def list_waiting(session: Session) -> list[EntryLine]:
    """Status files in quarantine (5-2), the first that came first: a gap in the sequence is an alarm."""
    chosen = _entries().where(col(QuarantinedBlock.settled_at).is_(None), col(FeedFile.kind) == Feed.STATUS)
    return [_entry(row) for row in session.execute(chosen.order_by(col(QuarantinedBlock.quarantine_id)))]


def find_entry_line(session: Session, number: int) -> EntryLine:
    """A quarantined block by its number, settled or not. Raises NotFound."""
    row = session.execute(_entries().where(col(QuarantinedBlock.quarantine_id) == number)).first()
    if row is None:
        raise unknown_entry(number)
    return _entry(row)


def _files() -> Any:
    in_quarantine = (
        select(func.count())
        .where(col(QuarantinedBlock.feed_file_id) == col(FeedFile.feed_file_id))
        .where(col(QuarantinedBlock.settled_at).is_(None))
        .scalar_subquery()
    )
    return select(FeedFile, in_quarantine).order_by(col(FeedFile.feed_file_id).desc())


def _file(row: FeedFile, in_quarantine: int) -> FileLine:
    return FileLine(
        number=row.feed_file_id or 0,
        kind=row.kind,
        name=row.name,
        sha256=row.sha256,
        created_on=row.created_on,
        imported_at=row.imported_at,
        finished_at=row.finished_at,
        refusal=Damage(**row.refusal) if row.refusal else None,
        blocks_accepted=row.blocks_accepted,
        blocks_unchanged=row.blocks_unchanged,
        blocks_refused=row.blocks_refused,
        accounts_unknown=row.accounts_unknown,
        rows_added=row.rows_added,
        rows_removed=row.rows_removed,
        balances_changed=row.balances_changed,
        events_applied=row.events_applied,
        in_quarantine=in_quarantine,
    )


def _with_reconciled(session: Session, lines: list[FileLine]) -> list[FileLine]:
    """What full files did stands in the trail."""
    figures: dict[str, Any] = {}
    for some in batches([f"feed:{line.sha256}" for line in lines if line.kind == Feed.STATUS], _AT_ONCE):
        chosen = select(col(Act.subject), col(Act.detail)).where(
            col(Act.subject).in_(some), col(Act.action) == IMPORTED
        )
        figures |= {subject: detail.get("reconciled") for subject, detail in session.execute(chosen)}
    return [replace(line, reconciled=figures.get(f"feed:{line.sha256}")) for line in lines]


def _entries() -> Any:
    """Everything but the content, which may be long."""
    return select(
        col(QuarantinedBlock.quarantine_id).label("number"),
        col(QuarantinedBlock.feed_file_id).label("file_number"),
        col(FeedFile.name).label("file_name"),
        col(FeedFile.kind),
        col(QuarantinedBlock.first_record),
        col(QuarantinedBlock.last_record),
        col(QuarantinedBlock.whose),
        col(QuarantinedBlock.created_on),
        col(QuarantinedBlock.from_day),
        col(QuarantinedBlock.to_day),
        col(QuarantinedBlock.damage),
        col(QuarantinedBlock.refused_at),
        col(QuarantinedBlock.settled_at),
        col(QuarantinedBlock.settled_as),
        (func.length(col(QuarantinedBlock.content)) > 0).label("has_content"),
        col(QuarantinedBlock.set_aside_because),
    ).join(FeedFile, col(FeedFile.feed_file_id) == col(QuarantinedBlock.feed_file_id))


def _entry(row: Any) -> EntryLine:
    values = dict(row._mapping)
    return EntryLine(**values | {"damage": Damage(**values["damage"])})

"""Quarantine (隔離): a refused block is kept as it came, with the reason, until something settles it (6-1).

It is settled by being taken in after all (judged again, or read again from its file), by a later block of the account
that brings its days, or by an officer who sets it aside. What is settled keeps its reason but no longer its content.
A status file that waits for the one before it is kept as one block, packed.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from madoguchi.procedures.feeds.accounts import find_account
from madoguchi.procedures.feeds.values import BlockRefused, Damage, StatementBlock
from madoguchi.procedures.service import NotFound
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import Account, FeedFile, QuarantinedBlock
from madoguchi.rules.vocabulary import Feed, Settlement


@dataclass(frozen=True, slots=True)
class FileContent:
    """Where the blocks of a file are cut out as they came.

    cut         gives the bytes of a block by its first record's number and its number of records; none if too long.
    read_as_of  the day that the reader took for today (作成日 has no era).
    """

    cut: Callable[[int, int], bytes]
    read_as_of: date


@dataclass(frozen=True, slots=True)
class Kept:
    """A block in quarantine, with all that is needed to judge it again."""

    quarantine_id: int
    feed_file_id: int
    file_name: str
    sha256: str
    kind: str
    first_record: int
    content: bytes
    read_as_of: date


_IS_OPEN = col(QuarantinedBlock.settled_at).is_(None)


def keep(
    session: Session, feed_file: FeedFile, refused: BlockRefused, content: FileContent, at: datetime
) -> QuarantinedBlock:
    """Keep a refused block; refused again, it keeps its place and has its newest reason."""
    account = find_account(session, refused.account) if refused.account else None
    from_day, to_day = refused.days or (None, None)
    entry = _open_entry(session, feed_file, refused.first_record) or QuarantinedBlock(
        feed_file_id=feed_file.feed_file_id or 0,
        first_record=refused.first_record,
        last_record=refused.first_record + refused.record_count - 1,
        content=content.cut(refused.first_record, refused.record_count),
        read_as_of=content.read_as_of,
        damage={},
        refused_at=at,
    )
    entry.account_id = account.account_id if account else None
    entry.whose = str(refused.account or "")
    entry.created_on, entry.from_day, entry.to_day = refused.created_on, from_day, to_day
    entry.read_as_of = content.read_as_of
    entry.damage, entry.refused_at = asdict(refused.damage), at
    session.add(entry)
    session.flush()
    return entry


def settle(
    session: Session,
    feed_file: FeedFile,
    first_record: int,
    actor: str,
    at: datetime,
    account: Account | None = None,
    block: StatementBlock | None = None,
) -> None:
    """A block was taken in: settle the entry it had itself, and those whose days it brought (`account`, `block`).

    A block made before (作成日) brings nothing of a quarantined one's days: that one may know better.
    """
    own = and_(
        col(QuarantinedBlock.feed_file_id) == feed_file.feed_file_id, col(QuarantinedBlock.first_record) == first_record
    )
    brought = [own]
    if account is not None and block is not None:
        brought.append(
            and_(
                col(QuarantinedBlock.account_id) == account.account_id,
                col(QuarantinedBlock.from_day) >= block.from_day,
                col(QuarantinedBlock.to_day) <= block.to_day,
                col(QuarantinedBlock.created_on) <= block.created_on,
            )
        )
    entries = session.execute(
        select(col(QuarantinedBlock.quarantine_id), QuarantinedBlock.feed_file_id, QuarantinedBlock.first_record)
        .where(_IS_OPEN, or_(*brought))
        .order_by(col(QuarantinedBlock.quarantine_id))
    ).all()
    for quarantine_id, feed_file_id, record in entries:
        is_own = (feed_file_id, record) == (feed_file.feed_file_id, first_record)
        how = Settlement.TAKEN_IN if is_own else Settlement.SUPERSEDED
        _settle(session, quarantine_id, how, actor, at, by=feed_file.sha256)


def is_kept(session: Session, feed_file: FeedFile, first_record: int) -> bool:
    """Whether a block of this file is in quarantine."""
    return _open_entry(session, feed_file, first_record) is not None


def was_superseded(session: Session, feed_file: FeedFile, first_record: int) -> bool:
    """Whether later blocks have brought what a refused block of this file would."""
    settled = select(QuarantinedBlock.quarantine_id).where(
        QuarantinedBlock.feed_file_id == feed_file.feed_file_id,
        QuarantinedBlock.first_record == first_record,
        QuarantinedBlock.settled_as == Settlement.SUPERSEDED,
    )
    return session.exec(settled).first() is not None


def set_aside(session: Session, quarantine_id: int, reason: str, actor: str, at: datetime) -> bool:
    """An officer decides that a block will never be taken in; False when it was settled before. Raises NotFound."""
    if session.exec(select(QuarantinedBlock.quarantine_id).where(_is(quarantine_id))).first() is None:
        raise unknown_entry(quarantine_id)
    return _settle(session, quarantine_id, Settlement.SET_ASIDE, actor, at, reason=reason)


def set_file_aside(session: Session, feed_file_id: int, reason: str, actor: str, at: datetime) -> int:
    """An officer decides that what is in quarantine of a file will never be taken in; how many blocks that were."""
    chosen = select(col(QuarantinedBlock.quarantine_id)).where(QuarantinedBlock.feed_file_id == feed_file_id, _IS_OPEN)
    numbers = sorted(number or 0 for number in session.exec(chosen))
    return sum(_settle(session, number, Settlement.SET_ASIDE, actor, at, reason=reason) for number in numbers)


def unknown_entry(quarantine_id: int) -> NotFound:
    """What is told of a number that no block has."""
    return NotFound(f"隔離 q{quarantine_id} はありません。番号は「madoguchi feed list」で確かめられます。")


def kept(session: Session, quarantine_id: int) -> Kept | None:
    """What is needed to judge a block again; None when it is settled. Raises NotFound."""
    entry = session.get(QuarantinedBlock, quarantine_id)
    if entry is None:
        raise unknown_entry(quarantine_id)
    if entry.settled_at is not None:
        return None
    feed_file = session.get_one(FeedFile, entry.feed_file_id)
    return Kept(
        quarantine_id=quarantine_id,
        feed_file_id=entry.feed_file_id,
        file_name=feed_file.name,
        sha256=feed_file.sha256,
        kind=feed_file.kind,
        first_record=entry.first_record,
        content=entry.content,
        read_as_of=entry.read_as_of,
    )


def lock_open(session: Session, quarantine_id: int) -> bool:
    """Whether a block is still in quarantine; then nobody else settles it until the transaction ends."""
    is_open = select(QuarantinedBlock.quarantine_id).where(_is(quarantine_id), _IS_OPEN)
    return session.exec(is_open.with_for_update()).first() is not None


def count_left_out(session: Session, feed_file_id: int) -> int:
    """How many blocks of a file nothing has brought: those in quarantine, and those that were set aside."""
    left_out = or_(_IS_OPEN, col(QuarantinedBlock.settled_as) == Settlement.SET_ASIDE)
    return session.exec(
        select(func.count(col(QuarantinedBlock.first_record).distinct())).where(
            QuarantinedBlock.feed_file_id == feed_file_id, left_out
        )
    ).one()


def open_ids(session: Session) -> list[int]:
    """The numbers of all blocks in quarantine, in the order in which they can be judged again.

    The status feed first, since it names accounts; blocks by their days, since each chains to the one before.
    """
    chosen = (
        select_columns(col(QuarantinedBlock.quarantine_id), col(FeedFile.kind), col(QuarantinedBlock.from_day))
        .join(FeedFile, col(FeedFile.feed_file_id) == col(QuarantinedBlock.feed_file_id))
        .where(_IS_OPEN)
    )
    order = sorted((of != Feed.STATUS, day or date.max, number) for number, of, day in session.execute(chosen))
    return [number for _, _, number in order]


def open_damages(session: Session, kind: str) -> list[tuple[int, Damage]]:
    """What refused the blocks of one feed that are in quarantine, by their numbers."""
    chosen = (
        select_columns(col(QuarantinedBlock.quarantine_id), col(QuarantinedBlock.damage))
        .join(FeedFile, col(FeedFile.feed_file_id) == col(QuarantinedBlock.feed_file_id))
        .where(_IS_OPEN, col(FeedFile.kind) == kind)
    )
    return [(number, Damage(**damage)) for number, damage in session.execute(chosen)]


def _is(quarantine_id: int) -> ColumnElement[bool]:
    return col(QuarantinedBlock.quarantine_id) == quarantine_id


def _open_entry(session: Session, feed_file: FeedFile, first_record: int) -> QuarantinedBlock | None:
    return session.exec(
        select(QuarantinedBlock)
        .where(QuarantinedBlock.feed_file_id == feed_file.feed_file_id)
        .where(QuarantinedBlock.first_record == first_record, _IS_OPEN)
    ).first()


def _settle(session: Session, quarantine_id: int, how: Settlement, actor: str, at: datetime, **detail: str) -> bool:
    settled = session.execute(
        update(QuarantinedBlock)
        .where(_is(quarantine_id), _IS_OPEN)
        .values(settled_at=at, settled_as=how, set_aside_because=detail.get("reason"), content=b"")
        .returning(col(QuarantinedBlock.quarantine_id))
    ).all()
    if settled:
        record_act(session, at, actor, f"feed.block_{how}", f"quarantine:{quarantine_id}", "6-1", **detail)
    return bool(settled)

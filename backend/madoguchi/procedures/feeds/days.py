"""Which days of an account's history are held (`Statement` pieces), and what a new block does to them.

Source: 6-1 (whether banking days are missing is told with every page). Pieces never overlap: a block is held as one
piece, and what is held around it is cut back. How rows are replaced is feeds/rows.py's subject.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from madoguchi.procedures.banking_days import banking_day_between
from madoguchi.procedures.feeds.values import Damage, StatementBlock, end_of
from madoguchi.records.bank import Account, FeedFile, Statement, Transaction
from madoguchi.rules.vocabulary import Completeness, Precision

_ONE_DAY = timedelta(days=1)


def held_pieces(session: Session, account: Account, block: StatementBlock) -> Sequence[Statement]:
    """The piece before the block's first day and all from there on, in order."""
    before = select(func.max(Statement.first_day)).where(
        Statement.account_id == account.account_id, col(Statement.first_day) < block.from_day
    )
    return session.exec(
        select(Statement)
        .where(Statement.account_id == account.account_id)
        .where(or_(col(Statement.last_day) >= block.from_day, col(Statement.first_day) == before.scalar_subquery()))
        .order_by(col(Statement.first_day))
    ).all()


def made_later(held: Sequence[Statement], block: StatementBlock) -> list[Statement]:
    """The pieces of the block's days that come from a block made after it: they stand, it can only agree."""
    return [
        piece
        for piece in _overlapping(held, block.from_day, block.to_day)
        if piece.created_on is not None and block.created_on < piece.created_on
    ]


def outdated(block: StatementBlock, newer: Sequence[Statement]) -> Damage:
    """Why a block that tells other rows than one made later is refused."""
    later = max(piece.created_on for piece in newer if piece.created_on is not None)
    return Damage(
        block.first_record,
        0,
        "作成日",
        f"{block.created_on}",
        f"取込済みの {later} 以後",
        f"作成日 {block.created_on} の内容が、取込済みの、より新しいファイル(作成日 {later})の内容と異なります"
        "(新しいほうが正しければ、何もしなくてかまいません)",
    )


def all_made_later(session: Session, account: Account, days: tuple[date, date], created_on: date) -> bool:
    """Whether all these days, first to last, stand from blocks made after a day (作成日)."""
    pieces = session.exec(
        select(Statement)
        .where(Statement.account_id == account.account_id, col(Statement.created_on) > created_on)
        .where(col(Statement.first_day) <= days[1], col(Statement.last_day) >= days[0])
    ).all()
    told = sum((min(piece.last_day, days[1]) - max(piece.first_day, days[0])).days + 1 for piece in pieces)
    return told == (days[1] - days[0]).days + 1  # pieces never overlap


def misfit(session: Session, held: Sequence[Statement], block: StatementBlock) -> Damage | None:
    """Why the balances at the block's ends do not chain with the days held.

    Ends are compared wherever no banking day is missing in between. So a block that changes its closing balance has to
    reach the last day held.
    """
    before = [piece for piece in held if piece.first_day < block.from_day]
    if before and not banking_day_between(before[-1].last_day, block.from_day):
        known = _balance_at_end_of(session, before[-1], block.from_day - _ONE_DAY)
        if known != block.opening_balance:
            return Damage(*block.opening_place, f"{block.opening_balance:,}", f"取込済みの残高 {known:,}")

    after = [piece for piece in held if piece.last_day > block.to_day]
    if after and not banking_day_between(block.to_day, after[0].first_day):
        known = _balance_at_end_of(session, after[0], block.to_day)
        if known != block.closing_balance:
            expected = f"取込済みの残高 {known:,}(残高を変えるなら {after[-1].last_day} までの明細)"
            return Damage(*block.closing_place, f"{block.closing_balance:,}", expected)
    return None


def hold(
    session: Session,
    held: Sequence[Statement],
    newer: Sequence[Statement],
    account: Account,
    block: StatementBlock,
    feed_file: FeedFile,
    rows_changed: bool,
) -> bool:
    """Hold the block's days, as one piece where `newer` ones do not stand between.

    False when they were held like this, and as freshly, before.
    """
    pieces = list(held)
    renewed = False
    for new in _told_pieces(newer, account, block, feed_file):
        overlapping = _overlapping(pieces, new.first_day, new.last_day)
        # Changed rows are held as of their own file, which an older one must not undo.
        known = not rows_changed and _held_before(overlapping, new)
        if known and all(piece.created_on == block.created_on for piece in overlapping):
            continue
        if known and overlapping[-1].last_day == new.last_day:
            new.as_of = overlapping[-1].as_of  # only confirmed: the newer file's from now on, and as fresh as before
        renewed = renewed or not known
        pieces = [piece for piece in pieces if piece not in overlapping] + [new]
        for piece in overlapping:
            pieces += _cut_back(piece, new)
            session.delete(piece)
    pieces.sort(key=lambda piece: piece.first_day)
    for earlier, later in pairwise(pieces):
        _tell_gap(earlier, later)
    session.add_all(pieces)
    session.flush()
    return renewed


def _told_pieces(
    newer: Sequence[Statement], account: Account, block: StatementBlock, feed_file: FeedFile
) -> Iterator[Statement]:
    """The days for which the block is the newest to tell, as pieces."""
    first_day, opening = block.from_day, block.opening_balance
    ends = [(piece.first_day, piece.opening_balance, piece.last_day, piece.closing_balance) for piece in newer]
    beyond = block.to_day + _ONE_DAY
    for until, closing, last_told, balance in [*ends, (beyond, block.closing_balance, beyond, 0)]:
        last_day = until - _ONE_DAY
        if first_day <= last_day:
            yield Statement(
                account_id=account.account_id or 0,
                first_day=first_day,
                last_day=last_day,
                opening_balance=opening,
                closing_balance=closing,
                # Never a moment after the file came, though its last day may not be over.
                as_of=min(end_of(last_day), feed_file.imported_at),
                as_of_precision=Precision.DAY,
                completeness=_lacks_later(last_day, block.created_on),
                created_on=block.created_on,
                feed_file_id=feed_file.feed_file_id or 0,
            )
        first_day, opening = last_told + _ONE_DAY, balance


def _overlapping(held: Sequence[Statement], first_day: date, last_day: date) -> list[Statement]:
    return [piece for piece in held if piece.first_day <= last_day and piece.last_day >= first_day]


def _lacks_later(last_day: date, made_on: date | None) -> Completeness:
    """A file made on its own last day was made before that day's last posting."""
    complete = made_on is not None and last_day < made_on
    return Completeness.COMPLETE if complete else Completeness.MAY_LACK_LATER


def _balance_at_end_of(session: Session, piece: Statement, day: date) -> int:
    """The balance that a piece holds at the end of a day: inside it, or at its end nearer to the day."""
    if day >= piece.last_day:
        return piece.closing_balance
    latest = session.exec(
        select(col(Transaction.balance_after))
        .where(Transaction.account_id == piece.account_id)
        .where(col(Transaction.booked_on).between(piece.first_day, day))
        .order_by(col(Transaction.position).desc())
        .limit(1)
    ).first()
    return piece.opening_balance if latest is None else latest


def _held_before(overlapping: Sequence[Statement], new: Statement) -> bool:
    """Whether every day of `new` is held, from the same balance, and its last day as freshly."""
    if not overlapping:
        return False
    first, last = overlapping[0], overlapping[-1]
    covers = first.first_day <= new.first_day and last.last_day >= new.last_day
    joined = all(a.last_day + _ONE_DAY == b.first_day for a, b in pairwise(overlapping))
    same_opening = first.first_day < new.first_day or first.opening_balance == new.opening_balance
    if not (covers and joined and same_opening):
        return False
    if last.last_day > new.last_day:
        return True
    was_complete = _lacks_later(last.last_day, last.created_on) == Completeness.COMPLETE
    return last.as_of >= new.as_of and (was_complete or new.completeness == Completeness.MAY_LACK_LATER)


def _cut_back(piece: Statement, new: Statement) -> list[Statement]:
    """What stays of a held piece before and after a new one."""
    parts = []
    if piece.first_day < new.first_day:
        part = _part(piece, last_day=new.first_day - _ONE_DAY, closing_balance=new.opening_balance)
        part.as_of, part.as_of_precision = min(end_of(part.last_day), piece.as_of), Precision.DAY
        if part.completeness != Completeness.GAP:
            part.completeness = _lacks_later(part.last_day, piece.created_on)
        parts.append(part)
    if piece.last_day > new.last_day:
        parts.append(_part(piece, first_day=new.last_day + _ONE_DAY, opening_balance=new.closing_balance))
    return parts


def _part(piece: Statement, **changes: Any) -> Statement:
    return Statement(**piece.model_dump(exclude={"statement_id"}) | changes)


def _tell_gap(earlier: Statement, later: Statement) -> None:
    """6-1: GAP where banking days are missing between a piece and the one before it."""
    if banking_day_between(earlier.last_day, later.first_day):
        later.completeness = Completeness.GAP
    elif later.completeness == Completeness.GAP:
        later.completeness = _lacks_later(later.last_day, later.created_on)

"""The sequence of the status feed: which events of a file are new, which are known, and where one is missing (5-2).

Source: domain.md (event id, sequence number; a gap is an alarm). Nothing behind a gap acts, so that no event acts upon
contracts and accounts that an event before it would have changed. A number once applied keeps its event: the same
again is passed over, another one under the number, or the same id under another number, refuses the file.
Numbers that a full file took in without their events (status_feed/reconciling.py) are known; an event under one of
them that is later than what the file shows cannot be in it, and refuses its file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import insert
from sqlmodel import Session, col, or_, select

from madoguchi.procedures.feeds.values import Damage, FileRefused
from madoguchi.procedures.status_feed.events import AnyEvent, EventFile, PlacedEvent
from madoguchi.records.audit import Act
from madoguchi.records.bank import AppliedEvent, StatusCursor
from madoguchi.records.database import insert_new
from madoguchi.rules.batches import batches
from madoguchi.rules.vocabulary import JST, Feed

RECONCILED: Final = "feed.reconciled"
RECONCILED_SUBJECT: Final = "feed:status"
"""The act of a full file that was taken in; its detail tells `as_of`."""

_AT_ONCE: Final = 500
_CLOCKS_APART: Final = timedelta(days=1)
_GAPS_TOLD: Final = 3


class Unfit(Exception):
    """A file that does not fit what is known: ends its transaction, which then takes nothing in."""

    def __init__(self, refusal: FileRefused) -> None:
        super().__init__(refusal.damage.item)
        self.refusal = refusal


def unfit(line: int, item: str, found: str, expected: str, told: str = "", waiting: bool = False) -> Unfit:
    """What a person with the file needs: its line, the key, what stands there and what should."""
    return Unfit(FileRefused(Damage(line, 0, item, found, expected, told), waiting))


def lock_cursor(session: Session) -> StatusCursor:
    """How far the feed was applied, 0 at first; nobody else applies a status file until the transaction ends."""
    session.execute(insert_new(session, StatusCursor, [{"feed": Feed.STATUS, "sequence": 0}], "feed"))
    return session.get_one(StatusCursor, Feed.STATUS, with_for_update=True, populate_existing=True)


def taken_in(session: Session) -> tuple[int, frozenset[str]]:
    """How far the feed was applied, 0 at first, and the ids of events that were: for whoever writes what follows."""
    cursor = session.get(StatusCursor, Feed.STATUS)
    return cursor.sequence if cursor else 0, frozenset(session.exec(select(AppliedEvent.event_id)).all())


def check_moment(line: int, item: str, moment: datetime, at: datetime) -> None:
    """Raises Unfit for a moment that has not come yet, with a day for clocks that differ.

    Kept as the moment of a contract's state, it would make every later change look older.
    """
    if moment > at + _CLOCKS_APART:
        raise unfit(line, item, f"{moment:%Y-%m-%d %H:%M}", "", f"{item} が、まだ来ていない日時です")


def missing_numbers(sequences: Sequence[int], applied: int) -> list[tuple[int, int]]:
    """The gaps, first and last number, between what was applied and the greatest of these rising numbers."""
    gaps = []
    for sequence in sequences:
        if sequence > applied + 1:
            gaps.append((applied + 1, sequence - 1))
        applied = max(applied, sequence)
    return gaps


def check_gaps(file: EventFile, applied: int) -> None:
    """Raises Unfit, waiting, when a number before an event of the file has not come: nothing of the file acts."""
    gaps = missing_numbers(file.sequences, applied)
    if not gaps:
        return
    line, found = next((one.line, one.event.sequence) for one in file.events if one.event.sequence > gaps[0][1])
    missing = "、".join(f"{first}" if first == last else f"{first}〜{last}" for first, last in gaps[:_GAPS_TOLD])
    missing += " など" if len(gaps) > _GAPS_TOLD else ""
    whence = "" if gaps[0][0] > 1 else "(はじめて取り込むときは、sequence 1 からか、全件照合のファイルからです)"
    told = (
        f"sequence {missing} のイベントが届いていません{whence}。"
        "抜けているファイルが届くまで、このファイルのイベントは1件も反映しません"
    )
    raise unfit(line, "sequence", str(found), str(gaps[0][0]), told, waiting=True)


@dataclass(slots=True)
class Covered:
    """Counts events that never came before and that a full file holds."""

    count: int = 0


def new_events(session: Session, file: EventFile, applied: int, covered: Covered) -> Iterator[PlacedEvent]:
    """The events that were not applied before, in order, each once; remembered as applied when the last was taken.

    Raises Unfit where a number or an id stands for two events, or an event is later than the full file over its number.
    """
    shown: datetime | None = None
    for some in batches(file.events, _AT_ONCE):
        by_number, by_id = _remembered(session, [one.event for one in some])
        rows = []
        for placed in some:
            event, digest = placed.event, content_digest(placed.event)
            if event.sequence in by_number:
                if by_number[event.sequence] != digest:
                    raise _two_under_one_number(placed)
                continue
            if event.sequence <= applied:
                shown = shown or _shown_until(session)
                if shown is not None and event.time > shown:
                    raise _later_than_the_full_file(placed, shown)
                covered.count += 1
                continue
            if by_id.setdefault(event.event_id, event.sequence) != event.sequence:
                raise _one_under_two_numbers(placed, by_id[event.event_id])
            by_number[event.sequence] = digest
            yield placed
            rows.append({"sequence": event.sequence, "event_id": event.event_id, "digest": digest})
        if rows:
            session.execute(insert(AppliedEvent), rows)


def content_digest(event: AnyEvent) -> str:
    """SHA-256 of what the event says, however its time and its absent keys are written."""
    same = event.model_copy(update={"time": event.time.astimezone(UTC)})
    return sha256(same.model_dump_json(exclude_none=True).encode()).hexdigest()


def _remembered(session: Session, events: Sequence[AnyEvent]) -> tuple[dict[int, str], dict[str, int]]:
    """Of applied events that share a number or an id with these: digest by number, number by id."""
    found = session.exec(
        select(AppliedEvent).where(
            or_(
                col(AppliedEvent.sequence).in_([event.sequence for event in events]),
                col(AppliedEvent.event_id).in_([event.event_id for event in events]),
            )
        )
    ).all()
    return {one.sequence: one.digest for one in found}, {one.event_id: one.sequence for one in found}


def _shown_until(session: Session) -> datetime | None:
    """The moment that the newest full file shows."""
    chosen = select(Act.detail).where(Act.subject == RECONCILED_SUBJECT, Act.action == RECONCILED)
    detail = session.exec(chosen.order_by(col(Act.act_id).desc()).limit(1)).first() or {}
    return datetime.fromisoformat(detail["as_of"]) if "as_of" in detail else None


def _later_than_the_full_file(placed: PlacedEvent, shown: datetime) -> Unfit:
    number, moment = placed.event.sequence, f"{placed.event.time.astimezone(JST):%Y-%m-%d %H:%M}"
    told = (
        f"sequence {number} のイベント({moment})は、その番号まで含むはずの全件照合"
        f"({shown.astimezone(JST):%Y-%m-%d %H:%M} 現在)より後のものです。"
        "送り元で番号を確かめ、新しい全件照合のファイルを取り込んでください"
    )
    return unfit(placed.line, "time", moment, "", told)


def _two_under_one_number(placed: PlacedEvent) -> Unfit:
    number = placed.event.sequence
    told = f"sequence {number} の内容が、同じ番号で届いたイベントと違います"
    return unfit(placed.line, "sequence", str(number), "同じ番号なら同じ内容", told)


def _one_under_two_numbers(placed: PlacedEvent, other: int) -> Unfit:
    told = f"event_id が、sequence {other} のイベントと同じです(イベントごとに別の event_id にしてください)"
    return unfit(placed.line, "event_id", str(placed.event.sequence), str(other), told)

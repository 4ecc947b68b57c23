"""`changes` as it was asked for, and the cursor by which an aggregator goes on (delta sync; 2-4).

A cursor says what its holder was told: changes up to a number, of rows up to a place in the history, in a window from a
first day. It serves as long as that window does: where history is given from an earlier day now, or the place has left
the window, something would never be told, so it says so instead. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from struct import Struct
from typing import Any

from madoguchi.doors.api.errors import Code, Problem, problem
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.types import MAX_ROWS
from madoguchi.procedures.ledger_reading import Changes, ChangesOf, first_position, last_position
from madoguchi.rules.data_window import DataWindow

_NOTE = Struct(">QQQI")  # number, place, beginning, first day as the calendar's ordinal


@dataclass(frozen=True, slots=True)
class _Told:
    """What the holder of a cursor was told (records/changes.py: ChangesOf)."""

    number: int
    until: int
    begun: int
    first: date


def asked_changes(arguments: Mapping[str, Any], account_id: int, window: DataWindow, ids: Ids) -> ChangesOf | Problem:
    """Read the coerced arguments of `changes` for the account they name; `after` null and absent are the same."""
    if not 1 <= arguments["first"] <= MAX_ROWS:
        return problem(Code.PAGE_SIZE, limit=MAX_ROWS)
    number, until, begun = 0, last_position(window.last), None
    after = arguments.get("after")
    if after is not None:
        told = _opened(after, account_id, ids)
        if told is None:
            return problem(Code.UNKNOWN_CURSOR)
        if window.first < told.first or told.until < first_position(window.first):
            return problem(Code.CURSOR_EXPIRED)
        number, until, begun = told.number, told.until, told.begun
    return ChangesOf(account_id, window.first, window.last, arguments["first"], number, until, begun)


def cursor_after(asked: ChangesOf, page: Changes, ids: Ids) -> str:
    """The cursor of who was told this page and all before it."""
    note = _NOTE.pack(page.number, page.until, page.begun, asked.first.toordinal())
    return ids.seal_note(Kind.CHANGES, note, asked.account_id)


def _opened(cursor: str, account_id: int, ids: Ids) -> _Told | None:
    note = ids.open_note(cursor, Kind.CHANGES, _NOTE.size, account_id)
    if note is None:
        return None
    number, until, begun, first = _NOTE.unpack(note)
    return _Told(number, until, begun, date.fromordinal(first))

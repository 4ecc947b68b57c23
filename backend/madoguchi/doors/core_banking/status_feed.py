"""Reading the internet-banking status feed: JSON Lines, UTF-8, one event a line.

Source: the models in procedures/feed_events.py, strict: an unknown kind or key, a number as text, a time without zone
refuse the file with line and key, before any of its events acts. In one file the sequence rises by one from line to
line; whether it joins the events known so far is the procedure's question.
"""

from collections.abc import Iterable
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from madoguchi.procedures.feed_events import StatusEvent
from madoguchi.procedures.feed_values import Damage, FileRefused

_EVENT: TypeAdapter[StatusEvent] = TypeAdapter(StatusEvent)
_LINE_LIMIT = 64 * 1024


def read_status_events(stream: BinaryIO) -> tuple[StatusEvent, ...] | FileRefused:
    """Every event of the file in its order, or the first thing wrong with it."""
    stream.seek(0)
    events: list[StatusEvent] = []
    number = 0
    while line := stream.readline(_LINE_LIMIT):
        number += 1
        if len(line) == _LINE_LIMIT:
            return _refused(number, "行の長さ", f"{_LINE_LIMIT}バイト以上", f"{_LINE_LIMIT}バイト未満")
        try:
            event = _EVENT.validate_json(line)
        except ValidationError as error:
            return _refusal_of(number, error)
        if events and event.sequence != events[-1].sequence + 1:
            return _refused(number, "sequence", str(event.sequence), str(events[-1].sequence + 1))
        events.append(event)
    return tuple(events)


def write_status_events(events: Iterable[StatusEvent]) -> bytes:
    """The same lines again, absent keys left out."""
    return b"".join(_EVENT.dump_json(event, exclude_none=True) + b"\n" for event in events)


def _refusal_of(number: int, error: ValidationError) -> FileRefused:
    """The first fault: its key and what was expected. The value found is not told: it may be a name or an address."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "行"
    return _refused(number, key, f"受け付けられない値({first['type']})", first["msg"])


def _refused(line: int, item: str, found: str, expected: str) -> FileRefused:
    return FileRefused(Damage(line, 0, item, found, expected))

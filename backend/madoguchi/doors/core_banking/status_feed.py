"""Reading the internet-banking status feed: JSON Lines, UTF-8, one event a line.

Source: the models in procedures/feed_events.py, strict: an unknown kind or key, a number as text, a time without zone
refuse the file with line and key, before any of its events acts. In one file the sequence rises by one from line to
line; whether it joins the events known so far is the procedure's question.
"""

from collections.abc import Iterable
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from madoguchi.procedures.feed_events import StatusEvent
from madoguchi.procedures.feed_values import Damage, FileRefused

_EVENT: TypeAdapter[StatusEvent] = TypeAdapter(StatusEvent)
_LINE_LIMIT = 64 * 1024
_KINDS = "contract.opened などのどれかにしてください"
_MOMENT = "を、時差のある日時(例: 2026-11-24T09:00:00+09:00)にしてください"
_TOLD = {  # pydantic's error types; the names in braces are of its context
    "union_tag_not_found": f"kind がありません({_KINDS})",
    "union_tag_invalid": f"kind が知られていない値です({_KINDS})",
    "dict_type": "行が JSON のオブジェクト({{…}})ではありません",
    "model_type": "{key} を JSON のオブジェクト({{…}})にしてください",
    "missing": "{key} がありません(必ず入れてください)",
    "extra_forbidden": "{key} は知られていないキーです(除いてください)",
    "string_pattern_mismatch": "{key} の形が違います({pattern} に合わせてください)",
    "string_too_short": "{key} を{min_length}文字以上にしてください",
    "string_too_long": "{key} を{max_length}文字以内にしてください",
    "string_type": '{key} を文字列("…")にしてください',
    "int_type": "{key} を整数にしてください",
    "greater_than_equal": "{key} を {ge} 以上にしてください",
    "literal_error": "{key} を {expected} のどれかにしてください",
    "enum": "{key} を {expected} のどれかにしてください",
    "datetime_parsing": "{key} " + _MOMENT,
    "datetime_from_date_parsing": "{key} " + _MOMENT,
    "datetime_type": "{key} " + _MOMENT,
    "timezone_aware": "{key} " + _MOMENT,
    "value_error": "{key} に、改行や制御文字など、見えない文字が入っています(除いてください)",
}


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
            return _refusal_of(number, line, error)
        if events and event.sequence != events[-1].sequence + 1:
            return _refused(number, "sequence", str(event.sequence), str(events[-1].sequence + 1))
        events.append(event)
    return tuple(events)


def write_status_events(events: Iterable[StatusEvent]) -> bytes:
    """The same lines again, absent keys left out."""
    return b"".join(_EVENT.dump_json(event, exclude_none=True) + b"\n" for event in events)


def _refusal_of(number: int, line: bytes, error: ValidationError) -> FileRefused:
    """The first fault: its key and what was expected. The value found is not told: it may be a name or an address."""
    first = error.errors(include_url=False, include_input=False)[0]
    type_, context = first["type"], first.get("ctx", {})
    key = ".".join(str(part) for part in first["loc"]) or ("kind" if type_.startswith("union_tag") else "行")
    told = _of_json(line, context) if type_ == "json_invalid" else _of_value(type_, key, context)
    return _refused(number, key, f"受け付けられない値({type_})", told, told)


def _of_json(line: bytes, context: dict[str, Any]) -> str:
    if not line.strip():
        return "空の行です(除いてください)"
    is_cut = str(context["error"]).startswith("EOF")
    return "行が途中で切れています(JSON として読めません)" if is_cut else "JSON として読めません"


def _of_value(type_: str, key: str, context: dict[str, Any]) -> str:
    shown = {name: str(value).replace("'", "").replace(" or ", "、") for name, value in context.items()}
    return _TOLD.get(type_, "{key} が決まった形の値ではありません").format_map({**shown, "key": key})


def _refused(line: int, item: str, found: str, expected: str, told: str = "") -> FileRefused:
    return FileRefused(Damage(line, 0, item, found, expected, told))

"""One line of the internet-banking status feed: what it says, or what is wrong with it, in Japanese for the operator.

Source: the models of procedures/status_feed/full_file.py; RFC 8259 (JSON) leaves open what a name that stands twice
means, so such a line is refused. The value found is never told: it may be a name or an address; nor is a key that no
line of the feed has.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from madoguchi.procedures.feeds.values import Damage, FileRefused
from madoguchi.procedures.status_feed.full_file import StatusLine

LINE_LIMIT: Final = 256 * 1024
"""Bytes of a line, its end included: a contract with five hundred accounts."""

_LINE: Final[TypeAdapter[StatusLine]] = TypeAdapter(StatusLine)
_KINDS = "contract.opened などのどれかにしてください"
_MOMENT = "を、時差のある日時(例: 2026-11-24T09:00:00+09:00)にしてください"
_TOLD = {  # pydantic's error types and ours; the names in braces are of its context
    "union_tag_not_found": f"kind がありません({_KINDS})",
    "union_tag_invalid": f"kind が知られていない値です({_KINDS})",
    "dict_type": "行が JSON のオブジェクト({{…}})ではありません",
    "model_type": "{key} を JSON のオブジェクト({{…}})にしてください",
    "missing": "{key} がありません(必ず入れてください)",
    "extra_forbidden": "{key} は、ここには置けないキーです(除いてください)",
    "string_pattern_mismatch": "{key} の形が違います({pattern})",
    "string_too_short": "{key} を{min_length}文字以上にしてください",
    "string_too_long": "{key} を{max_length}文字以内にしてください",
    "string_type": '{key} を文字列("…")にしてください',
    "int_type": "{key} を整数にしてください",
    "greater_than_equal": "{key} を {ge} 以上にしてください",
    "less_than_equal": "{key} を {le} 以下にしてください",
    "literal_error": "{key} を {expected} のどれかにしてください",
    "enum": "{key} を {expected} のどれかにしてください",
    "tuple_type": "{key} を JSON の配列([…])にしてください",
    "too_long": "{key} を{max_length}個以内にしてください",
    "moment": "{key} " + _MOMENT,
    "day": "{key} を、日付(例: 2026-11-24)にしてください",
    "plain_text": "{key} に、改行や制御文字など、見えない文字が入っています(除いてください)",
    "own_successor": "{key} の successor が、統合される店そのものです(引き継ぐ店にしてください)",
    "since_before_opened": "{key} の since が opened より前です(opened 以後の日時にしてください)",
}

_SHAPES = {  # patterns of procedures/status_feed/words.py
    "^[0-9]{3}$": "数字3桁にしてください",
    "^[0-9]{7}$": "数字7桁にしてください",
    "^[0-9]{8}$": "数字8桁にしてください",
}


class _StandsTwice(Exception):
    """A name that stands twice in one object."""


def read_line(line: bytes, number: int) -> StatusLine | FileRefused:
    """What the line says, or the first fault of it. `number` is its place in the file, from 1."""
    if len(line) == LINE_LIMIT:
        return refused(number, "行の長さ", f"{LINE_LIMIT}バイト以上", f"{LINE_LIMIT}バイト未満")
    try:
        said = _LINE.validate_json(line)
        # Only now, as the line is known to be no deeper than the models are.
        json.loads(line, object_pairs_hook=_each_once)
    except ValidationError as error:
        return _refusal_of(number, line, error)
    except _StandsTwice as twice:
        return refused(number, str(twice), "2つ以上", "1つ", f"{twice} が2つあります(1つにしてください)")
    return said


def refused(line: int, item: str, found: str, expected: str, told: str = "") -> FileRefused:
    """The file's refusal for what stands on this line; `told` where "expected, but found" would read badly."""
    return FileRefused(Damage(line, 0, item, found, expected, told))


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _StandsTwice(name)


def _refusal_of(number: int, line: bytes, error: ValidationError) -> FileRefused:
    first = error.errors(include_url=False, include_input=False)[0]
    type_, context = first["type"], first.get("ctx", {})
    place = [str(part) for part in first["loc"]]
    if type_ == "extra_forbidden" and place[-1] not in _known_keys():
        told = f"{_in_words(place[:-1])} に、知られていないキーがあります(除いてください)"
        return refused(number, ".".join(place[:-1]), "知られていないキー", told, told)
    key = ".".join(place) or ("kind" if type_.startswith("union_tag") else "行")
    told = _of_json(line, context) if type_ == "json_invalid" else _of_value(type_, _in_words(place), context)
    return refused(number, key, f"受け付けられない値({type_})", told, told)


def _in_words(place: Sequence[str]) -> str:
    """contact.changed の account.number: the kind of the line, then the path of keys in it."""
    kind, *keys = place or ("行",)
    return f"{kind} の {'.'.join(keys)}" if keys else kind


@cache
def _known_keys() -> frozenset[str]:
    """Every key that some line of the feed has."""
    return frozenset(_keys_of(_LINE.json_schema()))


def _keys_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
    if isinstance(schema, dict | list):
        for one in schema.values() if isinstance(schema, dict) else schema:
            yield from _keys_of(one)


def _of_json(line: bytes, context: dict[str, Any]) -> str:
    if not line.strip():
        return "空の行です(除いてください)"
    is_cut = str(context["error"]).startswith("EOF")
    return "行が途中で切れています(JSON として読めません)" if is_cut else "JSON として読めません"


def _of_value(type_: str, key: str, context: dict[str, Any]) -> str:
    shown = {name: str(value).replace("'", "") for name, value in context.items()}
    shown["expected"] = shown.get("expected", "").replace(", ", "、").replace(" or ", "、")
    shown["pattern"] = _SHAPES.get(shown.get("pattern", ""), "書き方は「madoguchi feed schema」で確かめられます")
    return _TOLD.get(type_, "{key} が決まった形の値ではありません").format_map({**shown, "key": key})

"""The JSON Schema of the internet-banking status feed, made from the models that the reader obeys.

Source: JSON Schema, draft 2020-12. It describes one line; what it cannot say (the order of lines, numbers without
gaps, counts, keys that stand twice) stands in its description. `madoguchi feed schema` and the developer's pages give
the same text.
"""

import json
import sys
import unicodedata
from functools import cache
from itertools import groupby
from typing import Any, Final

from pydantic import TypeAdapter

from madoguchi.procedures.status_feed.full_file import StatusLine
from madoguchi.procedures.status_feed.words import PLAIN
from madoguchi.rules.plain_text import is_unseen

_ABOUT: Final = """\
One line of the internet-banking status feed (インターネットバンキングの契約・登録の連携).
JSON Lines in UTF-8: one object a line, no empty line, no key twice in an object.

A file of events has any lines but full.*; `sequence` runs from 1 without gaps. A file behind a gap waits as a whole
until the missing numbers have come. The same event may come again; another one under its number or event_id may not.

The nightly full file (全件照合) has full.begin, then one full.contract a contract, then full.end with the counts.
`since` is not before `opened` and not after `as_of`; no contract and no account stands twice; a customer has one name.
What is absent ends: a contract is cancelled, an account is taken out of internet banking. Contracts that are cancelled
already may be left out."""


@cache
def status_feed_schema() -> str:
    """The schema as JSON text, the same for the same release; signs that nobody sees are escaped."""
    made = TypeAdapter(StatusLine).json_schema()
    definitions = {name: _tidy(definition) for name, definition in made.pop("$defs").items()}
    definitions["Plain"] = {
        "description": "Text without control and formatting characters (Unicode Cc, Cf, Zl, Zp).",
        "type": "string",
        "not": {"pattern": f"[{_unseen()}]"},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:madoguchi:status-feed",
        "title": "A line of the internet-banking status feed",
        "description": _ABOUT,
        **_tidy(made),
        "$defs": definitions,
    }
    text = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
    return "".join(sign if sign == "\n" or not is_unseen(sign) else json.dumps(sign)[1:-1] for sign in text)


def _tidy(node: Any) -> Any:
    """Without titles that repeat names and without OpenAPI's `discriminator`; a plain text refers to its rule."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    tidied = {
        key: _tidy(value)
        for key, value in node.items()
        if key not in (PLAIN, "discriminator") and not (key == "title" and isinstance(value, str))
    }
    return {**tidied, "$ref": "#/$defs/Plain"} if PLAIN in node else tidied


def _unseen() -> str:
    """The characters that `is_plain` refuses, as ranges. Surrogates stand in no JSON text that can be read."""
    signs = [sign for sign in map(chr, range(sys.maxunicode + 1)) if is_unseen(sign)]
    codes = [ord(sign) for sign in signs if unicodedata.category(sign) != "Cs"]
    ranges = [[code for _, code in run] for _, run in groupby(enumerate(codes), lambda one: one[1] - one[0])]
    return "".join(chr(run[0]) if len(run) == 1 else f"{chr(run[0])}-{chr(run[-1])}" for run in ranges)

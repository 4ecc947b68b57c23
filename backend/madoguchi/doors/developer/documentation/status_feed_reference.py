"""The internet-banking status feed as tables, read from its JSON Schema (procedures/status_feed/schema.py).

What every event carries stands once; each kind of line lists the rest. The schema itself is served beside.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from markupsafe import Markup, escape

from madoguchi.doors.developer.documentation.markdown import words_of
from madoguchi.doors.developer.documentation.models import Heading

Node = Mapping[str, Any]
_PLAIN: Final = "Plain"
_REF: Final = "#/$defs/"


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object, or of a list of words. `needed`: required, or what holds when it is absent."""

    name: str
    values: Markup
    needed: str
    about: Markup


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of line, or a value that lines are made of."""

    anchor: str
    name: str
    about: Markup
    items: tuple[Item, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusFeedReference:
    template: ClassVar[str] = "developer/status_feed.html"
    about: tuple[Markup, ...]
    every_event: tuple[Item, ...]
    events: tuple[Shape, ...]
    full_file: tuple[Shape, ...]
    values: tuple[Shape, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        """For the list "On this page"."""
        groups = (("events", "Events", self.events), ("full-file", "The full file", self.full_file))
        return tuple(
            heading
            for anchor, title, shapes in (*groups, ("values", "Values", self.values))
            for heading in (
                Heading(2, anchor, escape(title)),
                *(Heading(3, shape.anchor, escape(shape.name)) for shape in shapes),
            )
        )


def status_feed_reference(schema_text: str) -> StatusFeedReference:
    """The tables of the schema's text."""
    schema = json.loads(schema_text)
    definitions: dict[str, Node] = schema["$defs"]
    lines = [one["$ref"].removeprefix(_REF) for one in schema["oneOf"]]
    events = [name for name in lines if "event_id" in definitions[name]["properties"]]
    shared = [
        name
        for name, node in definitions[events[0]]["properties"].items()
        if all(definitions[event]["properties"].get(name) == node for event in events)
    ]
    return StatusFeedReference(
        about=tuple(words_of(" ".join(part.splitlines())) for part in schema["description"].split("\n\n")),
        every_event=tuple(item for item in _items(definitions[events[0]]) if item.name in shared),
        events=tuple(_shape(name, definitions[name], {"kind", *shared}) for name in events),
        full_file=tuple(_shape(name, definitions[name], {"kind"}) for name in lines if name not in events),
        values=tuple(_shape(name, node, set()) for name, node in definitions.items() if name not in lines),
    )


def _shape(name: str, node: Node, but: set[str]) -> Shape:
    kind = node.get("properties", {}).get("kind", {}).get("const")
    items = tuple(item for item in _items(node) if item.name not in but or kind is None)
    return Shape(kind or name, kind or name, words_of(node.get("description", "")), items, tuple(node.get("enum", ())))


def _items(node: Node) -> Iterator[Item]:
    for name, part in node.get("properties", {}).items():
        told = part if "anyOf" not in part else {**part["anyOf"][0], **{k: v for k, v in part.items() if k != "anyOf"}}
        needed = "required"
        if name not in node["required"]:
            default = part.get("default")
            needed = "may be absent" if default in (None, "", []) else f"absent: {json.dumps(default)}"
        yield Item(name, _values(part), needed, words_of(told.get("description", "")))


def _values(part: Node) -> Markup:
    """What may stand there, in words."""
    if "anyOf" in part:
        return Markup(", or ").join(_values(one) for one in part["anyOf"])
    if "const" in part:
        return Markup("<code>{}</code>").format(json.dumps(part["const"]))
    referred = part.get("$ref", "").removeprefix(_REF)
    if referred and referred != _PLAIN:
        return Markup('<a href="#{}">{}</a>').format(referred, referred)
    if part.get("type") == "array":
        return Markup("list of {}, at most {}").format(_values(part["items"]), part["maxItems"])
    if part.get("type") == "integer":
        most = f" to {part['maximum']}" if "maximum" in part else " or more"
        return escape(f"whole number, {part.get('minimum', 0)}{most}")
    if part.get("type") == "null":
        return Markup("<code>null</code>")
    if "format" in part:
        return escape({"date-time": "moment with its offset", "date": "day"}[part["format"]])
    words = Markup('<a href="#{}">text</a>').format(_PLAIN) if referred else escape("text")
    if "maxLength" in part:
        words += f" of {part.get('minLength', 0)} to {part['maxLength']} characters"
    return words + Markup(", <code>{}</code>").format(part["pattern"]) if "pattern" in part else words

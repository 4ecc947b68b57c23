"""The error catalogue as a page: every code that an aggregator can be told, what it means and what to do.

Code, clause, status and message come from the doors that tell them; cause, remedy and whether to try again stand in
`frontend/docs/errors.toml`. One without the other stops the start.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from markupsafe import Markup, escape

from madoguchi.doors.developer.documentation.markdown import BadPage, breakable, words_of
from madoguchi.doors.developer.documentation.models import Heading
from madoguchi.rules.vocabulary import clause_in_words

FILE: Final = "errors.toml"

Told = Mapping[str, tuple[str, int, str]]
"""What a door tells of its codes: code -> clause (`-` where none speaks), HTTP status, message."""


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """`where`: HTTP statuses, or the way it comes. `clause`: 第2条第1項, or empty. `retry` begins with Yes or No."""

    code: str
    where: str
    clause: str
    message: Markup
    cause: Markup
    remedy: Markup
    retry: Markup


@dataclass(frozen=True, slots=True)
class ErrorReference:
    """Both doors' codes, in the order of errors.toml."""

    template: ClassVar[str] = "developer/errors.html"
    graphql: tuple[ErrorEntry, ...]
    oauth: tuple[ErrorEntry, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        """For the list "On this page"."""
        return tuple(
            heading
            for title, anchor, entries in (
                ("Of the GraphQL endpoint", "graphql", self.graphql),
                ("Of the authorization server", "oauth", self.oauth),
            )
            for heading in (
                Heading(2, anchor, escape(title)),
                *(Heading(3, entry.code, breakable(entry.code)) for entry in entries),
            )
        )


def error_reference(words: str, told: Told) -> ErrorReference:
    """The catalogue of errors.toml's text and of what the GraphQL door tells. Raises BadPage where they differ."""
    both: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(words)
    if unlike := set(both["graphql"]) ^ set(told):
        raise BadPage(f"frontend/docs/{FILE} and the GraphQL door differ in {sorted(unlike)}")
    return ErrorReference(
        tuple(_entry(code, f"HTTP {told[code][1]}", *told[code][::2], said) for code, said in both["graphql"].items()),
        tuple(_entry(code, said["where"], said.get("clause", "-"), "", said) for code, said in both["oauth"].items()),
    )


def _entry(code: str, where: str, clause: str, message: str, said: Mapping[str, str]) -> ErrorEntry:
    cause, remedy, retry = (words_of(said[key]) for key in ("cause", "remedy", "retry"))
    return ErrorEntry(code, where, clause_in_words(clause), words_of(message), cause, remedy, retry)

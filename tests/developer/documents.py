"""The pages of frontend/docs as tests read them: their text, and their fenced blocks by language."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.readme import FENCE
from tests.support.tree import ROOT

DOCS = ROOT / "frontend" / "docs"


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block: where it stands, its heading, what is in it."""

    place: str
    heading: str
    body: str


def pages() -> list[Path]:
    """Every page, in the order of the menu."""
    menu = tomllib.loads((DOCS / "contents.toml").read_text("utf-8"))
    listed = [DOCS / f"{page['name']}.md" for section in menu["section"] for page in section["pages"]]
    assert {*listed} == {*DOCS.glob("*.md")}, "a page that no menu leads to, or a menu that leads to no page"
    return listed


def text_of(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def fences(language: str) -> Iterator[Fence]:
    """The blocks of one language on every page."""
    for page in pages():
        text = page.read_text("utf-8")
        for found in FENCE.finditer(text):
            named, _, heading = found["info"].strip().partition(" ")
            if named == language:
                line = text.count("\n", 0, found.start()) + 1
                yield Fence(f"{page.name}:{line}", heading, found["body"])


def words_of(name: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(FENCE, "", text_of(name))

"""All pages and files of the documentation, read and made once: what is wrong with one of them stops the start.

Which pages there are, and in which order, stands in `frontend/docs/contents.toml`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from markupsafe import Markup

from madoguchi.doors.developer.documentation.highlighting import SUFFIXES, highlighted
from madoguchi.doors.developer.documentation.markdown import BadPage, Make, Writer
from madoguchi.doors.developer.documentation.models import (
    ROOT,
    CodeBlock,
    DocumentPage,
    Entry,
    Part,
    Section,
    trusted,
)
from madoguchi.doors.templating import Templates

OVERVIEW: Final = Entry("", "Overview", "Read the accounts a customer chose to show you.")
FOLDERS: Final = ("recipes", "operations")
SANDBOX_ONLY: Final = ("/sample", f"{ROOT}/graphiql")
"""Addresses that are served in the sandbox alone: elsewhere a link to them is shown as its words."""
EXAMPLE: Final = (("operations/balances.graphql", "Query"), ("operations/balances.json", "Answer"))
WRITTEN_ISSUER: Final = "http://127.0.0.1:8000"
"""The issuer that files are written with."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """menu  with the overview first.  pages  by name.  files  `recipes/quickstart.py` -> its text.

    example  a query and its answer, for the overview.
    """

    menu: tuple[Section, ...]
    pages: Mapping[str, DocumentPage]
    files: Mapping[str, str]
    example: tuple[Markup, Markup]

    @property
    def guides(self) -> list[Entry]:
        """Every page but the overview."""
        return [entry for section in self.menu for entry in section.pages if entry.name]


def fill(docs: Path, templates: Templates, issuer: str, mode: str, makes: Mapping[str, Make]) -> Shelf:
    """Read the folder. Raises BadPage, or OSError for a page that is listed and not there."""
    menu = read_contents(docs)
    entries = [entry for section in menu for entry in section.pages if entry.name]
    files = read_files(docs)

    def link(address: str) -> str:
        if mode == "production" and address.startswith(SANDBOX_ONLY):
            return ""
        return _linked(address, {entry.name for entry in entries})

    def show(block: CodeBlock) -> str:
        return templates.render(block)

    writer = Writer(show, {**makes, "include": lambda words: Part(trusted(show(_included(files, words))))}, link, mode)
    pages = {}
    for entry, before, after in zip(entries, [OVERVIEW, *entries], [*entries[1:], None], strict=False):
        text = (docs / f"{entry.name}.md").read_text("utf-8").replace(WRITTEN_ISSUER, issuer)
        try:
            page = writer.write(text)
        except ValueError as fault:
            raise BadPage(f"frontend/docs/{entry.name}.md: {fault}") from fault
        pages[entry.name] = DocumentPage(entry, page.title, page.lead, page.body, page.headings, before, after)
    query, answer = (show(_block(files[name], name, heading)) for name, heading in EXAMPLE)
    return Shelf(menu, pages, files, (trusted(query), trusted(answer)))


def read_contents(docs: Path) -> tuple[Section, ...]:
    """The menu of contents.toml, the overview put in front."""
    told = tomllib.loads((docs / "contents.toml").read_text("utf-8"))
    sections = [
        Section(section["title"], tuple(Entry(page["name"], page["title"], page["about"]) for page in section["pages"]))
        for section in told["section"]
    ]
    return (replace(sections[0], pages=(OVERVIEW, *sections[0].pages)), *sections[1:])


def read_files(docs: Path) -> dict[str, str]:
    """The files of the folders that pages show and readers take home."""
    return {
        f"{folder}/{path.name}": path.read_text("utf-8")
        for folder in FOLDERS
        for path in sorted((docs / folder).glob("*"))
        if path.suffix in SUFFIXES
    }


def _linked(address: str, names: set[str]) -> str:
    """`errors.md#CODE` as its address; anything else as it stands."""
    page = re.fullmatch(r"([\w-]+)\.md(#[\w.-]+)?", address)
    if page is None:
        return address
    if page[1] not in names:
        raise BadPage(f"a link to a page that is not in contents.toml: {address}")
    return f"{ROOT}/{page[1]}{page[2] or ''}"


def _included(files: Mapping[str, str], words: str) -> CodeBlock:
    """{include recipes/quickstart.py} or {include recipes/quickstart.py#proof}"""
    name, _, piece = words.partition("#")
    if name not in files:
        raise BadPage(f"{{include {words}}}: no such file, or of no known kind")
    if not piece:
        return _block(files[name], name, Path(name).name)
    start, end = re.escape(f"[{piece}]"), re.escape(f"[/{piece}]")
    found = re.search(rf"^.*{start}.*\n([\s\S]*?)^.*{end}", files[name], re.MULTILINE)
    if found is None:
        raise BadPage(f"{{include {words}}}: the file has no such lines")
    return _block(found[1], name, f"{Path(name).name}: {piece.replace('-', ' ')}")


def _block(code: str, name: str, heading: str) -> CodeBlock:
    anchor = re.sub(r"[^a-z0-9]+", "-", f"{name} {heading}".lower())
    return CodeBlock(anchor, Markup.escape(heading), highlighted(code, SUFFIXES[Path(name).suffix]), f"{ROOT}/{name}")

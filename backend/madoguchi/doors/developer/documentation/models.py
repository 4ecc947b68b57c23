"""What the templates of the documentation may show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from markupsafe import Markup

from madoguchi.doors.templating import Preferences

ROOT: Final = "/developer"


def trusted(html: str) -> Markup:
    """HTML of our own making, everything from outside escaped in it."""
    return Markup(html)  # noqa: S704 - the one place where that is said


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as the menu names it. `about` is its one sentence on the home page, and its description."""

    name: str
    title: str
    about: str

    @property
    def address(self) -> str:
        return f"{ROOT}/{self.name}" if self.name else ROOT


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the menu."""

    title: str
    pages: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that the list "On this page" leads to; `level` 2 or 3."""

    level: int
    id: str
    words: Markup


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a page with the headings in it."""

    html: Markup
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page; `here` is path and query of this page, `current` its entry's name."""

    institution: str
    phone: str
    phone_hours: str
    is_sample: bool
    is_sandbox: bool
    here: str
    current: str | None
    menu: Sequence[Section]
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page of words. `title` and `lead` may hold marked Japanese."""

    template: ClassVar[str] = "developer/document.html"
    entry: Entry
    title: Markup
    lead: Markup
    body: Markup
    headings: tuple[Heading, ...]
    before: Entry | None = None
    after: Entry | None = None


@dataclass(frozen=True, slots=True)
class MissingPage:
    """There is no page at this address."""

    template: ClassVar[str] = "developer/missing.html"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A block of code under its heading. `download` is the address of the file that it shows."""

    template: ClassVar[str] = "developer/code.html"
    id: str
    heading: Markup
    code: Markup
    download: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A Markdown file, rendered."""

    title: Markup
    lead: Markup
    body: Markup
    headings: tuple[Heading, ...] = field(default=())

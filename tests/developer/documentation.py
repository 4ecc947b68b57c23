"""The documentation as it is served, with a credit union that stands on paper: no database, the story's moment.

`read` takes a page apart: its links, its ids, its words.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from madoguchi.doors import developer
from madoguchi.doors.api.errors import catalogue
from madoguchi.doors.templating import Templates
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.rules.facts import InstitutionFacts, Stop
from madoguchi.rules.vocabulary import JST, Precision, StopTarget
from madoguchi.settings import Mode, Settings
from tests import story
from tests.rules.given import institution

TEMPLATES = Templates(find_frontend())
SANDBOX = Settings(issuer="http://127.0.0.1:8000", database_url="sqlite+aiosqlite:///x", bank_code="2999")
PRODUCTION = Settings(
    mode=Mode.PRODUCTION, issuer="https://api.bank.example", database_url="sqlite+aiosqlite:///x", bank_code="2999"
)
STOPPED = Stop(1, StopTarget.ALL, "", story.NOW, None)


class Paper:
    """Stands for the database: the two readings that the documentation makes."""

    def __init__(self, facts: InstitutionFacts, data_as_of: datetime | None = story.NOW) -> None:
        named = SimpleNamespace(
            name="みほん信用組合", phone="0120-000-000", phone_hours="平日 9:00〜17:00", is_sample=True
        )
        announced = SimpleNamespace(
            institution=named,
            facts=facts,
            terms_version=date(2026, 10, 1),
            data_as_of=data_as_of,
            data_precision=Precision.MINUTE,
        )
        self.answers = {"institution": named, "announcement": announced}

    async def reading(self, procedure: Callable[..., Any], *args: Any) -> Any:
        return self.answers[procedure.__name__]


def application(
    settings: Settings = SANDBOX, at: datetime = story.NOW, facts: InstitutionFacts | None = None, **paper: Any
) -> Starlette:
    """Static files, schemas and documentation, and nothing else."""
    database: Any = Paper(facts or institution(), **paper)
    context = developer.DocumentationContext(settings, lambda: at, database, TEMPLATES, catalogue())
    assets = Route(f"{TEMPLATES.assets.base}/{{path:path}}", TEMPLATES.assets.serve)
    return Starlette(routes=[assets, *developer.open_routes(context)])


@contextmanager
def visiting(app: Any, base_url: str = SANDBOX.issuer) -> Iterator[httpx.AsyncClient]:
    """A client of the application, without a socket."""
    yield httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url)


@dataclass
class Page(HTMLParser):
    """A page taken apart. `links` are the addresses of `a`, `words` everything that stands between tags."""

    text: str
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    tags: list[str] = field(default_factory=list)
    words: str = ""
    japanese: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._languages: list[tuple[str, str]] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes |= {*given}
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag not in ("meta", "link", "input", "br", "wbr", "hr", "path", "line", "rect", "circle", "img"):
            inherited = self._languages[-1][1] if self._languages else ""
            self._languages.append((tag, given.get("lang") or inherited))

    def handle_endtag(self, tag: str) -> None:
        while self._languages and self._languages.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.words += data
        if (
            self._languages
            and self._languages[-1][1] != "ja"
            and not {"code", "title"} & {tag for tag, _ in self._languages}
        ):
            self.japanese += [data] if any("\u3040" <= sign <= "\u9fff" for sign in data) else []


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026 in Japan."""
    return datetime(2026, 11, day, hour, minute, tzinfo=JST)

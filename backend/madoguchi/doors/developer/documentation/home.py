"""/developer itself: what a developer needs first, and how the service stands now (2-1, 6-1, 7-3, 9-1).

The hours told are those of personal internet banking, as on the credit union's own home page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

from markupsafe import Markup

from madoguchi.doors.developer.documentation.models import ROOT, Entry
from madoguchi.procedures.announcing import Announcement
from madoguchi.rules.service_hours import is_open, next_closing, next_opening
from madoguchi.rules.suspension import service_stopped
from madoguchi.rules.vocabulary import JST, Precision, Product
from madoguchi.settings import Settings

SHOWN: Final = Product.PERSONAL


@dataclass(frozen=True, slots=True)
class Standing:
    """The service at one moment, in words. `state`: open, closed or stopped; an empty text is not shown."""

    state: str
    until: str
    next_opening: str
    data_as_of: str
    terms: str


@dataclass(frozen=True, slots=True)
class HomePage:
    """query, answer  one example, as blocks.  guides  pages to go on with.  addresses  name and path or address."""

    template: ClassVar[str] = "developer/home.html"
    standing: Standing
    query: Markup
    answer: Markup
    guides: Sequence[Entry]
    addresses: Sequence[tuple[str, str]]


def standing(told: Announcement, at: datetime) -> Standing:
    """How the service stands at `at` (aware)."""
    facts = told.facts
    stopped, opened = service_stopped(at, facts.stops), is_open(at, SHOWN, facts)
    closing, opening = next_closing(at, SHOWN, facts), next_opening(at, SHOWN, facts)
    until = ""
    if opened and not stopped:
        until = f"until {_moment(closing, at)}" if closing is not None else "at all hours"
    return Standing(
        state="stopped" if stopped else "open" if opened else "closed",
        until=until,
        next_opening=_moment(opening) if opening is not None and not stopped else "",
        data_as_of=_as_of(told),
        terms=f"as of {_day(told.terms_version)}",
    )


def addresses(settings: Settings) -> list[tuple[str, str]]:
    """Where things are in this installation."""
    sandbox = [("GraphiQL", f"{ROOT}/graphiql"), ("Sample aggregator", "/sample")] if settings.is_sandbox else []
    return [
        ("Issuer", settings.issuer),
        ("Server metadata", "/.well-known/oauth-authorization-server"),
        ("Resource metadata", "/.well-known/oauth-protected-resource/graphql"),
        ("GraphQL", "POST /graphql"),
        ("Schema (SDL)", f"{ROOT}/schema.graphql"),
        *sandbox,
    ]


def _as_of(told: Announcement) -> str:
    if told.data_as_of is None:
        return ""
    return _day(told.data_as_of) if told.data_precision is Precision.DAY else _moment(told.data_as_of)


def _day(day: date) -> str:
    """1 October 2026; a moment counts as its day in Japan."""
    day = day.astimezone(JST) if isinstance(day, datetime) else day
    return f"{day.day} {day:%B %Y}"


def _moment(moment: datetime, beside: datetime | None = None) -> str:
    """Wed 25 Nov, 07:00 JST; the time alone where it is the day of `beside`."""
    wall = moment.astimezone(JST)
    same_day = beside is not None and beside.astimezone(JST).date() == wall.date()
    return f"{wall:%H:%M} JST" if same_day else f"{wall:%a} {wall.day} {wall:%b, %H:%M} JST"

"""A customer's visit as the procedures see it: pushed requests, browser sessions, a log-in, a choice."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures.consent_page import ConsentView, show_consent
from madoguchi.procedures.consenting import Choice, Mistakes, Redirect, give_consent
from madoguchi.procedures.logging_in import METHOD, Identified
from madoguchi.procedures.proceeding import Halt, Proceeding, Visit, bind_login, open_request
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest
from madoguchi.rules.vocabulary import Scope
from madoguchi.settings import Settings
from tests.story import ALL_SCOPES, CALLBACK, ISSUER, NOW, Story

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
CHECKS = frozenset({"1-2-2", "1-3", "4-7"})
BOTH = frozenset({"balances", "transactions"})


class NobodyLocked:
    """An identity method whose lock the test turns by hand; who logs in is told to `bind_login` directly."""

    is_available = True

    def __init__(self) -> None:
        self.locked: set[int] = set()

    async def identify(self, attempt: object, at: datetime) -> Identified:
        raise AssertionError("these tests bind the log-in directly")

    def locked_until(self, session: Session, customer_id: int, at: datetime) -> datetime | None:
        return at + MINUTE if customer_id in self.locked else None


def settings_for(database_url: str = "sqlite+aiosqlite:///unused.db", data_dir: Path = Path("unused")) -> Settings:
    """The sandbox of the story."""
    return Settings(issuer=ISSUER, database_url=database_url, data_dir=data_dir, sample_login=True, bank_code="9876")


def push(
    session: Session,
    aggregator_id: str,
    redirect_uri: str = CALLBACK,
    scopes: Iterable[Scope] = ALL_SCOPES,
    at: datetime = NOW,
    state: str | None = "state-1",
) -> str:
    """A pushed request as the authorization server keeps it; returns its id."""
    request = PushedRequest(
        request_id=opaque.new_id("req_"),
        request_uri_hash=opaque.stored(opaque.new_secret(opaque.REQUEST_URI)),
        aggregator_id=aggregator_id,
        redirect_uri=redirect_uri,
        scopes=list(scopes),
        state=state,
        code_challenge="c" * 43,
        pushed_at=at,
        expires_at=at + timedelta(seconds=90),
    )
    session.add(request)
    session.flush()
    return request.request_id


def visit(request_id: str, at: datetime = NOW, browser: str = "browser-1", **other: object) -> Visit:
    return Visit(request_id, opaque.stored(browser), at, NobodyLocked(), settings_for(), **other)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Shown:
    """A visit that has come as far as the consent page, and what the page states."""

    visit: Visit
    view: ConsentView

    def later(self, passed: timedelta) -> Visit:
        return replace(self.visit, at=self.visit.at + passed)

    def choice(
        self,
        *accounts: int,
        scopes: Iterable[str] = BOTH,
        confirmed: Iterable[str] = CHECKS,
        terms_digest: str | None = None,
        last_day: date | None = None,
    ) -> Choice:
        return Choice(
            frozenset(map(str, accounts)),
            frozenset(scopes),
            frozenset(confirmed),
            terms_digest if terms_digest is not None else self.view.terms.digest,
            last_day or self.view.last_day,
        )


def opened(session: Session, request_id: str, at: datetime = NOW, browser: str = "browser-1") -> Visit:
    """Open the request in this browser."""
    found = open_request(session, visit(request_id, at, browser), opaque.stored(browser))
    assert isinstance(found, Proceeding), found
    return visit(request_id, at, browser)


def logged_in(
    session: Session, story: Story, request_id: str, at: datetime = NOW, customer: tuple[int, int | None] | None = None
) -> Visit:
    """Open it and log 見本花子 in (or somebody else)."""
    first = opened(session, request_id, at, f"before {request_id}")
    customer_id, contract_id = customer or (story.hanako, story.hanako_contract)
    browser = f"after {request_id}"
    bind_login(session, first, Identified(customer_id, contract_id, METHOD), opaque.stored(browser))
    return replace(first, session_hash=opaque.stored(browser))


def shown(session: Session, story: Story, request_id: str, at: datetime = NOW) -> Shown:
    """Come as far as the consent page."""
    there = logged_in(session, story, request_id, at)
    view = show_consent(session, there)
    assert isinstance(view, ConsentView), view
    return Shown(there, view)


async def ask(database: Database, visit: Visit, choice: Choice) -> Redirect | Mistakes | Halt:
    return await database.writing(give_consent, visit, choice)


def answer(found: object) -> dict[str, str]:
    """The parameters that go back to the aggregator."""
    assert isinstance(found, Redirect), found
    assert found.url.startswith(CALLBACK + "?")
    given = parse_qs(urlsplit(found.url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in given.values())
    return {name: values[0] for name, values in given.items()}


async def all_of(database: Database, kind: type[Any]) -> list[Any]:
    return list(await database.reading(lambda session: session.exec(select(kind)).all()))

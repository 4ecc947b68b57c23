"""The pages' door over HTTP without a socket: an application of that door alone, and a browser that reads forms."""

import html
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from madoguchi.doors import pages
from madoguchi.doors.http import RequestIds
from madoguchi.doors.pages.context import PagesContext
from madoguchi.doors.templating import Templates
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.procedures.logging_in import IdentityMethod, identity_method
from madoguchi.procedures.sample_logins import current_code, sample_password
from madoguchi.records.database import Database
from madoguchi.settings import Settings
from tests.story import ISSUER, NOW

HANAKO = "10000001"
JIRO = "10000002"
TEMPLATES = Templates(find_frontend())


@dataclass
class Hands:
    """A clock that the test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True)
class MasterOnly:
    master: bytes = b"m" * 32


def pages_app(
    database: Database, settings: Settings, clock: Hands, identity: IdentityMethod | None = None
) -> Starlette:
    """The pages' door alone."""
    context = PagesContext(
        settings=settings,
        clock=clock,
        database=database,
        templates=TEMPLATES,
        keys=MasterOnly(),
        identity=identity or identity_method(database, settings),
    )
    return Starlette(
        routes=[Route("/static/{path:path}", TEMPLATES.assets.serve), *pages.routes(context)],
        middleware=[Middleware(RequestIds)],
        exception_handlers=pages.exception_handlers(context),
    )


@dataclass
class Person:
    """Somebody at a browser of their own: keeps cookies, follows our own redirects, fills in what a page shows."""

    app: Starlette
    database: Database
    clock: Hands
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=ISSUER)

    async def get(self, address: str) -> httpx.Response:
        answer = await self.client.get(address)
        while answer.status_code == 303 and answer.headers["location"].startswith("/"):
            answer = await self.client.get(answer.headers["location"])
        return answer

    async def post(self, address: str, form: dict[str, Any], **headers: str) -> httpx.Response:
        """One POST; redirects are not followed."""
        return await self.client.post(address, data=form, headers={"sec-fetch-site": "same-origin", **headers})

    async def log_in(self, login_page: httpx.Response, number: str = HANAKO, **other: str) -> httpx.Response:
        """Fill in the log-in form with what is right for `number`, unless told otherwise."""
        code = await self.database.reading(current_code, number, self.clock()) or "000000"
        form = {
            "form_token": token(login_page),
            "customer_number": number,
            "password": sample_password(MasterOnly().master, number),
            "one_time_code": code,
            **other,
        }
        return await self.post(action(login_page), form)

    async def come_to_consent(self, request_id: str, number: str = HANAKO) -> httpx.Response:
        """From the authorization server's redirect to the consent page."""
        login_page = await self.get(f"/consent/begin/{request_id}")
        assert "ログイン" in title(login_page), title(login_page)
        answer = await self.log_in(login_page, number)
        assert answer.status_code == 303, title(answer)
        return await self.get(answer.headers["location"])


def choice(page: httpx.Response, *accounts: int, **other: Any) -> dict[str, Any]:
    """A complete approval on the consent page, unless told otherwise."""
    chosen: dict[str, Any] = {
        "form_token": token(page),
        "terms": hidden(page, "terms"),
        "account": [str(account) for account in accounts],
        "scope": ["balances", "transactions"],
        "confirm_contract": "yes",
        "agree_terms": "yes",
        "accept_risks": "yes",
        "decision": "approve",
    }
    return {name: value for name, value in {**chosen, **other}.items() if value is not None}


def title(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)
    return re.sub(r"<[^>]*>|\s", "", found[1]) if found else page.text


def action(page: httpx.Response) -> str:
    """Where the page's form goes."""
    found = re.search(r'<form[^>]* action="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def token(page: httpx.Response) -> str:
    return hidden(page, "form_token")


def links(page: httpx.Response) -> list[str]:
    """Where the page leads, apart from its own other text sizes."""
    found = [html.unescape(link) for link in re.findall(r'<a[^>]* href="([^"]*)"', page.text)]
    return [link for link in found if not re.search(r"[?&]size=\d$", link)]


def ticked(page: httpx.Response) -> list[str]:
    """Names and values of the boxes that are ticked."""
    boxes = re.findall(r"<input type=\"checkbox\"[^>]*>", page.text)
    found = [re.search(r'name="([^"]*)" value="([^"]*)"', box) for box in boxes if " checked" in box]
    return [f"{one[1]}={one[2]}" for one in found if one]


def answered(answer: httpx.Response) -> dict[str, str]:
    """What goes back to the aggregator."""
    assert answer.status_code == 303, title(answer)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

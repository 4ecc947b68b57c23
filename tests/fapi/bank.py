"""The authorization server over HTTP with a clock the test turns, and aggregators that speak to it.

What the customer does at the pages is done through the same procedures (tests/flows/visits.py); the pages have tests of
their own. An aggregator is right by default and wrong wherever a test says so: `ABSENT` leaves a field out.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc.jwk import ECKey, Key
from sqlmodel import Session, col, select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from madoguchi import opaque
from madoguchi.doors.http import RequestIds
from madoguchi.doors.oauth.context import OAuthContext
from madoguchi.doors.oauth.endpoints import routes
from madoguchi.procedures.consenting import Redirect, give_consent
from madoguchi.procedures.reading import admit
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest, Registration
from madoguchi.rules.vocabulary import Cause, RegistrationState
from madoguchi.settings import Settings
from tests import story
from tests.fapi.jwts import ABSENT, Assertions, digest, proof, without_absent
from tests.flows import visits

VERIFIER = "verifier-" + "v" * 40
SERVER_KEY = ECKey.generate_key("P-256", {"kid": "server-1", "use": "sig", "alg": "ES256"})


@dataclass
class Clock:
    """Time stands still until a test moves it."""

    now: datetime = story.NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def error_page(request: Request, state: str, aggregator: str) -> Response:
    """Stands for the pages' door: the state's name, in a page."""
    return PlainTextResponse(f"{state} {aggregator}", 409 if state == "ALREADY_DECIDED" else 400)


@dataclass(frozen=True)
class Bank:
    """One worker, its database and its people."""

    app: Starlette
    http: httpx.AsyncClient
    database: Database
    clock: Clock
    settings: Settings
    story: story.Story

    @property
    def kakeibo(self) -> "Aggregator":
        return self.aggregator("みほん家計簿", self.story.kakeibo_client, story.CALLBACK)

    @property
    def kaikei(self) -> "Aggregator":
        return self.aggregator("みほん会計", self.story.kaikei_client, "https://kaikei.mihon.example/callback")

    def aggregator(self, name: str, client_id: str, redirect_uri: str) -> "Aggregator":
        client = Assertions(client_id, story.aggregator_key(name), self.settings.issuer)
        return Aggregator(self, client, redirect_uri, story.proof_key(name))

    async def consent(self, request_id: str) -> str:
        """見本花子 opens the request in her browser, logs in and agrees to all; returns where she is sent."""
        return (await self.consents(request_id, 1))[0]

    async def consents(self, request_id: str, clicks: int) -> list[str]:
        """The same, with so many clicks on the button."""

        def go(session: Session) -> list[str]:
            page = visits.shown(session, self.story, request_id, self.clock())
            choice = page.choice(self.story.ordinary)
            outcomes = [give_consent(session, page.visit, choice) for _ in range(clicks)]
            return [outcome.url for outcome in outcomes if isinstance(outcome, Redirect)]

        return await self.database.writing(go)

    async def open(self, request_id: str) -> None:
        """Her browser opens the request, and she thinks it over."""
        await self.database.writing(visits.opened, request_id, self.clock())

    async def serves(self, access_token: str) -> bool:
        """Whether the resource admits this token now (the proof apart)."""
        admission = await self.database.reading(admit, opaque.stored(access_token), self.clock())
        return admission is not None and not admission.access.denied

    async def registrations(self) -> list[Registration]:
        return await self.database.reading(
            lambda s: list(s.exec(select(Registration).order_by(col(Registration.registered_at))))
        )

    async def ends(self) -> list[tuple[RegistrationState, Cause | None]]:
        return [
            (RegistrationState(one.state), Cause(one.ended_cause) if one.ended_cause else None)
            for one in await self.registrations()
        ]

    async def pushed(self) -> list[PushedRequest]:
        return await self.database.reading(
            lambda s: list(s.exec(select(PushedRequest).order_by(col(PushedRequest.pushed_at))))
        )


@dataclass(frozen=True)
class Aggregator:
    """A client with its key, its proof key and its one redirect URI."""

    bank: Bank
    client: Assertions
    redirect_uri: str
    proof_key: Key
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_key(self, key: Key) -> "Aggregator":
        """The same client with another proof key."""
        return replace(self, proof_key=key)

    async def post(
        self, path: str, form: Mapping[str, Any], proofs: Iterable[str] = (), **authentication: Any
    ) -> httpx.Response:
        """POST a form with client authentication; fields given here win over it."""
        fields = without_absent({**self.client.form(self.bank.clock(), **authentication), **form})
        headers = [*self.headers.items(), *(("DPoP", one) for one in proofs)]
        return await self.bank.http.post(path, data=fields, headers=headers)

    def proof(self, path: str = "/token", **claims: Any) -> str:
        return proof(self.proof_key, "POST", self.bank.settings.issuer + path, self.bank.clock(), **claims)

    async def push(
        self, proofs: Iterable[str] = (), authentication: Mapping[str, Any] | None = None, **form: Any
    ) -> httpx.Response:
        fields = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "accounts balances transactions",
            "state": "state-1",
            "code_challenge": digest(VERIFIER),
            "code_challenge_method": "S256",
        }
        return await self.post("/par", {**fields, **form}, proofs, **(authentication or {}))

    async def authorize(self, request_uri: str, **query: str) -> httpx.Response:
        return await self.bank.http.get(
            "/authorize", params={"client_id": self.client.client_id, "request_uri": request_uri, **query}
        )

    async def opened(self, **form: Any) -> str:
        """Push and open; the pushed request's id."""
        pushed = await self.push(**form)
        assert pushed.status_code == 201, pushed.text
        answer = await self.authorize(pushed.json()["request_uri"])
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].removeprefix(self.bank.settings.issuer + "/consent/begin/")

    async def response(self, **form: Any) -> dict[str, list[str]]:
        """Push, open, consent: the parameters that come back."""
        return parse_qs(urlsplit(await self.bank.consent(await self.opened(**form))).query)

    async def code(self, **form: Any) -> str:
        return (await self.response(**form))["code"][0]

    async def token(
        self, proofs: Iterable[str] | None = None, authentication: Any = None, **form: Any
    ) -> httpx.Response:
        given = [self.proof()] if proofs is None else proofs
        return await self.post("/token", form, given, **(authentication or {}))

    async def redeem(self, code: str, **changes: Any) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return await self.token(**{**fields, **changes})

    async def refresh(self, refresh_token: str, **changes: Any) -> httpx.Response:
        return await self.token(**{"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    async def revoke(self, token: Any, **form: Any) -> httpx.Response:
        return await self.post("/revoke", {"token": token, **form})

    async def registered(self) -> dict[str, Any]:
        """The whole way to tokens."""
        answer = await self.redeem(await self.code())
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@asynccontextmanager
async def bank_on(database: Database, told: story.Story, clock: Clock | None = None) -> AsyncIterator[Bank]:
    """A worker on this database, in which the story stands; several may share one."""
    clock = clock or Clock()
    settings = visits.settings_for(database.engine.url.render_as_string(hide_password=False))
    jwks = {"keys": [SERVER_KEY.as_dict(private=False)]}
    app = Starlette(
        routes=routes(OAuthContext(settings, clock, database, jwks, "test", error_page)),
        middleware=[Middleware(RequestIds)],
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.issuer) as http:
        yield Bank(app, http, database, clock, settings, told)


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error in the format of RFC 6749 section 5.2, never cached."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


__all__ = ["ABSENT", "VERIFIER", "Aggregator", "Bank", "Clock", "bank_on", "error"]

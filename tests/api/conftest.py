"""The GraphQL door with the story behind it: a caller that holds a token and its key, and a count of statements."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import event
from sqlmodel import col, select
from starlette.applications import Starlette

from madoguchi.doors.api.context import ApiContext
from madoguchi.doors.api.endpoint import routes
from madoguchi.doors.api.ids import Ids
from madoguchi.doors.http import RequestIds
from madoguchi.procedures.quotas import Quotas
from madoguchi.procedures.recording import Recorder
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.audit import AccessRecord
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from madoguchi.rules.vocabulary import Cause
from madoguchi.settings import Settings
from tests import story
from tests.story import Registered, Story

MASTER_KEY = b"master key of the tests, 32 bytes"
URL = f"{story.ISSUER}/graphql"
_numbers = count(1)


def proof(token: str, at: datetime, method: str = "POST", key: ECKey | None = None, **claims: Any) -> str:
    """A DPoP proof as an aggregator's software makes it (RFC 9449 section 4.2)."""
    key = key or story.proof_key()
    ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    body = {
        "jti": f"proof {next(_numbers)}",
        "htm": method,
        "htu": URL,
        "iat": int(at.timestamp()),
        "ath": ath,
        **claims,
    }
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}

    return jws.serialize_compact(header, json.dumps(body).encode(), key)


def refused(body: dict[str, Any]) -> dict[tuple[str | int, ...], tuple[str, str]]:
    """Path -> code and clause of each error of an answer."""
    return {tuple(e["path"]): (e["extensions"]["code"], e["extensions"]["clause"]) for e in body.get("errors", ())}


@dataclass
class Caller:
    """An aggregator's software with one token. `at` is the server's clock and its own; it moves only by hand."""

    http: httpx.AsyncClient
    database: Database
    told: Story
    quotas: Quotas
    token: str = ""
    at: datetime = story.NOW
    statements: list[str] = field(default_factory=list)

    @property
    def ids(self) -> Ids:
        return Ids(MASTER_KEY, self.told.kakeibo)

    def headers(self, method: str = "POST", **more: str) -> dict[str, str]:
        return {"Authorization": f"DPoP {self.token}", "DPoP": proof(self.token, self.at, method), **more}

    async def post(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        body: dict[str, Any] = {"query": query, **({"variables": variables} if variables is not None else {}), **more}
        return await self.http.post("/graphql", json=body, headers=self.headers())

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The body of an answer that came with 200."""
        answer = await self.post(query, variables, **more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def register(self, *args: Any, **kwargs: Any) -> Registered:
        """Register, and hold the token from now on."""
        registered = await self.database.writing(story.register, self.told, *args, **kwargs)
        self.token = registered.access_token
        return registered

    async def register_again(self, **how: Any) -> None:
        """The registration is replaced by another one."""
        await self.database.writing(
            stop_registrations, Cause.REPLACED, story.WHO, story.NOW, customer_id=self.told.hanako
        )
        await self.register(**how)

    async def registration(self) -> Registration:
        """The active registration as it stands in the database, or the one that was."""
        newest = select(Registration).order_by(col(Registration.state), col(Registration.registered_at).desc())
        return await self.database.reading(lambda session: session.exec(newest).all()[0])

    async def records(self) -> list[AccessRecord]:
        return await self.database.reading(
            lambda session: list(session.exec(select(AccessRecord).order_by(col(AccessRecord.request_id))).all())
        )

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """The statements the server runs inside the block."""
        self.statements.clear()
        yield self.statements


@pytest.fixture
def told(told_story: Story) -> Story:
    """The story, standing in this test's database."""
    return told_story


@asynccontextmanager
async def calling(told: Story, database: Database) -> AsyncIterator[Caller]:
    """A caller without a token at a worker process of its own: one more of them is one more worker."""
    held: list[Caller] = []
    settings = Settings(issuer=story.ISSUER, database_url="sqlite+aiosqlite://", bank_code="9999")
    recorder = Recorder(database, "test")
    context = ApiContext(
        settings=settings,
        clock=lambda: held[0].at,
        database=database,
        recorder=recorder,
        quotas=Quotas(settings.allowance, recorder.worker),
        master_key=MASTER_KEY,
    )
    app = RequestIds(Starlette(routes=routes(context)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=story.ISSUER) as http:
        held.append(Caller(http, database, told, context.quotas))
        yield held[0]


@pytest.fixture
async def caller(told: Story, database: Database) -> AsyncIterator[Caller]:
    """みほん家計簿 with a full registration of 見本花子 (ordinary and current account), on the story's day."""
    async with calling(told, database) as one:

        @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
        def note(_c: Any, _cur: Any, statement: str, *_rest: Any) -> None:
            one.statements.append(statement)

        await one.register()
        yield one


SECOND = timedelta(seconds=1)

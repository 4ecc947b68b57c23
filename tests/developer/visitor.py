"""A visitor of the sample aggregator, the aggregator's own server around it, and what a credit union would answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from madoguchi.doors import developer
from madoguchi.doors.developer.context import Designation, DeveloperContext, keep_designation
from madoguchi.doors.templating import Templates
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.settings import Settings
from tests import story
from tests.developer.fake_bank import FakeBank

CLIENT_ID = "client_kakeibo"
KEY = ECKey.generate_key("P-256", {"kid": "kakeibo-1", "use": "sig", "alg": "ES256"})
AS_OF = "2026-11-24T14:00:00+09:00"
ALL = ["ACCOUNTS", "BALANCES", "TRANSACTIONS"]


@dataclass(frozen=True)
class Keys:
    sample_aggregator: Mapping[str, Any]


@cache
def templates() -> Templates:
    """Compiled once for a test process."""
    return Templates(find_frontend())


def context(settings: Settings, clock: Any = lambda: story.NOW) -> DeveloperContext:
    return DeveloperContext(settings, clock, templates(), Keys({"keys": [KEY.as_dict(private=True)]}))


def tokens(access_token: str, **more: Any) -> dict[str, Any]:
    return {
        "access_token": access_token,
        "token_type": "DPoP",
        "expires_in": 300,
        "scope": "accounts balances transactions",
        **more,
    }


def row(day: int, direction: str, amount: int, after: int | None) -> dict[str, Any]:
    return {
        "bookedOn": f"2026-11-{day}",
        "direction": direction,
        "amount": amount,
        "balanceAfter": after,
        "description": "ＡＴＭ",
        "counterparty": None,
    }


def data(**changes: Any) -> dict[str, Any]:
    """What the API answers for one ordinary account: 100,000 yen until the 20th, 148,500 came, 20,000 went today."""
    rows = [row(24, "WITHDRAWAL", 20_000, 228_500), row(20, "DEPOSIT", 148_500, 248_500)]
    account = {
        "type": "ORDINARY",
        "number": "1234567",
        "branch": {"name": "本店営業部"},
        "balance": {
            "current": 228_500,
            "available": None,
            "freshness": {"asOf": AS_OF, "asOfPrecision": "MINUTE", "nextUpdateAt": None},
        },
        "latest": {"nodes": rows},
        "month": {"pageInfo": {"hasNextPage": False}, "nodes": rows},
        **changes,
    }
    return {
        "registration": {
            "scopes": ALL,
            "lastDay": "2027-05-23",
            "dataWindow": {"from": "2025-10-24", "limit": "CREDIT_UNION"},
        },
        "accounts": [account],
    }


def refused(code: str, clause: str, **more: str) -> dict[str, Any]:
    error = {"message": "…", "path": ["accounts"], "extensions": {"code": code, "clause": clause, **more}}
    return {"data": {**data(), "accounts": None}, "errors": [error]}


class Visitor:
    """A browser at /sample, and the clock of the sample aggregator's server."""

    def __init__(self, bank: FakeBank, data_dir: Path) -> None:
        self.bank = bank
        self.now = story.NOW
        settings = Settings(issuer=bank.issuer, database_url="sqlite+aiosqlite://", data_dir=data_dir, bank_code="2999")
        app = Starlette(routes=developer.sandbox_routes(context(settings, lambda: self.now)))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=bank.issuer)

    async def connect(self) -> str:
        """Press 「つなぐ」; returns the `state` that the credit union was told."""
        answer = await self.http.get("/sample/connect")
        assert answer.status_code == 303
        return self.bank.to("/par")[-1].form["state"]

    async def come_back(self, **query: str) -> httpx.Response:
        answer = await self.http.get("/sample/callback", params=query)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sample"), "the address with the code is left"
        return await self.http.get("/sample")

    async def connected(self) -> httpx.Response:
        """The whole way; returns the page afterwards."""
        return await self.come_back(state=await self.connect(), iss=self.bank.issuer, code="code-1")

    async def end(self, page: httpx.Response) -> httpx.Response:
        token = page.text.split('name="form_token" value="')[1].split('"')[0]
        answer = await self.http.post("/sample/end", data={"form_token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sample")
        return await self.http.get("/sample")


def designate(data_dir: Path) -> None:
    purposes = {"balances": "資産の合計の表示"}
    keep_designation(
        data_dir, Designation(CLIENT_ID, "みほん家計簿", "株式会社みほん家計簿", "みほん信用組合", purposes)
    )


@asynccontextmanager
async def visiting(bank: FakeBank, data_dir: Path) -> AsyncIterator[Visitor]:
    visitor = Visitor(bank, data_dir)
    async with visitor.http:
        yield visitor

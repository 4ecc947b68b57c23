"""An operator's machine at the operator's port, and a visitor at the public one, without a socket between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.doors.http import BY_OPERATOR
from madoguchi.installation import load_keys, make_keys
from madoguchi.main import build_app
from madoguchi.settings import Settings
from tests import story

OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def whole_app(database_url: str, data_dir: Path, **given: Any) -> ASGIApp:
    """All doors at the story's moment, on one database."""
    named: dict[str, Any] = {"issuer": story.ISSUER, "database_url": database_url, "bank_code": "2999"}
    settings = Settings(**named, data_dir=data_dir, **given)
    make_keys(settings)
    return build_app(settings, load_keys(settings), lambda: story.NOW)


@asynccontextmanager
async def living(app: ASGIApp) -> AsyncIterator[ASGIApp]:
    """The application from its startup to its shutdown, as a server leads it."""
    begun, over, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def receive() -> Message:
        if not begun.is_set():
            begun.set()
            return {"type": "lifespan.startup"}
        await over.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            ended.set()

    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))  # type: ignore[arg-type]
    await asyncio.wait((life, asyncio.create_task(ended.wait())), return_when=asyncio.FIRST_COMPLETED)
    yield app
    over.set()
    await life


def at_operators(app: ASGIApp) -> httpx.AsyncClient:
    """Whatever is asked comes in at the operator's port, as the server marks it (cli/running.py)."""

    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {BY_OPERATOR: True}}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(marked), base_url="http://127.0.0.1:9464")


def at_public(app: ASGIApp) -> httpx.AsyncClient:
    """Whatever is asked comes in at the public port; a bug is answered, not raised."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=story.ISSUER)


def figures(text: str) -> Figures:
    """An OpenMetrics text read by the library's own strict parser: name and labels -> value."""
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for each in families for one in each.samples}


def figure(found: Figures, name: str, **labels: str) -> float:
    """One value; 0 for what was never counted."""
    return found.get((name, frozenset(labels.items())), 0.0)

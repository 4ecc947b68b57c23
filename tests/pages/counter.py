"""The pages' door on a loopback socket, with an aggregator on ports of its own, for a real browser's visits.

The aggregator's callback redirects once more, to a second origin, as aggregators' chains do; both keep what they got.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import uvicorn
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from madoguchi.procedures.aggregators import change_client
from madoguchi.procedures.sample_logins import current_code, sample_password, seed_sample_logins
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.database import Database
from tests.flows.browsing import HANAKO, Hands, MasterOnly, pages_app
from tests.flows.visits import push, settings_for
from tests.story import NOW, WHO, Story, aggregator_key
from tests.support.server import free_port

Value = TypeVar("Value")
ARRIVED = "みほん家計簿に戻りました"


@dataclass
class Counter:
    """A credit union at `url` and its aggregator; `asked` keeps the queries that reached the callback."""

    url: str
    database_url: str
    clock: Hands
    callback: str
    done: str
    story: Story
    asked: list[dict[str, str]] = field(default_factory=list)

    def do(self, procedure: Callable[..., Value], *args: Any) -> Value:
        """Run a procedure in a transaction of its own, in a thread: the browser's thread has a running loop."""

        async def run() -> Value:
            database = Database(self.database_url)
            try:
                return await database.writing(procedure, *args)
            finally:
                await database.close()

        return _apart(run)

    def begin(self, at: datetime | None = None) -> str:
        """A pushed request; returns the address that the authorization server sends the browser to."""
        request_id = self.do(
            push, self.story.kakeibo, self.callback, ("accounts", "balances", "transactions"), at or NOW
        )
        return f"{self.url}/consent/begin/{request_id}"

    def login(self, number: str = HANAKO) -> dict[str, str]:
        """What `number` types on the log-in page."""
        return {
            "customer_number": number,
            "password": sample_password(MasterOnly().master, number),
            "one_time_code": str(self.do(current_code, number, self.clock())),
        }


def _apart(run: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(run())).result()


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[None]:
    """Serve an application on a loopback port in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    yield
    server.should_exit = True
    thread.join()


@contextmanager
def open_counter(database_url: str, story: Story) -> Iterator[Counter]:
    """The whole scene, on a database in which the story stands, with 見本花子 able to log in."""
    ours, theirs, second = free_port(), free_port(), free_port()
    counter = Counter(
        url=f"http://127.0.0.1:{ours}",
        database_url=database_url,
        clock=Hands(),
        callback=f"http://127.0.0.1:{theirs}/callback",
        done=f"http://127.0.0.1:{second}/done",
        story=story,
    )

    def prepare(session: Session) -> None:
        jwks = {"keys": [aggregator_key().as_dict(private=False)]}
        change_client(session, story.kakeibo, jwks, (counter.callback,), WHO, NOW)
        session.get_one(Aggregator, story.kakeibo).return_origins = [f"http://127.0.0.1:{second}"]

    async def seed() -> None:
        database = Database(database_url)
        await seed_sample_logins(database, MasterOnly().master)
        await database.close()

    counter.do(prepare)
    _apart(seed)
    settings = settings_for(database_url).model_copy(update={"issuer": counter.url})
    with ExitStack() as stack:
        stack.enter_context(serving(pages_app(Database(database_url), settings, counter.clock), ours))
        stack.enter_context(serving(_aggregator(counter), theirs))
        stack.enter_context(serving(_second_origin(), second))
        yield counter


def _aggregator(counter: Counter) -> Starlette:
    async def callback(request: Request) -> Response:
        given = parse_qs(urlsplit(str(request.url)).query)
        counter.asked.append({name: values[0] for name, values in given.items()})
        return RedirectResponse(counter.done, 303)

    return Starlette(routes=[Route("/callback", callback)])


def _second_origin() -> Starlette:
    async def done(_: Request) -> Response:
        icon = '<link rel="icon" href="data:,">'
        return HTMLResponse(f"<!doctype html><html lang=ja>{icon}<title>着</title><h1>{ARRIVED}</h1></html>")

    return Starlette(routes=[Route("/done", done)])

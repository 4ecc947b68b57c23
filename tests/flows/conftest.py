"""Who the tests of log-in and consent find at the counter; a file may have a `story` of its own."""

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlmodel import Session

from madoguchi.procedures import logging_in
from madoguchi.procedures.sample_logins import seed_sample_logins
from madoguchi.records.database import Database
from tests.flows.browsing import Hands, MasterOnly, Person, pages_app
from tests.flows.visits import Shown, push, settings_for, shown
from tests.flows.wire import Wire
from tests.story import Story, tell
from tests.support.databases import sqlite_url
from tests.support.server import Server, running_server


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm at a fraction of its cost; what the real cost is has a test of its own (test_login.py)."""
    monkeypatch.setattr(logging_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def story(told_story: Story) -> Story:
    return told_story


@pytest.fixture
async def page(database: Database, story: Story) -> Shown:
    """見本花子 stands before the consent page of みほん家計簿."""

    def come(session: Session) -> Shown:
        return shown(session, story, push(session, story.kakeibo))

    return await database.writing(come)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def hanako(database: Database, database_url: str, story: Story, clock: Hands, cheap_hashes: None) -> Person:
    """見本花子 at a browser of her own, before the pages' door."""
    await seed_sample_logins(database, MasterOnly().master)
    return Person(pages_app(database, settings_for(database_url), clock), database, clock)


@pytest.fixture
async def request_id(database: Database, story: Story) -> str:
    """A request that みほん家計簿 has just pushed."""
    return await database.writing(push, story.kakeibo)


@pytest.fixture(scope="session")
def plain_server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`madoguchi serve` on the story's credit union, at the real time: for what needs no opening hours."""
    folder = tmp_path_factory.mktemp("plain")
    shutil.copyfile(sqlite_template, folder / "madoguchi.db")
    url = sqlite_url(folder / "madoguchi.db")
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, _told(url)).result()
    with running_server({"MADOGUCHI_DATABASE_URL": url, "MADOGUCHI_DATA_DIR": str(folder / "data")}) as running:
        yield running


async def _told(url: str) -> None:
    database = Database(url, 1)
    await database.writing(tell, 0)
    await database.close()


@pytest.fixture
def wire(plain_server: Server) -> Iterator[Wire]:
    """A fresh connection to the plain server."""
    one = Wire(plain_server)
    yield one
    one.socket.close()

"""The end of a server: what was accepted is finished, the rest is refused, and it is over in time.

Also what an officer does who cannot wait, and what becomes of workers whose parent is killed.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import select

from madoguchi.cli.running import AFTER_DRAIN_SECONDS
from madoguchi.records.audit import AccessRecord
from madoguchi.records.database import Database
from tests.flows.load import Software, customers, registered
from tests.story import Story
from tests.support.postgres import Cluster
from tests.support.server import Server, free_port, running_server
from tests.support.tree import ROOT
from tests.support.whole import COMMAND, environment, workers

QUERIES = 5
OTHERS_SECONDS = 10
"""What other tests on this machine may cost."""


@pytest.fixture
def told(told_story: Story) -> Story:
    return told_story


@contextmanager
def serving(database_url: str, tmp_path: Path, **settings: object) -> Iterator[Server]:
    """One process on SQLite, two workers on PostgreSQL."""
    port = free_port()
    settings.setdefault("workers", 1 if database_url.startswith("sqlite") else 2)
    given = environment(port, database_url, tmp_path / "data", **settings)
    with running_server(given, command=COMMAND, port=port, folder=ROOT) as server:
        yield server


@asynccontextmanager
async def nothing_is_recorded(database: Database) -> AsyncIterator[None]:
    """While this lasts, every commit of an access record waits."""
    async with database.durable() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("LOCK TABLE access_record IN ACCESS EXCLUSIVE MODE"))
        yield


async def until(what: Callable[[], bool]) -> None:
    for _ in range(600):
        if what():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"in vain: {what.__name__}")


def takes_no_connection(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


async def exit_code(server: Server) -> int:
    return await asyncio.to_thread(server.process.wait, 60)


async def records(database: Database) -> list[str]:
    return await database.reading(lambda session: list(session.exec(select(AccessRecord.request_id))))


@pytest.mark.both_databases
async def test_requests_at_work_and_waiting_are_answered_after_sigterm_and_new_ones_are_refused(
    database: Database, database_url: str, told: Story, tmp_path: Path
) -> None:
    known = await database.writing(registered, told, await database.writing(customers, 1))
    with serving(database_url, tmp_path, at_work=1, waiting=QUERIES) as server:
        software = Software(server.url, told)
        idle = httpx.AsyncClient()
        assert (await idle.get(server.url)).status_code == 200
        async with nothing_is_recorded(database):
            asked = [asyncio.create_task(software.query(known[0].access_token)) for _ in range(QUERIES)]
            await asyncio.sleep(1)
            server.process.terminate()
            await until(lambda: takes_no_connection(server))
            with pytest.raises(httpx.TransportError):
                await idle.get(server.url)
            assert server.process.poll() is None
            assert not any(task.done() for task in asked)
        answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers] == [200] * QUERIES
        assert await exit_code(server) == 0
        assert server.log.endswith("ended\n")
    assert {answer.headers["x-request-id"] for answer in answers} == set(await records(database))


@pytest.mark.both_databases
async def test_a_request_that_takes_longer_than_the_drain_is_cut_and_not_on_record(
    database: Database, database_url: str, told: Story, tmp_path: Path
) -> None:
    known = await database.writing(registered, told, await database.writing(customers, 1))
    with serving(database_url, tmp_path, drain="PT1S", at_work=1) as server:
        software = Software(server.url, told)
        async with nothing_is_recorded(database):
            asked = [asyncio.create_task(software.query(known[0].access_token)) for _ in range(3)]
            await asyncio.sleep(1)
            server.process.terminate()
            began = time.monotonic()
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert await exit_code(server) == 0
            assert time.monotonic() - began < 1 + AFTER_DRAIN_SECONDS + OTHERS_SECONDS
    for answer in answers:
        if isinstance(answer, httpx.Response):
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
        else:
            assert isinstance(answer, httpx.TransportError)
    assert any(isinstance(answer, httpx.Response) for answer in answers), "who still listens is told"
    assert await records(database) == []


@pytest.mark.both_databases
async def test_a_second_signal_of_either_kind_ends_at_once_whatever_is_at_work(
    database: Database, database_url: str, database_kind: str, told: Story, tmp_path: Path
) -> None:
    second = signal.SIGTERM if database_kind == "sqlite" else signal.SIGINT
    known = await database.writing(registered, told, await database.writing(customers, 1))
    with serving(database_url, tmp_path, drain="PT10M") as server:
        async with nothing_is_recorded(database):
            asked = asyncio.create_task(Software(server.url, told).query(known[0].access_token))
            await asyncio.sleep(1)
            server.process.terminate()
            await until(lambda: takes_no_connection(server))
            server.process.send_signal(second)
            await exit_code(server)
            with pytest.raises(httpx.TransportError):
                await asked
    assert await records(database) == []


async def test_workers_end_when_their_parent_is_killed_and_leave_the_port(
    postgres: Cluster, postgres_template: str, new_postgres_database: Callable[[str], str], tmp_path: Path
) -> None:
    with serving(postgres.url(new_postgres_database(postgres_template)), tmp_path) as server:
        server.process.kill()
        server.process.wait()
        await until(lambda: takes_no_connection(server))
        await until(lambda: not group_lives(server))


async def test_a_worker_that_hangs_does_not_keep_its_parent_from_ending(
    postgres: Cluster, postgres_template: str, new_postgres_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = postgres.url(new_postgres_database(postgres_template))
    with serving(url, tmp_path, drain="PT1S") as server:
        await until(lambda: len(workers(server)) == 2)
        hanging = workers(server).pop()
        os.kill(hanging, signal.SIGSTOP)
        await asyncio.sleep(1)  # its parent waits for an answer now
        began = time.monotonic()
        server.process.terminate()
        await exit_code(server)
        assert time.monotonic() - began < 1 + AFTER_DRAIN_SECONDS + OTHERS_SECONDS
        await until(lambda: not group_lives(server))


def group_lives(server: Server) -> bool:
    try:
        os.killpg(server.process.pid, 0)
    except ProcessLookupError:
        return False
    return True

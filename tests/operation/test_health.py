"""Whether it is well, as an operator's machines are told: what is missing, by name, and nothing for a stranger."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import text

from madoguchi.doors.operation import Meter, OperationContext, Watched, endpoints, operation_app
from madoguchi.procedures.standing import readiness
from madoguchi.records.database import Database
from madoguchi.records.upgrading import this_release, upgrade
from tests import story
from tests.operation.port import at_operators, at_public, living, whole_app
from tests.support.databases import sqlite_url

Door = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
ALL_WELL = dict.fromkeys(("accepting", "database", "migrations", "institution", "terms"), "ok")


@pytest.fixture
def door() -> Door:
    """The operator's door on a database, with a connection of its own."""

    @asynccontextmanager
    async def open_(url: str, at: datetime = story.NOW, draining: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        database, meter = Database(url, 1), Meter(Watched())
        meter.server = SimpleNamespace(is_draining=draining, open_connections=0)
        ready = partial(readiness, release=this_release())
        async with at_operators(operation_app(OperationContext(lambda: at, database, ready, meter, "1.0"))) as client:
            yield client
        await database.close()

    return open_


@pytest.mark.both_databases
async def test_it_is_ready_when_all_that_an_answer_needs_is_there(
    door: Door, database: Database, database_url: str
) -> None:
    await database.writing(story.tell)
    async with door(database_url) as operator:
        answer = await operator.get("/health/ready")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.json() == {"status": "ready", "checks": ALL_WELL}


async def test_before_an_institution_and_terms_are_there_it_is_not_ready_and_says_which(
    door: Door, database: Database, database_url: str
) -> None:
    async with door(database_url) as operator:
        answer = await operator.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {
            "status": "not ready",
            "checks": ALL_WELL | {"institution": "failed", "terms": "failed"},
        }
    await database.writing(story.tell)
    async with door(database_url, datetime(2000, 1, 1, tzinfo=UTC)) as operator:  # before any terms are in force
        assert (await operator.get("/health/ready")).json()["checks"] == ALL_WELL | {"terms": "failed"}


@pytest.mark.both_databases
async def test_a_database_that_lacks_a_migration_of_this_release_is_not_served_from(
    door: Door, empty_database_url: str
) -> None:
    database = Database(empty_database_url)
    for there in (None, "0003"):
        if there is not None:
            await upgrade(database, there)
        async with door(empty_database_url) as operator:
            answer = await operator.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["checks"]["database"] == "ok"
            assert answer.json()["checks"]["migrations"] == "failed"
    await database.close()


@pytest.mark.both_databases
async def test_a_database_that_a_later_release_has_expanded_is_still_served_from(
    door: Door, database: Database, database_url: str
) -> None:
    """Decision 0006: the release before goes on serving while the next one is brought in."""
    await database.writing(story.tell)
    async with database.durable() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    async with door(database_url) as operator:
        assert (await operator.get("/health/ready")).status_code == 200


async def test_a_database_that_is_away_or_does_not_answer_in_time_is_told_without_its_address_or_its_words(
    door: Door, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(endpoints, "ANSWER_SECONDS", 0.05)
    away = sqlite_url(tmp_path / "secret-folder" / "away.db")
    broken = tmp_path / "secret-broken.db"
    broken.write_bytes(b"no database" * 1000)
    for url in (away, sqlite_url(broken), "postgresql+asyncpg://secret-user:secret-word@127.0.0.1:9/secret"):
        async with door(url) as operator:
            answer = await operator.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["checks"] == dict.fromkeys(ALL_WELL, "failed") | {"accepting": "ok"}
            assert "secret" not in answer.text
            assert (await operator.get("/health/live")).json() == {"status": "live"}, "to start it again would not help"
            told = (await operator.get("/metrics")).text
            assert "madoguchi_database_up 0.0" in told
            assert "secret" not in told


async def test_while_it_drains_it_is_alive_and_not_ready(door: Door, database: Database, database_url: str) -> None:
    await database.writing(story.tell)
    async with door(database_url, draining=True) as operator:
        answer = await operator.get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]) == (503, ALL_WELL | {"accepting": "failed"})
        assert (await operator.get("/health/live")).status_code == 200


async def test_the_public_port_knows_none_of_it_and_the_operators_port_nothing_else(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await database.writing(story.tell)
    async with (
        living(whole_app(database_url, tmp_path / "data")) as app,
        at_public(app) as stranger,
        at_operators(app) as operator,
    ):
        forged = {"x-forwarded-port": "9464", "by_operator": "True", "x-operator": "1"}
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await stranger.get(path, headers=forged)).status_code == 404
            assert (await operator.get(path)).status_code in (200, 503)
            assert (await operator.post(path)).status_code == 405
        for path in ("/", "/graphql", "/login", "/.well-known/oauth-authorization-server"):
            assert (await operator.get(path)).status_code == 404

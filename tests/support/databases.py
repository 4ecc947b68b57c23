"""A fresh, migrated database for a test: SQLite, and for tests marked `both_databases` PostgreSQL in a second run.

Migrating is done once for each worker process and kind, into a template that every test gets a copy of. So is telling
the story (tests/story.py): a test that asks for `told_story` finds it standing in its database.
`empty_database_url` is the same without tables, for the tests of the migrations themselves.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from madoguchi.records.database import Database
from madoguchi.records.upgrading import upgrade
from tests.story import Story, tell
from tests.support.postgres import Cluster

Value = TypeVar("Value")
KINDS = ("sqlite", "postgresql")
FIXTURES = {"sqlite": "sqlite", "postgresql": "postgres"}
"""How the names of a kind's templates begin."""
FIXTURE = "database_kind"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if FIXTURE in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize(FIXTURE, KINDS)


@pytest.fixture
def database_kind() -> str:
    """sqlite, unless the test is marked `both_databases`."""
    return KINDS[0]


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    _with_database(url, upgrade)


def _tell(url: str) -> Story:
    return _with_database(url, lambda database: database.writing(tell))


def _with_database(url: str, work: Callable[[Database], Coroutine[Any, Any, Value]]) -> Value:
    """In a thread, as a browser test's main thread has a running loop."""

    async def run() -> Value:
        database = Database(url)
        try:
            return await work(database)
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(run())).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "madoguchi.db"
    migrate(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def sqlite_told(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Story]:
    path = tmp_path_factory.mktemp("told") / "madoguchi.db"
    shutil.copyfile(sqlite_template, path)
    return path, _tell(sqlite_url(path))


@pytest.fixture(scope="session")
def new_postgres_database(postgres: Cluster, worker_name: str) -> Callable[[str], str]:
    """Makes a database from a template (`template0` is an empty one) and returns its name."""
    numbers = count(1)

    def make(template: str) -> str:
        name = f"test_{worker_name}_{next(numbers)}"
        postgres.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    return make


@pytest.fixture(scope="session")
def postgres_template(postgres: Cluster, new_postgres_database: Callable[[str], str]) -> str:
    name = new_postgres_database("template0")
    migrate(postgres.url(name))
    return name


@pytest.fixture(scope="session")
def postgres_told(
    postgres: Cluster, postgres_template: str, new_postgres_database: Callable[[str], str]
) -> tuple[str, Story]:
    name = new_postgres_database(postgres_template)
    return name, _tell(postgres.url(name))


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Which of pytest-xdist's workers this process is; `main` without them."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
def told_story(request: pytest.FixtureRequest, database_kind: str) -> Story:
    """The story, which stands in this test's database from the start."""
    _, story = request.getfixturevalue(f"{FIXTURES[database_kind]}_told")
    return cast(Story, story)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database of this test's own, migrated; without rows, unless the test asks for the story."""
    if "told_story" in request.fixturenames:
        template, _ = request.getfixturevalue(f"{FIXTURES[database_kind]}_told")
    else:
        template = request.getfixturevalue(f"{FIXTURES[database_kind]}_template")
    if database_kind == "sqlite":
        path = tmp_path / "madoguchi.db"
        shutil.copyfile(template, path)
        yield sqlite_url(path)
    else:
        yield from _postgres_url(request, template)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database at `database_url`, open for this test."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if database_kind == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
    else:
        yield from _postgres_url(request, "template0")


def _postgres_url(request: pytest.FixtureRequest, template: str) -> Iterator[str]:
    cluster: Cluster = request.getfixturevalue("postgres")
    name = request.getfixturevalue("new_postgres_database")(template)
    yield cluster.url(name)
    cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

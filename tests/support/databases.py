"""A fresh, migrated database for a test: SQLite, and for tests marked `both_databases` PostgreSQL in a second run.

Migrating is done once for each worker process and kind, into a template that every test gets a copy of.
`empty_database_url` is the same without tables, for the tests of the migrations themselves.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from madoguchi.records.database import Database
from madoguchi.records.upgrading import upgrade
from tests.support.postgres import Cluster

KINDS = ("sqlite", "postgresql")
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
    """Bring a database to the newest schema. In a thread, as a browser test's main thread has a running loop."""
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, _migrated(url)).result()


async def _migrated(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "madoguchi.db"
    migrate(sqlite_url(path))
    return path


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
def worker_name() -> str:
    """Which of pytest-xdist's workers this process is; `main` without them."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database of this test's own, migrated and without rows."""
    if database_kind == "sqlite":
        path = tmp_path / "madoguchi.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield sqlite_url(path)
    else:
        yield from _postgres_url(request, request.getfixturevalue("postgres_template"))


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

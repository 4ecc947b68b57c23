"""The tests' own ground holds: databases of their own for every test, and a server that says why it does not start."""

import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect

from madoguchi.records.database import Database
from tests.support.postgres import Cluster
from tests.support.server import ServerDidNotStart, running_server


def test_the_cluster_is_the_tests_own_and_has_no_network(postgres: Cluster) -> None:
    pid, data, _, port, sockets, addresses, *_ = (postgres.home / "data/postmaster.pid").read_text().splitlines()
    assert (data, sockets, addresses.strip()) == (str(postgres.home / "data"), str(postgres.home), "")
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert (postgres.home / f".s.PGSQL.{port}").is_socket()


@pytest.mark.both_databases
async def test_every_test_has_a_migrated_database_without_rows(database: Database, database_kind: str) -> None:
    async with database.durable() as connection:
        assert connection.dialect.name == database_kind
        tables = await connection.run_sync(lambda it: inspect(it).get_table_names())
        assert "alembic_version" in tables
        for table in set(tables) - {"alembic_version"}:
            rows = await connection.exec_driver_sql(f'SELECT count(*) FROM "{table}"')
            assert rows.scalar_one() == 0


@pytest.mark.both_databases
def test_an_empty_database_is_there_for_both_kinds(empty_database_url: str, database_kind: str) -> None:
    assert empty_database_url.startswith(database_kind)


def test_a_server_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(ServerDidNotStart, match="ended with 3:\nno such counter"),
        running_server({}, command=("sh", "-c", "echo no such counter; exit 3")),
    ):
        pass


def test_a_killed_server_frees_its_port_for_the_next_one() -> None:
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    with running_server({}, command=command) as first:
        first.kill()
        assert first.process.returncode == -signal.SIGKILL
        with running_server({}, command=command, port=first.port) as second:
            assert second.terminate() == -signal.SIGTERM

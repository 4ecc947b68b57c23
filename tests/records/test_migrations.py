"""The migrations make exactly the tables that the code means, on both databases, and can be taken back."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from madoguchi.records.database import Database
from madoguchi.records.tables import metadata
from madoguchi.records.upgrading import alembic_config, upgrade

pytestmark = pytest.mark.both_databases


async def test_after_the_migrations_nothing_is_missing_and_nothing_is_left_over(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata()))

    async with database.durable() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrading_a_database_that_is_up_to_date_changes_nothing(database: Database) -> None:
    await upgrade(database)
    await upgrade(database)


async def test_the_way_back_leaves_no_table_of_ours(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    await upgrade(database)
    async with database.durable() as connection:
        await connection.run_sync(lambda c: command.downgrade(alembic_config(c), "base"))
    async with database.durable() as connection:
        tables = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
    await database.close()
    assert tables == {"alembic_version"}

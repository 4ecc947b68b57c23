"""Bringing a database to the newest migration (Alembic), on either database, from an async engine."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from madoguchi.records.database import Database, wait_alone


async def upgrade(database: Database, revision: str = "head") -> None:
    """Apply what is missing; nothing happens when all is there. PostgreSQL: one upgrade at a time (advisory lock)."""
    async with database.durable() as connection:
        await connection.run_sync(upgrade_connection, revision)


async def is_newest(database: Database) -> bool:
    """Whether every migration of this release, and no other, has been applied."""
    async with database.snapshot() as session:
        return await (await session.connection()).run_sync(_is_newest)


def _is_newest(connection: Connection) -> bool:
    newest = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(newest)


def upgrade_connection(connection: Connection, revision: str = "head") -> None:
    """Apply the migrations on a connection in a transaction of the caller's."""
    wait_alone(connection)
    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration without a file: where the scripts are and the connection to use."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config

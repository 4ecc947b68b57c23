"""Bringing a database to the newest migration (Alembic), on either database, from an async engine.

A database may be ahead: a later release has expanded it already, and this one goes on serving (decisions/0006).
"""

from dataclasses import dataclass
from enum import Enum
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


class Schema(Enum):
    """How a database stands to this release's migrations."""

    BEHIND = "behind"  # some are missing: it cannot be served
    THIS = "this"
    AHEAD = "ahead"  # a later release has added its own


@dataclass(frozen=True, slots=True)
class Release:
    """This release's migrations: all of them, and the last."""

    known: frozenset[str]
    newest: frozenset[str]


def this_release() -> Release:
    """Read from the files that came with this release."""
    scripts = ScriptDirectory.from_config(_config())
    return Release(frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads()))


def schema_state(connection: Connection, release: Release) -> Schema:
    """How the database at `connection` stands to `release`. One without any migration is behind."""
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if applied == release.newest:
        return Schema.THIS
    return Schema.BEHIND if not applied or applied & release.known else Schema.AHEAD


async def is_behind(database: Database) -> bool:
    """Whether a migration of this release has not been applied yet."""
    async with database.snapshot() as session:
        state = await (await session.connection()).run_sync(schema_state, this_release())
    return state is Schema.BEHIND


def upgrade_connection(connection: Connection, revision: str = "head") -> None:
    """Apply the migrations on a connection in a transaction of the caller's."""
    wait_alone(connection)
    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration without a file: where the scripts are and the connection to use."""
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config

"""Migrations run while the former release still serves (security.md 15): each one expands or contracts, and says which.

What expands runs before the new release begins, what contracts after the former one has ended (decisions/0006).
"""

from collections.abc import Callable
from itertools import pairwise

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from madoguchi.records.database import Database
from madoguchi.records.upgrading import alembic_config, upgrade
from tests.records.phases import insert_everywhere, narrowed, shapes

FIRST_VERSION = ("0001", "0002", "0003", "0004")
"""Released together, as the first: nobody has served between them. The rule holds from the next one on."""

pytestmark = pytest.mark.both_databases


async def scripts(database: Database) -> list[tuple[str, str]]:
    """Each migration and its phase, the oldest first."""

    def read(connection: Connection) -> list[tuple[str, str]]:
        found = ScriptDirectory.from_config(alembic_config(connection)).walk_revisions()
        return [(each.revision, getattr(each.module, "PHASE", "not said")) for each in found][::-1]

    async with database.durable() as connection:
        return await connection.run_sync(read)


async def test_every_migration_says_whether_it_expands_or_contracts_and_expanding_takes_nothing_away(
    empty_database_url: str,
) -> None:
    """Rows are in every table before each one runs, and the statements of before write further ones after it."""
    database = Database(empty_database_url)
    told = await scripts(database)
    assert tuple(revision for revision, _ in told)[:4] == FIRST_VERSION
    assert {phase for _, phase in told} <= {"expand", "contract"}
    await upgrade(database, told[0][0])
    for turn, ((_, _), (revision, phase)) in enumerate(pairwise(told), 1):
        async with database.durable() as connection:
            before = await connection.run_sync(shapes)
            assert await connection.run_sync(insert_everywhere, before, 2 * turn) == len(before)
        await upgrade(database, revision)
        async with database.durable() as connection:
            after = await connection.run_sync(shapes)
            if phase == "expand":
                assert await connection.run_sync(insert_everywhere, before, 2 * turn + 1) == len(before)
        if phase == "expand" and revision not in FIRST_VERSION:
            assert narrowed(before, after) == [], f"{revision} contracts: it has to say so, and to wait for its release"
    await database.close()


MORE = "ALTER TABLE customer ADD COLUMN more "
EXPANDING = {
    "a column that may be null": (f"{MORE}INTEGER",),
    "a column with a default": (f"{MORE}INTEGER NOT NULL DEFAULT 0",),
    "a new table": ("CREATE TABLE more (more_id INTEGER PRIMARY KEY, must INTEGER NOT NULL)",),
    "an index": ("CREATE INDEX more ON customer (name)",),
}
CONTRACTING = {
    "a table is dropped": ("DROP TABLE quota_use",),
    "a table is renamed": ("ALTER TABLE quota_use RENAME TO quota_used",),
    "a column is dropped": ("ALTER TABLE customer DROP COLUMN mail_address",),
    "a column is renamed": ("ALTER TABLE customer RENAME COLUMN mail_address TO mail",),
    "a unique index on what is there": ("CREATE UNIQUE INDEX more ON customer (name)",),
}


async def judged(database: Database, change: Callable[[Connection], None]) -> list[str]:
    def run(connection: Connection) -> list[str]:
        before = shapes(connection)
        change(connection)
        return narrowed(before, shapes(connection))

    async with database.durable() as connection:
        return await connection.run_sync(run)


@pytest.mark.parametrize("what", EXPANDING)
async def test_what_the_former_release_does_not_meet_may_be_added(database: Database, what: str) -> None:
    def change(connection: Connection) -> None:
        for statement in EXPANDING[what]:
            connection.execute(text(statement))

    assert await judged(database, change) == []


@pytest.mark.parametrize("what", CONTRACTING)
async def test_what_the_former_release_would_stumble_over_is_found(database: Database, what: str) -> None:
    def change(connection: Connection) -> None:
        for statement in CONTRACTING[what]:
            connection.execute(text(statement))

    assert await judged(database, change)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda table: table.alter_column("mail_address", nullable=False), id="null is taken no more"),
        pytest.param(lambda table: table.create_check_constraint("more", "name <> ''"), id="a check on what is there"),
        pytest.param(lambda table: table.create_unique_constraint("more", ["name"]), id="a unique constraint"),
    ],
)
async def test_what_a_constraint_narrows_is_found(database: Database, change: Callable[..., None]) -> None:
    def run(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("customer") as table:
            change(table)

    assert await judged(database, run)

"""The migrations make exactly the tables that the code means, on both databases, and can be taken back."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

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


async def test_numbering_the_changes_of_stored_rows_loses_no_pointer_of_a_correction(empty_database_url: str) -> None:
    """Migration 0003 makes SQLite's table anew, so that no row's id is given twice."""
    database = Database(empty_database_url)
    await upgrade(database, "0002")
    async with database.durable() as connection:
        await connection.run_sync(_three_rows_the_last_corrects_the_first)
    await upgrade(database)
    rows = "SELECT transaction_id, corrects_id, first_change, last_change FROM ledger_row ORDER BY 1"
    async with database.durable() as connection:
        assert list(map(tuple, await connection.execute(text(rows)))) == [
            (1, None, 1, 1),
            (2, None, 2, 2),
            (3, 1, 3, 3),
        ]
        assert list(await connection.execute(text("SELECT last_change FROM account"))) == [(3,)]
    await database.close()


async def test_what_is_held_is_as_new_as_the_file_that_it_came_from(empty_database_url: str) -> None:
    """Migration 0003 keeps 作成日 with each piece and balance: a file may have blocks of several."""
    database = Database(empty_database_url)
    await upgrade(database, "0002")
    async with database.durable() as connection:
        await connection.run_sync(_three_rows_the_last_corrects_the_first)
        for statement in (
            "UPDATE feed_file SET created_on = '2026-11-20'",
            "INSERT INTO balance (account_id, current, as_of, as_of_precision, feed_file_id)"
            " VALUES (1, 5, '2026-11-24 00:00:00', 'day', 1)",
            "INSERT INTO statement (account_id, first_day, last_day, opening_balance, closing_balance, as_of,"
            " as_of_precision, completeness, feed_file_id) VALUES"
            " (1, '2026-11-24', '2026-11-24', 0, 5, '2026-11-24 00:00:00', 'day', 'complete', 1)",
        ):
            await connection.execute(text(statement))
    await upgrade(database)
    async with database.durable() as connection:
        for made_on in ("SELECT created_on FROM statement", "SELECT created_on FROM balance"):
            assert [str(day) for (day,) in await connection.execute(text(made_on))] == ["2026-11-20"]
    await database.close()


def _three_rows_the_last_corrects_the_first(connection: Connection) -> None:
    """As the release before wrote them."""
    moment = "'2026-11-24 00:00:00+00'" if connection.dialect.name == "postgresql" else "'2026-11-24 00:00:00'"
    day = "'2026-11-24'"
    for statement in (
        "INSERT INTO branch (branch_code, name, name_kana) VALUES ('002', '', '')",
        "INSERT INTO customer (customer_id, customer_number, name, name_kana, phrase) VALUES (1, '1', '', '', '')",
        "INSERT INTO contract (contract_id, customer_id, product, state, state_since)"
        f" VALUES (1, 1, 'personal', 'live', {moment})",
        "INSERT INTO account (account_id, customer_id, contract_id, branch_code, kind, number, product_code,"
        " holder_kana, nickname, state) VALUES (1, 1, 1, '002', '1', '1234567', '', '', '', 'registered')",
        "INSERT INTO feed_file (feed_file_id, sha256, kind, name, imported_at, blocks_accepted, blocks_unchanged,"
        f" blocks_refused) VALUES (1, '', '03', '', {moment}, 1, 0, 0)",
        *(
            "INSERT INTO ledger_row (transaction_id, account_id, customer_id, position, booked_on, value_on, direction,"
            " amount, description, description_raw, balance_after, inquiry_number, occurrence, corrects_id,"
            f" feed_file_id) VALUES ({row}, 1, 1, {row}, {day}, {day}, '1', 5, '', '', 0, '', 0, {corrected}, 1)"
            for row, corrected in ((1, "NULL"), (2, "NULL"), (3, "1"))
        ),
    ):
        connection.execute(text(statement))

"""Feeds as a bank sends them: numbered changes, withdrawn rows, quarantine, former numbers, when feeds are due.

Expand only: the release before goes on serving (imports are run by this one). Rows from before are numbered in the
order in which they came.
"""

import sqlalchemy as sa
from alembic import op

from madoguchi.records.database import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PHASE = "expand"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = ("accounts_unknown", "rows_added", "rows_removed", "balances_changed", "events_applied")
MADE_BY_BLOCK = ("statement", "balance")


def upgrade() -> None:
    _number_changes()
    for name in COUNTS:
        op.add_column("feed_file", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("feed_file", sa.Column("finished_at", Moment(), nullable=True))
    op.add_column("feed_file", sa.Column("refusal", sa.JSON(), nullable=True))
    op.execute("UPDATE feed_file SET finished_at = imported_at WHERE blocks_accepted + blocks_unchanged > 0")
    for table in MADE_BY_BLOCK:
        op.add_column(table, sa.Column("created_on", sa.Date(), nullable=True))
        held, file = _made_on(table), _made_on("feed_file")
        made_on = sa.select(file.c.created_on).where(file.c.feed_file_id == held.c.feed_file_id).scalar_subquery()
        op.execute(sa.update(held).values(created_on=made_on))
    op.create_table(
        "former_account_number",
        sa.Column("branch_code", sa.String(length=3), primary_key=True),
        sa.Column("kind", sa.String(length=1), primary_key=True),
        sa.Column("number", sa.String(length=7), primary_key=True),
        sa.Column("account_id", ROW_ID, sa.ForeignKey("account.account_id"), nullable=False),
        sa.Column("until", Moment(), nullable=False),
    )
    op.create_table(
        "quarantined_block",
        sa.Column("quarantine_id", ROW_ID, primary_key=True),
        sa.Column("feed_file_id", ROW_ID, sa.ForeignKey("feed_file.feed_file_id"), nullable=False, index=True),
        sa.Column("first_record", sa.Integer(), nullable=False),
        sa.Column("last_record", sa.Integer(), nullable=False),
        sa.Column("account_id", ROW_ID, sa.ForeignKey("account.account_id"), nullable=True, index=True),
        sa.Column("whose", sa.String(), nullable=False),
        sa.Column("created_on", sa.Date(), nullable=True),
        sa.Column("from_day", sa.Date(), nullable=True),
        sa.Column("to_day", sa.Date(), nullable=True),
        sa.Column("damage", sa.JSON(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("read_as_of", sa.Date(), nullable=False),
        sa.Column("refused_at", Moment(), nullable=False),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("settled_as", sa.String(), nullable=True),
        sa.Column("set_aside_because", sa.String(), nullable=True),
    )
    op.create_table(
        "feed_arrival",
        sa.Column("feed", sa.String(), primary_key=True),
        sa.Column("as_of", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("feed_file_id", ROW_ID, sa.ForeignKey("feed_file.feed_file_id"), nullable=False),
    )
    op.create_table(
        "applied_event",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(length=64), nullable=False, unique=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
    )
    op.create_table(
        "feed_due",
        sa.Column("feed_due_id", ROW_ID, primary_key=True),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("days", sa.String(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("covers", sa.String(), nullable=False),
        sa.Column("unavailable_after", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
    )


def downgrade() -> None:
    tables = ("feed_due", "applied_event", "feed_arrival", "quarantined_block", "former_account_number", "removed_row")
    for table in tables:
        op.drop_table(table)
    for table in MADE_BY_BLOCK:
        op.drop_column(table, "created_on")
    for name in ("refusal", "finished_at", *COUNTS):
        op.drop_column("feed_file", name)
    op.drop_index("changes_of_account", "ledger_row")
    for name in ("first_change", "last_change"):
        op.drop_column("ledger_row", name)
    op.drop_column("account", "last_change")


def _made_on(table: str) -> sa.TableClause:
    return sa.table(table, sa.column("feed_file_id"), sa.column("created_on"))


def _number_changes() -> None:
    op.add_column("account", sa.Column("last_change", sa.BigInteger(), nullable=False, server_default="0"))
    _never_give_a_row_id_twice()
    for name in ("first_change", "last_change"):
        op.add_column("ledger_row", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE ledger_row SET first_change = transaction_id, last_change = transaction_id")
    op.execute(
        "UPDATE account SET last_change = "
        "(SELECT coalesce(max(last_change), 0) FROM ledger_row WHERE ledger_row.account_id = account.account_id)"
    )
    op.create_index("changes_of_account", "ledger_row", ["account_id", "last_change"], unique=True)
    op.create_table(
        "removed_row",
        sa.Column("account_id", ROW_ID, sa.ForeignKey("account.account_id"), primary_key=True),
        sa.Column("change", sa.BigInteger(), primary_key=True),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False, index=True),
        sa.Column("removed_at", Moment(), nullable=False),
    )


def _never_give_a_row_id_twice() -> None:
    """SQLite gives the id of the newest row again once it is deleted, unless the table says AUTOINCREMENT.

    That takes a new table. Dropping the old one sets the pointers to its rows to null, so they are kept meanwhile.
    """
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("CREATE TEMP TABLE kept AS SELECT transaction_id, corrects_id FROM ledger_row WHERE corrects_id > 0")
    with op.batch_alter_table("ledger_row", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
        pass
    op.execute(
        "UPDATE ledger_row SET corrects_id = kept.corrects_id FROM kept "
        "WHERE kept.transaction_id = ledger_row.transaction_id"
    )
    op.execute("DROP TABLE kept")

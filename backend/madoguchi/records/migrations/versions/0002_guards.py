"""What the database itself refuses: changes of the trail, and illegal ways of a registration.

The trail (fact, access_record, act) takes inserts only. A registration goes pending -> active -> ended or
pending -> ended (decisions/0001); an ended one never changes, and a registration's identity never does.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PHASE = "expand"

APPEND_ONLY = ("fact", "access_record", "act")
ILLEGAL = """(
    OLD.state = 'ended'
    OR (OLD.state = 'active' AND NEW.state = 'pending')
    OR OLD.customer_id <> NEW.customer_id
    OR OLD.aggregator_id <> NEW.aggregator_id
    OR OLD.contract_id <> NEW.contract_id
    OR OLD.registered_at <> NEW.registered_at
    OR OLD.until <> NEW.until
)"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name != "sqlite"
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}" + (f" ON {table}" if postgresql else ""))
    op.execute("DROP TRIGGER registration_legal_change" + (" ON registration" if postgresql else ""))
    if postgresql:
        op.execute("DROP FUNCTION madoguchi_append_only()")
        op.execute("DROP FUNCTION madoguchi_legal_change()")


def _upgrade_sqlite() -> None:
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} takes inserts only'); END"
            )
    op.execute(
        f"CREATE TRIGGER registration_legal_change BEFORE UPDATE ON registration WHEN {ILLEGAL} "
        "BEGIN SELECT RAISE(ABORT, 'illegal change of a registration'); END"
    )


def _upgrade_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION madoguchi_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% takes inserts only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION madoguchi_append_only()"
            )
    op.execute(
        "CREATE FUNCTION madoguchi_legal_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {ILLEGAL} THEN RAISE EXCEPTION 'illegal change of a registration'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER registration_legal_change BEFORE UPDATE ON registration "
        "FOR EACH ROW EXECUTE FUNCTION madoguchi_legal_change()"
    )

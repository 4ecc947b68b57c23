"""Admitting a token reads that token's registration, however many others there are (performance.md, "Flat")."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

from madoguchi import opaque
from madoguchi.records import admission
from madoguchi.records.database import Database, table_of
from madoguchi.records.registrations import Registration, RegistrationAccount
from tests import story

OTHERS = 3_000


def _crowd(session: Session) -> str:
    """One customer's registration with its token among those of many others; returns the token."""
    told = story.tell(session)
    registered = story.register(session, told)
    # Copies of the one that the procedures made, of customers that nobody has to make: what is looked at is the plan.
    session.execute(text("SET LOCAL session_replication_role = replica"))
    changed = {
        "registration": {"registration_id": "registration_id || n", "customer_id": "customer_id + 1000 * n"},
        "registration_account": {"registration_id": "registration_id || n"},
    }
    for table in (table_of(Registration), table_of(RegistrationAccount)):
        names = [column.name for column in table.columns]
        copied = ", ".join(changed[table.name].get(name, name) for name in names)
        source = f"{table.name}, generate_series(1, {OTHERS}) AS n"
        session.execute(text(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {copied} FROM {source}"))
    session.execute(text("ANALYZE"))
    return registered.access_token


def _looked_through(session: Session) -> int:
    """How many rows of registrations this connection has read by looking through a whole table."""
    asked = "SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname LIKE 'registration%'"
    return int(session.execute(text(asked)).scalar_one())


def _admit(session: Session, token: str) -> int:
    before = _looked_through(session)
    assert admission.of_token(session, opaque.stored(token), story.NOW) is not None
    return _looked_through(session) - before


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_a_token_is_admitted_without_looking_through_all_registrations(database: Database) -> None:
    token = await database.writing(_crowd)
    assert await database.reading(_admit, token) == 0

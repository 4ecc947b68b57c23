"""Forgetting withdrawn rows looks at those that are over, not at all that every account ever lost."""

from datetime import date

import pytest
from sqlalchemy import delete, insert, text
from sqlmodel import Session, col

from madoguchi.records.bank import RemovedTransaction
from madoguchi.records.database import Database
from tests import story

KEPT, OVER = date(2026, 11, 24), date(2025, 1, 6)


def _plan(session: Session) -> str:
    told = story.tell(session)
    of = {"account_id": told.ordinary, "removed_at": story.NOW}
    days = [KEPT] * 5_000 + [OVER]
    rows = [of | {"change": n, "transaction_id": 10**9 + n, "booked_on": day} for n, day in enumerate(days)]
    session.execute(insert(RemovedTransaction), rows)
    session.execute(text("ANALYZE"))
    forgetting = delete(RemovedTransaction).where(col(RemovedTransaction.booked_on) < OVER)
    connection = session.connection()
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    sql = str(forgetting.compile(connection, compile_kwargs={"literal_binds": True}))
    return "\n".join(str(line) for line in connection.exec_driver_sql(explain + sql))


@pytest.mark.both_databases
async def test_forgetting_withdrawn_rows_reads_an_index_of_their_days(database: Database) -> None:
    assert "ix_removed_row_booked_on" in await database.writing(_plan)

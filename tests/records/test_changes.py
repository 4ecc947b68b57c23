"""Reading what is new costs what is new: no database reads or sorts the history behind it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlmodel import Session

from madoguchi.procedures.change_reading import read_changes
from madoguchi.records.bank import Account, RemovedTransaction, Transaction
from madoguchi.records.changes import ChangesOf
from madoguchi.records.database import Database
from madoguchi.records.positions import last_position
from tests import story

ROWS = 8_000
FIRST, LAST = date(2025, 10, 24), date(2026, 11, 24)
LIMIT = 500


def _many_rows(session: Session) -> int:
    """A busy account: fifty rows a day, numbered as they came; and withdrawn ones, of others too."""
    told = story.tell(session)
    account = session.get_one(Account, told.savings)
    model = story.rows_of(session, told.savings)[0].model_dump(exclude={"transaction_id"})
    numbers = range(account.last_change + 1, account.last_change + 1 + ROWS)
    rows = []
    for nth, number in enumerate(numbers):
        day = FIRST + timedelta(days=nth // 50)
        position = int(day.strftime("%Y%m%d")) * 1_000_000 + 1 + nth % 50
        rows.append(model | {"booked_on": day, "position": position, "first_change": number, "last_change": number})
    session.execute(insert(Transaction), rows)
    account.last_change = numbers[-1]
    gone = [
        {"account_id": account_id, "change": n, "transaction_id": 10**9 + n, "booked_on": LAST, "removed_at": story.NOW}
        for account_id in (told.ordinary, told.current, told.savings)
        for n in range(1, 2_001)
    ]
    session.execute(insert(RemovedTransaction), gone)
    session.execute(text("ANALYZE"))
    return told.savings


def _plans(session: Session, asked: ChangesOf) -> list[str]:
    """How the database would answer each statement on the history that one page of changes takes."""
    seen: list[tuple[str, Any]] = []
    connection = session.connection()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    event.listen(connection.engine, "before_cursor_execute", note)
    read_changes(session, [asked])
    event.remove(connection.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return [
        "\n".join(str(line) for line in connection.exec_driver_sql(explain + statement, parameters))
        for statement, parameters in seen
        if "_row" in statement
    ]


@pytest.mark.both_databases
async def test_a_page_of_changes_comes_from_the_indexes_in_order_wherever_its_reader_stands(database: Database) -> None:
    account_id = await database.writing(_many_rows)
    for standing, number, until in (
        ("at the beginning", 0, LAST),
        ("in the middle", ROWS // 2, LAST),
        ("at the end", 397 + ROWS, LAST),
        ("at yesterday's end", 397 + ROWS, LAST - timedelta(days=1)),
    ):
        asked = ChangesOf(account_id, FIRST, LAST, LIMIT, number, last_position(until), begun=number)
        of_rows, of_removed = await database.reading(_plans, asked)
        assert "changes_of_account" in of_rows, (standing, of_rows)
        assert "page_of_account" in of_rows, (standing, of_rows)
        for sign_of_reading_all in ("Sort", "TEMP B-TREE", "Seq Scan", "SCAN ledger_row", "SCAN removed_row"):
            assert sign_of_reading_all not in of_rows + of_removed, (standing, of_rows, of_removed)

"""Asking for `changes`, and changing an account's history row by row."""

from datetime import date
from typing import Any

from sqlmodel import Session, col, delete, update

from madoguchi.doors.api.ids import Kind
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, RemovedTransaction, Transaction
from tests import story
from tests.api.conftest import Caller

CHANGES = """query ($account: ID!, $after: String, $first: Int!) {
  changes(account: $account, after: $after, first: $first) {
    added { id bookedOn orderInDay amount } corrected { id bookedOn orderInDay balanceAfter corrects { id } }
    removed { id bookedOn } cursor hasMore period { from to limitedBy }
    freshness { asOf asOfPrecision source completeness } } }"""
NO_SCOPE = ("SCOPE_NOT_GRANTED", "4-3")


async def asked(caller: Caller, first: int = 500, after: str | None = None, **variables: Any) -> dict[str, Any]:
    (account,) = caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary])
    return await caller.ask(CHANGES, {"account": account, "first": first, "after": after, **variables})


async def new(caller: Caller, first: int = 500, after: str | None = None) -> dict[str, Any]:
    body = await asked(caller, first, after)
    assert "errors" not in body, body["errors"]
    found: dict[str, Any] = body["data"]["changes"]
    return found


def days(rows: list[dict[str, Any]]) -> list[str]:
    return [one["bookedOn"] for one in rows]


async def few_days(caller: Caller) -> None:
    """The aggregator's contract gives five days of history beside today's, so that a page is short."""
    await caller.database.writing(lambda session: session.execute(update(Aggregator).values(history_days=5)))


async def change(caller: Caller, day: date, **values: Any) -> int:
    """The row of a day reads differently now, with the account's next number; its id."""

    def write(session: Session) -> int:
        account = session.get_one(Account, caller.told.ordinary)
        account.last_change += 1
        (row,) = [one for one in story.rows_of(session, caller.told.ordinary) if one.booked_on == day]
        session.execute(
            update(Transaction)
            .where(col(Transaction.transaction_id) == row.transaction_id)
            .values(last_change=account.last_change, **values)
        )
        return row.transaction_id or 0

    return await caller.database.writing(write)


async def add(caller: Caller, day: date) -> None:
    """A further row of a day comes in."""

    def write(session: Session) -> None:
        account = session.get_one(Account, caller.told.ordinary)
        account.last_change += 1
        model = story.rows_of(session, caller.told.ordinary)[-1].model_dump(exclude={"transaction_id"})
        position = int(day.strftime("%Y%m%d")) * 1_000_000 + 7
        numbers = {"first_change": account.last_change, "last_change": account.last_change}
        session.add(Transaction(**model | numbers | {"booked_on": day, "value_on": day, "position": position}))

    await caller.database.writing(write)


async def withdraw(caller: Caller, day: date) -> str:
    """The row of a day is withdrawn; its id as the aggregator knows it."""

    def write(session: Session) -> int:
        account = session.get_one(Account, caller.told.ordinary)
        account.last_change += 1
        (row,) = [one for one in story.rows_of(session, caller.told.ordinary) if one.booked_on == day]
        session.execute(delete(Transaction).where(col(Transaction.transaction_id) == row.transaction_id))
        session.add(
            RemovedTransaction(
                account_id=caller.told.ordinary, change=account.last_change, transaction_id=row.transaction_id or 0,
                booked_on=day, removed_at=caller.at,
            )
        )  # fmt: skip
        return row.transaction_id or 0

    return caller.ids.seal(Kind.TRANSACTION, [await caller.database.writing(write)])[0]

"""An aggregator that only ever uses `changes` ends with exactly what `transactions` shows.

A bank tells its books again and again: other rows, other balances, rows withdrawn, rows booked on days to come; the
calendar goes on, the window is narrowed and widened; aggregators ask for pages of any size, stop in the middle, and use
old cursors again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel

from madoguchi.procedures.feeds.values import StatementRow
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Direction
from tests import story
from tests.api.copying import BEGIN, Bank, Copy, InMemory
from tests.feeds.books import row
from tests.story import Story


@dataclass(frozen=True, slots=True)
class Send:
    """The books are told from `back` days before their end on; some days have other rows now, and days are added."""

    back: int
    others: dict[int, "Rows"]
    further: list["Rows"]

    def days(self, last: date) -> dict[date, tuple[StatementRow, ...]]:
        others = {max(BEGIN, last - timedelta(days=back)): rows for back, rows in self.others.items()}
        further = {last + timedelta(days=n): rows for n, rows in enumerate(self.further, 1)}
        return {day: dated(day, rows) for day, rows in (others | further).items()}


@dataclass(frozen=True, slots=True)
class Ask:
    """One of the two aggregators asks for pages of this size: one page, all there are, or again from an old cursor."""

    who: int
    first: int
    how: str
    nth: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Days pass."""

    days: int


@dataclass(frozen=True, slots=True)
class Narrow:
    """The aggregator's contract gives history for so many days, or as far back as the credit union does."""

    days: int | None


Step = Send | Ask | Pass | Narrow
Rows = list[tuple[int, Direction, int, str]]

# Few different contents, so that many rows are equal and corrections find one, several or none.
ROWS = st.lists(
    st.tuples(
        st.sampled_from([100, 250]), st.sampled_from(Direction), st.sampled_from([0, 0, 1, 2]),
        st.sampled_from(["11", "19"]),
    ),
    max_size=4,
)  # fmt: skip
ASKS = st.builds(
    Ask, st.integers(0, 1), st.sampled_from([1, 3, 9, 500]), st.sampled_from(["page", "page", "all", "again"]),
    st.integers(0, 20),
)  # fmt: skip
SENDS = st.integers(0, 7).flatmap(
    lambda back: st.builds(
        Send, st.just(back), st.dictionaries(st.integers(0, back), ROWS, max_size=2), st.lists(ROWS, max_size=2)
    )
)
PASSES, NARROWS = st.builds(Pass, st.integers(1, 2)), st.builds(Narrow, st.sampled_from([2, 5, 8, None]))
STEPS = st.one_of(SENDS, ASKS, SENDS, ASKS, PASSES, NARROWS)
BOOKS = st.lists(ROWS, min_size=9, max_size=9)  # from BEGIN up to the morrow of the story's day


def dated(day: date, rows: Rows) -> tuple[StatementRow, ...]:
    return tuple(
        row(amount, day, way, value_on=day - timedelta(days=back), kind_code=kind, counterparty=None)
        for amount, way, back, kind in rows
    )


async def play(bank: Bank, copies: list[Copy], step: Step) -> None:
    match step:
        case Send():
            last = max(bank.true)
            await bank.send(max(BEGIN, last - timedelta(days=step.back)), step.days(last))
        case Ask(how="page"):
            await copies[step.who].page(step.first)
        case Ask(how="all"):
            await copies[step.who].catch_up(step.first)
        case Ask(how="again"):
            await copies[step.who].replay(step.nth, step.first)
        case Pass():
            bank.at += timedelta(days=step.days)
        case Narrow():
            await bank.narrow(step.days)


async def end_alike(database: Database | InMemory, told: Story, books: list[Rows], steps: list[Step]) -> None:
    bank = Bank(database, told)
    await bank.open()
    days = {BEGIN + timedelta(days=n): rows for n, rows in enumerate(books)}
    await bank.send(BEGIN, {day: dated(day, rows) for day, rows in days.items()})
    copies = [Copy(bank), Copy(bank)]
    for step in steps:
        await play(bank, copies, step)
    shown = await bank.history()
    for each in copies:
        await each.catch_up(7)
        assert each.ordered() == shown
        cursor, rows = each.cursor, each.rows
        assert await each.page(1) is False
        assert (each.cursor, each.rows) == (cursor, rows), "where nothing is new one stays"


HOW: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@pytest.fixture(scope="module")
def in_memory() -> Iterator[tuple[InMemory, Story]]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield InMemory(session), story.tell(session)
    engine.dispose()


@given(books=BOOKS, steps=st.lists(STEPS, min_size=3, max_size=14))
@example(
    books=[[]] * 5 + [[(100, Direction.DEPOSIT, 0, "11")] * 2] + [[]] * 3,
    steps=[Ask(0, 1, "page", 0), Pass(1), Ask(0, 1, "page", 0), Narrow(2), Ask(0, 1, "again", 0)],
).via("a row that fell out of a narrower window after it was told, and before its cursor was used again")
@settings(max_examples=25, **HOW)
async def test_an_aggregator_that_only_ever_uses_changes_ends_with_exactly_what_transactions_shows(
    in_memory: tuple[InMemory, Story], books: list[Rows], steps: list[Step]
) -> None:
    await end_alike(*in_memory, books, steps)


@pytest.mark.both_databases
@given(books=BOOKS, steps=st.lists(STEPS, min_size=8, max_size=14))
@settings(max_examples=3, **HOW)
async def test_it_does_so_on_both_databases(
    database: Database, told: Story, books: list[Rows], steps: list[Step]
) -> None:
    await end_alike(database, told, books, steps)

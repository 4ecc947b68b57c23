"""A history told again and again, in pieces, changed, by older files and by newer ones, against a little model.

Whatever was sent before: the ledger is what the model says, rows that stay keep their ids, every change has a number of
its own, and of every row that ever was there either the row or its withdrawal is left.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.doors.core_banking.zengin_writer import write_statements
from madoguchi.procedures.feeds.statements import StatementStored
from madoguchi.procedures.feeds.values import AccountKey, BlockRefused, StatementBlock, StatementRow
from madoguchi.records.bank import FeedFile
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Direction
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, row
from tests.feeds.days_model import BANKING_DAYS, DaysModel
from tests.feeds.history import SHOWN, Held, History, undone

FIRST, LAST = date(2026, 11, 17), date(2026, 12, 1)
DAYS = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
OPENING = 10_000
VISIBLE = tuple(name for name in SHOWN if name != "description")

Books = dict[date, tuple[StatementRow, ...]]


@dataclass(frozen=True, slots=True)
class Sending:
    """A piece of the books of one account, as a file brings it."""

    account: AccountKey
    of: int  # which version of the books
    first: date
    last: date
    made_after: int  # days after `last` that the file was made
    numbered_from: int


@st.composite
def rows_of(draw: st.DrawFn, day: date) -> StatementRow:
    """So few different contents that rows are equal now and then, and corrections find one row, several or none."""
    kind = draw(st.sampled_from(["11", "19", "19", None]))
    return row(
        draw(st.sampled_from([100, 250, 300, 470])),
        day,
        draw(st.sampled_from(list(Direction))),
        value_on=day - timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 4]))),
        kind_code=kind,
        description=draw(st.sampled_from(["ﾌﾘｺﾐ", "ATM"])),
        counterparty=None,
    )


@st.composite
def books(draw: st.DrawFn) -> list[Books]:
    """The true books of an account, and two versions in which some days are told otherwise."""
    true = {day: tuple(draw(st.lists(rows_of(day), max_size=4))) for day in sorted(BANKING_DAYS)}
    versions = [true]
    for _ in range(2):
        other = dict(true)
        for day in draw(st.sets(st.sampled_from(sorted(BANKING_DAYS)), min_size=1, max_size=3)):
            told = draw(st.permutations(true[day]))
            other[day] = tuple(
                draw(st.one_of(st.just(told), st.just(told[1:]), st.just(()), st.lists(rows_of(day), max_size=3)))
            )
        versions.append(other)
    return versions


@st.composite
def sendings(draw: st.DrawFn) -> Sending:
    first, last = sorted((draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))))
    reaches_the_end = draw(st.booleans())
    return Sending(
        draw(st.sampled_from([ORDINARY, CURRENT])), draw(st.sampled_from([0, 0, 1, 2])),
        first, LAST if reaches_the_end else last, draw(st.sampled_from([0, 1, 1, 20])), draw(st.sampled_from([1, 500])),
    )  # fmt: skip


def told(sending: Sending, version: Books) -> StatementBlock:
    opening = OPENING + sum(one.change for day in version if day < sending.first for one in version[day])
    rows = [one for day in sorted(version) if sending.first <= day <= sending.last for one in version[day]]
    numbered = [replace(one, inquiry_number=f"{n:08}") for n, one in enumerate(rows, sending.numbered_from)]
    return block(
        *numbered, account=sending.account, opening=opening, from_day=sending.first, to_day=sending.last,
        created_on=sending.last + timedelta(days=sending.made_after),
    )  # fmt: skip


def tell(history: History, versions: dict[AccountKey, list[Books]], sent: Sequence[Sending]) -> None:
    """The story of one example; ends with the true books told whole."""
    history.open(ORDINARY, CURRENT)
    models = {key: DaysModel() for key in versions}
    ever: set[int] = set()
    end = [Sending(key, 0, FIRST, LAST, 40, 1) for key in versions]
    for number, sending in enumerate([*sent, *end]):
        key, model = sending.account, models[sending.account]
        other = CURRENT if key is ORDINARY else ORDINARY
        before, untouched = history.held(key), history.held(other)
        told_block = told(sending, versions[key][sending.of])
        expected = model.would_take(told_block)
        answer = history.send(told_block, NOW + timedelta(days=40, minutes=number))
        after = history.held(key)
        assert history.held(other) == untouched
        if isinstance(answer, BlockRefused):
            assert not expected, answer.message
            assert after == before
            continue
        assert expected
        model.take(told_block)
        check_against(model, after)
        check_changes(before, after, answer, ever)
        again = history.send(told_block, NOW + timedelta(days=50))
        assert again == StatementStored(0, 0, renewed=False), "the same content again: nothing happens"
        assert history.held(key) == after
    for key in versions:
        true = DaysModel()
        true.take(told(Sending(key, 0, FIRST, LAST, 40, 1), versions[key][0]))
        assert history.held(key).shown(*VISIBLE) == true.rows, "the true books, as if sent once"


def check_against(model: DaysModel, held: Held) -> None:
    assert held.shown(*VISIBLE) == model.rows
    covered: list[date] = []
    for piece in held.pieces:
        days = [day for day in DAYS if piece["first_day"] <= day <= piece["last_day"]]
        covered += days
        assert {model.days[day].made_on for day in days} == {piece["created_on"]}, "held as of the newest file"
        assert piece["opening_balance"] == model.days[days[0]].opening
        assert piece["closing_balance"] == model.days[days[-1]].closing
    assert covered == sorted(model.days), "every day told is held, once"
    gaps = [piece["first_day"] for piece in held.pieces if piece["completeness"] == "gap"]
    assert gaps == model.gaps
    if held.pieces[-1]["completeness"] != "gap":
        assert held.pieces[-1]["completeness"] == model.ends_complete


def check_changes(before: Held, after: Held, answer: StatementStored, ever: set[int]) -> None:
    """Ids and numbers, from one state to the next."""
    old, new = before.identities, after.identities
    assert {old[one] for one in old.keys() & new.keys()} == set(old.values()) & set(new.values()), "same row, same id"
    came, went = new.keys() - old.keys(), old.keys() - new.keys()
    assert not came & ever, "no id is given twice"
    ever |= came
    assert (answer.rows_added, answer.rows_removed) == (len(came), len(went))

    withdrawn = after.removed[len(before.removed) :]
    assert after.removed[: len(before.removed)] == before.removed
    booked = {one["transaction_id"]: one["booked_on"] for one in before.rows}
    assert {one["transaction_id"]: one["booked_on"] for one in withdrawn} == {one: booked[one] for one in went}
    assert {one["transaction_id"] for one in after.removed} | new.keys() >= old.keys()

    was = {one["transaction_id"]: one for one in before.rows}
    numbers = [one["change"] for one in withdrawn]
    for one in after.rows:
        known = was.get(one["transaction_id"])
        if known is None:
            assert one["first_change"] == one["last_change"]
        else:
            assert one["first_change"] == known["first_change"]
            differs = any(one[name] != known[name] for name in (*SHOWN, "corrects_id"))
            assert (one["last_change"] != known["last_change"]) is differs, "told if, and only if, it can be seen"
        if known is None or one["last_change"] != known["last_change"]:
            numbers.append(one["last_change"])
    assert sorted(numbers) == list(range(before.last_change + 1, after.last_change + 1)), "each change has a number"


STORIES = given(
    versions=st.fixed_dictionaries({ORDINARY: books(), CURRENT: books()}),
    sent=st.lists(sendings(), min_size=1, max_size=6),
)
# The database is the same for all examples of a test: each undoes what it did.
HOW = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@STORIES
@settings(max_examples=25, **HOW)  # type: ignore[arg-type]
async def test_however_books_are_told_again_the_last_word_is_what_is_held(
    database: Database, versions: dict[AccountKey, list[Books]], sent: list[Sending]
) -> None:
    await undone(database, tell, versions, sent)


@pytest.mark.both_databases
@STORIES
@settings(max_examples=6, **HOW)  # type: ignore[arg-type]
async def test_both_databases_hold_the_same_after_the_same_story(
    database: Database, versions: dict[AccountKey, list[Books]], sent: list[Sending]
) -> None:
    await undone(database, tell, versions, sent)


@pytest.mark.both_databases
async def test_two_imports_of_one_account_at_once_take_turns_and_no_number_is_given_twice(bank: Bank) -> None:
    friday = block(*(row(1, FRIDAY) for _ in range(40)), to_day=FRIDAY)
    tuesday = block(*(row(2, TUESDAY) for _ in range(40)), opening=friday.closing_balance, from_day=TUESDAY)
    await asyncio.gather(*(bank.count(FeedFile) for _ in range(2)))  # two connections are open: nobody comes later
    reports = await asyncio.gather(*(bank.send(write_statements(BANK, [one])) for one in (friday, tuesday)))
    assert [report.rows_added for report in reports] == [40, 40]
    held = await bank.database.reading(lambda session: History(session).held(ORDINARY))
    assert {one["last_change"] for one in held.rows} == set(range(1, 81))
    assert held.last_change == 80
    # One whole block was numbered before the other.
    assert [one["last_change"] for one in held.rows] in ([*range(1, 81)], [*range(41, 81), *range(1, 41)])

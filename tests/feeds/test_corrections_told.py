"""What a 訂正 row corrects is judged again whenever a day before it is told otherwise, and readers are told so."""

from datetime import date
from typing import Any

import pytest

from madoguchi.procedures.feeds import corrections as feed_corrections
from madoguchi.procedures.feeds.values import StatementBlock, StatementRow
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Direction
from tests.feeds.bank import FRIDAY, TUESDAY
from tests.feeds.books import ORDINARY, block, row
from tests.feeds.history import History, undone

pytestmark = pytest.mark.both_databases

THURSDAY = date(2026, 11, 19)
WRONG = row(880, THURSDAY, Direction.WITHDRAWAL, kind_code="18", description="ﾃｽｳﾘﾖｳ")
TWIN = row(880, THURSDAY, Direction.WITHDRAWAL, kind_code="18", description="ﾃｽｳﾘﾖｳ ﾍﾞﾂ")
CORRECTION = row(880, TUESDAY, value_on=THURSDAY, kind_code="19", description="ﾃｲｾｲ", counterparty=None)
BALANCED = row(880, THURSDAY, description="ﾍﾝｷﾝ")  # so that Thursday's closing balance stays


def thursday(*rows: StatementRow) -> StatementBlock:
    return block(*rows, from_day=THURSDAY, to_day=THURSDAY)


def story(history: History, first: tuple[StatementRow, ...], second: tuple[StatementRow, ...]) -> tuple[Any, Any]:
    """Thursday, then Friday to Tuesday with the correction, then Thursday again; the correction after each."""
    history.open(ORDINARY)
    history.send(thursday(*first))
    opening = thursday(*first).closing_balance
    history.send(block(row(5, FRIDAY), CORRECTION, opening=opening, from_day=FRIDAY))
    before = history.held(ORDINARY)
    assert history.send(thursday(*second)).renewed  # type: ignore[union-attr]
    return before, history.held(ORDINARY)


async def test_a_correction_loses_its_row_when_an_earlier_day_withdraws_it(database: Database) -> None:
    def tell(history: History) -> None:
        before, after = story(history, (WRONG, BALANCED), ())
        assert before.rows[-1]["corrects_id"] == before.rows[0]["transaction_id"]
        assert after.rows[-1]["corrects_id"] is None
        assert [one["change"] for one in after.removed] == [5, 6]
        assert after.rows[-1]["last_change"] == after.last_change == 7, "readers of the correction are told"

    await undone(database, tell)


async def test_many_different_amounts_corrected_at_once_are_judged_alike(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a bound of amounts every row is looked at; here it is above it with one."""
    monkeypatch.setattr(feed_corrections, "_AMOUNTS_AT_ONCE", 0)

    def tell(history: History) -> None:
        before, after = story(history, (), (WRONG, row(1, THURSDAY), BALANCED, row(1, THURSDAY, Direction.WITHDRAWAL)))
        assert (before.rows[-1]["corrects_id"], after.rows[-1]["corrects_id"]) == (
            None,
            after.rows[0]["transaction_id"],
        )

    await undone(database, tell)


async def test_a_correction_finds_its_row_when_an_earlier_day_brings_it(database: Database) -> None:
    def tell(history: History) -> None:
        before, after = story(history, (), (WRONG, BALANCED))
        assert before.rows[-1]["corrects_id"] is None
        assert after.rows[-1]["corrects_id"] == after.rows[0]["transaction_id"]
        assert after.rows[-1]["last_change"] == after.last_change == 5

    await undone(database, tell)


async def test_a_second_row_that_fits_as_well_leaves_it_open_and_its_withdrawal_settles_it(database: Database) -> None:
    def tell(history: History) -> None:
        _, after = story(history, (WRONG,), (TWIN, WRONG, BALANCED))
        assert after.rows[-1]["corrects_id"] is None
        history.send(thursday(TWIN))
        settled = history.held(ORDINARY)
        assert settled.rows[-1]["corrects_id"] == settled.rows[0]["transaction_id"]

    await undone(database, tell)


async def test_nobody_is_told_of_a_correction_whose_row_stays(database: Database) -> None:
    def tell(history: History) -> None:
        before, after = story(history, (WRONG,), (row(1, THURSDAY), WRONG, row(1, THURSDAY, Direction.WITHDRAWAL)))
        assert after.rows[-1] == before.rows[-1]

    await undone(database, tell)


async def test_a_new_correction_is_one_change_and_not_two(database: Database) -> None:
    def tell(history: History) -> None:
        before, _ = story(history, (WRONG,), (WRONG, BALANCED, row(880, THURSDAY, Direction.WITHDRAWAL)))
        assert (before.rows[-1]["first_change"], before.rows[-1]["last_change"], before.last_change) == (3, 3, 3)

    await undone(database, tell)


async def test_only_a_new_inquiry_number_is_no_change_that_anybody_is_told(database: Database) -> None:
    def tell(history: History) -> None:
        history.open(ORDINARY)
        history.send(block(row(5), row(6)))
        before = history.held(ORDINARY)
        history.send(block(row(5, inquiry_number="00000801"), row(6, inquiry_number="00000802")))
        after = history.held(ORDINARY)
        assert [one["inquiry_number"] for one in after.rows] == ["00000801", "00000802"]
        assert [one | {"inquiry_number": "00000001"} for one in after.rows] == list(before.rows)
        assert after.last_change == before.last_change

    await undone(database, tell)


async def test_a_withdrawn_rows_id_is_never_given_to_another_row(database: Database) -> None:
    def tell(history: History) -> None:
        history.open(ORDINARY)
        history.send(block(row(5), row(6)))
        newest = history.held(ORDINARY).rows[-1]["transaction_id"]
        history.send(block(row(5)))
        history.send(block(row(5), row(7)))
        assert history.held(ORDINARY).rows[-1]["transaction_id"] > newest

    await undone(database, tell)

"""History: pages that follow each other, the window of 2-4, freshness of 6-1, and sums that chain."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import Session, col, update

from madoguchi.doors.api.ids import Kind
from madoguchi.procedures.ledger_reading import Wanted, read_ledger
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Statement, Transaction
from tests import story
from tests.api.conftest import Caller, refused

PAGE = """query ($first: Int, $after: String, $last: Int, $before: String, $from: Date, $to: Date,
                 $order: Order! = NEWEST_FIRST) {
  accounts(types: [ORDINARY]) { id transactions(
    first: $first, after: $after, last: $last, before: $before, from: $from, to: $to, order: $order
  ) { edges { cursor node { id bookedOn amount direction balanceAfter } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      period { from to limitedBy } statement { openingBalance closingBalance deposits withdrawals count }
      freshness { asOf asOfPrecision source completeness nextUpdateAt } } } }"""


async def page(caller: Caller, **variables: Any) -> dict[str, Any]:
    body = await caller.ask(PAGE, variables)
    assert "errors" not in body, body["errors"]
    found: dict[str, Any] = body["data"]["accounts"][0]["transactions"]
    return {**found, "nodes": [edge["node"] for edge in found["edges"]]}


@pytest.mark.both_databases
@pytest.mark.clause("2-1-2")
@pytest.mark.parametrize("order", ["NEWEST_FIRST", "OLDEST_FIRST"])
async def test_pages_follow_each_other_without_gap_or_overlap_and_their_sums_chain(caller: Caller, order: str) -> None:
    seen, after, checks = [], None, []
    for _ in range(10):
        found = await page(caller, first=50, after=after, order=order)
        seen += [node["id"] for node in found["nodes"]]
        assert found["pageInfo"]["hasPreviousPage"] == (after is not None)
        checks.append(found["statement"])
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    total = (story.NOW.date() - story.FIRST_DAY).days + 1
    assert len(seen) == len(set(seen)) == total
    oldest_first = checks if order == "OLDEST_FIRST" else checks[::-1]
    for one, following in pairwise(oldest_first):
        assert one["closingBalance"] == following["openingBalance"]
    for check in checks:
        assert check["openingBalance"] + check["deposits"] - check["withdrawals"] == check["closingBalance"]
    assert sum(check["count"] for check in checks) == total


async def test_a_page_counted_from_the_end_comes_in_the_same_order(caller: Caller) -> None:
    newest = await page(caller, first=500)
    ids = [node["id"] for node in newest["nodes"]]
    last = await page(caller, last=3)
    assert [node["id"] for node in last["nodes"]] == ids[-3:]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    before = await page(caller, last=2, before=last["pageInfo"]["startCursor"])
    assert [node["id"] for node in before["nodes"]] == ids[-5:-3]
    assert (before["pageInfo"]["hasNextPage"], before["pageInfo"]["hasPreviousPage"]) == (True, True)
    between = await page(caller, first=9, after=newest["edges"][1]["cursor"], before=newest["edges"][4]["cursor"])
    assert [node["id"] for node in between["nodes"]] == ids[2:4]


async def test_a_cursor_holds_its_place_while_newer_rows_come_in(caller: Caller) -> None:
    first = await page(caller, first=2)
    following = await page(caller, first=2, after=first["pageInfo"]["endCursor"])

    def newer(session: Session) -> None:
        row = story.rows_of(session, caller.told.ordinary)[-1]
        copied = row.model_dump(exclude={"transaction_id"})
        session.add(Transaction(**copied | {"position": row.position + 1, "last_change": 1_000_000}))

    await caller.database.writing(newer)
    assert (await page(caller, first=2))["nodes"] != first["nodes"]
    assert await page(caller, first=2, after=first["pageInfo"]["endCursor"]) == following


@pytest.mark.parametrize("size", [{"first": 1}, {"first": 500}, {"last": 1}, {"last": 500}])
async def test_a_page_has_from_one_to_five_hundred_rows(caller: Caller, size: dict[str, int]) -> None:
    assert len((await page(caller, **size))["nodes"]) == min(*size.values(), 397)


@pytest.mark.parametrize(
    "size",
    [{}, {"first": -1}, {"first": 0}, {"first": 501}, {"last": 0}, {"last": 501}, {"first": 1, "last": 1}],
)
async def test_any_other_page_size_is_told_with_a_code_and_the_limit(caller: Caller, size: dict[str, int]) -> None:
    body = await caller.ask(PAGE, size)
    assert body["data"]["accounts"][0]["transactions"] is None
    (error,) = body["errors"]
    assert error["path"] == ["accounts", 0, "transactions"]
    assert error["extensions"]["code"] == "PAGE_SIZE"
    assert "1 to 500" in error["message"]


async def test_an_empty_page_has_no_balances_and_no_cursors(caller: Caller) -> None:
    found = await page(caller, first=5, after=(await page(caller, last=1))["pageInfo"]["endCursor"])
    assert found["nodes"] == found["edges"] == []
    assert found["statement"] == {
        "openingBalance": None, "closingBalance": None, "deposits": 0, "withdrawals": 0, "count": 0,
    }  # fmt: skip
    assert found["pageInfo"]["startCursor"] is found["pageInfo"]["endCursor"] is None


@pytest.mark.both_databases
@pytest.mark.clause("2-4")
async def test_older_rows_than_the_window_are_cut_and_the_limit_is_named(caller: Caller) -> None:
    caller.at = story.NOW + timedelta(seconds=30)
    open_ended = await page(caller, first=500)
    assert open_ended["period"] == {"from": "2025-10-24", "to": "2026-11-24", "limitedBy": []}
    older = await page(caller, first=500, **{"from": "2025-10-23"})
    assert older["period"] == {"from": "2025-10-24", "to": "2026-11-24", "limitedBy": ["CREDIT_UNION"]}
    inside = await page(caller, first=500, **{"from": "2025-10-24", "to": "2025-10-26"})
    assert [node["bookedOn"] for node in inside["nodes"]] == ["2025-10-26", "2025-10-25", "2025-10-24"]
    assert inside["period"]["limitedBy"] == []
    outside = await page(caller, first=500, **{"from": "2024-01-01", "to": "2024-12-31"})
    assert (outside["nodes"], outside["period"]["limitedBy"]) == ([], ["CREDIT_UNION"])


@pytest.mark.clause("2-4")
async def test_the_aggregators_contract_can_narrow_the_window_further(caller: Caller) -> None:
    await caller.database.writing(lambda session: session.execute(update(Aggregator).values(history_days=7)))
    found = await page(caller, first=500, **{"from": "2026-01-01"})
    assert found["period"] == {"from": "2026-11-17", "to": "2026-11-24", "limitedBy": ["AGGREGATOR_CONTRACT"]}
    assert len(found["nodes"]) == 8
    window = await caller.ask("{ registration { dataWindow { from to limit } } }")
    assert window["data"]["registration"]["dataWindow"]["limit"] == "AGGREGATOR_CONTRACT"


async def test_a_period_that_ends_before_it_begins_is_told(caller: Caller) -> None:
    body = await caller.ask(PAGE, {"first": 1, "from": "2026-11-02", "to": "2026-11-01"})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["PERIOD_INVALID"]


@pytest.mark.clause("6-1")
async def test_days_missing_inside_the_period_show_in_its_completeness_and_outside_it_do_not(caller: Caller) -> None:
    def gap(session: Session) -> None:
        latest = session.get_one(Statement, 1)
        held = latest.model_dump(exclude={"statement_id", "first_day", "last_day", "completeness"})
        session.add(Statement(**held, first_day=date(2026, 11, 5), last_day=date(2026, 11, 5), completeness="gap"))

    await caller.database.writing(gap)
    over = await page(caller, first=1, **{"from": "2026-11-01"})
    beside = await page(caller, first=1, **{"from": "2026-11-05"})
    assert over["freshness"]["completeness"] == "GAP"
    assert beside["freshness"]["completeness"] == "MAY_LACK_LATER"


@pytest.mark.both_databases
@pytest.mark.clause("2-4")
async def test_a_row_older_than_the_window_is_not_found_by_its_id_nor_as_what_another_corrects(caller: Caller) -> None:
    rows = await caller.database.reading(story.rows_of, caller.told.ordinary)
    first_inside, last_outside = rows[-8], rows[-9]  # seven days before today, and eight

    def correct(session: Session) -> None:
        session.execute(update(Aggregator).values(history_days=7))
        session.execute(
            update(Transaction)
            .where(col(Transaction.transaction_id) == rows[-1].transaction_id)
            .values(corrects_id=last_outside.transaction_id)
        )
        session.execute(
            update(Transaction)
            .where(col(Transaction.transaction_id) == rows[-2].transaction_id)
            .values(corrects_id=first_inside.transaction_id)
        )

    await caller.database.writing(correct)
    inside, outside = caller.ids.seal(
        Kind.TRANSACTION, [first_inside.transaction_id or 0, last_outside.transaction_id or 0]
    )
    body = await caller.ask(
        """query ($i: ID!, $o: ID!) { inside: node(id: $i) { id } outside: node(id: $o) { id }
             accounts(types: [ORDINARY]) { transactions(first: 2) { nodes { corrects { id } } } } }""",
        {"i": inside, "o": outside},
    )
    assert (body["data"]["inside"], body["data"]["outside"]) == ({"id": inside}, None)
    assert refused(body) == {("outside",): ("UNKNOWN_ID", "-")}
    nodes = body["data"]["accounts"][0]["transactions"]["nodes"]
    assert [node["corrects"] for node in nodes] == [None, {"id": inside}]


@pytest.mark.both_databases
async def test_a_row_is_read_only_in_a_visible_account_whoever_asks(caller: Caller) -> None:
    """The statement itself knows the accounts that may be shown; the door does not rely on sorting out afterwards."""
    own = await caller.database.reading(story.rows_of, caller.told.ordinary)
    foreign = await caller.database.reading(story.rows_of, caller.told.jiro_ordinary)
    wanted = Wanted(
        rows=(own[0].transaction_id or 0, foreign[0].transaction_id or 0), visible=frozenset({caller.told.ordinary})
    )
    ledger = await caller.database.reading(read_ledger, wanted)
    assert list(ledger.rows) == [own[0].transaction_id]

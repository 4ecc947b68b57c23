"""第6条第1項: nothing is presented as current when a feed is late, and what is too late is not given at all.

It is Tuesday 24 November 2026, 14:02; Monday was a holiday. 残高通知 and 入出金取引明細 are due at 7:00 on banking days
with all of the banking day before, and are withheld from 48 hours after that.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from madoguchi.doors.api.feeds import SOURCES
from madoguchi.doors.api.ids import Kind
from madoguchi.doors.api.schema import build_schema
from madoguchi.procedures.explaining import explain
from madoguchi.procedures.service import close_service, institution_facts, set_feeds
from madoguchi.records.audit import Fact
from madoguchi.records.bank import FeedArrival
from madoguchi.records.service import Institution
from madoguchi.rules import facts
from madoguchi.rules.facts import FeedDue, InstitutionFacts
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays
from tests import story
from tests.api.conftest import Caller, refused

SINCE = date(2026, 11, 2)
BALANCES = FeedDue(Feed.BALANCES, FeedDays.BANKING_DAYS, 7 * 60, FeedCovers.PREVIOUS_BANKING_DAY, 48 * 60, SINCE, None)
HISTORY = replace(BALANCES, feed=Feed.TRANSACTIONS)
FRESH = datetime(2026, 11, 24, 13, 0, tzinfo=JST)
LATE = datetime(2026, 11, 19, 23, 59, 59, tzinfo=JST)  # Friday's data is missing, due this morning
TOO_LATE = datetime(2026, 11, 18, 23, 59, 59, tzinfo=JST)  # Thursday's is too, due on Friday
DUE_THIS_MORNING = "2026-11-24T07:00:00+09:00"
DUE_TOMORROW = "2026-11-25T07:00:00+09:00"
ASKED = """{ accounts(types: [ORDINARY]) { id
  balance { current freshness { asOf completeness nextUpdateAt } }
  transactions(first: 1) { nodes { id balanceAfter } freshness { asOf completeness nextUpdateAt } } } }"""
FEEDS = "{ service { feeds { source asOf receivedAt expectedAsOf late lateSince unavailable nextDueAt } } }"


def bring(session: Session, arrivals: dict[Feed, datetime], dues: tuple[FeedDue, ...]) -> None:
    """The timetable, and what the feeds brought last; that came at noon."""
    set_feeds(session, dues, SINCE, story.WHO, story.NOW)
    for feed, as_of in arrivals.items():
        received = story.NOW.replace(hour=12, minute=0)
        session.add(FeedArrival(feed=feed, as_of=as_of, received_at=received, feed_file_id=1))


async def given(caller: Caller, balances: datetime, history: datetime) -> None:
    arrivals = {Feed.BALANCES: balances, Feed.TRANSACTIONS: history}
    await caller.database.writing(bring, arrivals, (BALANCES, HISTORY))


def parts(body: dict[str, Any]) -> tuple[Any, Any]:
    account = body["data"]["accounts"][0]
    return account["balance"], account["transactions"]


@pytest.mark.clause("6-1")
async def test_in_time_a_value_tells_when_the_next_update_is_due(caller: Caller) -> None:
    await given(caller, FRESH, FRESH)
    body = await caller.ask(ASKED)
    assert "errors" not in body
    for part in parts(body):
        assert part["freshness"]["completeness"] != "LATE"
        assert part["freshness"]["nextUpdateAt"] == DUE_TOMORROW


@pytest.mark.clause("6-1")
async def test_a_late_feed_shows_in_the_completeness_of_its_own_values_and_of_no_other(caller: Caller) -> None:
    await given(caller, LATE, FRESH)
    balance, history = parts(await caller.ask(ASKED))
    assert balance["freshness"] == {
        "asOf": "2026-11-24T14:00:00+09:00",
        "completeness": "LATE",
        "nextUpdateAt": DUE_TOMORROW,
    }
    assert history["freshness"]["completeness"] != "LATE"


@pytest.mark.clause("6-1")
async def test_what_is_too_late_is_withheld_with_the_clause_and_when_to_ask_again_and_the_rest_is_served(
    caller: Caller,
) -> None:
    await given(caller, TOO_LATE, FRESH)
    body = await caller.ask(ASKED)
    balance, history = parts(body)
    assert balance is None
    assert history["nodes"]
    assert [(error["path"], error["message"]) for error in body["errors"]] == [
        (
            ["accounts", 0, "balance"],
            "What the credit union's system gave last is too old to be given, and what was due has not come. "
            "Try again at `retryAt`.",
        )
    ]
    told = body["errors"][0]["extensions"]
    assert (told["code"], told["clause"], told["retryAt"]) == ("DATA_UNAVAILABLE", "6-1", DUE_TOMORROW)


def test_every_type_that_tells_how_fresh_it_is_can_be_withheld() -> None:
    """A new one would be given however late its feed is, if it were forgotten here."""
    types = build_schema().core.type_map
    fresh = {name for name, each in types.items() if "freshness" in getattr(each, "fields", {})}
    assert fresh == set(SOURCES) - {"Transaction"}


@pytest.mark.clause("6-1")
async def test_changes_of_a_history_that_is_too_late_are_withheld_under_any_cursor(caller: Caller) -> None:
    (account,) = caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary])
    changes = "query ($id: ID!, $after: String) { changes(account: $id, first: 5, after: $after) { cursor } }"
    cursor = (await caller.ask(changes, {"id": account}))["data"]["changes"]["cursor"]
    await given(caller, FRESH, TOO_LATE)
    for after in (None, cursor, "no cursor"):
        body = await caller.ask(changes, {"id": account, "after": after})
        assert (body["data"], refused(body)) == ({"changes": None}, {("changes",): ("DATA_UNAVAILABLE", "6-1")})


@pytest.mark.clause("6-1")
async def test_a_history_that_is_too_late_is_withheld_and_so_is_a_single_row_of_it(caller: Caller) -> None:
    await given(caller, FRESH, TOO_LATE)
    balance, history = parts(await caller.ask(ASKED))
    assert (balance["current"], history) == (4_516_000, None)
    row = (await caller.database.reading(story.rows_of, caller.told.ordinary))[-1]
    text = caller.ids.seal(Kind.TRANSACTION, [row.transaction_id or 0])[0]
    body = await caller.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": text})
    assert body["data"] == {"node": None}
    assert refused(body) == {("node",): ("DATA_UNAVAILABLE", "6-1")}


@pytest.mark.clause("6-1")
async def test_what_is_too_late_is_not_even_read(caller: Caller) -> None:
    await given(caller, TOO_LATE, TOO_LATE)
    with caller.counting() as statements:
        body = await caller.ask(ASKED)
    assert set(refused(body).values()) == {("DATA_UNAVAILABLE", "6-1")}
    assert not [text for text in statements if "FROM balance" in text or "FROM ledger_row" in text]


async def test_judging_the_feeds_costs_no_statement(caller: Caller) -> None:
    async def reads(query: str) -> int:
        with caller.counting() as statements:
            await caller.ask(query)
        return sum(text.lstrip().startswith("SELECT") for text in statements)

    values, service = await reads(ASKED), await reads("{ service { open } }")
    await given(caller, LATE, FRESH)
    assert (await reads(ASKED), await reads(FEEDS)) == (values, service)


@pytest.mark.both_databases
@pytest.mark.clause("6-1")
async def test_the_service_tells_of_each_feed_what_came_what_is_missing_and_when_news_is_due(caller: Caller) -> None:
    await given(caller, TOO_LATE, FRESH)
    balances, history = (await caller.ask(FEEDS))["data"]["service"]["feeds"]
    assert balances == {
        "source": "BALANCE_NOTICE",
        "asOf": "2026-11-18T23:59:59+09:00",
        "receivedAt": "2026-11-24T12:00:00+09:00",
        "expectedAsOf": "2026-11-20T23:59:59+09:00",
        "late": True,
        "lateSince": "2026-11-20T07:00:00+09:00",
        "unavailable": True,
        "nextDueAt": DUE_TOMORROW,
    }
    assert (history["source"], history["late"], history["unavailable"]) == ("TRANSACTION_NOTICE", False, False)


async def test_without_a_timetable_nothing_is_late_and_the_next_update_is_unknown(caller: Caller) -> None:
    await caller.database.writing(bring, {Feed.BALANCES: TOO_LATE}, ())
    balances, history = (await caller.ask(FEEDS))["data"]["service"]["feeds"]
    assert (balances["asOf"], balances["late"], balances["nextDueAt"]) == ("2026-11-18T23:59:59+09:00", False, None)
    assert (history["asOf"], history["receivedAt"], history["expectedAsOf"]) == (None, None, None)
    balance, _ = parts(await caller.ask(ASKED))
    assert balance["freshness"]["nextUpdateAt"] is None


@pytest.mark.clause("6-1")
async def test_outside_the_service_hours_the_state_of_the_feeds_is_still_told(caller: Caller) -> None:
    await given(caller, LATE, FRESH)
    await caller.database.writing(close_service, story.NOW + timedelta(hours=1), "点検", story.WHO, story.NOW)
    body = await caller.ask("{ service { open feeds { late lateSince } } accounts { id } }")
    assert body["data"]["service"] == {
        "open": False,
        "feeds": [{"late": True, "lateSince": DUE_THIS_MORNING}, {"late": False, "lateSince": None}],
    }


@pytest.mark.clause("6-1")
async def test_a_timetable_changed_by_an_officer_counts_at_the_next_question(caller: Caller) -> None:
    await given(caller, TOO_LATE, FRESH)
    patient = replace(BALANCES, unavailable_after=None)
    await caller.database.writing(set_feeds, [patient], SINCE, story.WHO, story.NOW)
    balance, _ = parts(await caller.ask(ASKED))
    assert balance["freshness"]["completeness"] == "LATE"


@pytest.mark.clause("4-3")
async def test_the_record_holds_the_refusal_and_explain_finds_the_same_decision(caller: Caller) -> None:
    await given(caller, TOO_LATE, FRESH)
    request_id = (await caller.ask(ASKED))["extensions"]["requestId"]
    found = await caller.database.reading(explain, request_id)
    assert found is not None
    assert {"code": "DATA_UNAVAILABLE", "clause": "6-1", "path": "accounts.balance"} in found.record.refusals
    assert not [name for name in found.record.answered if ".balance." in name]
    assert f"accounts[{caller.told.ordinary}].balance" not in found.record.as_of
    assert found.access.refusals == ()
    assert found.institution.feeds == (BALANCES, HISTORY)


@pytest.mark.clause("4-3")
async def test_a_use_recorded_before_there_were_timetables_is_still_explained(caller: Caller) -> None:
    """The body of facts as release 0.3 wrote it has no `feeds`."""

    def as_before(session: Session) -> str:
        body = facts.canonical(institution_facts(session)).replace('"feeds":[],', "")
        session.merge(Fact(digest=facts.digest(body), body=body))
        session.flush()
        session.get_one(Institution, 1).facts_digest = facts.digest(body)
        return body

    body = await caller.database.writing(as_before)
    assert "feeds" not in body
    request_id = (await caller.ask(ASKED))["extensions"]["requestId"]
    found = await caller.database.reading(explain, request_id)
    assert found is not None
    assert found.institution == facts.load(InstitutionFacts, body)
    assert (found.institution.feeds, found.access.refusals) == ((), ())

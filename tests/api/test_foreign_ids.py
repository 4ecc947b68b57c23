"""Ids and cursors of anybody or anything else answer alike, after the same work."""

import pytest

from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.rules.vocabulary import Scope
from tests import story
from tests.api.conftest import MASTER_KEY, Caller, refused

OFFICER = "os-user:officer"
HISTORY_ONLY = (Scope.ACCOUNTS, Scope.TRANSACTIONS)
EVERYTHING = """{ service { open } registration { scopes accounts { id } } accounts { id }
  account(id: "x") { id } node(id: "x") { id } }"""


@pytest.mark.both_databases
async def test_foreign_unknown_unconsented_and_malformed_ids_answer_alike_after_the_same_statements(
    caller: Caller,
) -> None:
    jiro = caller.told.jiro_ordinary
    ours, theirs = caller.ids, Ids(MASTER_KEY, caller.told.kaikei)
    row = await caller.database.reading(lambda s: story.rows_of(s, jiro)[0].transaction_id or 0)
    own_row = await caller.database.reading(lambda s: story.rows_of(s, caller.told.ordinary)[0].transaction_id or 0)
    ids = {
        "another customer's account": ours.seal(Kind.ACCOUNT, [jiro])[0],
        "another customer's row": ours.seal(Kind.TRANSACTION, [row])[0],
        "an account not chosen": ours.seal(Kind.ACCOUNT, [caller.told.savings])[0],
        "a time deposit": ours.seal(Kind.ACCOUNT, [caller.told.time])[0],
        "an account that never was": ours.seal(Kind.ACCOUNT, [99_999])[0],
        "a row that never was": ours.seal(Kind.TRANSACTION, [99_999_999])[0],
        "another aggregator's account": theirs.seal(Kind.ACCOUNT, [caller.told.ordinary])[0],
        "another aggregator's row": theirs.seal(Kind.TRANSACTION, [own_row])[0],
        "a cursor": ours.seal(Kind.CURSOR, [1], caller.told.ordinary)[0],
        "a changed letter": ours.seal(Kind.ACCOUNT, [caller.told.ordinary])[0][::-1],
        "a number": "1",
        "nothing": "",
        "too long": "A" * 5000,
        "not ASCII": "口座",
    }
    query = """query ($id: ID!) {
      account(id: $id) { number balance { current } transactions(first: 1) { nodes { id } } }
      node(id: $id) { id ... on Account { balance { current } } ... on Transaction { amount corrects { id } } } }"""
    answers, counts = set(), set()
    for id in ids.values():
        with caller.counting() as statements:
            body = await caller.ask(query, {"id": id})
        for error in body["errors"]:
            error["extensions"].pop("requestId")
        answers.add(str((body["data"], body["errors"])))
        counts.add(tuple(text for text in statements if text.lstrip().startswith("SELECT")))
    assert len(answers) == 1
    assert len(counts) == 1
    (answer,) = answers
    assert "UNKNOWN_ID" in answer


@pytest.mark.parametrize("withheld", [(Scope.ACCOUNTS,), (Scope.ACCOUNTS, Scope.BALANCES)])
async def test_without_the_history_scope_no_id_tells_whether_it_is_a_rows(
    caller: Caller, withheld: tuple[Scope, ...]
) -> None:
    await caller.register_again(scopes=withheld)
    row = await caller.database.reading(lambda s: story.rows_of(s, caller.told.ordinary)[0].transaction_id or 0)
    ids = [caller.ids.seal(Kind.TRANSACTION, [row])[0], caller.ids.seal(Kind.ACCOUNT, [99_999])[0], "x"]
    bodies = [await caller.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": id}) for id in ids]
    assert {str(refused(body)) for body in bodies} == {str({("node",): ("SCOPE_NOT_GRANTED", "4-3")})}


@pytest.mark.parametrize("cursor", ["", "x", "another account's", "another aggregator's", "an id"])
async def test_a_cursor_of_anything_else_than_this_account_is_told_as_unknown(caller: Caller, cursor: str) -> None:
    made = {
        "another account's": caller.ids.seal(Kind.CURSOR, [20261124000000], caller.told.current)[0],
        "another aggregator's": Ids(MASTER_KEY, caller.told.kaikei).seal(
            Kind.CURSOR, [20261124000000], caller.told.ordinary
        )[0],
        "an id": caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary])[0],
    }
    body = await caller.ask(
        "query ($c: String) { accounts(types: [ORDINARY]) { transactions(first: 1, after: $c) { nodes { id } } } }",
        {"c": made.get(cursor, cursor)},
    )
    assert refused(body) == {("accounts", 0, "transactions"): ("UNKNOWN_CURSOR", "-")}

"""`changes` is withheld as the history is, reads nothing that is withheld, and says what was told of whom."""

from datetime import date, timedelta

import pytest
from sqlmodel import col, delete

from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.procedures import service
from madoguchi.records.bank import Statement
from madoguchi.rules.vocabulary import Scope, StopTarget
from tests import story
from tests.api.changing import CHANGES, NO_SCOPE, asked, change, days, few_days, new
from tests.api.conftest import MASTER_KEY, Caller, refused


@pytest.mark.both_databases
async def test_foreign_unknown_unconsented_and_malformed_accounts_answer_alike_after_the_same_statements(
    caller: Caller,
) -> None:
    ours, theirs = caller.ids, Ids(MASTER_KEY, caller.told.kaikei)
    accounts = {
        "another customer's": ours.seal(Kind.ACCOUNT, [caller.told.jiro_ordinary])[0],
        "not chosen": ours.seal(Kind.ACCOUNT, [caller.told.savings])[0],
        "a time deposit": ours.seal(Kind.ACCOUNT, [caller.told.time])[0],
        "one that never was": ours.seal(Kind.ACCOUNT, [99_999])[0],
        "another aggregator's": theirs.seal(Kind.ACCOUNT, [caller.told.ordinary])[0],
        "a row's id": ours.seal(Kind.TRANSACTION, [1])[0],
        "nothing": "",
        "not ASCII": "口座",
    }
    answers, counts = set(), set()
    for account in accounts.values():
        with caller.counting() as statements:
            body = await asked(caller, account=account)
        answers.add(str((body["data"], refused(body), body["errors"][0]["message"])))
        counts.add(tuple(text for text in statements if text.lstrip().startswith("SELECT")))
    assert len(answers) == len(counts) == 1
    assert "UNKNOWN_ID" in answers.pop()


async def test_a_cursor_of_anything_else_is_unknown_and_told_alike(caller: Caller) -> None:
    (account,) = caller.ids.seal(Kind.ACCOUNT, [caller.told.current])
    body = await caller.ask(CHANGES, {"account": account, "first": 1})
    own = (await new(caller, first=1))["cursor"]
    note = Ids(MASTER_KEY, caller.told.kakeibo).open_note(own, Kind.CHANGES, 28, caller.told.ordinary) or b""
    cursors = {
        "another account's": body["data"]["changes"]["cursor"],
        "another aggregator's": Ids(MASTER_KEY, caller.told.kaikei).seal_note(Kind.CHANGES, note, caller.told.ordinary),
        "of a page of transactions": caller.ids.seal(Kind.CURSOR, [1], caller.told.ordinary)[0],
        "a changed letter": own[:20] + ("A" if own[20] != "A" else "B") + own[21:],
        "cut": own[:-1],
        "longer": own + "A",
        "nothing": "",
        "not ASCII": "位置",
        "too long": "A" * 5000,
    }
    told, counts = set(), set()
    for cursor in cursors.values():
        with caller.counting() as statements:
            refusal = await asked(caller, after=cursor)
        told.add(str((refused(refusal), refusal["errors"][0]["message"])))
        counts.add(tuple(text for text in statements if text.lstrip().startswith("SELECT")))
    assert len(told) == len(counts) == 1
    assert "UNKNOWN_CURSOR" in told.pop()
    body = await caller.ask(
        "query ($c: String) { accounts(types: [ORDINARY]) { transactions(first: 1, after: $c) { nodes { id } } } }",
        {"c": own},
    )
    assert refused(body) == {("accounts", 0, "transactions"): ("UNKNOWN_CURSOR", "-")}


@pytest.mark.clause("4-3")
@pytest.mark.parametrize(
    "scopes", [(Scope.ACCOUNTS, Scope.BALANCES), (Scope.BALANCES, Scope.TRANSACTIONS), (Scope.TRANSACTIONS,)]
)
async def test_changes_need_the_scopes_that_the_history_of_an_account_needs(
    caller: Caller, scopes: tuple[Scope, ...]
) -> None:
    await caller.register_again(token_scopes=scopes)
    assert refused(await asked(caller)) == {("changes",): NO_SCOPE}
    assert refused(await asked(caller, account="x")) == {("changes",): NO_SCOPE}


@pytest.mark.clause("4-3")
async def test_who_sees_history_but_not_balances_is_told_none_by_changes_either(caller: Caller) -> None:
    await few_days(caller)
    await caller.register_again(scopes=(Scope.ACCOUNTS, Scope.TRANSACTIONS))
    cursor = (await asked(caller))["data"]["changes"]["cursor"]
    await change(caller, date(2026, 11, 20), balance_after=7_777_777)
    body = await asked(caller, after=cursor)
    assert body["data"]["changes"]["corrected"][0]["balanceAfter"] is None
    assert refused(body) == {("changes", "corrected", 0, "balanceAfter"): NO_SCOPE}
    assert "7777" not in str(body)


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (StopTarget.ALL, ""),
        (StopTarget.FUNCTION, Scope.TRANSACTIONS),
        (StopTarget.ACCOUNT_KIND, "1"),
        (StopTarget.BRANCH, "002"),
    ],
)
async def test_a_stop_withholds_changes_as_it_withholds_the_history_and_nothing_is_read(
    caller: Caller, kind: StopTarget, target: str
) -> None:
    (account,) = caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary])
    ends = story.NOW + timedelta(hours=2)
    await caller.database.writing(
        service.set_stop, kind, target, story.NOW, ends, None, "点検", "os-user:officer", story.NOW
    )
    history = await caller.ask(
        "query ($id: ID!) { account(id: $id) { transactions(first: 1) { nodes { id } } } }", {"id": account}
    )
    with caller.counting() as statements:
        body = await asked(caller)
    assert list(refused(body).values()) == list(refused(history).values())
    assert refused(body)["changes",][1] == "7-3"
    assert not any("ledger_row" in text or "removed_row" in text for text in statements)


@pytest.mark.clause("6-1")
async def test_changes_of_a_history_that_was_never_received_are_an_error_and_no_empty_answer(caller: Caller) -> None:
    of_it = col(Statement.account_id) == caller.told.ordinary
    await caller.database.writing(lambda session: session.execute(delete(Statement).where(of_it)))
    assert refused(await asked(caller)) == {("changes",): ("NOT_YET_RECEIVED", "6-1")}


@pytest.mark.parametrize("first", [-1, 0, 501])
async def test_a_page_of_changes_has_from_one_to_five_hundred_rows(caller: Caller, first: int) -> None:
    body = await asked(caller, first)
    assert refused(body) == {("changes",): ("PAGE_SIZE", "-")}
    assert "from 1 to 500" in body["errors"][0]["message"]


async def test_a_row_shows_what_it_corrects_and_aliases_are_answers_of_their_own(caller: Caller) -> None:
    await few_days(caller)
    ordinary, current = caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary, caller.told.current])
    cursor = (await new(caller))["cursor"]
    corrected = await change(caller, date(2026, 11, 20), balance_after=1)
    await change(caller, date(2026, 11, 23), corrects_id=corrected)
    body = await caller.ask(
        """query ($o: ID!, $c: ID!, $after: String) {
             a: changes(account: $o, after: $after, first: 2) { rows: corrected { corrects { bookedOn amount } }
               days: corrected { bookedOn } }
             b: changes(account: $c, first: 1) { added { bookedOn } hasMore }
             c: changes(account: $o, first: 1) { added { bookedOn } hasMore } }""",
        {"o": ordinary, "c": current, "after": cursor},
    )
    assert "errors" not in body
    assert days(body["data"]["a"]["days"]) == ["2026-11-20", "2026-11-23"]
    assert body["data"]["a"]["rows"] == [{"corrects": None}, {"corrects": {"bookedOn": "2026-11-20", "amount": 1000}}]
    assert body["data"]["b"] == body["data"]["c"] == {"added": [{"bookedOn": "2026-11-19"}], "hasMore": True}


async def test_statements_do_not_grow_with_rows_or_accounts(caller: Caller) -> None:
    accounts = caller.ids.seal(Kind.ACCOUNT, [caller.told.ordinary, caller.told.current])
    fields = "{ added { id corrects { id } } removed { id } cursor freshness { asOf } }"
    counts = []
    for size in (1, 2):
        for rows in (1, 300):
            roots = " ".join(f'c{n}: changes(account: "{accounts[n]}", first: {rows}) {fields}' for n in range(size))
            with caller.counting() as statements:
                body = await caller.ask(f"{{ {roots} }}")
            assert [len(each["added"]) for each in body["data"].values()] == [rows] * size
            counts.append(len(statements))
    assert len(set(counts)) == 1, counts


@pytest.mark.clause("4-3")
async def test_the_record_of_a_use_names_what_was_told_of_which_account_and_how_old_it_was(caller: Caller) -> None:
    await asked(caller, first=1)
    record = (await caller.records())[-1]
    whose = f"changes[{caller.told.ordinary}]"
    assert {f"{whose}.added.amount", f"{whose}.removed.id", f"{whose}.removed.bookedOn"} <= set(record.answered)
    assert record.as_of == {whose: "2026-11-24T14:00:00+09:00"}

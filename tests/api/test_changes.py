"""`changes`: what is new in an account's history since a cursor, for an aggregator that keeps a copy of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, delete, update

from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.procedures import service
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, RemovedTransaction, Statement, Transaction
from madoguchi.rules.vocabulary import Scope, StopTarget
from tests import story
from tests.api.conftest import MASTER_KEY, Caller, refused

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


@pytest.mark.both_databases
@pytest.mark.clause("2-1-2")
@pytest.mark.clause("2-4")
@pytest.mark.clause("6-1")
async def test_the_beginning_is_every_row_of_the_window_and_says_how_fresh_it_is(caller: Caller) -> None:
    await few_days(caller)
    found = await new(caller)
    assert days(found["added"]) == [f"2026-11-{day}" for day in range(19, 25)]
    assert (found["corrected"], found["removed"], found["hasMore"]) == ([], [], False)
    assert found["period"] == {"from": "2026-11-19", "to": "2026-11-24", "limitedBy": []}
    assert found["freshness"] == {
        "asOf": "2026-11-24T14:00:00+09:00", "asOfPrecision": "MINUTE", "source": "TRANSACTION_NOTICE",
        "completeness": "MAY_LACK_LATER",
    }  # fmt: skip
    nothing = await new(caller, after=found["cursor"])
    assert (nothing["added"], nothing["corrected"], nothing["removed"], nothing["hasMore"]) == ([], [], [], False)
    assert nothing["cursor"] == found["cursor"]


@pytest.mark.both_databases
@pytest.mark.clause("2-1-2")
async def test_what_came_what_reads_differently_and_what_was_withdrawn_are_told_once_each(caller: Caller) -> None:
    await few_days(caller)
    cursor = (await new(caller))["cursor"]
    await change(caller, date(2026, 11, 20), balance_after=1)
    await change(caller, date(2026, 11, 20), balance_after=7)
    gone = await withdraw(caller, date(2026, 11, 21))
    await add(caller, date(2026, 11, 24))
    found = await new(caller, after=cursor)
    assert [(one["bookedOn"], one["orderInDay"]) for one in found["added"]] == [("2026-11-24", 7)]
    assert [(one["bookedOn"], one["balanceAfter"]) for one in found["corrected"]] == [("2026-11-20", 7)]
    assert found["removed"] == [{"id": gone, "bookedOn": "2026-11-21"}]
    pages = [await new(caller, first=1, after=cursor)]
    while pages[-1]["hasMore"]:
        pages.append(await new(caller, first=1, after=pages[-1]["cursor"]))
    told = [[part for part in ("added", "corrected", "removed") if page[part]] for page in pages]
    assert told == [["corrected"], ["removed"], ["added"]], "in the order in which it happened"
    assert pages[-1]["cursor"] == found["cursor"]


@pytest.mark.clause("2-1-2")
async def test_who_is_still_at_the_beginning_is_told_of_a_row_withdrawn_since_and_of_no_earlier_one(
    caller: Caller,
) -> None:
    await few_days(caller)
    await withdraw(caller, date(2026, 11, 22))
    first = await new(caller, first=2)
    assert (days(first["added"]), first["hasMore"]) == (["2026-11-19", "2026-11-20"], True)
    known = await withdraw(caller, date(2026, 11, 19))
    rest = await new(caller, after=first["cursor"])
    assert days(rest["added"]) == ["2026-11-21", "2026-11-23", "2026-11-24"]
    assert rest["removed"] == [{"id": known, "bookedOn": "2026-11-19"}]


@pytest.mark.clause("2-1-2")
async def test_a_row_corrected_before_the_beginning_is_added_and_one_corrected_during_it_is_told_again(
    caller: Caller,
) -> None:
    await few_days(caller)
    await change(caller, date(2026, 11, 19), balance_after=3)
    first = await new(caller, first=2)
    assert days(first["added"]) == ["2026-11-20", "2026-11-21"]
    await change(caller, date(2026, 11, 20), balance_after=5)
    rest = await new(caller, after=first["cursor"])
    assert days(rest["added"]) == ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-19"]
    assert days(rest["corrected"]) == ["2026-11-20"]


@pytest.mark.both_databases
@pytest.mark.clause("2-4")
async def test_a_row_booked_on_a_day_to_come_is_told_on_that_day_though_its_number_was_passed(caller: Caller) -> None:
    """勘定日 of an evening's transfer is the next banking day; `transactions` shows it from then on."""
    await few_days(caller)
    await add(caller, date(2026, 11, 25))
    await add(caller, date(2026, 11, 26))
    today = await new(caller)
    assert days(today["added"])[-1] == "2026-11-24"
    assert (today["hasMore"], (await new(caller, after=today["cursor"]))["added"]) == (False, [])
    caller.at += timedelta(days=1)
    await caller.register_again(at=caller.at)
    morrow = await new(caller, after=today["cursor"])
    assert (days(morrow["added"]), morrow["hasMore"]) == (["2026-11-25"], False)
    caller.at += timedelta(days=1)
    await caller.register_again(at=caller.at)
    assert days((await new(caller, after=today["cursor"]))["added"]) == ["2026-11-25", "2026-11-26"]
    one = await new(caller, first=1, after=today["cursor"])
    assert (days(one["added"]), one["hasMore"]) == (["2026-11-25"], True)
    assert days((await new(caller, first=1, after=one["cursor"]))["added"]) == ["2026-11-26"]


@pytest.mark.clause("2-4")
@pytest.mark.parametrize(("days_later", "code"), [(5, None), (6, "CURSOR_EXPIRED")])
async def test_a_cursor_serves_while_the_day_it_was_given_on_is_in_the_window(
    caller: Caller, days_later: int, code: str | None
) -> None:
    await few_days(caller)
    cursor = (await new(caller))["cursor"]
    caller.at += timedelta(days=days_later)
    await caller.register_again(at=caller.at)
    body = await asked(caller, after=cursor)
    assert refused(body) == ({("changes",): (code, "2-4")} if code else {})
    if code:
        assert "Start again without `after`" in body["errors"][0]["message"]


@pytest.mark.clause("2-4")
async def test_a_cursor_given_in_a_narrower_window_does_not_serve_in_a_wider_one(caller: Caller) -> None:
    wide = (await new(caller))["cursor"]
    await few_days(caller)
    narrow = (await new(caller, after=wide))["cursor"]
    await change(caller, date(2026, 11, 1), balance_after=1)
    assert (await new(caller, after=narrow))["corrected"] == [], "not in the window"
    await caller.database.writing(lambda session: session.execute(update(Aggregator).values(history_days=6)))
    assert refused(await asked(caller, after=narrow)) == {("changes",): ("CURSOR_EXPIRED", "2-4")}
    assert refused(await asked(caller, after=wide)) == {}


async def test_a_cursor_ahead_of_restored_books_does_not_serve(caller: Caller) -> None:
    """Numbers that were told and are not there any more: an older state of the database was restored."""
    cursor = (await new(caller))["cursor"]
    await caller.database.writing(lambda session: session.execute(update(Account).values(last_change=396)))
    assert refused(await asked(caller, after=cursor)) == {("changes",): ("CURSOR_EXPIRED", "2-4")}


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

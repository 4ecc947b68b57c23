"""No answer without its record: one durable commit of record and proof stands before every answer (4-2, 4-3)."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
import pytest
from sqlmodel import Session, col, select, update
from structlog.testing import capture_logs

from madoguchi import opaque
from madoguchi.procedures import service
from madoguchi.procedures.reading import Admission
from madoguchi.procedures.recording import Recorder, Use
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.audit import AccessRecord
from madoguchi.records.bank import Account
from madoguchi.records.database import Database
from madoguchi.records.registrations import UsedOnce
from madoguchi.rules.vocabulary import AccountState, Cause, StopTarget
from tests import story
from tests.api.conftest import Caller, proof
from tests.api.served import COMMAND
from tests.story import Story
from tests.support.server import Server, running_server

QUERY = "{ accounts { id balance { current } transactions(first: 2) { nodes { id } } } }"


@pytest.mark.both_databases
async def test_fifty_requests_with_one_proof_at_once_get_exactly_one_answer(caller: Caller) -> None:
    """RFC 9449 section 11.1; security.md 5."""
    headers = caller.headers()
    answers = await asyncio.gather(
        *(caller.http.post("/graphql", json={"query": QUERY}, headers=headers) for _ in range(50))
    )
    served = [answer for answer in answers if answer.status_code == 200]
    others = [answer for answer in answers if answer.status_code == 401]
    assert (len(served), len(others)) == (1, 49)
    assert all('error="invalid_dpop_proof"' in answer.headers["www-authenticate"] for answer in others)
    assert all("data" not in answer.json() for answer in others)
    assert [record.request_id for record in await caller.records()] == [served[0].headers["x-request-id"]]


@pytest.mark.both_databases
async def test_a_proof_serves_once_for_refusals_too(caller: Caller) -> None:
    headers = caller.headers()
    first = await caller.http.post("/graphql", json={"query": "{"}, headers=headers)
    again = await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 401)


@pytest.mark.both_databases
@pytest.mark.clause("7-3")
async def test_a_stop_committed_elsewhere_before_admission_refuses_the_next_request(caller: Caller) -> None:
    assert "errors" not in await caller.ask(QUERY)
    other_worker = Database(caller.database.engine.url.render_as_string(hide_password=False))
    await other_worker.writing(
        service.set_stop, StopTarget.ALL, "", story.NOW, None, story.NOW.date(), "点検", "os-user:officer", story.NOW
    )
    body = await caller.ask(QUERY)
    assert (body["data"], body["errors"][0]["extensions"]["code"]) == ({"accounts": None}, "SERVICE_STOPPED")
    await other_worker.writing(
        stop_registrations, Cause.STOPPED_BY_CUSTOMER, "os-user:officer", story.NOW, customer_id=caller.told.hanako
    )
    assert (await caller.post(QUERY)).status_code == 401
    await other_worker.close()


@pytest.mark.both_databases
@pytest.mark.clause("4-2")
async def test_the_record_says_who_asked_what_and_which_fields_of_which_accounts_left(caller: Caller) -> None:
    query = """query ($n: Int!) { node(id: 1) { id }
      mine: accounts { b: balance { current } transactions(first: $n) { nodes { amount } } } }"""
    headers = caller.headers(**{"x-fapi-customer-ip-address": "192.0.2.1"})
    answer = await caller.http.post("/graphql", json={"query": query, "variables": {"n": 1}}, headers=headers)
    (record,) = await caller.records()
    ordinary, current = caller.told.ordinary, caller.told.current
    assert record.request_id == answer.headers["x-request-id"]
    assert (record.at, record.action, record.outcome, record.attended) == (story.NOW, "query", "answered", True)
    assert (record.customer_id, record.aggregator_id) == (caller.told.hanako, caller.told.kakeibo)
    assert record.jkt == story.proof_key().thumbprint()
    assert record.token_scopes == ["accounts", "balances", "transactions"]
    assert record.operation_digest == opaque.stored(query)
    assert record.asked == ["accounts.balance.current", "accounts.transactions.nodes.amount", "node.id"]
    assert record.answered == [
        f"accounts[{account}].{field}"
        for account in (ordinary, current)
        for field in ("balance.current", "transactions.nodes.amount")
    ]
    assert record.refusals == [{"code": "UNKNOWN_ID", "clause": "-", "path": "node"}]
    assert record.as_of == {
        f"accounts[{account}].{field}": "2026-11-24T14:00:00+09:00"
        for account in (ordinary, current)
        for field in ("balance", "transactions")
    }


@pytest.mark.clause("4-2")
async def test_where_no_account_is_left_to_show_the_record_claims_no_field_of_one(caller: Caller) -> None:
    frozen = update(Account).where(col(Account.account_id).in_([caller.told.ordinary, caller.told.current]))
    await caller.database.writing(lambda session: session.execute(frozen.values(state=AccountState.FROZEN)))
    body = await caller.ask("{ accounts { number } registration { since accounts { number balance { current } } } }")
    assert (body["data"]["accounts"], body["data"]["registration"]["accounts"]) == ([], [])
    (record,) = await caller.records()
    assert record.asked == [
        "accounts.number", "registration.accounts.balance.current", "registration.accounts.number",
        "registration.since",
    ]  # fmt: skip
    assert record.answered == ["registration.since"]


async def test_a_refused_field_of_a_long_page_is_one_entry_of_the_record(caller: Caller) -> None:
    await caller.database.writing(
        service.set_stop,
        StopTarget.FUNCTION,
        "balances",
        story.NOW,
        None,
        story.NOW.date(),
        "点検",
        story.WHO,
        story.NOW,
    )
    body = await caller.ask("{ accounts { transactions(first: 100) { nodes { amount balanceAfter } } } }")
    assert len(body["errors"]) == 200
    (record,) = await caller.records()
    assert record.refusals == [
        {"code": "FUNCTION_STOPPED", "clause": "7-3", "path": "accounts.transactions.nodes.balanceAfter"}
    ]
    assert not [name for name in record.answered if "balanceAfter" in name]


async def test_an_answer_waits_until_its_record_is_on_disk(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, let_go = asyncio.Event(), asyncio.Event()
    commit = Recorder.commit

    async def held(self: Recorder, key: str, until: datetime, admission: Admission, use: Use) -> bool:
        fresh = await commit(self, key, until, admission, use)
        reached.set()
        await let_go.wait()
        return fresh

    monkeypatch.setattr(Recorder, "commit", held)
    asking = asyncio.create_task(caller.post(QUERY))
    await reached.wait()
    assert len(await caller.records()) == 1
    assert not asking.done()
    let_go.set()
    assert (await asking).status_code == 200


async def test_when_the_record_cannot_be_written_nothing_is_answered(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> bool:
        raise OSError("disk full")

    monkeypatch.setattr(Recorder, "_write_rows", full)
    with capture_logs() as lines:
        answer = await caller.post(QUERY)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert "data" not in answer.json()
    assert await caller.records() == []
    (line,) = lines
    assert (line["request_id"], line["kind"]) == (answer.headers["x-request-id"], "builtins.OSError")
    assert line["frames"][-1].endswith(" full"), "a bug is found by its place"
    assert "disk full" not in str(line), "what an exception says may be a customer's data"


async def test_a_field_that_breaks_is_logged_with_its_place_and_the_requests_id(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("canary-7f3a")

    monkeypatch.setattr("madoguchi.doors.api.schema.prepared", burst)
    with capture_logs() as lines:
        answer = await caller.post(QUERY)
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["INTERNAL"]
    (line,) = lines
    assert (line["request_id"], line["kind"]) == (answer.headers["x-request-id"], "builtins.RuntimeError")
    assert line["frames"][-1].endswith(" burst")
    assert "canary" not in str(line)
    assert "canary" not in answer.text


WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE balance SET current = current + 1")
    time.sleep(0.02)
    connection.execute("COMMIT")
    print("written", flush=True)
    time.sleep(0.005)
"""


async def test_another_process_that_writes_to_sqlite_meanwhile_makes_nobody_fail(caller: Caller) -> None:
    """A feed import runs beside the server (architecture.md, known traps: SQLITE_BUSY_SNAPSHOT)."""
    path = str(caller.database.engine.url.database)
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, path, stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    await writer.stdout.readline()
    answers = [await caller.post(QUERY) for _ in range(5)]
    answers += await asyncio.gather(*(caller.post(QUERY) for _ in range(20)))
    writer.terminate()
    written = (await writer.stdout.read()).count(b"written")
    assert written >= 2, "the writer has to be at it all the while"
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:  # each is one state of the books, not two
        balances = {account["balance"]["current"] for account in answer.json()["data"]["accounts"]}
        assert len(balances) == 1
    assert len(await caller.records()) == 25


UNLIMITED = {"MADOGUCHI_UNATTENDED_CALLS_PER_SESSION": "1000000"}


@contextmanager
def serving(url: str, when: str = "never", nth: int = 0) -> Iterator[Server]:
    with running_server(UNLIMITED, url, when, str(nth), command=COMMAND) as server:
        yield server


def ask(server: Server, token: str) -> httpx.Response:
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof(token, story.NOW)}
    return httpx.post(f"{server.url}/graphql", json={"query": QUERY}, headers=headers, timeout=30)


@pytest.mark.parametrize(("when", "recorded"), [("before", 2), ("after", 3)])
async def test_a_process_killed_around_the_commit_leaves_no_answer_without_its_record(
    told: Story, database: Database, database_url: str, when: str, recorded: int
) -> None:
    token = (await database.writing(story.register, told)).access_token
    await database.close()
    with serving(database_url, when, nth=3) as server:
        answered = [(await asyncio.to_thread(ask, server, token)).headers["x-request-id"] for _ in range(2)]
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(ask, server, token)
        server.process.wait(10)
    records, proofs = await database.reading(_records_and_proofs)
    assert set(answered) <= records
    assert len(records) == proofs == recorded
    with serving(database_url) as server:
        assert (await asyncio.to_thread(ask, server, token)).status_code == 200


@pytest.mark.both_databases
async def test_killed_again_and_again_under_load_every_answer_is_on_record(
    told: Story, database: Database, database_url: str
) -> None:
    token = (await database.writing(story.register, told)).access_token
    await database.close()
    answered: list[str] = []
    for _ in range(3):
        with serving(database_url) as server:
            killing = asyncio.create_task(asyncio.to_thread(_kill_after_answers, server, token, 20, answered))
            others = [asyncio.create_task(asyncio.to_thread(_keep_asking, server, token, answered)) for _ in range(3)]
            await asyncio.gather(killing, *others)
    records, proofs = await database.reading(_records_and_proofs)
    assert len(answered) >= 60
    assert set(answered) <= records
    assert len(records) == proofs


def _keep_asking(server: Server, token: str, answered: list[str]) -> None:
    try:
        while True:
            answered.append(ask(server, token).headers["x-request-id"])
    except httpx.TransportError:  # the third outcome: nobody knows
        return


def _kill_after_answers(server: Server, token: str, count: int, answered: list[str]) -> None:
    for _ in range(count):
        answered.append(ask(server, token).headers["x-request-id"])
    server.kill()  # while the others wait for theirs


def _records_and_proofs(session: Session) -> tuple[set[str], int]:
    return set(session.exec(select(AccessRecord.request_id)).all()), len(session.exec(select(UsedOnce)).all())

"""What counts against a quota and what does not: failed calls, replays, lost records, a customer said to be there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from madoguchi.doors.api.gate import TRIES
from madoguchi.doors.api.operation import Operations
from madoguchi.procedures.recording import Recorder
from tests import story
from tests.api.conftest import Caller
from tests.api.test_quotas import END, MIDNIGHT, PRESENT, QUERY, allow, attended, call, counted, fresh_token, told


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        "{ service { open } }",
        "{ __schema { queryType { name } } }",
        "{",
        "{ nothing }",
        "mutation { __typename }",
    ],
)
async def test_every_admitted_call_counts_whatever_it_asks(caller: Caller, query: str) -> None:
    allow(caller, attended_calls=1)
    assert (await attended(caller, query)).status_code == 200
    assert told(await attended(caller, query)) == (429, "1", ["RATE_LIMITED"])


async def test_a_replayed_proof_takes_nothing_of_a_quota(caller: Caller) -> None:
    allow(caller, attended_calls=2)
    headers = caller.headers(**PRESENT)
    answers = [await caller.http.post("/graphql", json={"query": QUERY}, headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert set((await counted(caller)).values()) == {1}
    assert [(await attended(caller)).status_code for _ in range(2)] == [200, 429]


async def test_a_replay_is_found_before_its_document_is_parsed(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = caller.headers()
    assert (await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)).status_code == 200
    monkeypatch.setattr(Operations, "prepare", None)
    with caller.counting() as statements:
        again = await caller.http.post("/graphql", json={"query": "{ accounts { id } }"}, headers=headers)
    assert told(again) == (401, None, ["INVALID_PROOF"])
    assert len([text for text in statements if text.startswith("SELECT")]) == 2, "admission, and quotas with the proof"


@pytest.mark.both_databases
async def test_a_replay_beside_its_first_use_is_served_nothing_and_counts(caller: Caller) -> None:
    """Neither knows of the other before the commit, and by then both have cost the same."""
    allow(caller, attended_calls=4)
    headers = caller.headers(**PRESENT)
    posts = (caller.http.post("/graphql", json={"query": QUERY}, headers=headers) for _ in range(4))
    assert sorted([answer.status_code for answer in await asyncio.gather(*posts)]) == [200, 401, 401, 401]
    assert len(await caller.records()) == 1
    looked_at = set((await counted(caller)).values())
    assert looked_at == {4}
    assert told(await attended(caller)) == (429, "1", ["RATE_LIMITED"])


@pytest.mark.clause("4-2")
async def test_who_keeps_knocking_over_a_quota_is_recorded_once_a_second_for_each_reason(caller: Caller) -> None:
    allow(caller, sessions=0, attended_calls=0)
    answers = [await ask(caller) for ask in (call, attended) * 10]
    assert {answer.status_code for answer in answers} == {429}
    first, last = answers[0].json()["errors"][0], answers[-2].json()["errors"][0]
    assert first["message"] == last["message"]
    recorded = [[each["code"] for each in record.refusals] for record in await caller.records()]
    assert sorted(recorded) == [["RATE_LIMITED"], ["SESSIONS_EXHAUSTED"]]
    caller.at += timedelta(seconds=1)
    assert [(await call(caller)).status_code for _ in range(3)] == [429] * 3
    assert len(await caller.records()) == 3


@pytest.mark.clause("4-2")
async def test_the_token_of_an_ended_registration_is_recorded_once_a_second(caller: Caller) -> None:
    assert (await call(caller, END)).status_code == 200
    assert [(await call(caller)).status_code for _ in range(5)] == [401] * 5
    assert sorted(record.outcome for record in await caller.records()) == ["answered", "refused"]
    caller.at += timedelta(seconds=1)
    assert (await call(caller)).status_code == 401
    assert len(await caller.records()) == 3


@pytest.mark.clause("5-1")
async def test_without_a_call_left_five_documents_a_second_are_looked_at_for_the_end(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(caller, sessions=0)
    looked_at: list[str] = []
    prepare = Operations.prepare

    def noted(self: Operations, text: str, *rest: Any) -> Any:
        looked_at.append(text)
        return prepare(self, text, *rest)

    monkeypatch.setattr(Operations, "prepare", noted)
    for number in range(20):
        assert (await call(caller, f"{{ accounts {{ f{number} }} }} # endRegistration")).status_code == 429
    assert len(looked_at) == TRIES == 5
    assert told(await call(caller, END)) == (429, str(9 * 3600 + 58 * 60), ["SESSIONS_EXHAUSTED"])
    caller.at += timedelta(seconds=1)
    assert (await call(caller, END)).status_code == 200


@contextmanager
def full_disk() -> Iterator[None]:
    async def full(*_: object) -> bool:
        raise OSError("disk full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_write_rows", full)
        yield


async def test_what_could_not_be_recorded_takes_nothing_of_a_quota(caller: Caller) -> None:
    allow(caller, session_calls=1)
    with full_disk():
        assert [(await call(caller)).status_code for _ in range(2)] == [500, 500]
    assert [(await call(caller)).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("address", ["192.0.2.1", " 127.0.0.1 ", "2001:db8::1"])
async def test_a_call_with_the_customers_address_is_attended(caller: Caller, address: str) -> None:
    assert (await call(caller, **{"x-fapi-customer-ip-address": address})).status_code == 200
    assert [record.attended for record in await caller.records()] == [True]


@pytest.mark.parametrize("address", ["", "yes", "192.0.2.256", "192.0.2.1:443", "[2001:db8::1]", "192.0.2.1, 10.0.0.1"])
async def test_what_is_no_address_is_refused_and_counted_as_nothing(caller: Caller, address: str) -> None:
    refused = await call(caller, **{"x-fapi-customer-ip-address": address})
    assert told(refused) == (400, None, ["INVALID_REQUEST"])
    assert refused.json()["errors"][0]["message"] == (
        "The request is not a well-formed GraphQL-over-HTTP request: "
        "`x-fapi-customer-ip-address` must be one IPv4 or IPv6 address, or not be sent."
    )
    assert (await caller.records(), await counted(caller)) == ([], {})


async def test_two_addresses_are_no_address(caller: Caller) -> None:
    headers = [*caller.headers().items(), *PRESENT.items(), *PRESENT.items()]
    refused = await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)
    assert told(refused) == (400, None, ["INVALID_REQUEST"])


@pytest.mark.parametrize("ask", [call, attended])
@pytest.mark.parametrize("at", [story.NOW, MIDNIGHT + timedelta(minutes=1)])
async def test_counting_costs_one_statement_to_read_and_one_to_write(caller: Caller, ask: Any, at: datetime) -> None:
    caller.at, caller.token = at, await fresh_token(caller, at)
    with caller.counting() as statements:
        assert (await ask(caller)).status_code == 200
    assert [text.split()[0] for text in statements if "quota_use" in text] == ["SELECT", "INSERT"]
    assert sum(text.startswith("BEGIN IMMEDIATE") for text in statements) <= 1, "no commit of its own"

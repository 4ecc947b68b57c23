"""What counts against a quota and what does not: failed calls, replays, lost records, a customer said to be there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from madoguchi.procedures.recording import Recorder
from tests import story
from tests.api.conftest import Caller
from tests.api.test_quotas import MIDNIGHT, PRESENT, QUERY, allow, attended, call, counted, fresh_token, told


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

"""What an aggregator meets at each of its quotas: served to the exact number, then 429, when to come again, and why."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlmodel import select

from madoguchi.doors.api.operation import Operations
from madoguchi.records.quotas import QuotaUse
from madoguchi.rules.vocabulary import JST
from tests import story
from tests.api.conftest import SECOND, Caller

QUERY = "{ registration { since } }"
ACCOUNTS = "{ accounts { id } }"  # costs 10
END = "mutation { endRegistration { endedAt } }"
PRESENT = {"x-fapi-customer-ip-address": "192.0.2.1"}
MIDNIGHT = datetime(2026, 11, 25, tzinfo=JST)


async def call(caller: Caller, query: str = QUERY, **headers: str) -> httpx.Response:
    return await caller.http.post("/graphql", json={"query": query}, headers=caller.headers(**headers))


async def attended(caller: Caller, query: str = QUERY) -> httpx.Response:
    return await call(caller, query, **PRESENT)


def told(answer: httpx.Response) -> tuple[int, str | None, list[str]]:
    """Status, Retry-After and codes."""
    errors = answer.json().get("errors", [])
    return answer.status_code, answer.headers.get("retry-after"), [each["extensions"]["code"] for each in errors]


def allow(caller: Caller, **limits: Any) -> None:
    caller.quotas.allowance = replace(caller.quotas.allowance, **limits)


async def fresh_token(caller: Caller, at: datetime = story.NOW) -> str:
    """What the token endpoint gives for the refresh token."""
    registration = await caller.registration()
    return await caller.database.writing(story.access, registration.registration_id, story.ALL_SCOPES, at)


async def counted(caller: Caller) -> dict[tuple[str, str], int]:
    rows = await caller.database.reading(lambda session: session.exec(select(QuotaUse)).all())
    return {(row.counter, row.part): row.used for row in rows}


@pytest.mark.parametrize("media", ["application/json", "application/graphql-response+json"])
async def test_ten_attended_calls_a_second_are_served_and_the_eleventh_in_the_next_second(
    caller: Caller, media: str
) -> None:
    caller.at = story.NOW + 0.3 * SECOND
    assert [(await attended(caller)).status_code for _ in range(10)] == [200] * 10
    refused = await call(caller, **PRESENT, Accept=media)
    assert told(refused) == (429, "1", ["RATE_LIMITED"])
    assert refused.headers["content-type"] == f"{media}; charset=utf-8"
    assert refused.json() == {
        "errors": [
            {
                "message": "The limit is 10 attended calls a second for one registration. Wait until `retryAt`.",
                "extensions": {
                    "code": "RATE_LIMITED", "clause": "-", "requestId": refused.headers["x-request-id"],
                    "docs": "http://127.0.0.1:8000/developer/errors#RATE_LIMITED",
                    "retryAt": "2026-11-24T14:02:01+09:00",
                },
            }
        ]
    }  # fmt: skip
    caller.at += 1 * SECOND
    assert (await attended(caller)).status_code == 200


async def test_ten_a_second_can_be_kept_up(caller: Caller) -> None:
    for _ in range(30):
        assert (await attended(caller)).status_code == 200
        caller.at += 0.1 * SECOND


async def test_the_aggregators_limit_is_for_all_its_customers_and_for_no_other_aggregator(caller: Caller) -> None:
    allow(caller, aggregator_attended_calls=3)
    hanako = caller.token
    of_jiro = {"customer": (caller.told.jiro, caller.told.jiro_contract), "accounts": [caller.told.jiro_ordinary]}
    jiro = (await caller.register(**of_jiro)).access_token
    for token in (hanako, jiro, hanako):
        caller.token = token
        assert (await attended(caller)).status_code == 200
    for token in (hanako, jiro):
        caller.token = token
        refused = await attended(caller)
        assert told(refused) == (429, "1", ["RATE_LIMITED"])
        assert refused.json()["errors"][0]["message"].startswith(
            "The limit is 3 attended calls a second for one aggregator."
        )
    await caller.register(aggregator=caller.told.kaikei)
    assert (await attended(caller)).status_code == 200


async def test_a_hundred_unattended_calls_of_a_token_are_served_and_then_those_of_the_next_token(
    caller: Caller,
) -> None:
    assert {(await call(caller)).status_code for _ in range(100)} == {200}
    refused = await call(caller)
    assert told(refused) == (429, "1", ["CALLS_EXHAUSTED"])
    assert refused.json()["errors"][0]["message"] == (
        "One access token serves 100 unattended calls. From `retryAt` on, a new one from the refresh token serves."
    )
    caller.at += SECOND
    assert (await call(caller)).status_code == 429
    caller.token = await fresh_token(caller)
    assert (await call(caller)).status_code == 200


async def test_twenty_tokens_a_day_are_served_unattended_and_the_twenty_first_at_midnight(caller: Caller) -> None:
    first = caller.token
    await fresh_token(caller)  # made, and never used: no session
    assert (await call(caller)).status_code == 200
    for _ in range(19):
        caller.token = await fresh_token(caller)
        assert (await call(caller)).status_code == 200
    caller.token = await fresh_token(caller)
    refused = await call(caller)
    assert told(refused) == (429, str(9 * 3600 + 58 * 60), ["SESSIONS_EXHAUSTED"])
    assert refused.json()["errors"][0]["message"] == (
        "One registration has 20 unattended sessions a day (JST), each the life of one access token. "
        "Wait until `retryAt`."
    )
    assert refused.json()["errors"][0]["extensions"]["retryAt"] == "2026-11-25T00:00:00+09:00"
    assert (await attended(caller)).status_code == 200, "a customer who is there is no session"
    caller.token = first
    assert (await call(caller)).status_code == 200, "it is one of the twenty"
    caller.at = MIDNIGHT - SECOND
    caller.token = await fresh_token(caller, MIDNIGHT - SECOND)
    assert told(await call(caller)) == (429, "1", ["SESSIONS_EXHAUSTED"])
    caller.at = MIDNIGHT
    assert (await call(caller)).status_code == 200


async def test_who_comes_too_early_again_and_again_has_not_lost_the_next_turn(caller: Caller) -> None:
    allow(caller, sessions=1, session_calls=2, attended_calls=2)
    for ask in (call, attended):
        assert [(await ask(caller)).status_code for _ in range(5)] == [200, 200, 429, 429, 429]
    before = await counted(caller)
    caller.token = await fresh_token(caller)
    assert told(await call(caller))[2] == ["SESSIONS_EXHAUSTED"]
    assert await counted(caller) == before
    caller.at += SECOND
    assert [(await attended(caller)).status_code for _ in range(3)] == [200, 200, 429]


async def test_attended_and_unattended_calls_take_nothing_from_each_other(caller: Caller) -> None:
    allow(caller, session_calls=2, attended_calls=2, registration_cost=20)
    assert [(await attended(caller, ACCOUNTS)).status_code for _ in range(3)] == [200, 200, 429]
    assert [(await call(caller, ACCOUNTS)).status_code for _ in range(3)] == [200, 200, 429]


async def test_the_budget_of_cost_is_spent_to_its_last_unit_and_told_in_every_answer(caller: Caller) -> None:
    allow(caller, registration_cost=35)
    caller.at = story.NOW + 59.5 * SECOND
    resets = {"limit": 35, "resetAt": "2026-11-24T14:03:00+09:00"}
    for left in (25, 15, 5):
        answer = await attended(caller, ACCOUNTS)
        assert answer.json()["extensions"]["cost"] == {"requested": 10, "remaining": left, **resets}
    refused = await attended(caller, ACCOUNTS)
    assert told(refused) == (429, "1", ["COST_BUDGET_EXHAUSTED"])
    assert refused.json()["errors"][0]["message"] == (
        "The operation costs 10, and 5 are left of the 35 that one registration may spend a minute. "
        "Wait until `retryAt`."
    )
    assert refused.json()["extensions"]["cost"] == {"requested": 10, "remaining": 5, **resets}
    smaller = await attended(caller, "{ accounts(types: []) { __typename } a: registration { since } }")
    assert told(smaller)[2] == ["COST_BUDGET_EXHAUSTED"], "eleven"
    last = await attended(caller, "{ a: registration { since } b: registration { since } service { open } }")
    assert last.json()["extensions"]["cost"] == {"requested": 3, "remaining": 2, **resets}
    caller.at += SECOND
    assert (await attended(caller, ACCOUNTS)).json()["extensions"]["cost"]["remaining"] == 25


async def test_an_aggregators_budget_of_cost_is_its_own(caller: Caller) -> None:
    allow(caller, aggregator_cost=15)
    assert (await call(caller, ACCOUNTS)).status_code == 200
    refused = await call(caller, ACCOUNTS)
    assert told(refused) == (429, "60", ["COST_BUDGET_EXHAUSTED"])
    assert refused.json()["errors"][0]["message"].startswith(
        "The operation costs 10, and 5 are left of the 15 that one aggregator may spend a minute."
    )
    await caller.register(aggregator=caller.told.kaikei)
    assert (await call(caller, ACCOUNTS)).status_code == 200


async def test_over_a_quota_nothing_is_parsed_and_over_a_budget_nothing_is_read(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(caller, registration_cost=9)
    with caller.counting() as statements:
        assert told(await call(caller, ACCOUNTS))[2] == ["COST_BUDGET_EXHAUSTED"]
    assert not [text for text in statements if "FROM account JOIN branch" in text]
    allow(caller, session_calls=0, sessions=0)
    monkeypatch.setattr(Operations, "prepare", None)
    assert told(await call(caller, "{ not a document"))[2] == ["SESSIONS_EXHAUSTED"]


@pytest.mark.clause("4-2")
async def test_a_refused_call_is_on_record_and_its_proof_is_burnt(caller: Caller) -> None:
    allow(caller, sessions=0)
    headers = caller.headers()
    refused = await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)
    (record,) = await caller.records()
    assert (record.request_id, record.outcome) == (refused.headers["x-request-id"], "refused")
    assert record.refusals == [{"code": "SESSIONS_EXHAUSTED", "clause": "-", "path": ""}]
    assert (record.asked, record.answered) == ([], [])
    again = await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)
    assert told(again)[::2] == (401, ["INVALID_PROOF"])


@pytest.mark.clause("5-1")
@pytest.mark.parametrize("ask", [call, attended])
async def test_ending_the_registration_is_never_refused_by_a_quota(caller: Caller, ask: Any) -> None:
    allow(caller, sessions=0, attended_calls=0, registration_cost=0, aggregator_cost=0)
    for query in (f"{{ registration {{ since }} }} # {END}", f"{{ {END}", "mutation endRegistration { __typename }"):
        assert (await ask(caller, query)).status_code == 429, "it is not enough to speak of it"
    answer = await ask(caller, END)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"endRegistration": {"endedAt": "2026-11-24T14:02:00+09:00"}}
    assert (await caller.registration()).state == "ended"
    assert await counted(caller) == {}

"""What ends a registration ends its tokens at once: 1-2-1, 1-2-2, 4-1, 5-1, 5-2."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select, update

from madoguchi.doors.api import endpoint
from madoguchi.procedures import service
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.explaining import explain
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.bank import Contract
from madoguchi.records.registrations import UsedOnce
from madoguchi.rules.vocabulary import Cause, ContractState, Scope
from tests import story
from tests.api.conftest import SECOND, Caller

OFFICER = "os-user:officer"
END = "mutation { endRegistration { endedAt } }"
HISTORY_ONLY = (Scope.ACCOUNTS, Scope.TRANSACTIONS)
EVERYTHING = """{ service { open } registration { scopes accounts { id } } accounts { id }
  account(id: "x") { id } node(id: "x") { id } }"""


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("loss", "code", "clause"),
    [
        pytest.param("cancelled", "INTERNET_BANKING_ENDED", "1-2-1", marks=pytest.mark.clause("5-2")),
        pytest.param("contract", "AGGREGATOR_NOT_CONTRACTED", "1-2-2", marks=pytest.mark.clause("1-2-2")),
        pytest.param("ended", "REGISTRATION_NOT_ACTIVE", "4-1", marks=pytest.mark.clause("5-1")),
        pytest.param("expired", "REGISTRATION_EXPIRED", "4-1", marks=pytest.mark.clause("4-1")),
    ],
)
async def test_what_ends_the_registration_ends_its_tokens_at_once(
    caller: Caller, loss: str, code: str, clause: str
) -> None:
    def lose(session: Session) -> None:
        if loss == "cancelled":
            session.execute(update(Contract).values(state=ContractState.CANCELLED))
        elif loss == "contract":
            end_contract(session, caller.told.kakeibo, OFFICER, story.NOW)
        elif loss == "ended":
            stop_registrations(session, Cause.STOPPED_BY_CUSTOMER, OFFICER, story.NOW, customer_id=caller.told.hanako)

    if loss == "expired":
        await caller.register_again(at=story.NOW - timedelta(days=181))
        registered = await caller.registration()
        caller.token = await caller.database.writing(story.access, registered.registration_id, story.ALL_SCOPES)
    await caller.database.writing(lose)
    answer = await caller.post("{ service { open } }")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'DPoP algs="ES256 PS256 EdDSA", '
        'resource_metadata="http://127.0.0.1:8000/.well-known/oauth-protected-resource/graphql", error="invalid_token"'
    )
    body = answer.json()
    assert (code, clause) in {(e["extensions"]["code"], e["extensions"]["clause"]) for e in body["errors"]}
    assert all(set(error["extensions"]) == {"code", "clause", "requestId", "docs"} for error in body["errors"])
    assert "data" not in body
    # A known token with a valid proof: the refusal is on record.
    (record,) = await caller.records()
    assert record.request_id == answer.headers["x-request-id"] == body["errors"][0]["extensions"]["requestId"]
    assert (record.outcome, code in str(record.refusals)) == ("refused", True)


@pytest.mark.both_databases
@pytest.mark.clause("5-1")
async def test_the_aggregator_ends_the_registration_and_its_token_is_dead(caller: Caller) -> None:
    await caller.database.writing(
        service.close_service, story.NOW + timedelta(hours=3), "点検", OFFICER, story.NOW - SECOND
    )
    answer = await caller.post("mutation { endRegistration { endedAt } again: endRegistration { endedAt } }")
    assert "retry-after" not in answer.headers, "an instruction that is carried out is not to be repeated"
    body = answer.json()
    assert body["data"] == {key: {"endedAt": "2026-11-24T14:02:00+09:00"} for key in ("endRegistration", "again")}
    registration = await caller.registration()
    assert (registration.state, registration.ended_cause) == ("ended", Cause.STOPPED_BY_AGGREGATOR)
    assert registration.ended_by == f"aggregator:{caller.told.kakeibo}"
    assert (await caller.post("{ service { open } }")).status_code == 401
    assert [record.action for record in await caller.records() if record.outcome == "answered"] == ["mutation"]


async def test_a_mutation_that_is_switched_off_ends_nothing(caller: Caller) -> None:
    await caller.ask("mutation { endRegistration @skip(if: true) { endedAt } }")
    registration = await caller.registration()
    assert registration.ended_at is None


@pytest.mark.clause("5-1")
async def test_an_end_that_could_not_be_written_is_not_on_record_either_and_its_proof_still_serves(
    caller: Caller,
) -> None:
    full = "CREATE TRIGGER full BEFORE UPDATE ON registration BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    await caller.database.writing(lambda session: session.execute(text(full)))
    headers = caller.headers()
    answer = await caller.http.post("/graphql", json={"query": END}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert await caller.records() == []
    assert await caller.database.reading(lambda session: session.exec(select(UsedOnce)).all()) == []
    await caller.database.writing(lambda session: session.execute(text("DROP TRIGGER full")))
    again = await caller.http.post("/graphql", json={"query": END}, headers=headers)
    assert again.json()["data"] == {"endRegistration": {"endedAt": "2026-11-24T14:02:00+09:00"}}
    assert [record.outcome for record in await caller.records()] == ["answered"]


@pytest.mark.both_databases
@pytest.mark.clause("5-1")
async def test_who_comes_second_to_end_a_registration_is_told_so_and_the_record_says_the_same(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer stops it after the aggregator's instruction was admitted and before it was carried out."""
    execute = endpoint.execute

    async def overtaken(*args: Any) -> Any:
        await caller.database.writing(
            stop_registrations, Cause.STOPPED_BY_CUSTOMER, "customer:1", story.NOW, customer_id=caller.told.hanako
        )
        return await execute(*args)

    monkeypatch.setattr(endpoint, "execute", overtaken)
    answer = await caller.post(END)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    (error,) = answer.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["clause"]) == ("REGISTRATION_NOT_ACTIVE", "4-1")
    (record,) = await caller.records()
    assert (record.action, record.outcome, record.answered) == ("mutation", "refused", [])
    assert record.refusals == [{"code": "REGISTRATION_NOT_ACTIVE", "clause": "4-1", "path": ""}]
    explanation = await caller.database.reading(explain, record.request_id)
    assert explanation is not None
    assert [refusal.reason.code for refusal in explanation.access.refusals] == ["REGISTRATION_NOT_ACTIVE"]
    assert (await caller.registration()).ended_cause == Cause.STOPPED_BY_CUSTOMER


@pytest.mark.both_databases
@pytest.mark.clause("5-1")
async def test_a_proof_that_was_used_before_ends_nothing(caller: Caller) -> None:
    headers = caller.headers()
    assert (await caller.http.post("/graphql", json={"query": "{ service { open } }"}, headers=headers)).is_success
    answer = await caller.http.post("/graphql", json={"query": END}, headers=headers)
    assert answer.status_code == 401
    assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"]
    assert (await caller.registration()).ended_at is None
    assert [record.action for record in await caller.records()] == ["query"]

"""What ends a registration ends its tokens at once: 1-2-1, 1-2-2, 4-1, 5-1, 5-2."""

from datetime import timedelta

import pytest
from sqlmodel import Session, update

from madoguchi.procedures import service
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.bank import Contract
from madoguchi.rules.vocabulary import Cause, ContractState, Scope
from tests import story
from tests.api.conftest import SECOND, Caller

OFFICER = "os-user:officer"
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
    assert all(set(error["extensions"]) == {"code", "clause", "requestId"} for error in body["errors"])
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
    body = await caller.ask("mutation { endRegistration { endedAt } again: endRegistration { endedAt } }")
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

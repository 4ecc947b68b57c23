"""POST /revoke over HTTP: RFC 7009, and what it ends."""

import pytest
from sqlmodel import select

from madoguchi.procedures.aggregators import end_contract
from madoguchi.records.audit import Act
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests.fapi.bank import ABSENT, Bank, error

ACTIVE, ENDED = RegistrationState.ACTIVE, RegistrationState.ENDED


@pytest.mark.clause("5-1")
@pytest.mark.parametrize("hint", [ABSENT, "refresh_token", "access_token", "nonsense"])
async def test_revoking_the_refresh_token_ends_the_registration_and_its_access_tokens(bank: Bank, hint: str) -> None:
    """RFC 7009 2.1; a wrong hint is ignored (2.2)."""
    tokens = await bank.kakeibo.registered()
    answer = await bank.kakeibo.revoke(tokens["refresh_token"], token_type_hint=hint)
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")
    assert await bank.ends() == [(ENDED, Cause.STOPPED_BY_AGGREGATOR)]
    assert not await bank.serves(tokens["access_token"])
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.clause("4-3")
async def test_revoking_an_access_token_is_an_act_of_the_trail_once(bank: Bank) -> None:
    """4-3: an instruction of the aggregator; no token stands in the trail."""
    tokens = await bank.kakeibo.registered()
    (registration,) = await bank.registrations()
    for _ in range(2):
        assert (await bank.kakeibo.revoke(tokens["access_token"])).status_code == 200
    acts = await bank.database.reading(lambda s: list(s.exec(select(Act).where(Act.action == "token.revoked"))))
    assert [(one.actor, one.subject, one.at) for one in acts] == [
        (f"aggregator:{bank.story.kakeibo}", f"registration:{registration.registration_id}", bank.clock())
    ]
    assert tokens["access_token"] not in str(acts)


@pytest.mark.parametrize("hint", [ABSENT, "access_token", "refresh_token", "nonsense"])
async def test_revoking_an_access_token_ends_that_one_only(bank: Bank, hint: str) -> None:
    tokens = await bank.kakeibo.registered()
    other = (await bank.kakeibo.refresh(tokens["refresh_token"])).json()["access_token"]
    assert (await bank.kakeibo.revoke(tokens["access_token"], token_type_hint=hint)).status_code == 200
    assert not await bank.serves(tokens["access_token"])
    assert await bank.serves(other)
    assert await bank.ends() == [(ACTIVE, None)]
    assert (await bank.kakeibo.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_token_that_is_unknown_or_dead_is_no_error(bank: Bank) -> None:
    """RFC 7009 2.2."""
    tokens = await bank.kakeibo.registered()
    for token in ("unknown", "\u3042", tokens["access_token"], tokens["access_token"], tokens["refresh_token"]):
        assert (await bank.kakeibo.revoke(token)).status_code == 200
    (registration,) = await bank.registrations()
    ended_at = registration.ended_at
    bank.clock.pass_(5)
    assert (await bank.kakeibo.revoke(tokens["refresh_token"])).status_code == 200
    assert (await bank.registrations())[0].ended_at == ended_at


async def test_nobody_revokes_another_clients_tokens(bank: Bank) -> None:
    """RFC 7009 2.1."""
    tokens = await bank.kakeibo.registered()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert error(await bank.kaikei.revoke(token)) == (400, "invalid_grant")
    assert await bank.serves(tokens["access_token"])
    assert await bank.ends() == [(ACTIVE, None)]


async def test_revocation_asks_who_is_there_and_for_a_token(bank: Bank) -> None:
    """RFC 7009 2.1, 2.2.1; Keycloak #36475."""
    tokens = await bank.kakeibo.registered()
    assert error(await bank.kakeibo.revoke(tokens["refresh_token"], client_assertion=ABSENT)) == (401, "invalid_client")
    assert error(await bank.kakeibo.revoke(ABSENT)) == (400, "invalid_request")
    assert await bank.ends() == [(ACTIVE, None)]


async def test_a_client_whose_contract_has_ended_may_still_revoke(bank: Bank) -> None:
    """To give up access is never refused."""
    tokens = await bank.kakeibo.registered()
    await bank.database.writing(end_contract, bank.story.kakeibo, "os-user:tests", bank.clock())
    assert (await bank.kakeibo.revoke(tokens["access_token"])).status_code == 200

"""One-time things under load, on both databases and on two workers that share nothing but the database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests.fapi.bank import Bank, bank_on, error

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def other(bank: Bank) -> AsyncIterator[Bank]:
    """A second worker on the same database."""
    database = Database(bank.database.engine.url.render_as_string(hide_password=False))
    async with bank_on(database, bank.story, bank.clock) as worker:
        yield worker
    await database.close()


@pytest.mark.fault("refresh and code races")
async def test_of_fifty_redemptions_of_one_code_at_once_exactly_one_wins(bank: Bank, other: Bank) -> None:
    """Keycloak CVE-2026-1035. The others are replays, so what the one had opened ends (RFC 6749 4.1.2)."""
    code = await bank.kakeibo.code()
    sent = [worker.kakeibo.redeem(code) for worker in (bank, other) for _ in range(25)]
    answers = await asyncio.gather(*sent)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    assert {error(answer) for answer in answers if answer.status_code == 400} == {(400, "invalid_grant")}
    assert await bank.ends() == [(RegistrationState.ENDED, Cause.CODE_REPLAYED)]
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert not await other.serves(won["access_token"])
    assert error(await other.kakeibo.refresh(won["refresh_token"])) == (400, "invalid_grant")


async def test_ten_refreshes_at_once_all_succeed(bank: Bank, other: Bank) -> None:
    """FAPI 2.0 5.3.2.1-9: it does not rotate, so no race can lock an aggregator out."""
    tokens = await bank.kakeibo.registered()
    sent = [worker.kakeibo.refresh(tokens["refresh_token"]) for worker in (bank, other) for _ in range(5)]
    answers = await asyncio.gather(*sent)
    assert [answer.status_code for answer in answers] == [200] * 10
    assert len({answer.json()["access_token"] for answer in answers}) == 10


async def test_of_fifty_requests_with_one_proof_at_once_one_is_answered(bank: Bank, other: Bank) -> None:
    """RFC 9449 11.1, across workers."""
    tokens = await bank.kakeibo.registered()
    proof = bank.kakeibo.proof()
    sent = [
        worker.kakeibo.refresh(tokens["refresh_token"], proofs=[proof]) for worker in (bank, other) for _ in range(25)
    ]
    answers = await asyncio.gather(*sent)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    assert {error(answer) for answer in answers if answer.status_code == 400} == {(400, "invalid_dpop_proof")}


async def test_an_assertion_used_at_one_worker_is_used_at_every_other(bank: Bank, other: Bank) -> None:
    assertion = bank.kakeibo.client.assertion(bank.clock())
    assert (await bank.kakeibo.push(client_assertion=assertion)).status_code == 201
    assert error(await other.kakeibo.push(client_assertion=assertion)) == (401, "invalid_client")


async def test_a_revocation_at_one_worker_holds_at_once_at_the_other(bank: Bank, other: Bank) -> None:
    """RFC 7009 2.1; security.md 6."""
    tokens = await bank.kakeibo.registered()
    assert (await other.kakeibo.refresh(tokens["refresh_token"])).status_code == 200
    await bank.kakeibo.revoke(tokens["refresh_token"])
    assert not await other.serves(tokens["access_token"])
    assert error(await other.kakeibo.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


async def test_refreshes_during_a_revocation_leave_no_token_that_serves(bank: Bank, other: Bank) -> None:
    """They all succeed or all die with the registration."""
    tokens = await bank.kakeibo.registered()
    refreshes = [worker.kakeibo.refresh(tokens["refresh_token"]) for worker in (bank, other) for _ in range(10)]
    answers = await asyncio.gather(*refreshes[:10], bank.kakeibo.revoke(tokens["refresh_token"]), *refreshes[10:])
    assert {answer.status_code for answer in answers} <= {200, 400}
    for answer in answers:
        if answer.status_code == 200 and answer.content:
            assert not await other.serves(answer.json()["access_token"])


async def test_two_codes_of_one_customer_redeemed_one_after_the_other_leave_one_registration(bank: Bank) -> None:
    first = await bank.kakeibo.code()
    bank.clock.pass_(1)
    second = await bank.kakeibo.code()
    answers = await asyncio.gather(bank.kakeibo.redeem(first), bank.kakeibo.redeem(second))
    assert [answer.status_code for answer in answers] == [400, 200]
    assert await bank.ends() == [
        (RegistrationState.ENDED, Cause.ABANDONED),
        (RegistrationState.ACTIVE, None),
    ]

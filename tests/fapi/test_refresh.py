"""Renewing over HTTP: RFC 6749 section 6, RFC 9449 section 5; FAPI 2.0 Security Profile 5.3.2.1-9."""

from datetime import timedelta

import pytest

from madoguchi import opaque
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.registrations import AccessToken
from madoguchi.rules.vocabulary import Cause
from tests.fapi.bank import Bank, error
from tests.fapi.jwts import ed_key

INVALID_GRANT = (400, "invalid_grant")


async def test_a_refresh_token_is_bound_to_the_client_and_not_to_the_key(bank: Bank) -> None:
    """RFC 9449 5: a new key gets a token of its own."""
    tokens = await bank.kakeibo.registered()
    fresh = ed_key()
    answer = await bank.kakeibo.with_key(fresh).refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    kept = await bank.database.reading(lambda s: s.get(AccessToken, opaque.stored(answer.json()["access_token"])))
    assert kept is not None
    assert kept.jkt == fresh.thumbprint()
    assert error(await bank.kaikei.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert (await bank.kakeibo.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_refresh_token_does_not_rotate(bank: Bank) -> None:
    """FAPI 2.0 5.3.2.1-9."""
    tokens = await bank.kakeibo.registered()
    for _ in range(3):
        told = (await bank.kakeibo.refresh(tokens["refresh_token"])).json()
        assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}
        assert await bank.serves(told["access_token"])


async def test_a_refresh_may_ask_for_less_and_never_for_more(bank: Bank) -> None:
    """RFC 6749 6; FAPI 2.0 5.3.2.1-14."""
    tokens = await bank.kakeibo.registered()
    less = await bank.kakeibo.refresh(tokens["refresh_token"], scope="balances accounts")
    assert less.json()["scope"] == "accounts balances"
    for wider in ("accounts openid", "admin", "accounts  balances", "ACCOUNTS"):
        assert error(await bank.kakeibo.refresh(tokens["refresh_token"], scope=wider)) == (400, "invalid_scope")
    again = await bank.kakeibo.refresh(tokens["refresh_token"])
    assert again.json()["scope"] == "accounts balances transactions"


@pytest.mark.clause("4-1")
async def test_no_token_outlives_its_registration(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    (registration,) = await bank.registrations()
    bank.clock.now = registration.until - timedelta(seconds=100)
    last = await bank.kakeibo.refresh(tokens["refresh_token"])
    assert last.json()["expires_in"] == 100
    bank.clock.now = registration.until
    answer = await bank.kakeibo.refresh(tokens["refresh_token"])
    assert error(answer) == INVALID_GRANT
    assert "REGISTRATION_EXPIRED (clause 4-1)" in answer.json()["error_description"]


@pytest.mark.clause("5-1")
async def test_a_registration_that_the_customer_ended_is_not_renewed(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    await bank.database.writing(
        stop_registrations, Cause.STOPPED_BY_CUSTOMER, "customer:1", bank.clock(), customer_id=bank.story.hanako
    )
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"])) == INVALID_GRANT

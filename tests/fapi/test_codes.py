"""Redeeming a code over HTTP: RFC 6749 section 4.1, RFC 7636, RFC 9449 section 10; FAPI 2.0 Security Profile 5.3.2."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from madoguchi.procedures.redeeming import end_abandoned
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests.fapi.bank import ABSENT, VERIFIER, Bank, error
from tests.fapi.jwts import ec_key

ACTIVE, ENDED, PENDING = RegistrationState.ACTIVE, RegistrationState.ENDED, RegistrationState.PENDING
INVALID_GRANT = (400, "invalid_grant")


@pytest.mark.clause("4-1")
async def test_redeeming_the_code_starts_the_use_of_the_registration(bank: Bank) -> None:
    code = await bank.kakeibo.code()
    assert await bank.ends() == [(PENDING, None)]
    await bank.kakeibo.redeem(code)
    (registration,) = await bank.registrations()
    assert (registration.state, registration.activated_at) == (ACTIVE, bank.clock())


@pytest.mark.clause("4-1")
@pytest.mark.both_databases
async def test_a_new_registration_replaces_the_old_one_when_its_code_is_redeemed_and_not_before(bank: Bank) -> None:
    old = await bank.kakeibo.registered()
    bank.clock.pass_(1)
    code = await bank.kakeibo.code()
    assert await bank.ends() == [(ACTIVE, None), (PENDING, None)]
    assert await bank.serves(old["access_token"])
    new = (await bank.kakeibo.redeem(code)).json()
    assert await bank.ends() == [(ENDED, Cause.REPLACED), (ACTIVE, None)]
    assert not await bank.serves(old["access_token"])
    assert await bank.serves(new["access_token"])
    assert error(await bank.kakeibo.refresh(old["refresh_token"])) == INVALID_GRANT


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (59, 200), (60, 400), (62, 400)])
async def test_a_code_lives_sixty_seconds(bank: Bank, seconds: int, status: int) -> None:
    """FAPI 2.0 5.3.2.1-11."""
    code = await bank.kakeibo.code()
    bank.clock.pass_(seconds)
    answer = await bank.kakeibo.redeem(code)
    assert answer.status_code == status
    if status == 400:
        assert error(answer) == INVALID_GRANT
        assert await bank.ends() == [(ENDED, Cause.ABANDONED)]


@pytest.mark.clause("4-1")
async def test_a_code_that_nobody_redeems_ends_the_pending_registration_and_the_old_one_serves_on(bank: Bank) -> None:
    old = await bank.kakeibo.registered()
    bank.clock.pass_(1)
    await bank.kakeibo.code()
    bank.clock.pass_(59)
    assert await bank.database.writing(end_abandoned, bank.clock()) == []
    bank.clock.pass_(1)
    assert len(await bank.database.writing(end_abandoned, bank.clock())) == 1
    assert await bank.database.writing(end_abandoned, bank.clock()) == []
    assert await bank.ends() == [(ACTIVE, None), (ENDED, Cause.ABANDONED)]
    assert await bank.serves(old["access_token"])


@pytest.mark.clause("4-3")
async def test_a_code_used_twice_ends_the_tokens_it_had_opened(bank: Bank) -> None:
    """RFC 6749 4.1.2; FAPI 2.0 5.3.2.2-9."""
    code = await bank.kakeibo.code()
    tokens = (await bank.kakeibo.redeem(code)).json()
    assert await bank.serves(tokens["access_token"])
    bank.clock.pass_(1)
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert not await bank.serves(tokens["access_token"])
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert await bank.ends() == [(ENDED, Cause.CODE_REPLAYED)]


@pytest.mark.fault("code of another client")
async def test_a_code_is_for_the_client_it_was_given_to_and_dies_in_other_hands(bank: Bank) -> None:
    """RFC 6749 4.1.3; Keycloak CVE-2026-16089."""
    code = await bank.kakeibo.code()
    assert error(await bank.kaikei.redeem(code, redirect_uri=bank.kakeibo.redirect_uri)) == INVALID_GRANT
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert await bank.ends() == [(ENDED, Cause.ABANDONED)]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": ABSENT}, {"code_verifier": "w" * 43}, {"code_verifier": VERIFIER + "x"},
        {"code_verifier": "short"}, {"code_verifier": "\u3042" * 43}, {"redirect_uri": ABSENT},
        {"redirect_uri": "http://127.0.0.1:8000/sample/callback/"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_code_with_another_verifier_or_address_is_refused_and_dead(bank: Bank, changes: dict[str, Any]) -> None:
    """RFC 7636 4.6; FAPI 2.0 5.3.2.2-5; RFC 6749 4.1.3."""
    code = await bank.kakeibo.code()
    assert error(await bank.kakeibo.redeem(code, **changes)) == INVALID_GRANT
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert await bank.ends() == [(ENDED, Cause.ABANDONED)]


@pytest.mark.parametrize("code", ["x", "mdg_ac_" + "A" * 43, "\u3042", "a" * 5000])
async def test_an_unknown_code_is_refused(bank: Bank, code: str) -> None:
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT


@pytest.mark.parametrize("by_parameter", [True, False])
async def test_a_code_bound_to_a_key_is_redeemed_with_that_key_only(bank: Bank, by_parameter: bool) -> None:
    """RFC 9449 10, 10.1; FAPI 2.0 5.3.2.1-12."""
    kakeibo = bank.kakeibo

    async def bound() -> str:
        if by_parameter:
            return await kakeibo.code(dpop_jkt=kakeibo.proof_key.thumbprint())
        return await kakeibo.code(proofs=[kakeibo.proof("/par")])

    assert error(await kakeibo.with_key(ec_key()).redeem(await bound())) == INVALID_GRANT
    assert (await kakeibo.redeem(await bound())).status_code == 200


async def test_the_code_of_a_double_click_that_was_replaced_is_unknown_and_ends_nothing(bank: Bank) -> None:
    """protocol.md, "Double click": whoever presents the first code later has not found a used one."""
    urls = await bank.consents(await bank.kakeibo.opened(), 2)
    first, second = (parse_qs(urlsplit(url).query)["code"][0] for url in urls)
    tokens = (await bank.kakeibo.redeem(second)).json()
    assert error(await bank.kakeibo.redeem(first)) == INVALID_GRANT
    assert await bank.serves(tokens["access_token"])
    assert await bank.ends() == [(ACTIVE, None)]

"""Each endpoint asks by itself who is there and for the key that is held (RFC 9449 5 and 7; RFC 7009; RFC 9126)."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.fapi.bank import ABSENT, Bank, error

NOBODY = {"client_assertion": ABSENT, "client_assertion_type": ABSENT}
Asking = Callable[[Bank, dict[str, Any]], Awaitable[httpx.Response]]


async def push(bank: Bank, how: dict[str, Any]) -> httpx.Response:
    return await bank.kakeibo.push(**how)


async def redeem(bank: Bank, how: dict[str, Any]) -> httpx.Response:
    return await bank.kakeibo.redeem(await bank.kakeibo.code(), **how)


async def refresh(bank: Bank, how: dict[str, Any]) -> httpx.Response:
    return await bank.kakeibo.refresh((await bank.kakeibo.registered())["refresh_token"], **how)


async def revoke(bank: Bank, how: dict[str, Any]) -> httpx.Response:
    return await bank.kakeibo.revoke((await bank.kakeibo.registered())["refresh_token"], **how)


@pytest.mark.fault("proof required at one endpoint only")
@pytest.mark.parametrize(
    ("ask", "how", "expected"),
    [
        (push, NOBODY, (401, "invalid_client")),
        (redeem, NOBODY, (401, "invalid_client")),
        (refresh, NOBODY, (401, "invalid_client")),
        (revoke, NOBODY, (401, "invalid_client")),
        (redeem, {"proofs": []}, (400, "invalid_dpop_proof")),
        (refresh, {"proofs": []}, (400, "invalid_dpop_proof")),
    ],
)
async def test_no_endpoint_relies_on_what_another_one_asked_for(
    bank: Bank, ask: Asking, how: dict[str, Any], expected: tuple[int, str]
) -> None:
    """Keycloak #36475. The resource's own proof is asked for in tests/api/test_admission.py."""
    assert error(await ask(bank, how)) == expected
    assert (await ask(bank, {})).is_success

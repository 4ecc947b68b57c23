"""POST /token over HTTP, whatever the grant: RFC 6749 and RFC 9449 section 5; FAPI 2.0 Security Profile 5.3.2."""

import logging

import pytest
from sqlmodel import select

from madoguchi import opaque
from madoguchi.records.audit import AccessRecord, Act
from madoguchi.records.registrations import AccessToken, AuthorizationCode, RefreshToken
from madoguchi.rules.decision import Reason
from tests.fapi.bank import ABSENT, VERIFIER, Bank, error
from tests.fapi.jwts import ec_key


async def test_a_code_is_exchanged_for_tokens_bound_to_the_key(bank: Bank) -> None:
    """RFC 6749 5.1; RFC 9449 5; FAPI 2.0 5.3.2.3: nothing in the answer names the customer."""
    answer = await bank.kakeibo.redeem(await bank.kakeibo.code())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (told["token_type"], told["expires_in"]) == ("DPoP", 300)
    assert told["scope"] == "accounts balances transactions"
    kept = await bank.database.reading(lambda s: s.get(AccessToken, opaque.stored(told["access_token"])))
    assert kept is not None
    assert kept.jkt == bank.kakeibo.proof_key.thumbprint()
    assert await bank.serves(told["access_token"])


async def test_tokens_are_long_random_and_kept_as_hashes_only(bank: Bank) -> None:
    """FAPI 2.0 5.4.1-4; 256 random bits behind a prefix for secret scanners."""
    code = await bank.kakeibo.code()
    told = (await bank.kakeibo.redeem(code)).json()
    for secret, prefix in ((code, "mdg_ac_"), (told["access_token"], "mdg_at_"), (told["refresh_token"], "mdg_rt_")):
        assert secret.startswith(prefix)
        assert len(secret) == len(prefix) + 43
    rows = await bank.database.reading(
        lambda s: [
            row.model_dump()
            for table in (AuthorizationCode, AccessToken, RefreshToken, AccessRecord, Act)
            for row in s.exec(select(table))  # type: ignore[call-overload]
        ]
    )
    assert not [
        secret
        for secret in (code, *told.values())
        if isinstance(secret, str) and "mdg_" in secret and secret in str(rows)
    ]


async def test_the_body_names_the_client_that_authenticates(bank: Bank) -> None:
    """FAPI 2.0: the client_id of another client beside one's own assertion."""
    code = await bank.kakeibo.code()
    answer = await bank.kakeibo.redeem(code, client_id=bank.story.kaikei_client)
    assert error(answer) == (401, "invalid_client")
    assert (await bank.kakeibo.redeem(code)).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, (400, "invalid_request")),
        ({"grant_type": "password", "username": "u", "password": "p"}, (400, "unsupported_grant_type")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type")),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, (400, "unsupported_grant_type")),
        ({"grant_type": '<xyzzy>"\\\u3042'}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code"}, (400, "invalid_request")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
    ],
    ids=str,
)
async def test_other_grants_are_not_offered(bank: Bank, form: dict[str, str], expected: tuple[int, str]) -> None:
    """FAPI 2.0 5.3.2.1-2; RFC 6749 5.2. What was sent is not repeated."""
    answer = await bank.kakeibo.token(**form)
    assert error(answer) == expected
    assert "xyzzy" not in answer.text


async def test_every_request_at_the_token_endpoint_needs_assertion_and_proof(bank: Bank) -> None:
    """FAPI 2.0 5.3.2.1-4, -5; Keycloak #36475: each on its own."""
    tokens = await bank.kakeibo.registered()
    code = await bank.kakeibo.code()
    for send in (
        lambda **c: bank.kakeibo.redeem(code, **c),
        lambda **c: bank.kakeibo.refresh(tokens["refresh_token"], **c),
    ):
        assert error(await send(proofs=[])) == (400, "invalid_dpop_proof")
        assert error(await send(client_assertion=ABSENT)) == (401, "invalid_client")
        assert error(await send(client_assertion=ABSENT, client_assertion_type=ABSENT)) == (401, "invalid_client")
    assert (await bank.kakeibo.redeem(code)).status_code == 200


async def test_a_bad_proof_is_refused_and_spends_the_assertion_but_not_the_code(bank: Bank) -> None:
    code = await bank.kakeibo.code()
    kakeibo = bank.kakeibo
    bad: list[list[str]] = [
        [kakeibo.proof(), kakeibo.proof()], ["garbage"], [kakeibo.proof("/par")], [kakeibo.proof(htm="PUT")],
        [kakeibo.proof(iat=int(bank.clock().timestamp()) - 61)], [kakeibo.proof(jti=ABSENT)],
        [kakeibo.proof(header={"typ": "JWT"})], [kakeibo.proof(signed_by=ec_key())],
        [kakeibo.proof(header={"jwk": kakeibo.proof_key.as_dict(private=True)})],
    ]  # fmt: skip
    for proofs in bad:
        assertion = kakeibo.client.assertion(bank.clock())
        answer = await kakeibo.redeem(code, proofs=proofs, client_assertion=assertion)
        assert error(answer) == (400, "invalid_dpop_proof")
        assert error(await kakeibo.redeem(code, client_assertion=assertion)) == (401, "invalid_client")
    assert (await kakeibo.redeem(code)).status_code == 200


async def test_one_proof_serves_once(bank: Bank) -> None:
    """RFC 9449 11.1."""
    tokens = await bank.kakeibo.registered()
    proof = bank.kakeibo.proof()
    assert (await bank.kakeibo.refresh(tokens["refresh_token"], proofs=[proof])).status_code == 200
    bank.clock.pass_(60)
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"], proofs=[proof])) == (400, "invalid_dpop_proof")


async def test_no_secret_is_written_to_any_log(
    bank: Bank, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """security.md 13. Authlib logs what it issues at debug level."""
    with caplog.at_level(logging.DEBUG):
        code = await bank.kakeibo.code()
        tokens = (await bank.kakeibo.redeem(code)).json()
        renewed = (await bank.kakeibo.refresh(tokens["refresh_token"])).json()
        await bank.kakeibo.redeem(code)
        await bank.kakeibo.revoke(renewed["access_token"])
    logged = caplog.text + "".join(capsys.readouterr())
    assert "Issue token" in logged
    for secret in (code, VERIFIER, tokens["access_token"], tokens["refresh_token"], renewed["access_token"]):
        assert secret not in logged


def test_every_reason_can_be_told_in_an_oauth_error() -> None:
    """RFC 6749 5.2: printable ASCII without quotation mark and backslash."""
    for reason in Reason:
        assert all(" " <= character <= "~" and character not in '"\\' for character in reason.message)

"""POST /token over HTTP: codes and refresh tokens. RFC 6749, RFC 7636, RFC 9449; FAPI 2.0 Security Profile 5.3.2."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.redeeming import end_abandoned
from madoguchi.procedures.service import close_service, set_stop
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.audit import AccessRecord, Act
from madoguchi.records.bank import Contract
from madoguchi.records.registrations import AccessToken, AuthorizationCode, RefreshToken
from madoguchi.rules.decision import Reason
from madoguchi.rules.vocabulary import Cause, ContractState, RegistrationState, StopTarget
from tests.fapi.bank import ABSENT, VERIFIER, Bank, error
from tests.fapi.jwts import ec_key, ed_key

ACTIVE, ENDED, PENDING = RegistrationState.ACTIVE, RegistrationState.ENDED, RegistrationState.PENDING
INVALID_GRANT = (400, "invalid_grant")


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


async def test_a_code_is_for_the_client_it_was_given_to_and_dies_in_other_hands(bank: Bank) -> None:
    """RFC 6749 4.1.3; Keycloak CVE-2026-16089."""
    code = await bank.kakeibo.code()
    assert error(await bank.kaikei.redeem(code, redirect_uri=bank.kakeibo.redirect_uri)) == INVALID_GRANT
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert await bank.ends() == [(ENDED, Cause.ABANDONED)]


async def test_the_body_names_the_client_that_authenticates(bank: Bank) -> None:
    """FAPI 2.0: the client_id of another client beside one's own assertion."""
    code = await bank.kakeibo.code()
    answer = await bank.kakeibo.redeem(code, client_id=bank.story.kaikei_client)
    assert error(answer) == (401, "invalid_client")
    assert (await bank.kakeibo.redeem(code)).status_code == 200


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


@pytest.mark.clause("2-1")
async def test_after_closing_time_codes_and_refresh_tokens_still_serve(bank: Bank) -> None:
    """They carry no data."""
    code, now = await bank.kakeibo.code(), bank.clock()
    await bank.database.writing(close_service, now + timedelta(hours=9), "見本", "os-user:tests", now)
    answer = await bank.kakeibo.redeem(code)
    assert answer.status_code == 200
    assert (await bank.kakeibo.refresh(answer.json()["refresh_token"])).status_code == 200


async def stop(bank: Bank, kind: StopTarget, target: str) -> None:
    now = bank.clock()
    await bank.database.writing(
        set_stop, kind, target, now, now + timedelta(hours=1), None, "見本", "os-user:tests", now
    )


async def contract(bank: Bank, state: ContractState) -> None:
    def change(session: Any) -> None:
        session.get_one(Contract, bank.story.hanako_contract).state = state

    await bank.database.writing(change)


STEPS_BETWEEN: dict[str, tuple[Reason, tuple[int, str]]] = {
    "the service is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "the aggregator is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "the customer is stopped": (Reason.SERVICE_STOPPED, (503, "temporarily_unavailable")),
    "internet banking is suspended": (Reason.INTERNET_BANKING_SUSPENDED, (503, "temporarily_unavailable")),
    "internet banking has ended": (Reason.INTERNET_BANKING_ENDED, INVALID_GRANT),
    "the aggregator's contract has ended": (Reason.AGGREGATOR_NOT_CONTRACTED, INVALID_GRANT),
}


async def happen(bank: Bank, what: str) -> None:
    match what:
        case "the service is stopped":
            await stop(bank, StopTarget.ALL, "")
        case "the aggregator is stopped":
            await stop(bank, StopTarget.AGGREGATOR, bank.story.kakeibo)
        case "the customer is stopped":
            await stop(bank, StopTarget.CUSTOMER, str(bank.story.hanako))
        case "internet banking is suspended":
            await contract(bank, ContractState.SUSPENDED)
        case "internet banking has ended":
            await contract(bank, ContractState.CANCELLED)
        case "the aggregator's contract has ended":
            await bank.database.writing(end_contract, bank.story.kakeibo, "os-user:tests", bank.clock())


@pytest.mark.clause("5-2")
@pytest.mark.clause("7-3")
@pytest.mark.parametrize("what", STEPS_BETWEEN)
async def test_what_happens_between_consent_and_code_refuses_the_code(bank: Bank, what: str) -> None:
    """security.md 11: asked again at every step."""
    code = await bank.kakeibo.code()
    await happen(bank, what)
    assert error(await bank.kakeibo.redeem(code)) == INVALID_GRANT
    assert [state for state, _ in await bank.ends()] == [ENDED]


@pytest.mark.clause("5-2")
@pytest.mark.clause("7-3")
@pytest.mark.parametrize("what", STEPS_BETWEEN)
async def test_what_happens_after_the_code_refuses_the_refresh_and_says_whether_waiting_helps(
    bank: Bank, what: str
) -> None:
    tokens = await bank.kakeibo.registered()
    await happen(bank, what)
    answer = await bank.kakeibo.refresh(tokens["refresh_token"])
    reason, expected = STEPS_BETWEEN[what]
    assert error(answer) == expected
    assert answer.json()["error_description"].isascii()
    if what != "the aggregator's contract has ended":  # that ends the registrations, which is told first
        assert answer.json()["error_description"].startswith(f"{reason.code} (clause {reason.clause}): ")
    if reason is Reason.SERVICE_STOPPED:
        assert answer.headers["retry-after"] == "3600"


@pytest.mark.clause("5-1")
async def test_a_registration_that_the_customer_ended_is_not_renewed(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    await bank.database.writing(
        stop_registrations, Cause.STOPPED_BY_CUSTOMER, "customer:1", bank.clock(), customer_id=bank.story.hanako
    )
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"])) == INVALID_GRANT


@pytest.mark.clause("4-3")
async def test_each_code_and_refresh_is_recorded_with_the_facts_it_was_decided_from(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    answer = await bank.kakeibo.refresh(tokens["refresh_token"], scope="accounts balances")
    await stop(bank, StopTarget.ALL, "")
    await bank.kakeibo.refresh(tokens["refresh_token"])
    records = await bank.database.reading(lambda s: list(s.exec(select(AccessRecord).order_by(col(AccessRecord.at)))))
    kept = {(one.action, one.outcome): one for one in records}
    assert kept.keys() == {("code", "answered"), ("refresh", "answered"), ("refresh", "refused")}
    renewed = kept[("refresh", "answered")]
    assert renewed.request_id == answer.headers["x-request-id"]
    assert renewed.jkt == bank.kakeibo.proof_key.thumbprint()
    assert [one["code"] for one in kept[("refresh", "refused")].refusals] == ["SERVICE_STOPPED"]


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

"""POST /par over HTTP: RFC 9126 section 2, client authentication at it, and what it keeps."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from madoguchi.procedures.service import set_stop
from madoguchi.records.registrations import UsedOnce
from madoguchi.rules.vocabulary import StopTarget
from tests.fapi.bank import ABSENT, Bank, error
from tests.fapi.jwts import ec_key


async def test_a_push_is_answered_with_a_request_uri_for_ninety_seconds(bank: Bank) -> None:
    """RFC 9126 2.2; FAPI 2.0 5.3.2.2-12: 201, JSON, not cached, unguessable (256 random bits)."""
    answer = await bank.kakeibo.push()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.keys() == {"request_uri", "expires_in"}
    assert told["expires_in"] == 90
    prefix = "urn:ietf:params:oauth:request_uri:"
    assert told["request_uri"].startswith(prefix)
    assert len(told["request_uri"]) == len(prefix) + 43
    assert (await bank.kakeibo.push()).json()["request_uri"] != told["request_uri"]


async def test_of_a_request_uri_only_the_hash_is_kept(bank: Bank) -> None:
    secret = (await bank.kakeibo.push()).json()["request_uri"]
    (kept,) = await bank.pushed()
    assert secret not in str(kept.model_dump())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"request_uri": "urn:x"}, (400, "invalid_request")),
        ({"request": "a.b.c"}, (400, "request_not_supported")),
        ({"scope": "accounts openid"}, (400, "invalid_scope")),
        ({"response_type": "token"}, (400, "unsupported_response_type")),
        ({"response_type": "code id_token"}, (400, "unsupported_response_type")),
        ({"code_challenge": ABSENT}, (400, "invalid_request")),
        ({"code_challenge_method": "plain"}, (400, "invalid_request")),
        ({"redirect_uri": ABSENT}, (400, "invalid_request")),
        ({"redirect_uri": "https://kaikei.mihon.example/callback"}, (400, "invalid_request")),  # another client's
        ({"dpop_jkt": "short"}, (400, "invalid_request")),
    ],
    ids=str,
)
async def test_an_unfit_request_is_refused_in_json_and_keeps_nothing(
    bank: Bank, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    """RFC 9126 2.1, 2.3. The assertion it came with is spent all the same."""
    assertion = bank.kakeibo.client.assertion(bank.clock())
    assert error(await bank.kakeibo.push(client_assertion=assertion, **changes)) == expected
    assert await bank.pushed() == []
    assert error(await bank.kakeibo.push(client_assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion": ABSENT},
        {"client_assertion": ABSENT, "client_assertion_type": ABSENT},
        {"client_assertion": ABSENT, "client_secret": "s"},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": "urn:other"},
        {"client_id": "client_unknown"},
    ],
    ids=str,
)
async def test_whoever_does_not_authenticate_is_refused(bank: Bank, form: dict[str, Any]) -> None:
    """RFC 9126 2.1; FAPI 2.0 5.3.2.1-3, -6."""
    assert error(await bank.kakeibo.push(**form)) == (401, "invalid_client")


async def test_an_unknown_client_is_refused_like_a_wrong_key(bank: Bank) -> None:
    unknown = bank.aggregator("みほん家計簿", "client_nobody", bank.kakeibo.redirect_uri)
    one = await unknown.push()
    two = await bank.kakeibo.push(authentication={"signed_by": ec_key()})
    assert error(one) == error(two) == (401, "invalid_client")
    assert one.content == two.content


async def test_basic_authentication_is_answered_with_its_challenge(bank: Bank) -> None:
    """RFC 6749 5.2."""
    answer = await bank.http.post("/par", data={"client_id": "x"}, auth=("x", "y"))
    assert error(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_two_ways_of_authentication_at_once_are_refused(bank: Bank) -> None:
    assert error(await bank.kakeibo.push(client_secret="s")) == (400, "invalid_request")


@pytest.mark.fault("assertion replay")
async def test_one_assertion_serves_once_whatever_the_endpoint(bank: Bank) -> None:
    """Hydra GHSA-3p3g-vpw6-4w66: at PAR, then at the token endpoint, then at revocation."""
    assertion = bank.kakeibo.client.assertion(bank.clock())
    assert (await bank.kakeibo.push(client_assertion=assertion)).status_code == 201
    for answer in (
        await bank.kakeibo.push(client_assertion=assertion),
        await bank.kakeibo.redeem("x", client_assertion=assertion),
        await bank.kakeibo.revoke("x", client_assertion=assertion),
    ):
        assert error(answer) == (401, "invalid_client")


@pytest.mark.both_databases
async def test_of_fifty_pushes_with_one_assertion_at_once_one_is_kept(bank: Bank) -> None:
    assertion = bank.kakeibo.client.assertion(bank.clock())
    answers = await asyncio.gather(*(bank.kakeibo.push(client_assertion=assertion) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 49
    assert len(await bank.pushed()) == 1


@pytest.mark.parametrize("seconds", [1, 59])
async def test_an_assertion_is_remembered_as_long_as_it_could_serve(bank: Bank, seconds: int) -> None:
    """Keycloak #43505; security.md 9: `exp` (60 s) and our skew of 10 s."""
    assertion = bank.kakeibo.client.assertion(bank.clock())
    await bank.kakeibo.push(client_assertion=assertion)
    (kept,) = await bank.database.reading(lambda s: list(s.exec(select(UsedOnce))))
    assert (kept.expires_at - bank.clock()).total_seconds() == 70
    bank.clock.pass_(seconds)
    assert error(await bank.kakeibo.push(client_assertion=assertion)) == (401, "invalid_client")


async def test_a_proof_at_the_push_is_verified_and_binds_the_code(bank: Bank) -> None:
    """RFC 9449 10.1."""
    kakeibo = bank.kakeibo
    assert (await kakeibo.push([kakeibo.proof("/par")])).status_code == 201
    (kept,) = await bank.pushed()
    assert kept.dpop_jkt == kakeibo.proof_key.thumbprint()
    wrong = [kakeibo.proof("/token")], ["x"], [kakeibo.proof("/par"), kakeibo.proof("/par")]
    for proofs in wrong:
        assert error(await kakeibo.push(proofs)) == (400, "invalid_dpop_proof")
    other = ec_key().thumbprint()
    assert error(await kakeibo.push([kakeibo.proof("/par")], dpop_jkt=other)) == (400, "invalid_dpop_proof")
    again = kakeibo.proof("/par")
    assert (await kakeibo.push([again])).status_code == 201
    assert error(await kakeibo.push([again])) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/par", "/token", "/revoke"])
async def test_only_post_is_allowed(bank: Bank, method: str, path: str) -> None:
    """RFC 9126 2.3; RFC 6749 3.2."""
    answer = await bank.http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json() == {"error": "invalid_request", "error_description": f"{path} takes POST only"}


@pytest.mark.fault("Range and form floods")
@pytest.mark.parametrize("path", ["/par", "/token", "/revoke"])
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"scope=a&scope=b", "application/x-www-form-urlencoded", 400),  # RFC 6749 3.1, 3.2: sent twice
        (b"scope=a&sc%6Fpe=a", "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 32 * 1024, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"f%d=1" % n for n in range(21)), "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % n for n in range(3000)), "application/x-www-form-urlencoded", 400),
        (b"a=%FF", "application/x-www-form-urlencoded", 400),
        (b"a=%00", "application/x-www-form-urlencoded", 400),
        (b"a=\xe3\x81\x82", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b"a=b", "text/plain", 415),
        (b"a=b", "", 415),
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_plain_form_is_refused(
    bank: Bank, path: str, body: bytes, content_type: str, status: int
) -> None:
    """CVE-2024-47874 and its like: size and number of fields are checked before anything is parsed."""
    answer = await bank.http.post(path, content=body, headers={"content-type": content_type})
    assert error(answer) == (status, "invalid_request")


async def test_parameters_in_the_query_count_for_nothing(bank: Bank) -> None:
    """On POST, parameters come from the form only."""
    form = bank.kakeibo.client.form(bank.clock())
    answer = await bank.http.post("/par", params=form, headers={"content-type": "application/x-www-form-urlencoded"})
    assert error(answer) == (401, "invalid_client")


@pytest.mark.fault("Host trust")
async def test_an_evil_host_changes_nothing(bank: Bank) -> None:
    """CVE-2026-48710: audience, proof target and addresses come from configuration."""
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "ftp",
        "Forwarded": "host=e",
    }
    kakeibo = replace(bank.kakeibo, headers=evil)
    pushed = await kakeibo.push([kakeibo.proof("/par")])
    query = {"client_id": kakeibo.client.client_id, "request_uri": pushed.json()["request_uri"]}
    answer = await bank.http.get("/authorize", params=query, headers=evil)
    assert answer.headers["location"].startswith(bank.settings.issuer + "/consent/begin/")
    metadata = await bank.http.get("/.well-known/oauth-authorization-server", headers=evil)
    assert b"evil" not in metadata.content


@pytest.mark.clause("7-3")
async def test_a_stopped_aggregator_pushes_in_vain_and_learns_when_to_come_back(bank: Bank) -> None:
    now = bank.clock()
    end = now + timedelta(hours=2)
    await bank.database.writing(
        set_stop, StopTarget.AGGREGATOR, bank.story.kakeibo, now, end, None, "見本", "os-user:tests", now
    )
    answer = await bank.kakeibo.push()
    assert error(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "7200"
    assert "SERVICE_STOPPED (clause 7-3)" in answer.json()["error_description"]
    assert (await bank.kaikei.push()).status_code == 201


@pytest.mark.clause("1-2-2")
async def test_an_aggregator_whose_contract_has_ended_cannot_push(bank: Bank) -> None:
    bank.clock.pass_(365 * 86_400)
    answer = await bank.kakeibo.push()
    assert error(answer) == (400, "unauthorized_client")
    assert "AGGREGATOR_NOT_CONTRACTED (clause 1-2-2)" in answer.json()["error_description"]

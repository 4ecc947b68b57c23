"""Who is admitted: token, proof and key first; nothing is parsed, told or logged for anybody else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlmodel import select

from madoguchi.doors.api.operation import Operations
from madoguchi.records.registrations import AccessToken
from tests import story
from tests.api.conftest import SECOND, URL, Caller, proof

QUERY = "{ service { open } }"
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


def changed(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.parametrize(
    "case",
    [
        "no header",
        "bearer",
        "basic",
        "two headers",
        "no token",
        "unknown token",
        "refresh token",
        "odd characters",
    ],
)
async def test_who_has_no_good_token_is_told_only_how_to_get_one(caller: Caller, case: str) -> None:
    """RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9728 section 5.1."""
    token = {"unknown token": changed(caller.token), "refresh token": "mdg_rt_x", "odd characters": "a\x0bb"}.get(
        case, caller.token
    )
    authorization = {"bearer": f"Bearer {token}", "basic": "Basic YTpi", "no token": "DPoP "}.get(case, f"DPoP {token}")
    headers = [("DPoP", proof(token, caller.at)), ("Authorization", authorization)]
    headers = headers[:1] if case == "no header" else headers + headers[1:] if case == "two headers" else headers
    answer = await caller.http.post("/graphql", json={"query": "{ this is not parsed"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('DPoP algs="ES256 PS256 EdDSA", resource_metadata="http')
    assert ('error="invalid_token"' in answer.headers["www-authenticate"]) == (
        case in ("unknown token", "refresh token")
    )
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"errors"}
    assert await caller.records() == []


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_the_scheme_is_read_in_any_case(caller: Caller, scheme: str) -> None:
    headers = {**caller.headers(), "Authorization": f"{scheme} {caller.token}"}
    assert (await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)).status_code == 200


@pytest.mark.fault("proof required at one endpoint only")
@pytest.mark.parametrize(
    "defect",
    ["none", "two", "other key", "other token", "other method", "other URL", "too old", "too new", "no jti", "garbage"],
)
async def test_every_defect_of_the_proof_is_refused_alike(caller: Caller, defect: str) -> None:
    """RFC 9449 section 4.3; the proofs themselves have a suite of their own in tests/fapi."""
    good = proof(caller.token, caller.at)
    proofs: Mapping[str, list[str]] = {
        "none": [],
        "two": [good, good],
        "other key": [proof(caller.token, caller.at, key=ECKey.generate_key("P-256"))],
        "other token": [proof(changed(caller.token), caller.at)],
        "other method": [proof(caller.token, caller.at, "GET")],
        "other URL": [proof(caller.token, caller.at, htu=URL + "/x")],
        "too old": [proof(caller.token, caller.at - 61 * SECOND)],
        "too new": [proof(caller.token, caller.at + 11 * SECOND)],
        "no jti": [proof(caller.token, caller.at, jti="")],
        "garbage": ["a.b.c"],
    }
    headers = [("Authorization", f"DPoP {caller.token}"), *(("DPoP", each) for each in proofs[defect])]
    answer = await caller.http.post("/graphql", json={"query": "{ this is not parsed"}, headers=headers)
    assert answer.status_code == 401
    error = "invalid_token" if defect == "other key" else "invalid_dpop_proof"
    assert f'error="{error}"' in answer.headers["www-authenticate"]
    assert [each["extensions"]["code"] for each in answer.json()["errors"]] == [
        "INVALID_TOKEN" if defect == "other key" else "INVALID_PROOF"
    ]
    assert await caller.records() == []


async def test_htu_is_our_own_url_whatever_host_the_request_names(caller: Caller) -> None:
    for host in ("evil.example", "127.0.0.1:9"):
        headers = {**caller.headers(), "Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": "https"}
        assert (await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)).status_code == 200
        headers["DPoP"] = proof(caller.token, caller.at, htu=f"http://{host}/graphql")
        assert (await caller.http.post("/graphql", json={"query": QUERY}, headers=headers)).status_code == 401


@pytest.mark.parametrize(("age", "status"), [(299, 200), (300, 401), (3600, 401)])
async def test_an_access_token_serves_to_its_last_second(caller: Caller, age: int, status: int) -> None:
    caller.at = story.NOW + timedelta(seconds=age)
    assert (await caller.post(QUERY)).status_code == status


async def test_a_revoked_access_token_is_dead_and_the_registrations_next_one_serves(caller: Caller) -> None:
    def revoke(session: Any) -> str:
        token = session.exec(select(AccessToken)).one()
        token.revoked_at = story.NOW
        session.add(token)
        return str(story.access(session, token.registration_id, story.ALL_SCOPES))

    fresh = await caller.database.writing(revoke)
    assert (await caller.post(QUERY)).status_code == 401
    caller.token = fresh
    assert (await caller.post(QUERY)).status_code == 200


async def test_nothing_of_a_document_is_parsed_for_who_is_not_admitted(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    prepare = Operations.prepare

    def watched(self: Operations, text: str, *rest: Any) -> Any:
        seen.append(text)
        return prepare(self, text, *rest)

    monkeypatch.setattr(Operations, "prepare", watched)
    good, caller.token = caller.token, changed(caller.token)
    assert (await caller.post(QUERY)).status_code == 401
    assert seen == []
    caller.token = good
    assert (await caller.post(QUERY)).status_code == 200
    assert seen == [QUERY]


async def test_an_error_on_our_side_tells_nothing_but_the_request_id(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("SELECT secret FROM accounts of 見本花子")

    monkeypatch.setattr("madoguchi.doors.api.answer.Answer._balance", broken)
    answer = await caller.post("{ accounts { balance { current } } }")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert answer.json()["errors"][0]["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text + capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr("madoguchi.doors.api.types.prepared", broken)
    partial = await caller.post("{ service { open } accounts { type balance { current } } }")
    assert partial.status_code == 200
    assert partial.json()["data"]["accounts"] == [
        {"type": "ORDINARY", "balance": None},
        {"type": "CURRENT", "balance": None},
    ]
    assert {each["extensions"]["code"] for each in partial.json()["errors"]} == {"INTERNAL"}
    assert "secret" not in partial.text + capsys.readouterr().out


@pytest.mark.parametrize("canary", ["1234567", "0013210", "ﾐﾎﾝ ﾊﾅｺ", "給与", "4516000"])
async def test_no_log_line_holds_a_customers_data_or_a_token(
    caller: Caller, canary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "{ accounts { number holderKana balance { current } transactions(first: 40) { nodes { description } } } }"
    assert (await caller.post(query)).status_code == 200
    await caller.post(query.replace("number", 'number x: node(id: "1234567") { id }'))
    await caller.post("{ 給与 }")
    caller.token = changed(caller.token)
    await caller.post(query)
    out = capsys.readouterr()
    assert canary not in out.out + out.err
    assert caller.token[:20] not in out.out + out.err

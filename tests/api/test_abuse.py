"""The table of abuse (security.md): what a request may look like, who is admitted, and what is told in which order."""

import gzip
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.request import BODY_BYTES
from madoguchi.records.registrations import AccessToken
from tests import story
from tests.api.conftest import SECOND, URL, Caller, proof

QUERY = "{ service { open } }"
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


async def send(caller: Caller, body: Any, method: str = "POST", **headers: str) -> tuple[int, str]:
    """Send a body with a good token and proof; returns status and the first error's code ("" for an answer)."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": JSON, **{name.replace("_", "-"): text for name, text in headers.items()}}
    answer = await caller.http.request(method, "/graphql", content=content, headers=caller.headers(method, **given))
    return answer.status_code, (answer.json().get("errors") or [{"extensions": {"code": ""}}])[0]["extensions"]["code"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_REQUEST"),
        (b"{", "INVALID_REQUEST"),
        (b"\xff\xfe", "INVALID_REQUEST"),
        (b"[]", "INVALID_REQUEST"),
        ([{"query": QUERY}, {"query": QUERY}], "INVALID_REQUEST"),
        ("query", "INVALID_REQUEST"),
        ({}, "INVALID_REQUEST"),
        ({"query": ""}, "INVALID_REQUEST"),
        ({"query": None}, "INVALID_REQUEST"),
        ({"query": 1}, "INVALID_REQUEST"),
        ({"query": {"a": 1}}, "INVALID_REQUEST"),
        ({"query": QUERY, "variables": "{}"}, "INVALID_REQUEST"),
        ({"query": QUERY, "variables": [1]}, "INVALID_REQUEST"),
        ({"query": QUERY, "extensions": 1}, "INVALID_REQUEST"),
        ({"query": QUERY, "operationName": 1}, "INVALID_REQUEST"),
        ({"query": QUERY, "access_token": "mdg_at_x"}, "INVALID_REQUEST"),
        (b'{"query":"{ service { open } }","variables":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "INVALID_REQUEST"),
        (b'{"query":"{ service { open } }","variables":' + b"[" * 20_000 + b"}", "INVALID_REQUEST"),
    ],
)
async def test_a_body_that_is_no_single_graphql_request_is_refused(caller: Caller, body: Any, code: str) -> None:
    assert await send(caller, body) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {"query": QUERY},
        {"query": QUERY, "variables": None, "operationName": None, "extensions": None},
        {"query": QUERY, "variables": {"unused": {"deep": [1, [2]]}}, "extensions": {"a": {}}},
        {"query": "query Q " + QUERY, "operationName": "Q", "id": "ignored"},
    ],
)
async def test_null_and_unknown_parameters_are_allowed(caller: Caller, body: Any) -> None:
    assert await send(caller, body) == (200, "")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=shift_jis",
        "application/jsonp",
    ],
)
async def test_what_a_browser_may_send_without_asking_first_is_refused(caller: Caller, content_type: str) -> None:
    """Strawberry #3645: CSRF through simple requests."""
    assert await send(caller, {"query": QUERY}, content_type=content_type) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/json; charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_in_utf8_is_accepted_however_it_is_spelled(caller: Caller, content_type: str) -> None:
    assert await send(caller, {"query": QUERY}, content_type=content_type) == (200, "")


async def test_a_megabyte_is_refused_before_token_and_proof_are_looked_at(caller: Caller) -> None:
    with caller.counting() as statements:
        answer = await caller.http.post("/graphql", json={"query": "#" * 1_000_000})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")
    assert statements == []


@pytest.mark.parametrize(("size", "status"), [(BODY_BYTES, 200), (BODY_BYTES + 1, 413)])
async def test_the_last_allowed_byte_is_allowed(caller: Caller, size: int, status: int) -> None:
    body = json.dumps({"query": QUERY}).encode()
    assert (await send(caller, body + b" " * (size - len(body))))[0] == status


async def test_a_body_that_hides_its_length_is_cut_off_at_the_limit(caller: Caller) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 8192
            yield b" " * 8192

    answer = await caller.http.post("/graphql", content=endless(), headers=caller.headers(**{"content-type": JSON}))
    assert answer.status_code == 413
    assert sent <= BODY_BYTES + 8192


async def test_a_compressed_body_is_not_unpacked(caller: Caller) -> None:
    packed = gzip.compress(json.dumps({"query": QUERY}).encode())
    assert (await send(caller, packed, content_encoding="gzip"))[0] == 400


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused_and_cross_origin_is_never_allowed(caller: Caller, method: str) -> None:
    answer = await caller.http.request(
        method, "/graphql", headers=caller.headers(method, Origin="https://evil.example")
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, GET"
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_get_answers_queries_and_never_runs_a_mutation(caller: Caller) -> None:
    async def get(**parameters: str) -> tuple[int, Any]:
        answer = await caller.http.get("/graphql", params=parameters, headers=caller.headers("GET"))
        return answer.status_code, answer.json()

    status, body = await get(
        query="query ($n: Int) { accounts { transactions(first: $n) { nodes { id } } } }", variables='{"n": 1}'
    )
    assert (status, len(body["data"]["accounts"])) == (200, 2)
    status, body = await get(query="mutation { endRegistration { endedAt } }")
    assert (status, body["errors"][0]["extensions"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    both = "query A { service { open } } mutation B { endRegistration { endedAt } }"
    assert (await get(query=both, operationName="B"))[0] == 405
    assert (await get(query=both, operationName="A"))[0] == 200
    for wrong in ({"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "[]"}, {"query": ""}, {}):
        assert (await get(**wrong))[0] == 400
    doubled = await caller.http.get("/graphql?query={a}&query={b}", headers=caller.headers("GET"))
    in_query = await caller.http.get(
        f"/graphql?query={QUERY}&access_token={caller.token}", headers=caller.headers("GET")
    )
    assert (doubled.status_code, in_query.status_code) == (400, 400)
    answer = await caller.http.post(f"/graphql?query={QUERY}", json={"query": QUERY}, headers=caller.headers())
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.5", JSON),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        ("text/html, */*;q=0.1", JSON),
    ],
)
async def test_answers_come_in_the_media_type_asked_for(caller: Caller, accept: str | None, media: str) -> None:
    headers = caller.headers(**({"Accept": accept} if accept else {}))
    request = caller.http.build_request("POST", "/graphql", json={"query": QUERY}, headers=headers)
    if accept is None:
        del request.headers["accept"]
    answer = await caller.http.send(request)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == answer.json()["extensions"]["requestId"]


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json; q=0", "application/json; charset=shift_jis", ";;,,"]
)
async def test_an_answer_nobody_could_read_is_not_sent(caller: Caller, accept: str) -> None:
    assert await send(caller, {"query": QUERY}, accept=accept) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "SYNTAX_ERROR"),
        ("{ nothing }", "VALIDATION_FAILED"),
        ("{ accounts }", "VALIDATION_FAILED"),
        ("subscription { accounts { id } }", "VALIDATION_FAILED"),
        ("query ($n: Int!) { accounts { transactions(first: $n) { nodes { id } } } }", "VARIABLES_INVALID"),
        ("query A { service { open } } query B { service { open } }", "OPERATION_NAME_REQUIRED"),
        ("fragment F on Query { service { open } }", "OPERATION_NAME_REQUIRED"),
        (
            "{ accounts { transactions(first: 500) { nodes { id corrects { id } } } balance { current } } }",
            "COST_EXCEEDED",
        ),
        ("{ service { open } } " + "#" * 2 + "\n" + "fragment F on Query { a }" * 400, "OPERATION_TOO_LARGE"),
        ("{ accounts { transactions(first: " + "9" * 5000 + ") { nodes { id } } } }", "VALIDATION_FAILED"),
        ("{ accounts { " + "a { " * 300 + "}" * 302, "SYNTAX_ERROR"),
        (
            '{ __type(name: "Account") { fields { type { fields { type { fields { name } } } } } } }',
            "VALIDATION_FAILED",
        ),
        ("{ service @defer { open } }", "VALIDATION_FAILED"),
    ],
)
async def test_a_document_that_cannot_run_is_told_with_a_code_and_without_data(
    caller: Caller, query: str, code: str
) -> None:
    """Plain JSON answers GraphQL's own errors with 200, the GraphQL media type with 400 (GraphQL-over-HTTP)."""
    assert await send(caller, {"query": query}, accept=JSON) == (200, code)
    assert await send(caller, {"query": query}, accept=GRAPHQL) == (400, code)
    answer = await caller.post(query)
    assert "data" not in answer.json()
    assert {record.outcome for record in await caller.records()} == {"refused"}


async def test_an_operation_name_that_is_not_there_runs_nothing(caller: Caller) -> None:
    assert await send(caller, {"query": "query A " + QUERY, "operationName": "B"}) == (200, "OPERATION_NAME_REQUIRED")


async def test_messages_suggest_no_names(caller: Caller) -> None:
    for query in (
        "{ account { balances } }",
        "{ accounts { balanc } }",
        "{ accounts(type: ORDINARY) { id } }",
        "{ a: accounts { ...F } } fragment F on Acount { id }",
    ):
        assert "did you mean" not in (await caller.post(query)).text.lower()


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
        token = session.exec(story.select(AccessToken)).one()
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

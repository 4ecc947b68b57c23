"""The table of abuse (security.md): what a request may look like, who is admitted, and what is told in which order."""

import gzip
import json
from typing import Any

import pytest

from madoguchi.doors.api.request import BODY_BYTES
from tests.api.conftest import Caller

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


@pytest.mark.fault("GraphQL CSRF")
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

    async def long() -> Any:
        nonlocal sent
        while sent < 10 * BODY_BYTES:
            sent += 8192
            yield b" " * 8192

    answer = await caller.http.post("/graphql", content=long(), headers=caller.headers(**{"content-type": JSON}))
    assert answer.status_code == 413
    assert sent <= BODY_BYTES + 8192


async def test_a_compressed_body_is_not_unpacked(caller: Caller) -> None:
    packed = gzip.compress(json.dumps({"query": QUERY}).encode())
    assert (await send(caller, packed, content_encoding="gzip"))[0] == 415


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused_and_cross_origin_is_never_allowed(caller: Caller, method: str) -> None:
    answer = await caller.http.request(
        method, "/graphql", headers=caller.headers(method, Origin="https://evil.example")
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, GET"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.fault("GraphQL CSRF")
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
            "INTROSPECTION_TOO_LARGE",
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

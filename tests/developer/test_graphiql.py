"""GraphiQL's own server: who is refused, what goes on to the API, and what of it the browser may see.

The credit union is only a socket here; the editor and the real server are in test_graphiql_browser.py.
"""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from madoguchi.doors.developer.graphiql.as_python import as_python
from madoguchi.doors.developer.graphiql.running import refuse
from tests.developer.visitor import Visitor, data
from tests.support.tree import ROOT

HOME = "/developer/graphiql"
EXAMPLES = sorted((ROOT / "frontend/graphiql/examples").glob("*.graphql"))
ASKED = {"query": "query Q($id: ID!) { account(id: $id) { id } }", "variables": {"id": "a"}, "operationName": "Q"}


class Developer:
    """A browser on GraphiQL's page."""

    def __init__(self, visitor: Visitor) -> None:
        self.http, self.bank, self.visitor = visitor.http, visitor.bank, visitor

    async def sign_in(self) -> httpx.Response:
        assert (await self.http.get(f"{HOME}/connect")).status_code == 303
        told = {"state": self.bank.to("/par")[-1].form["state"], "iss": self.bank.issuer, "code": "code-1"}
        answer = await self.http.get(f"{HOME}/callback", params=told)
        assert (answer.status_code, answer.headers["location"]) == (303, HOME), "the address with the code is left"
        return await self.http.get(HOME)

    async def run(self, asked: Any = ASKED, **headers: str) -> httpx.Response:
        return await self.http.post(f"{HOME}/run", json=asked, headers={"Origin": self.bank.issuer, **headers})


@pytest.fixture
def developer(visitor: Visitor) -> Developer:
    return Developer(visitor)


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["errors"][0]["extensions"]["code"]
    return told


async def test_the_page_asks_no_other_host_and_allows_nothing_inline(developer: Developer) -> None:
    answer = await developer.http.get(HOME)
    assert "本番のお客さまの情報は表示されません" in answer.text
    assert "見本の顧客でログイン" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "img-src 'self' data:;" in policy
    assert not {"unsafe-inline", "unsafe-eval", "trusted-types", "http:", "https:", "*"} & set(policy.split())
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert developer.bank.sent == []


async def test_who_has_not_signed_in_is_told_so_and_nothing_is_asked(developer: Developer) -> None:
    answer = await developer.run()
    assert (answer.status_code, code(answer)) == (401, "NOT_SIGNED_IN")
    assert "見本の顧客でログイン" in answer.json()["errors"][0]["message"]
    assert developer.bank.sent == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_what_another_site_sends_is_refused_though_the_session_lives(
    developer: Developer, headers: dict[str, str]
) -> None:
    await developer.sign_in()
    answer = await developer.run(**headers)
    assert (answer.status_code, code(answer)) == (403, "FOREIGN_ORIGIN")
    assert developer.bank.to("/graphql") == []


async def test_a_request_that_names_no_origin_is_refused(developer: Developer) -> None:
    await developer.sign_in()
    assert code(await developer.http.post(f"{HOME}/run", json=ASKED)) == "FOREIGN_ORIGIN"


@pytest.mark.parametrize(
    ("body", "type_", "expected"),
    [
        (b'{"query": "{a}"}', "text/plain", "UNSUPPORTED_MEDIA_TYPE"),
        (b"query=a", "application/x-www-form-urlencoded", "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"query": "' + b"a" * 32 * 1024 + b'"}', "application/json", "BODY_TOO_LARGE"),
        (b"{", "application/json", "MALFORMED"),
        (b"[]", "application/json", "MALFORMED"),
        (b"{}", "application/json", "MALFORMED"),
        (b'{"query": 1}', "application/json", "MALFORMED"),
        (b'{"query": "{a}", "variables": []}', "application/json", "MALFORMED"),
        (b'{"query": "{a}", "access_token": "x"}', "application/json", "MALFORMED"),
        (b'{"query": "{a}", "variables": ' + b'{"a":' * 400 + b"1" + b"}" * 401, "application/json", "MALFORMED"),
    ],
)
async def test_anything_but_one_small_json_object_is_refused(
    developer: Developer, body: bytes, type_: str, expected: str
) -> None:
    await developer.sign_in()
    headers = {"Origin": developer.bank.issuer, "Content-Type": type_}
    assert code(await developer.http.post(f"{HOME}/run", content=body, headers=headers)) == expected
    assert developer.bank.to("/graphql") == []


async def test_the_operation_goes_on_with_the_customers_address_and_a_proof_of_its_own(developer: Developer) -> None:
    await developer.sign_in()
    told = (await developer.run()).json()
    await developer.run()
    first, second = developer.bank.to("/graphql")
    assert first.json == ASKED
    assert first.headers["authorization"] == "DPoP at-1"
    assert first.headers["x-fapi-customer-ip-address"] == "127.0.0.1"
    assert first.proof["htu"] == f"{developer.bank.issuer}/graphql"
    assert first.proof["jti"] != second.proof["jti"]
    claims = {part["name"]: part["value"] for part in told["sent"]["proof_claims"]}
    assert claims == {name: str(value) for name, value in first.proof.items()}
    assert all(part["meaning"] for part in told["sent"]["headers"] + told["sent"]["proof_header"])
    assert told["answer"]["body"]["data"] == data()


async def test_status_and_headers_that_matter_are_passed_on(developer: Developer) -> None:
    await developer.sign_in()
    refused = {"errors": [{"message": "…", "extensions": {"code": "RATE_LIMITED"}}]}
    developer.bank.answers["/graphql"] = [(429, refused)]
    told = (await developer.run()).json()["answer"]
    assert (told["status"], told["body"]) == (429, refused)
    assert "Content-Type" in {part["name"] for part in told["headers"]}


async def test_no_token_and_no_key_reaches_the_browser(developer: Developer) -> None:
    """Of the access token its first characters are shown, of which twelve are too few to use."""
    long = {"access_token": "mdg_at_" + "A" * 43, "token_type": "DPoP", "expires_in": 300, "refresh_token": "mdg_rt_R"}
    developer.bank.answers["/token"] = [(200, {**long, "scope": "accounts balances"})]
    page = await developer.sign_in()
    answer = await developer.run()
    seen = page.text + answer.text + str(page.headers) + str(answer.headers) + str(dict(developer.http.cookies))
    assert "mdg_at_AAAAA…" in answer.text
    assert "A" * 6 not in seen
    assert "mdg_rt_" not in seen
    assert '"d"' not in seen
    assert "accounts" in page.text


async def test_a_lapsed_access_token_is_renewed_and_a_session_that_is_over_is_forgotten(developer: Developer) -> None:
    await developer.sign_in()
    developer.visitor.now += timedelta(minutes=10)
    assert (await developer.run()).status_code == 200
    assert developer.bank.to("/token")[-1].form["grant_type"] == "refresh_token"
    developer.visitor.now += timedelta(minutes=10)
    developer.bank.answers["/token"] = [(400, {"error": "invalid_grant"})]
    assert code(await developer.run()) == "SESSION_OVER"
    assert code(await developer.run()) == "NOT_SIGNED_IN"


async def test_an_end_that_the_api_tells_is_shown_once_and_ends_the_session(developer: Developer) -> None:
    await developer.sign_in()
    ended = {"errors": [{"message": "…", "extensions": {"code": "REGISTRATION_NOT_ACTIVE", "clause": "4-1"}}]}
    developer.bank.answers["/graphql"] = [(401, ended)]
    told = (await developer.run()).json()
    assert (told["answer"]["status"], told["answer"]["body"], told["signed_in"]) == (401, ended, False)
    assert code(await developer.run()) == "NOT_SIGNED_IN"


async def test_a_server_in_trouble_ends_nothing(developer: Developer) -> None:
    await developer.sign_in()
    developer.bank.answers["/graphql"] = [(500, b"<html>")]
    assert (await developer.run()).status_code == 502
    developer.bank.answers["/graphql"] = [(200, {"data": data()})]
    assert (await developer.run()).status_code == 200


async def test_the_session_has_a_cookie_of_its_own_that_nobody_can_bring_along(developer: Developer) -> None:
    developer.http.cookies.set("graphiql", "known-to-an-attacker", domain="127.0.0.1", path=HOME)
    begun = await developer.http.get(f"{HOME}/connect")
    attributes = begun.headers["set-cookie"].lower()
    assert "known-to-an-attacker" not in attributes
    assert all(word in attributes for word in (f"path={HOME}", "httponly", "samesite=lax"))
    developer.http.cookies.clear()
    await developer.http.get(f"{HOME}/connect")
    before = developer.http.cookies["graphiql"]
    await developer.sign_in()
    assert developer.http.cookies["graphiql"] != before, "who knew the name before sees nothing"


async def test_a_link_on_another_site_signs_nobody_in(developer: Developer) -> None:
    answer = await developer.http.get(f"{HOME}/connect", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == HOME
    assert developer.bank.sent == []


@pytest.mark.clause("5-1")
async def test_signing_out_ends_the_registration_and_a_form_of_another_site_does_not(developer: Developer) -> None:
    page = await developer.sign_in()
    assert "登録を終えてログアウト" in page.text
    assert (await developer.http.post(f"{HOME}/end", data={"form_token": "0" * 64})).status_code == 403
    assert developer.bank.to("/graphql") == []
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    assert (await developer.http.post(f"{HOME}/end", data={"form_token": token})).headers["location"] == HOME
    assert "endRegistration" in developer.bank.to("/graphql")[-1].json["query"]
    assert "登録を終えて、ログアウトしました" in (await developer.http.get(HOME)).text


async def test_the_sample_app_and_graphiql_keep_apart_what_they_hold(developer: Developer, tmp_path: Path) -> None:
    await developer.sign_in()
    assert "みほん信用組合とつなぐ" in (await developer.http.get("/sample")).text
    assert (tmp_path / "sample-aggregator-graphiql.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("error", "words"), [("access_denied", "「同意しない」"), ("x<y", "ログインできませんでした")])
async def test_a_sign_in_that_failed_is_told_once(developer: Developer, error: str, words: str) -> None:
    await developer.http.get(f"{HOME}/connect")
    state = developer.bank.to("/par")[-1].form["state"]
    await developer.http.get(f"{HOME}/callback", params={"state": state, "iss": developer.bank.issuer, "error": error})
    assert words in (await developer.http.get(HOME)).text
    assert words not in (await developer.http.get(HOME)).text


async def test_what_never_came_to_the_door_is_refused_in_its_shape() -> None:
    for status, expected in ((408, "TOO_SLOW"), (413, "BODY_TOO_LARGE"), (503, "OVERLOADED")):
        answer = refuse(Request({"type": "http"}).scope, status)
        assert answer.status_code == status
        assert expected.encode() in answer.body
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_the_schema(path: Path) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    assert validate(schema, parse(path.read_text("utf-8"))) == []
    assert f"./examples/{path.name}" in (ROOT / "frontend/graphiql/entry.jsx").read_text("utf-8"), "it is a tab"


def test_what_guards_a_field_stands_in_its_description() -> None:
    """Every `@discloses` of the published schema is also said in words, with its clause: on fields and on types."""
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    guarded = 0
    for kind in schema.type_map.values():
        for part in (kind, *getattr(kind, "fields", {}).values()):
            directives = {d.name.value: d for d in getattr(part.ast_node, "directives", None) or ()}
            if "discloses" in directives:
                guarded += 1
                scopes = [d for d in part.ast_node.directives if d.name.value == "discloses"]
                named = ", ".join(f"`{d.arguments[0].value.value.lower()}`" for d in scopes)
                clause = directives["clause"].arguments[0].value.value
                assert (part.description or "").endswith(f"(scope {named}; clause {clause})"), part
    assert guarded > 15


@given(st.text(alphabet=st.sampled_from('"\\\n\r\x00a日 {}@url@'), max_size=12), st.dictionaries(st.text(), st.none()))
def test_the_python_program_means_exactly_what_was_sent(query: str, variables: dict[str, None]) -> None:
    program = ast.parse(as_python("http://127.0.0.1/graphql", {"query": query, "variables": variables}, "127.0.0.1"))
    values = {node.targets[0].id: node.value for node in program.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert ast.literal_eval(values["QUERY"]) == query
    assert isinstance(values["REQUEST"], ast.Dict)
    assert ast.literal_eval(values["REQUEST"].values[1]) == variables

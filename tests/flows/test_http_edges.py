"""Requests that no browser and no aggregator sends: each is answered as what it is, and costs what its size does."""

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from madoguchi.cli.log import RequestLog
from madoguchi.doors.http import cookies
from madoguchi.installation import load_keys, make_keys
from madoguchi.main import build_app
from tests.developer.visitor import designate
from tests.flows.browsing import TEMPLATES
from tests.flows.visits import settings_for
from tests.story import ISSUER, NOW, Story
from tests.support.tree import ROOT

FORM = "application/x-www-form-urlencoded"
TAKES_A_BODY = [
    ("/token", FORM),
    ("/par", FORM),
    ("/revoke", FORM),
    ("/login", FORM),
    ("/consent", FORM),
    ("/sample/end", FORM),
    ("/graphql", "application/json"),
    ("/csp-report", "application/csp-report"),
]


@pytest.fixture
async def app(database_url: str, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    """All doors together."""
    monkeypatch.setattr("madoguchi.main.Templates", lambda _: TEMPLATES)  # compiled once for all tests
    settings = settings_for(database_url, tmp_path)
    make_keys(settings)
    designate(tmp_path)
    return build_app(settings, load_keys(settings), lambda: NOW)


@pytest.fixture
async def http(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, False), base_url=ISSUER) as client:
        yield client


def request_with(*cookie_headers: str) -> Request:
    headers = [(b"cookie", header.encode("latin-1")) for header in cookie_headers]
    return Request({"type": "http", "headers": headers})


def test_a_cookie_is_taken_as_it_was_sent() -> None:
    assert cookies(request_with()) == {}
    assert cookies(request_with("size=2; madoguchi=mdg_bs_a=b-_")) == {"size": "2", "madoguchi": "mdg_bs_a=b-_"}
    assert cookies(request_with("size=2", " a = 1 ;;x")) == {"size": "2", "a": "1"}
    assert cookies(request_with(r'x="\101\""')) == {"x": r'"\101\""'}


@pytest.mark.parametrize("path", ["/", "/terms", "/login?request=req_0", "/sample", "/nowhere"])
async def test_no_cookie_reaches_the_quadratic_parser_of_the_standard_library(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def parsed(text: str) -> dict[str, str]:
        raise AssertionError("parsed by http.cookies")

    monkeypatch.setattr("starlette.requests.cookie_parser", parsed)
    answer = await http.get(path, headers={"Cookie": 'x="' + "\\" * 16_000 + '"; size=3'})
    assert answer.status_code < 500


def test_nobody_reads_cookies_but_by_our_own_reader() -> None:
    """`request.cookies` unquotes each value, on Python 3.11 in quadratic time."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "backend").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "cookies"
    ]
    assert not found


@pytest.mark.parametrize("path", ["//[", "//[x]/", "//a%E2%84%80b/", "//x.example:x/", "/%5C%5Cx.example/"])
async def test_an_address_that_is_no_address_is_not_found(app: ASGIApp, path: str) -> None:
    page = await raw(app, "GET", path)
    assert page.status == 404
    assert "ページが見つかりません" in page.text


@pytest.mark.parametrize("path", ["//x.example/", "///x.example", "/%5Cx.example", "/%2Fx.example/"])
async def test_a_link_on_the_page_of_an_unknown_address_stays_with_us(app: ASGIApp, path: str) -> None:
    """A browser takes `//` and `/\\` for the beginning of another host."""
    text = (await raw(app, "GET", path)).text
    assert "x.example" in text
    assert not any(f'href="{begin}x.example' in text for begin in ("//", "///", "/\\", "\\"))


@pytest.mark.parametrize(("path", "media_type"), TAKES_A_BODY)
async def test_a_client_that_hangs_up_in_mid_body_is_no_error_of_ours(app: ASGIApp, path: str, media_type: str) -> None:
    with capture_logs() as logs:
        answer = await raw(app, "POST", path, media_type, [b"a=", None])
    assert answer.status == 499
    assert {entry["log_level"] for entry in logs} <= {"info"}
    assert [entry["status"] for entry in logs if entry["event"] == "request"] == [499]


@pytest.mark.parametrize(("path", "media_type"), TAKES_A_BODY)
async def test_a_body_in_a_content_coding_is_not_taken_for_plain(
    http: httpx.AsyncClient, path: str, media_type: str
) -> None:
    """RFC 9110 section 15.5.16."""
    for coding, refused in (("gzip", True), ("identity, br", True), ("Identity", False), ("", False)):
        answer = await http.post(path, content=b"{}", headers={"Content-Type": media_type, "Content-Encoding": coding})
        assert (answer.status_code == 415) is refused, coding


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/static/nowhere.css"),
        ("POST", "/sample/end"),
        ("GET", "/developer/schema.graphql"),
        ("POST", "/token"),
        ("POST", "/par"),
        ("POST", "/graphql"),
        ("GET", "/jwks"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/.well-known/oauth-protected-resource/graphql"),
        ("DELETE", "/terms"),
        ("POST", "/login"),
        ("GET", "/sample"),
        ("GET", "/terms"),
    ],
)
async def test_no_answer_is_taken_for_another_type_and_no_text_is_framed(
    http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    if answer.headers["content-type"].startswith("text/"):
        assert answer.headers.get_list("x-frame-options") == ["DENY"]
        [policy] = answer.headers.get_list("content-security-policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


class Raw:
    """An answer as the server was given it."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()


async def raw(
    app: ASGIApp, method: str, path: str, media_type: str = "", pieces: list[bytes | None] | None = None
) -> Raw:
    """One request whose path no client library spoils; where a piece of its body is None, the client hangs up."""
    left = list(pieces or [b""])

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    host = ISSUER.partition("://")[2].encode()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host), (b"content-type", media_type.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    answer = Raw()
    await RequestLog(app)(scope, receive, answer.send)
    return answer

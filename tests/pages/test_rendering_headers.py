"""Page headers, hashed static files, text size: what every page of every door shares.

Sources: Content Security Policy Level 3; FAPI 2.0 section 5.3.2.2; Chromium checks every hop of a form's redirect.
"""

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from madoguchi.doors.pages.rendering import respond
from madoguchi.doors.templating import Assets, Preferences, TextSize, page_headers, preferences_of, size_cookie
from madoguchi.doors.templating.preferences import size_link
from tests.pages.samples import MESSAGES, PAGES
from tests.pages.test_rendering import TEMPLATES


def _client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


def _directives(headers: dict[str, str]) -> dict[str, str]:
    return {part.split()[0]: " ".join(part.split()[1:]) for part in headers["Content-Security-Policy"].split("; ")}


def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    policy = _directives(page_headers())
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in page_headers()["Content-Security-Policy"]


def test_every_page_is_protected_from_frames_caches_and_referrers() -> None:
    model, around = PAGES["not-verified"]
    headers = respond(TEMPLATES, model, around).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_consent_page_may_lead_to_the_registered_origins_and_schemes_only() -> None:
    headers = page_headers(
        [
            *("https://kakeibo.example/callback?x=1", "https://kakeibo.example/other"),
            *("http://127.0.0.1:8000/sample", "jp.mihon:/back"),
        ]
    )
    assert _directives(headers)["form-action"] == "'self' https://kakeibo.example http://127.0.0.1:8000 jp.mihon:"


@pytest.mark.parametrize(
    "address",
    ["", "/callback", "https://a.example;x/", "https://a.example 'self'/", "https://u@a.example/", "https:///x"],
)
def test_an_address_that_could_widen_the_policy_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        page_headers([address])


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_answers_with_its_status(name: str) -> None:
    model, around = PAGES[name]
    assert respond(TEMPLATES, model, around).status_code == MESSAGES[name].state.status


async def test_a_static_file_is_kept_for_ever_under_the_hash_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "base.css").write_text("a{}")
    first = Assets.read(tmp_path)
    (tmp_path / "css" / "base.css").write_text("b{}")
    second = Assets.read(tmp_path)
    assert first.url("css/base.css") != second.url("css/base.css")
    client = _client(Starlette(routes=[Route("/static/{path:path}", second.serve)]))
    answer = await client.get(second.url("css/base.css"), headers={"Range": "bytes=0-1,0-1"})
    assert (answer.status_code, answer.text) == (200, "b{}")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert (await client.get(first.url("css/base.css"))).status_code == 404
    assert (await client.get("/static/css/base.css")).status_code == 404
    assert (await client.get("/static/../pyproject.toml")).status_code == 404


def test_without_static_files_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Assets.read(tmp_path)


def test_the_text_size_comes_from_the_link_then_from_the_cookie() -> None:
    assert preferences_of({}, {}) == Preferences(TextSize.STANDARD)
    assert preferences_of({}, {"size": "3"}).size is TextSize.LARGEST
    assert preferences_of({"size": "2"}, {"size": "3"}).size is TextSize.LARGE
    assert preferences_of({"size": "4"}, {"size": "<b>"}).size is TextSize.STANDARD
    assert size_cookie({"size": "4"}) is None


def test_choosing_a_size_keeps_the_other_parameters_of_the_page() -> None:
    assert size_link("/terms?from=%E8%A6%8F&size=3", TextSize.LARGE) == "/terms?from=%E8%A6%8F&size=2"


async def test_a_chosen_size_is_kept_in_a_cookie() -> None:
    model, around = PAGES["home"]
    app = Starlette(routes=[Route("/", lambda request: respond(TEMPLATES, model, around, request=request))])
    client = _client(app)
    cookie = SimpleCookie((await client.get("/?size=2")).headers["Set-Cookie"])["size"]
    assert (cookie.value, cookie["path"], cookie["samesite"]) == ("2", "/", "lax")
    assert "Set-Cookie" not in (await client.get("/")).headers

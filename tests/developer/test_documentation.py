"""The documentation at /developer: whole, without a dead link, the same words in sandbox and production."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import httpx
import pytest
from graphql import build_schema, graphql_sync

from madoguchi.installation import load_keys, make_keys
from madoguchi.main import build_app
from madoguchi.records.database import Database
from tests.developer.documentation import PRODUCTION, SANDBOX, STOPPED, TEMPLATES, Page, application, moment, visiting
from tests.developer.documents import DOCS, pages
from tests.flows.visits import settings_for
from tests.rules.given import institution
from tests.story import ISSUER, NOW, tell
from tests.support.tree import ROOT

PATHS = ["/developer", *(f"/developer/{page.stem}" for page in pages())]
SPECIFICATIONS = {
    "www.rfc-editor.org", "datatracker.ietf.org", "openid.net", "spec.graphql.org", "graphql.github.io", "relay.dev",
    "json-schema.org",
}  # fmt: skip
SANDBOX_ONLY = ("/sample", "/developer/graphiql")


@pytest.fixture(scope="module")
def sandbox() -> Any:
    return application()


@pytest.fixture(scope="module")
def production() -> Any:
    return application(PRODUCTION)


async def read(app: Any, path: str, base_url: str = SANDBOX.issuer) -> Page:
    with visiting(app, base_url) as http:
        answer = await http.get(path)
    assert answer.status_code == 200, path
    return Page(answer.text)


@pytest.fixture
async def whole(
    database_url: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """All doors together, in the sandbox."""
    await database.writing(tell)
    monkeypatch.setattr("madoguchi.main.Templates", lambda _: TEMPLATES)
    settings = settings_for(database_url, tmp_path)
    make_keys(settings)
    app = build_app(settings, load_keys(settings), lambda: NOW)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


async def test_every_link_leads_to_a_page_that_is_there_and_every_anchor_to_a_place_on_it(
    whole: httpx.AsyncClient,
) -> None:
    found = {path: Page((await whole.get(path)).text) for path in PATHS}
    dead, elsewhere = [], set()
    for path, page in found.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(target).scheme:
                if not target.startswith(ISSUER):
                    elsewhere.add(urlsplit(target).hostname)
                continue
            target = urlsplit(target or path).path
            if target not in found:
                answer = await whole.get(target)
                if answer.status_code not in (200, 503):  # 503: the sample was not designated in this installation
                    dead.append(f"{path}: {link}")
                    continue
                found_there = answer.headers["content-type"].startswith("text/html")
                ids = Page(answer.text).ids if found_there else []
            else:
                ids = found[target].ids
            if anchor and anchor not in ids:
                dead.append(f"{path}: {link}")
    assert dead == []
    assert elsewhere <= SPECIFICATIONS
    assert elsewhere, "the pages name their sources"


async def test_no_id_stands_twice_on_a_page(sandbox: Any) -> None:
    twice = {}
    for path in PATHS:
        ids = (await read(sandbox, path)).ids
        if len(ids) != len({*ids}):
            twice[path] = sorted({name for name in ids if ids.count(name) > 1})
    assert twice == {}


async def test_pages_hold_no_script_no_style_and_mark_japanese_as_such(sandbox: Any) -> None:
    for path in PATHS:
        page = await read(sandbox, path)
        assert not {"style", "onclick", "onload"} & page.attributes, path
        assert not {"script", "style", "iframe", "img"} & {*page.tags}, path
        assert page.japanese == [], path


async def test_pages_have_the_headers_of_every_page_and_keep_a_chosen_text_size(sandbox: Any) -> None:
    with visiting(sandbox) as http:
        answer = await http.get("/developer/errors?size=3")
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "form-action 'self';" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert '<html lang="en" data-size="3">' in answer.text
        assert answer.headers["set-cookie"].startswith("size=3;")
        assert 'data-size="3"' in (await http.get("/developer", headers={"Cookie": "size=3"})).text


async def test_production_has_the_same_pages_without_the_sandboxs_doors_and_with_its_own_address(
    sandbox: Any, production: Any
) -> None:
    for path in PATHS:
        page = await read(production, path, PRODUCTION.issuer)
        assert not [link for link in page.links if link.startswith(SANDBOX_ONLY)], path
        assert "Every company, customer, account and amount is invented" not in page.words
    assert "/developer/graphiql" in (await read(sandbox, "/developer")).links
    with visiting(production, PRODUCTION.issuer) as http:
        errors = (await http.get("/developer/errors")).text
        assert "https://api.bank.example/developer/errors#OUTSIDE_SERVICE_HOURS" in errors
        assert (await http.get("/developer/schema.graphql")).status_code == 200
        assert (await http.get("/developer/status-feed.schema.json")).status_code == 200


async def test_an_address_that_leads_nowhere_is_told_in_the_houses_look(sandbox: Any) -> None:
    with visiting(sandbox) as http:
        for path in ("/developer/nowhere", "/developer/a/b", "/developer/recipes/x.py"):
            answer = await http.get(path)
            assert answer.status_code == 404
            assert "There is no page at this address" in answer.text
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        for path in ("/developer/", "/developer/errors/"):
            answer = await http.get(path)
            assert (answer.status_code, answer.headers["location"]) == (308, path.rstrip("/"))


async def test_the_file_that_a_page_shows_is_the_one_that_is_taken_home(sandbox: Any) -> None:
    shown = 0
    for page in pages():
        for name in re.findall(r"^\{include ([\w./-]+)\}$", page.read_text("utf-8"), re.MULTILINE):
            text = (DOCS / name).read_text("utf-8")
            with visiting(sandbox) as http:
                answer = await http.get(f"/developer/{name}")
            assert answer.text == text
            assert answer.headers["content-disposition"] == f'attachment; filename="{Path(name).name}"'
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert text.strip() in (await read(sandbox, f"/developer/{page.stem}")).words
            shown += 1
    assert shown


def test_the_answer_on_the_overview_is_one_to_the_query_beside_it() -> None:
    query, answer = ((DOCS / "operations" / f"balances.{kind}").read_text("utf-8") for kind in ("graphql", "json"))
    data = json.loads(answer)["data"]
    made = graphql_sync(build_schema((ROOT / "schema.graphql").read_text("utf-8")), query, data)
    assert made.errors is None
    assert made.data == data


@pytest.mark.clause("2-1")
@pytest.mark.parametrize(
    ("at", "words"),
    [
        (moment(25, 22, 59), ["Open until 23:00 JST", "Thu 26 Nov, 07:00 JST"]),
        (moment(25, 23, 0), ["Closed, outside the service hours", "Thu 26 Nov, 07:00 JST"]),
    ],
)
async def test_the_overview_tells_whether_the_service_is_open_and_when_it_opens_next(at: Any, words: list[str]) -> None:
    page = await read(application(at=at), "/developer")
    assert [one for one in words if one not in re.sub(r"\s+", " ", page.words)] == []
    assert "Terms of useas of 1 October 2026" in page.words


@pytest.mark.clause("7-3")
async def test_the_overview_tells_of_a_stop_and_promises_no_opening() -> None:
    page = await read(application(facts=institution(stops=(STOPPED,)), data_as_of=None), "/developer")
    assert "Stopped for now" in page.words
    assert "Next opening" not in page.words
    assert "Data as of" not in page.words

"""A bug anywhere: the answer still has its number, asks for https, speaks the door's language, and tells nothing of it.

Beside it what a look at an address does: HEAD opens and decides nothing (RFC 9110 section 9.2.1).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlmodel import select
from starlette.types import ASGIApp
from structlog.testing import capture_logs

from madoguchi.installation import load_keys, make_keys
from madoguchi.main import build_app
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest
from tests.fapi.bank import Bank, bank_on
from tests.flows.browsing import TEMPLATES, Person, links
from tests.flows.visits import settings_for
from tests.story import NOW, Story

SECURE = "https://api.mihon.example"


def burst(*_: object, **__: object) -> None:
    raise RuntimeError("canary-7f3a")


@pytest.fixture
async def app(database_url: str, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    """All doors together, served over https."""
    monkeypatch.setattr("madoguchi.main.Templates", lambda _: TEMPLATES)  # compiled once for all tests
    settings = settings_for(database_url, tmp_path).model_copy(update={"issuer": SECURE})
    make_keys(settings)
    return build_app(settings, load_keys(settings), lambda: NOW)


@pytest.fixture
async def http(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, False), base_url=SECURE) as client:
        yield client


@pytest.fixture
async def bank(database: Database, story: Story) -> AsyncIterator[Bank]:
    async with bank_on(database, story) as one:
        yield one


@pytest.mark.parametrize("path", ["/", "/terms", "/hours", "/authorize", "/nowhere"])
async def test_a_page_that_fails_has_its_number_and_asks_for_https_like_any_other(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    usual = await http.get("/hours")
    monkeypatch.setattr("madoguchi.doors.pages.context.institution", burst)
    answer = await http.get(path)
    assert (usual.status_code, answer.status_code) == (200, 500)
    assert "canary" not in answer.text
    assert answer.headers["x-request-id"].startswith("rq_")
    for name in ("strict-transport-security", "x-content-type-options", "x-frame-options", "cache-control"):
        assert answer.headers.get_list(name) == usual.headers.get_list(name), name
        assert len(answer.headers.get_list(name)) == 1


@pytest.mark.parametrize("path", ["/token", "/par", "/revoke"])
async def test_an_endpoint_for_machines_that_fails_says_so_in_json_and_in_the_log_with_its_number(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("madoguchi.doors.oauth.endpoints.client", burst)
    with capture_logs() as lines:
        answer = await bank.kakeibo.post(path, {"grant_type": "refresh_token", "refresh_token": "canary-token"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "server_error"}
    assert answer.headers["cache-control"] == "no-store"
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["frames"][-1].endswith(" burst")
    assert "canary" not in str(line)


async def test_a_look_at_the_address_opens_no_request_and_ends_none(
    database: Database, hanako: Person, request_id: str
) -> None:
    async def kept() -> PushedRequest:
        return await database.reading(lambda s: s.exec(select(PushedRequest)).one())

    looked = await hanako.client.head(f"/consent/begin/{request_id}")
    assert (looked.status_code, "set-cookie" in looked.headers) == (405, False)
    assert (await kept()).opened_at is None
    page = await hanako.get(f"/consent/begin/{request_id}")
    [back] = [link for link in links(page) if link.startswith("/consent/back")]
    for address in (back, f"/login?request={request_id}", f"/consent?request={request_id}"):
        assert (await hanako.client.head(address)).status_code == 405
    assert (await kept()).decided_at is None

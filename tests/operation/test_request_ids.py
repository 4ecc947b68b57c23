"""One number for one request: in the answer's header, in its body or on its page, and in every line of the log."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import text
from sqlmodel import select

from madoguchi.cli.log import RequestLog, write_log
from madoguchi.records.audit import AccessRecord
from madoguchi.records.database import Database
from tests import story
from tests.flows.load import Software
from tests.operation.port import at_public, living, whole_app


@dataclass
class Desk:
    """All doors with their log."""

    database: Database
    told: story.Story
    http: httpx.AsyncClient
    stream: io.StringIO
    known: story.Registered

    @property
    def software(self) -> Software:
        return Software(story.ISSUER, self.told, self.http)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged since one last looked."""
        written = self.stream.getvalue().splitlines()
        self.stream.truncate(self.stream.seek(0))
        return [json.loads(line) for line in written]


@pytest.fixture
async def desk(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    told = await database.writing(story.tell)
    known = await database.writing(story.register, told)
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    write_log(lambda: story.NOW)
    async with living(whole_app(database_url, tmp_path / "data")) as app, at_public(RequestLog(app)) as http:
        yield Desk(database, told, http, stream, known)
    structlog.reset_defaults()


async def asked(desk: Desk, what: str) -> httpx.Response:
    """One request of each kind, good, refused and failed, at every door."""
    software, http = desk.software, desk.http
    match what:
        case "query":
            return await software.query(desk.known.access_token)
        case "refused query":
            return await software.query("unknown")
        case "query that fails":
            return await software.query(desk.known.access_token)
        case "token":
            return await software.refresh(desk.known.refresh_token)
        case "refused token":
            return await software.refresh("unknown")
        case "page":
            return await http.get("/")
        case "refused page":
            return await http.get("/consent", params={"request": "unknown"})
        case "form that cannot be read":
            return await http.post("/login", content=b"\xff", headers={"content-type": "text/plain"})
        case "no page":
            return await http.get("/nowhere")
        case "documentation":
            return await http.get("/developer")
        case "style":
            return await http.get("/static/nothing.css")
        case "another host":
            return await http.get("/", headers={"host": "evil.example"})
        case "too large":
            return await http.post("/graphql", content=b" " * 70_000)
    raise LookupError(what)


KINDS = (
    "query", "refused query", "query that fails", "token", "refused token", "page", "refused page",
    "form that cannot be read", "no page", "documentation", "style", "another host", "too large",
)  # fmt: skip


@pytest.mark.parametrize("what", KINDS)
async def test_header_body_page_log_and_record_name_one_request_alike(desk: Desk, what: str) -> None:
    if what == "query that fails":
        async with desk.database.durable() as connection:
            await connection.execute(text("DROP TABLE balance"))
    desk.lines()
    answer = await asked(desk, what)
    name = answer.headers["x-request-id"]
    assert re.fullmatch(r"rq_[0-9a-f]{30}", name)
    lines = desk.lines()
    assert {line.get("request_id") for line in lines} == {name}
    assert [line["event"] for line in lines].count("request") == 1
    assert lines[-1]["status"] == answer.status_code
    if "json" in answer.headers.get("content-type", "") and "token" not in what:
        told = answer.json()
        named = [error["extensions"]["requestId"] for error in told.get("errors", ())]
        assert named or told["extensions"]["requestId"]
        assert {*named, told.get("extensions", {}).get("requestId", name)} == {name}
    if what in ("refused page", "no page"):
        assert name in answer.text, "お問い合わせ番号"
    if what in ("query", "token"):
        recorded = await desk.database.reading(lambda session: session.exec(select(AccessRecord.request_id)).all())
        assert list(recorded) == [name]


async def test_requests_at_one_time_keep_their_numbers_apart(desk: Desk) -> None:
    desk.lines()
    answers = await asyncio.gather(*(asked(desk, what) for what in ("refused query", "refused token", "no page") * 5))
    names = {answer.headers["x-request-id"] for answer in answers}
    assert len(names) == 15
    lines = desk.lines()
    of = {name: [line["event"] for line in lines if line["request_id"] == name] for name in names}
    assert sorted(len(events) for events in of.values()) == [1] * 5 + [2] * 10, "no page is no refusal of a door's"


async def test_what_is_logged_for_several_requests_or_none_names_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared commit's task was begun by one request, and writes for all that wait."""
    log = structlog.get_logger("madoguchi.tests")
    durable = Database.durable

    def telling(database: Database) -> Any:
        log.info("commit")
        return durable(database)

    monkeypatch.setattr(Database, "durable", telling)
    desk.lines()
    assert (await asked(desk, "query")).status_code == 200
    lines = desk.lines()
    assert [line.get("request_id") for line in lines if line["event"] == "commit"] == [None]
    log.info("timer")
    assert "request_id" in lines[-1]

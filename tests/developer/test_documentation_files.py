"""Schemas as files: what tools fetch before anybody has signed in."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from madoguchi.doors.developer import schema_file
from madoguchi.procedures.status_feed.schema import status_feed_schema
from tests.support.tree import ROOT


@pytest.fixture
async def files() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=schema_file.routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bank.example") as client:
        yield client


async def test_developers_read_the_committed_schema(files: httpx.AsyncClient) -> None:
    answer = await files.get("/developer/schema.graphql")
    assert answer.text == (ROOT / "schema.graphql").read_text("utf-8")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_who_writes_the_status_feed_reads_its_schema_where_the_command_prints_it(
    files: httpx.AsyncClient,
) -> None:
    answer = await files.get("/developer/status-feed.schema.json")
    assert answer.text == status_feed_schema()
    assert answer.headers["content-type"] == "application/schema+json"
    assert json.loads(answer.text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"

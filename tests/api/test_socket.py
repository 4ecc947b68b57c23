"""Over a real socket: an answer as it stands on the wire, and the ways in that are shut."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from madoguchi.records.database import Database
from tests import story
from tests.api.conftest import proof
from tests.api.served import COMMAND
from tests.story import Story
from tests.support.server import Server, running_server


@pytest.fixture
async def served(told: Story, database: Database, database_url: str) -> AsyncIterator[tuple[Server, str]]:
    """A running server, and a token that it admits."""
    token = (await database.writing(story.register, told)).access_token
    await database.close()
    with running_server({}, database_url, command=COMMAND) as server:
        yield server, token


def headers(token: str, method: str = "POST") -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": proof(token, story.NOW, method)}


async def post(server: Server, body: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10) as http:
        return await http.post(f"{server.url}/graphql", json=body, headers=headers)


async def test_an_answer_over_the_wire(served: tuple[Server, str]) -> None:
    server, token = served
    query = "{ accounts { number balance { current } transactions(first: 500) { nodes { id amount balanceAfter } } } }"
    answer = await post(server, {"query": query}, headers(token))
    assert answer.status_code == 200
    assert len(answer.json()["data"]["accounts"][1]["transactions"]["nodes"]) == 397
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == answer.json()["extensions"]["requestId"]
    assert "errors" not in answer.json()
    async with httpx.AsyncClient() as http:
        asked = {"query": "{ service { open } }"}
        got = await http.get(f"{server.url}/graphql", params=asked, headers=headers(token, "GET"))
    assert got.json()["data"] == {"service": {"open": True}}
    refused = await post(server, {"query": query}, {})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("DPoP ")


@pytest.mark.fault("WebSocket skips authentication")
async def test_a_websocket_is_not_opened(served: tuple[Server, str]) -> None:
    """Strawberry CVE-2026-35523: an upgrade must not pass by the gate."""
    server, token = served
    lines = [
        "GET /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        f"Authorization: DPoP {token}",
        f"DPoP: {proof(token, story.NOW, 'GET')}",
    ]
    answer = await asyncio.to_thread(_raw, server, "\r\n".join(lines) + "\r\n\r\n")
    assert b" 101 " not in answer.split(b"\r\n")[0]
    assert answer.split(b" ")[1][:1] == b"4"


async def test_a_megabyte_on_the_wire_is_answered_before_it_has_all_come(served: tuple[Server, str]) -> None:
    server, _ = served
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {2**20}\r\n\r\n"
    assert (await asyncio.to_thread(_raw, server, head)).startswith(b"HTTP/1.1 413 ")


async def test_depth_fifty_and_doubling_fragments_are_refused_without_delay(served: tuple[Server, str]) -> None:
    server, token = served
    deep = "{ accounts { transactions(first: 1) { nodes { " + "corrects { " * 46 + "id" + " }" * 50
    doubling = "{ accounts { ...F0 } } " + " ".join(
        f"fragment F{n} on Account {{ ...F{n + 1} ...F{n + 1} }}" for n in range(25)
    )
    for query in (deep, doubling + " fragment F25 on Account { id }"):
        answer = await post(server, {"query": query}, headers(token))
        assert answer.json()["errors"][0]["extensions"]["code"] == "OPERATION_TOO_LARGE"


def _raw(server: Server, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096)

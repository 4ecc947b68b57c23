"""Hundreds of slow senders and readers at once before `madoguchi serve`, with its real deadlines; good clients beside.

Single ones with shortened deadlines are test_slow_senders.py. What a good client needs is an answer, not a time.
"""

import asyncio
import re
import socket
import subprocess
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from madoguchi.doors.connections import HEAD_SECONDS, WRITE_SECONDS
from madoguchi.doors.deadlines import BODY_SECONDS
from madoguchi.records.database import Database
from tests import story
from tests.support.server import COMMAND, Server, running_server

HEADS, BODIES, READERS = 300, 200, 100
ASKED = 40
"""Pages that a slow reader asks for: more than the kernels of both sides take for one connection."""

CAP = 200
ATTACKERS = 2 * CAP


@pytest.fixture
async def url(database: Database, database_url: str) -> str:
    """A database that `madoguchi serve` can serve."""
    await database.writing(story.tell, 0)
    return database_url


@contextmanager
def served(url: str, tmp_path: Path, **settings: str) -> Iterator[Server]:
    own = {"MADOGUCHI_DATABASE_URL": url, "MADOGUCHI_DATA_DIR": str(tmp_path / "data"), **settings}
    with running_server(own) as server:
        yield server


async def connected(server: Server, sent: bytes, reads: bool = True) -> socket.socket:
    """A connection at which this has been sent, and on which nothing more happens."""
    one = socket.socket()
    one.setblocking(False)
    if not reads:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, ("127.0.0.1", server.port))
    await loop.sock_sendall(one, sent)
    return one


def is_established(connection: socket.socket) -> bool:
    """As our own kernel sees it: an end that the other side only waits to tell does not count."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"


async def good(server: Server) -> list[int]:
    """What a good client gets: a page, its style, an error of the API, an error of the token endpoint."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        page = await http.get("/")
        query = await http.post("/graphql", json={"query": "{ service { open } }"})
        token = await http.post("/token", data={"grant_type": "refresh_token"})
        return [page.status_code, query.status_code, token.status_code]


SERVED = [200, 401, 401]


async def test_six_hundred_slow_ones_keep_no_good_client_waiting_and_are_gone_after_their_deadlines(
    url: str, tmp_path: Path
) -> None:
    with served(url, tmp_path) as server:
        assert await good(server) == SERVED
        host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
        head = b"GET / HTTP/1.1\r\n" + host + b"X-Slow: "
        body = b"POST /token HTTP/1.1\r\n" + host + b"Content-Length: 1000\r\n"
        body += b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
        style = await style_of(server)
        readers = b"".join(b"GET " + style + b" HTTP/1.1\r\n" + host + b"\r\n" for _ in range(ASKED))
        slow = [
            *[await connected(server, head) for _ in range(HEADS)],
            *[await connected(server, body) for _ in range(BODIES)],
            *[await connected(server, readers, reads=False) for _ in range(READERS)],
        ]
        for _ in range(5):
            assert await good(server) == SERVED
        await asyncio.sleep(max(HEAD_SECONDS, BODY_SECONDS, WRITE_SECONDS))
        for _ in range(100):
            left = sum(map(is_established, slow))
            if not left:
                break
            await asyncio.sleep(0.2)
        assert left == 0, f"{left} of {len(slow)} stay"
        assert await good(server) == SERVED
        assert '"level": "error"' not in server.log
        for one in slow:
            one.close()


async def style_of(server: Server) -> bytes:
    """The address of a file of some kilobytes."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        page = (await http.get("/")).text
    (address, *_) = re.findall(r'href="(/static/css/components[^"]+)"', page)
    return str(address).encode()


async def test_who_takes_every_connection_again_and_again_locks_nobody_out(url: str, tmp_path: Path) -> None:
    """Twice as many as there are connections, and whoever is cut comes again."""
    with served(url, tmp_path, MADOGUCHI_CONNECTIONS=str(CAP)) as server:
        head = b"GET / HTTP/1.1\r\nX-Slow: "
        over = asyncio.Event()
        cut = 0

        async def attack() -> None:
            nonlocal cut
            while not over.is_set():
                with suppress(OSError):
                    one = await connected(server, head)
                    await asyncio.get_running_loop().sock_recv(one, 1)
                    one.close()
                cut += 1
                await asyncio.sleep(2)

        attackers = [asyncio.create_task(attack()) for _ in range(ATTACKERS)]
        await asyncio.sleep(1)
        for _ in range(20):
            assert await good(server) == SERVED
        over.set()
        for task in attackers:
            task.cancel()
        await asyncio.wait(attackers)
        assert cut >= ATTACKERS - CAP, "they were cut to make room"


async def test_idle_connections_make_room_the_longest_idle_first(url: str, tmp_path: Path) -> None:
    with served(url, tmp_path, MADOGUCHI_CONNECTIONS="16") as server:
        request = f"GET /jwks HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        idle: deque[socket.socket] = deque()
        for _ in range(16):
            idle.append(await connected(server, request))
            assert await asyncio.get_running_loop().sock_recv(idle[-1], 4096)
        for _ in range(3):
            assert await good(server) == SERVED  # one connection each
        stay = [is_established(one) for one in idle]
        assert stay.index(True) >= 1
        assert stay == sorted(stay), "the eldest went, the younger stay"
        for one in idle:
            one.close()


def test_more_connections_than_files_may_be_opened_are_refused_at_the_start(tmp_path: Path) -> None:
    environment = {
        "MADOGUCHI_DATA_DIR": str(tmp_path / "data"),
        "MADOGUCHI_CONNECTIONS": "700",
        "PATH": "/usr/bin:/bin",
    }
    shell = ["bash", "-c", f"ulimit -n 900; exec {COMMAND[0]} serve"]
    refused = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "MADOGUCHI_CONNECTIONS: 一度に開けるファイルの数を超えます。" in refused.stderr

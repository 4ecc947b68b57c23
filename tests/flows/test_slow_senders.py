"""Senders that dribble and readers that do not read, over real sockets: shut out in time, and others are served."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from madoguchi.doors.connections import HEAD_OCTETS, BoundedHttp
from madoguchi.doors.deadlines import Deadlines

SOON = 0.5
LARGE = 8 * 1024 * 1024
"""More than the kernels of both sides keep for a connection."""


class QuickHttp(BoundedHttp):
    head_seconds = SOON
    write_seconds = SOON


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def sleepy(request: Request) -> Response:
    await asyncio.sleep(60)
    return PlainTextResponse("late")


async def large(request: Request) -> Response:
    return PlainTextResponse(b"x" * int(request.query_params["octets"]))


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """On both loops: the server's transports are uvloop's."""
    return "asyncio", {"use_uvloop": request.param}


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    layer = Middleware(Deadlines, body_seconds=SOON, request_seconds=2 * SOON)
    routes = [Route("/", echo, methods=["GET", "POST"]), Route("/sleepy", sleepy), Route("/large", large)]
    app = Starlette(routes=routes, middleware=[layer])
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = uvicorn.Server(uvicorn.Config(app, http=QuickHttp, log_config=None, lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await running


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving() as number:
        yield number


async def exchange(port: int, sent: bytes, dribble: bytes = b"") -> bytes:
    """Send, then go on with one more octet now and then, and return all that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)

    async def dribbling() -> None:
        for octet in dribble:
            await asyncio.sleep(0.1)
            writer.write(bytes([octet]))
            with suppress(ConnectionError):
                await writer.drain()

    task = asyncio.create_task(dribbling())
    try:
        async with asyncio.timeout(20):
            received = b""
            with suppress(ConnectionError):
                while chunk := await reader.read(65_536):
                    received += chunk
            return received
    finally:
        task.cancel()
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CLOSE = b"Connection: close\r\n\r\n"


async def test_who_sends_in_time_is_served(port: int) -> None:
    assert status(await exchange(port, HEAD + CLOSE)) == 200
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" + CLOSE
    assert (await exchange(port, post, b"abc")).endswith(b"3")


async def test_a_head_that_does_not_end_is_given_up(port: int) -> None:
    assert await exchange(port, b"") == b""
    assert await exchange(port, HEAD, b"X-Slow: " + b"x" * 600) == b""


async def test_the_second_request_on_a_connection_has_a_deadline_too(port: int) -> None:
    answer = await exchange(port, HEAD + b"\r\n" + HEAD, b"X-Slow: " + b"x" * 600)
    assert answer.count(b"HTTP/1.1") == 1


async def test_two_hundred_slow_senders_keep_nobody_else_waiting(port: int) -> None:
    slow = [asyncio.create_task(exchange(port, HEAD)) for _ in range(200)]
    await asyncio.sleep(0.1)
    assert status(await exchange(port, HEAD + CLOSE)) == 200
    assert await asyncio.gather(*slow) == [b""] * 200


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""], ids=["ended", "unended"])
async def test_a_head_of_more_than_sixteen_kilobytes_is_refused(port: int, end: bytes) -> None:
    assert status(await exchange(port, HEAD + b"X-Big: " + b"x" * HEAD_OCTETS + end)) == 400
    many = b"".join(b"X-%d: y\r\n" % number for number in range(3000))
    assert status(await exchange(port, HEAD + many + end)) == 400
    assert status(await exchange(port, b"GET /?" + b"x" * HEAD_OCTETS + b" HTTP/1.1\r\nHost: x" + end)) == 400


async def test_a_large_body_behind_a_small_head_is_no_large_head(port: int) -> None:
    body = b"x" * 60_000
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(body) + CLOSE
    assert (await exchange(port, post + body)).endswith(b"60000")


async def test_a_body_that_does_not_come_is_given_up(port: int) -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    answer = await exchange(port, post, b"y" * 600)
    assert status(answer) == 408
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_request_that_takes_too_long_is_answered_with_when_to_come_back(port: int) -> None:
    answer = await exchange(port, b"GET /sleepy HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(answer) == 503
    assert b"retry-after: 5" in answer.lower()


def large_request(octets: int, end: bytes = b"\r\n") -> bytes:
    return b"GET /large?octets=%d HTTP/1.1\r\nHost: x\r\n" % octets + end


async def test_a_large_answer_comes_whole_to_who_reads_it(port: int) -> None:
    answer = await exchange(port, large_request(LARGE, CLOSE))
    assert len(answer.partition(b"\r\n\r\n")[2]) == LARGE


@pytest.mark.parametrize(
    "sent",
    [
        large_request(LARGE, CLOSE),
        large_request(LARGE),
        large_request(LARGE // 8) * 9,
        large_request(LARGE // 8) * 8 + large_request(LARGE // 8, CLOSE),
    ],
    ids=["closing", "staying", "pipelined", "pipelined and closing"],
)
async def test_who_does_not_read_is_given_up_however_much_was_asked_for(
    port: int, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        idle.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(idle, ("127.0.0.1", port))
        await loop.sock_sendall(idle, sent)
        for _ in range(100):
            if not is_established(idle):
                break
            await asyncio.sleep(SOON / 10)
        else:
            pytest.fail("the connection stays")
        assert status(await exchange(port, HEAD + CLOSE)) == 200
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def is_established(connection: socket.socket) -> bool:
    """As our own kernel sees it: an end that the other side only waits to tell does not count."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\x01"

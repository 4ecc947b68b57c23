"""Too much at once: bounded work and waiting, 503 in the door's own shape, and no lane waits for another."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from madoguchi.doors.connections import BoundedHttp
from madoguchi.doors.http import refuse_plainly
from madoguchi.doors.overload import BODY_OCTETS, Lane, Lanes
from madoguchi.main import refuse
from madoguchi.records.database import Database
from tests import story
from tests.flows.load import Software, all_at_once, customers, registered
from tests.support.server import free_port, running_server
from tests.support.tree import ROOT
from tests.support.whole import COMMAND, environment

AT_WORK, WAITING = 2, 3


class Counter:
    """A counter whose clerks wait until they are told to go on."""

    def __init__(self) -> None:
        self.lanes = {"/slow": Lane(AT_WORK, WAITING), "/other": Lane(1, 1)}
        self.go_on = asyncio.Event()
        self.at_work = self.most = self.done = 0
        self.begin_answer = asyncio.Event()

    async def slow(self, request: Request) -> Response:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await self.go_on.wait()
        self.at_work -= 1
        self.done += 1
        return PlainTextResponse(str(len(await request.body())))

    async def other(self, request: Request) -> Response:
        return PlainTextResponse("served")

    async def until(self, at_work: int, waiting: int) -> None:
        for _ in range(1000):
            if (self.at_work, self.lanes["/slow"].waiting) == (at_work, waiting):
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"{self.at_work} at work, {self.lanes['/slow'].waiting} waiting")


@asynccontextmanager
async def opened(counter: Counter) -> AsyncIterator[str]:
    layer = Middleware(Lanes, lane_of=lambda path: counter.lanes[path], refuse=refuse_plainly)
    routes = [Route("/slow", counter.slow, methods=["GET", "POST"]), Route("/other", counter.other)]
    app = Starlette(routes=routes, middleware=[layer])
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = uvicorn.Server(uvicorn.Config(app, http=BoundedHttp, log_config=None, lifespan="off", ws="none"))
    running = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    counter.go_on.set()
    server.should_exit = True
    await running


@pytest.fixture
async def counter() -> Counter:
    return Counter()


@pytest.fixture
async def url(counter: Counter) -> AsyncIterator[str]:
    async with opened(counter) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        yield client


async def test_who_comes_beyond_work_and_queue_is_told_at_once_and_the_others_are_served(
    counter: Counter, url: str, http: httpx.AsyncClient
) -> None:
    accepted = [asyncio.create_task(http.get(f"{url}/slow")) for _ in range(AT_WORK + WAITING)]
    await counter.until(AT_WORK, WAITING)
    refused = await all_at_once(*(http.get(f"{url}/slow") for _ in range(20)))
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(503, "5")}
    assert (await http.get(f"{url}/other")).text == "served", "another lane waits for nobody"
    assert (counter.at_work, counter.lanes["/slow"].waiting) == (AT_WORK, WAITING)
    counter.go_on.set()
    assert [(await task).status_code for task in accepted] == [200] * (AT_WORK + WAITING)
    assert counter.most == AT_WORK
    assert (await http.get(f"{url}/slow")).status_code == 200, "places are free again"


async def test_who_sends_a_body_slowly_holds_no_place(counter: Counter, url: str, http: httpx.AsyncClient) -> None:
    host, port = url.removeprefix("http://").split(":")
    held = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
    for _, writer in held:
        writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
    counter.go_on.set()
    assert [(await http.post(f"{url}/slow", content=b"four")).text for _ in range(5)] == ["4"] * 5
    assert counter.done == 5
    for _, writer in held:
        writer.close()


async def test_who_reads_its_answers_slowly_holds_no_place(counter: Counter, url: str) -> None:
    """A place is free when the answer begins, however long it takes to leave."""
    lane = Lane(1, 0)

    async def app(scope: Scope, receive: object, send: object) -> None:
        await Response(b"x")(scope, receive, send)  # type: ignore[arg-type]

    stuck = asyncio.Event()

    async def send(message: object) -> None:
        stuck.set()
        await asyncio.Event().wait()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    layer = Lanes(app, lambda _: lane, refuse_plainly)
    scope = {"type": "http", "path": "/", "method": "GET", "headers": []}
    task = asyncio.create_task(layer(scope, receive, send))  # type: ignore[arg-type]
    await stuck.wait()
    assert not lane.is_full
    task.cancel()
    await asyncio.wait([task])
    assert not lane.is_full


async def test_who_hangs_up_while_waiting_is_not_worked_for(
    counter: Counter, url: str, http: httpx.AsyncClient
) -> None:
    working = [asyncio.create_task(http.get(f"{url}/slow")) for _ in range(AT_WORK)]
    await counter.until(AT_WORK, 0)
    leaving = [asyncio.create_task(http.get(f"{url}/slow")) for _ in range(WAITING)]
    await counter.until(AT_WORK, WAITING)
    for task in leaving:
        task.cancel()
    await counter.until(AT_WORK, 0)
    counter.go_on.set()
    assert [(await task).status_code for task in working] == [200] * AT_WORK
    assert counter.done == AT_WORK


@pytest.mark.parametrize(("octets", "status"), [(BODY_OCTETS, 200), (BODY_OCTETS + 1, 413)])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_larger_than_any_door_takes_is_refused_and_the_last_octet_is_not(
    counter: Counter, url: str, http: httpx.AsyncClient, octets: int, status: int, announced: bool
) -> None:
    counter.go_on.set()

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, octets, 8192):
            yield b"x" * min(8192, octets - begin)

    content = b"x" * octets if announced else pieces()
    assert (await http.post(f"{url}/slow", content=content)).status_code == status


@pytest.mark.parametrize("status", [408, 413, 503])
def test_each_door_refuses_in_its_own_shape(status: int) -> None:
    state = {"request_id": "rq_1", "issuer": "https://bank.example"}

    def told(path: str) -> Response:
        answer = refuse({"type": "http", "path": path, "headers": [], "state": state}, status)
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert ("retry-after" in answer.headers) == (status == 503)
        return answer

    (error,) = json.loads(told("/graphql").body)["errors"]
    codes = {408: "BODY_TOO_SLOW", 413: "BODY_TOO_LARGE", 503: "OVERLOADED"}
    docs = f"https://bank.example/developer/errors#{codes[status]}"
    assert error["extensions"] == {"code": codes[status], "clause": "-", "requestId": "rq_1", "docs": docs}
    for path in ("/token", "/par", "/revoke"):
        error = json.loads(told(path).body)["error"]
        assert error == ("temporarily_unavailable" if status == 503 else "invalid_request")
    page = bytes(told("/consent").body).decode()
    busy = "ただいま混み合っています。少し待ってから、もう一度お試しください。"
    words = {408: "もう一度お試しください", 413: "受け付けられませんでした", 503: busy}
    assert words[status] in page


@pytest.mark.both_databases
async def test_a_flood_of_queries_keeps_no_token_and_no_revocation_waiting(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    told = await database.writing(story.tell)
    known = await database.writing(registered, told, await database.writing(customers, 6))
    port = free_port()
    settings = environment(port, database_url, tmp_path / "data", at_work=4, waiting=4)
    with running_server(settings, command=COMMAND, port=port, folder=ROOT) as server:
        software = Software(server.url, told, httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)))
        await software.query(known[0].access_token)
        before = resident(server.process.pid)
        ended = asyncio.Event()
        answers: list[httpx.Response] = []

        async def flood() -> None:
            while not ended.is_set():
                answers.append(await software.query(known[0].access_token))

        floods = [asyncio.create_task(flood()) for _ in range(24)]
        for one in known[1:]:
            refreshed = await software.refresh(one.refresh_token)
            assert refreshed.status_code == 200, refreshed.text
            revoked = await software.revoke(one.refresh_token)
            assert revoked.status_code == 200, revoked.text
        ended.set()
        await asyncio.gather(*floods)
        assert {answer.status_code for answer in answers} == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
                assert answer.headers["retry-after"] == "5"
        assert resident(server.process.pid) - before < 64 * 2**20
        assert (await software.query(known[1].access_token)).status_code == 401, "what was revoked is revoked"
        assert server.terminate() == 0


def resident(pid: int) -> int:
    """Octets of memory that the process holds."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) * 1024

"""Bounded work: so many requests at once and so many waiting, in lanes of their own; whoever comes beyond is told so.

Source: security.md 1 and 14. A lane is a kind of requests that must not wait for the others: a flood of queries keeps
no token and no revocation waiting. main.py says which path belongs to which lane; a lane's database connections are its
own as well. Bodies come in before a place is taken, so that who sends slowly holds none; the place is free again when
the answer begins, so that who reads slowly holds none either.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.doors.http import Refusing

BODY_OCTETS: Final = 64 * 1024
"""The largest body that any door takes (the API's; forms are smaller)."""


class Lane:
    """Places for requests of one kind. At most `at_work` are worked on and `waiting` wait, first come first served."""

    def __init__(self, at_work: int, waiting: int) -> None:
        self._places = self._free = at_work
        self._most = waiting
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def at_work(self) -> int:
        return self._places - self._free

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        return not self._free and len(self._queue) >= self._most

    def ask(self) -> "asyncio.Future[None]":
        """A place, now or later; give it back with `leave`, also when you do not wait for it. Ask only if not full."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            place.set_result(None)
        else:
            self._queue.append(place)
        return place

    def leave(self, place: "asyncio.Future[None]") -> None:
        """Give up a place, or waiting for one; whoever waits longest has it."""
        if not place.done():
            self._queue.remove(place)
            place.cancel()
        elif self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._free += 1


class Lanes:
    """ASGI layer: 413 for a body larger than any door takes, 503 at once when a lane is full.

    A request whose client hangs up while it waits is dropped: nobody would read its answer.
    """

    def __init__(self, app: ASGIApp, lane_of: Callable[[str], Lane], refuse: Refusing) -> None:
        self.app = app
        self._lane_of = lane_of
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        lane = self._lane_of(scope["path"])
        body = _Body(receive)
        status = 413 if _announced(scope) > BODY_OCTETS else 503 if lane.is_full else 0
        if not status:
            await body.come()
            status = 413 if body.is_too_large else 503 if lane.is_full else 0
        if status:
            await self._refuse(scope, status)(scope, receive, send)
            return
        await self._work(lane, scope, body, send)

    async def _work(self, lane: Lane, scope: Scope, body: "_Body", send: Send) -> None:
        place, held = lane.ask(), True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                lane.leave(place)

        async def send_leaving(message: Message) -> None:
            leave()
            await send(message)

        try:
            if place.done() or await _is_there(place, body):
                await self.app(scope, body.receive, send_leaving)
            else:
                await Response(status_code=499)(scope, body.receive, send)  # for our log alone
        finally:
            leave()


class _Body:
    """A request's body, taken in before the application asks for it, and then handed out as it came."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came = bytearray()  # one piece, in however many it came
        self._is_handed_out = False
        self.hung_up = False

    @property
    def is_too_large(self) -> bool:
        return len(self._came) > BODY_OCTETS

    async def come(self) -> None:
        """Until it is whole, too large, or its client has hung up."""
        more = True
        while more and not self.is_too_large:
            message = await self._receive()
            self._came += message.get("body", b"")
            self.hung_up = message["type"] == "http.disconnect"
            more = message.get("more_body", False)

    async def receive(self) -> Message:
        if self.hung_up:
            return {"type": "http.disconnect"}
        if self._is_handed_out:
            return await self._receive()
        self._is_handed_out = True
        return {"type": "http.request", "body": bytes(self._came), "more_body": False}

    async def hang_up(self) -> None:
        """Returns when the client hangs up; of a request that is whole nothing else can come."""
        while not self.hung_up:
            self.hung_up = (await self._receive())["type"] == "http.disconnect"


async def _is_there(place: "asyncio.Future[None]", body: _Body) -> bool:
    """Wait for the place; False when the client hung up first."""
    gone = asyncio.ensure_future(body.hang_up())
    try:
        await asyncio.wait((place, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    return place.done()


def _announced(scope: Scope) -> int:
    """What Content-Length says; the parser has seen to it that it is one number."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(length) if length.isdigit() and len(length) < 20 else 0

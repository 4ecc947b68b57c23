"""How long and how much we wait for: who dribbles, or does not read, holds nothing of ours for long (security.md 1).

`BoundedHttp` bounds what comes before the application is called and what leaves after it (a bare uvicorn waits for
ever); `Deadlines` bounds the body and the whole request. Sizes of bodies belong to their readers (doors/http.py,
doors/api/request.py).
"""

import asyncio
import socket
import struct
from typing import Any, Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 5.0
HEAD_OCTETS: Final = 16 * 1024
BODY_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 15.0
WRITE_SECONDS: Final = 10.0
"""For what our kernel does not take of the answers, until it has taken it; less than a request has, so that a client
that does not read is given up before its next request is found to be slow."""

IDLE_SECONDS: Final = 30
"""Between two requests on one connection; uvicorn's `timeout_keep_alive`."""

CONNECTIONS: Final = 800
"""Open at once in one process, below the usual limit of 1,024 files; further ones are shut at once."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol with deadlines for the request's head and for writing, and caps on heads and connections.

    Closing does not help against a client that does not read: a transport first waits until all is written.
    """

    head_seconds = HEAD_SECONDS
    write_seconds = WRITE_SECONDS
    _head_deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _head_octets = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=0)  # writing is paused exactly while something is left to write
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_write()
        if self._answering is not None:  # uvicorn itself tells only the last request of a pipeline
            self._answering.disconnected = True
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._forget_write()
        self._write_deadline = self.loop.call_later(self.write_seconds, self._cut_off)

    def resume_writing(self) -> None:
        self._forget_write()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self._head_octets += len(data)
        super().data_received(data)
        if self._head_deadline is not None and self._head_octets > HEAD_OCTETS and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_deadline is None:  # a further request on this connection
            self._head_octets = 0
            self._await_head()

    def on_headers_complete(self) -> None:
        self._forget_head()
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_OCTETS:
            raise ValueError("request head too large")  # the parser stops, and 400 is answered
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _forget_head(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _forget_write(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _cut_off(self) -> None:
        # With a reset, or the kernel goes on offering what it has already taken.
        at_once = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.transport.abort()

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Deadlines:
    """ASGI layer: 408 for a body that does not come, 503 for a request that takes too long; then nothing more is said.

    What the application had begun is cancelled; a commit that was under way in a task of its own is finished.
    """

    def __init__(
        self, app: ASGIApp, body_seconds: float = BODY_SECONDS, request_seconds: float = REQUEST_SECONDS
    ) -> None:
        self.app = app
        self._body_seconds = body_seconds
        self._request_seconds = request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, asyncio.get_running_loop().time() + self._body_seconds)
        try:
            async with asyncio.timeout(self._request_seconds) as whole:
                await self.app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if not whole.expired() or exchange.started:
                raise
            await exchange.refuse(503, {"Retry-After": "5"})
        except Exception:
            if not exchange.refused:  # else: the application found that its body will not come
                raise


class _Exchange:
    """One request's two channels, with what has gone through them."""

    def __init__(self, receive: Receive, send: Send, body_by: float) -> None:
        self._receive = receive
        self._send = send
        self._body_by = body_by
        self._body_read = False
        self.started = False
        self.refused = False

    async def receive(self) -> Message:
        if self._body_read:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._body_by):
                message = await self._receive()
        except TimeoutError:
            if not self.started:
                await self.refuse(408, {})
            return {"type": "http.disconnect"}
        self._body_read = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if not self.refused:
            self.started = True
            await self._send(message)

    async def refuse(self, status: int, headers: dict[str, str]) -> None:
        self.refused = self.started = True
        text = "too slow\n" if status == 408 else "try again later\n"
        scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": []}
        answer = PlainTextResponse(text, status, {**headers, "Cache-Control": "no-store", "Connection": "close"})
        await answer(scope, self._receive, self._send)

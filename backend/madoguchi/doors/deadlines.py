"""How long a request may take, its body's coming included: who dribbles holds nothing of ours for long (security.md 1).

What comes before the application is called and what leaves after it is bounded by doors/connections.py, sizes of bodies
by doors/overload.py and their readers.
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.doors.http import Refusing, refuse_plainly

BODY_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 15.0


class Deadlines:
    """ASGI layer: 408 for a body that does not come, 503 for a request that takes too long; then nothing more is said.

    What the application had begun is cancelled; a commit that was under way in a task of its own is finished. A request
    that the server itself cancels, because its time to end is over, is told 503 too.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Refusing = refuse_plainly,
        body_seconds: float = BODY_SECONDS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.app = app
        self._refuse = refuse
        self._body_seconds = body_seconds
        self._request_seconds = request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._refuse, asyncio.get_running_loop().time() + self._body_seconds)
        try:
            async with asyncio.timeout(self._request_seconds) as whole:
                await self.app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if not whole.expired() or exchange.started:
                raise
            await exchange.refuse(503)
        except asyncio.CancelledError:
            if exchange.started:
                raise
            await exchange.refuse(503)  # and no more: nobody waits for this task
        except Exception:
            if not exchange.refused:  # else: the application found that its body will not come
                raise


class _Exchange:
    """One request's two channels, with what has gone through them."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, refusing: Refusing, body_by: float) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._refusing = refusing
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
                await self.refuse(408)
            return {"type": "http.disconnect"}
        self._body_read = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if not self.refused:
            self.started = True
            await self._send(message)

    async def refuse(self, status: int) -> None:
        self.refused = self.started = True
        answer = self._refusing(self._scope, status)
        answer.headers["Connection"] = "close"
        await answer(self._scope, self._receive, self._send)

"""Two ASGI layers: one that lets the meter see every request when it is over, and one that keeps the two ports apart.

What came in at the operator's port is known by the mark that the server put into the connection's state
(cli/running.py), never by anything that a client says; so no request at the public port can reach the operator's door.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from madoguchi.doors.http import BY_OPERATOR, SERVER
from madoguchi.doors.operation.meter import Meter

LOOK_SECONDS: Final = 1.0


class OperatorsPort:
    """ASGI layer: what came in at the operator's port goes to `operation`, all else to `app`."""

    def __init__(self, app: ASGIApp, operation: ASGIApp) -> None:
        self.app = app
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        at_operators = scope["type"] != "lifespan" and scope.get("state", {}).get(BY_OPERATOR, False)
        await (self._operation if at_operators else self.app)(scope, receive, send)


class Metered:
    """ASGI layer around the public application: counts every request when it is over, and looks once a second."""

    def __init__(self, app: ASGIApp, meter: Meter, doors: Mapping[str, str]) -> None:
        self.app = app
        self._meter = meter
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._live(scope, receive, send)
            return
        begun = time.perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            self._meter.answered(scope, time.perf_counter() - begun, self._doors)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's whole life."""
        self._meter.server = scope.get("state", {}).get(SERVER)
        looking = asyncio.create_task(self._keep_looking())
        try:
            await self.app(scope, receive, send)
        finally:
            looking.cancel()

    async def _keep_looking(self) -> None:
        while True:
            self._meter.look()
            await asyncio.sleep(LOOK_SECONDS)

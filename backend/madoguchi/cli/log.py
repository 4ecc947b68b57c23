"""The server's log: one JSON line an event on the error stream, without anybody's data.

Every line of a request holds the id that its client got; sweeps and shared commits serve no one request. A request's
last line holds method, path template, status and milliseconds: never the path or query themselves, which may hold ids.
Exceptions are logged by kind and place, never with their message, for the same reason. What still comes from outside
(a method, a file's name) cannot write a line of its own or turn a terminal around: everything but printable ASCII is
escaped (security.md 13).
"""

import json
import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from madoguchi.clock import Clock
from madoguchi.doors.http import BY_OPERATOR, REQUEST_ID, place_of

_log = structlog.get_logger("madoguchi")


def write_log(clock: Clock) -> None:
    """Send structlog's and the standard library's log to the error stream, as JSON lines."""

    def stamp(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.pop("exc_info", None):
            event.update(place_of(sys.exc_info()[1]))
        if name := REQUEST_ID.get():
            event.setdefault("request_id", name)
        return {"at": clock().isoformat(timespec="milliseconds"), "level": method, **event}

    structlog.configure(
        processors=[stamp, as_line],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)


def as_line(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """The event as one line of printable ASCII; JSON itself leaves only DEL as it is."""
    return json.dumps(event, default=str).replace("\x7f", "\\u007f")


class _Forward(logging.Handler):
    """The standard library's records as lines of ours: the message without what was put into it."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[1] if record.exc_info else None
        level = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(_log, level)(str(record.msg), logger=record.name, **place_of(failure))


class RequestLog:
    """ASGI layer around everything: one line a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or BY_OPERATOR in scope.get("state", {}):  # its probes come every few seconds
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        try:
            await self.app(scope, receive, send)
        finally:
            state = scope.get("state", {})
            _log.info(
                "request",
                request_id=state.get("request_id"),
                method=scope["method"],
                path=_template(scope),
                status=state.get("status", 500),
                ms=round((time.perf_counter() - begun) * 1000, 1),
            )


def _template(scope: Scope) -> str:
    """The route's path with the names of its parameters; nothing of a path that no route has."""
    return getattr(scope.get("route"), "path", "-")

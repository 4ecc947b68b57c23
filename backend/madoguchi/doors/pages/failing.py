"""What a page says when there is none, when a bug struck, and when another door has to show a page of ours.

Source: FAPI 2.0 5.3.2.2 (frame protection on error pages too), security.md 13. The number told is the request's id.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from madoguchi.doors.http import RETRY_AFTER, ProtocolError, note_refusals, place_of
from madoguchi.doors.pages.context import PagesContext
from madoguchi.doors.pages.models.frame import Part
from madoguchi.doors.pages.models.messages import MessagePage, MessageState, Way
from madoguchi.doors.templating import page_headers

ErrorPage = Callable[[Request, str, str], Awaitable[Response]]
Handler = Callable[[Request, Exception], Awaitable[Response]]

_log = structlog.get_logger("madoguchi.pages")


def error_page(context: PagesContext) -> ErrorPage:
    """Shows a message state for doors without pages, by the state's name and the aggregator's (or none)."""

    async def show(request: Request, state: str, aggregator: str) -> Response:
        return await _message(context, request, MessageState[state], aggregator)

    return show


def exception_handlers(context: PagesContext) -> Mapping[Any, Handler]:
    """Starlette's exception handlers: unknown pages, forms that cannot be read, bugs."""

    async def refused(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(getattr(error, "headers", None) or {})
        if status == 404:
            return await _message(context, request, MessageState.NOT_FOUND, "")
        return _plain(status, headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        status, why = (error.status, error.why) if isinstance(error, ProtocolError) else (400, "")
        _log.info("refused", path=_path(request), why=why, request_id=_inquiry(request))
        return _plain(status, {})

    async def failed(request: Request, error: Exception) -> Response:
        _log.error("request failed", path=_path(request), request_id=_inquiry(request), **place_of(error))
        try:
            return await _message(context, request, MessageState.FAILED, "")
        except Exception:  # what failed first may be what a page needs, the database: the bare sentence then
            return _plain(500, {})

    return {HTTPException: refused, ProtocolError: unreadable, Exception: failed}


def refuse(scope: Scope, status: int) -> Response:
    """The door's `Refusing` (doors/http.py): a bare sentence, as a page would ask the database that is too busy."""
    state = MessageState.OVERLOADED
    note_refusals(scope, [({408: "too_slow", 413: "too_large"}.get(status, "overloaded"), "-")])
    busy = "".join((state.title, "。", *state.body))
    slow = "送信に時間がかかりすぎました。通信の状態を確かめて、もう一度お試しください。"
    text = {408: slow, 413: "この操作は受け付けられませんでした。"}.get(status, busy)
    return PlainTextResponse(text, status, page_headers() | (RETRY_AFTER if status == 503 else {}))


async def _message(context: PagesContext, request: Request, state: MessageState, aggregator: str) -> Response:
    page = MessagePage(
        state,
        _inquiry(request) or None,
        aggregator,
        url="/" if state.way in (Way.HOME, Way.AGAIN) else None,
        unknown_whether=state is MessageState.FAILED,
    )
    return context.show(request, page, await context.frame(request, part=Part.COUNTER))


def _plain(status: int, headers: Mapping[str, str]) -> Response:
    """For what no browser of a customer's sends, and for when nothing else can be shown."""
    text = "この操作は受け付けられませんでした。" if status < 500 else "表示できませんでした。"
    return PlainTextResponse(text, status, {**headers, **page_headers()})


def _inquiry(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def _path(request: Request) -> str:
    """Our own route's pattern, never what was typed."""
    return str(getattr(request.scope.get("route"), "path", ""))

"""POST /developer/graphiql/run: an operation from our own page goes to /graphql as an aggregator's server sends it.

Refused by default: another origin than ours, another type than JSON, a large body, no session. The session is the
cookie (HttpOnly, SameSite=Lax); a request that a browser sends without asking is neither JSON nor from our origin.
The API's answer comes back inside ours, with its status and the headers that matter, beside what was sent.

Source: security.md 1 and 4; RFC 6454 section 7 (Origin). What the operation may read is decided at /graphql alone.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.application import Application
from madoguchi.doors.developer.aggregator.client import Answer, ExchangeFailed
from madoguchi.doors.developer.aggregator.visit import Over, is_over
from madoguchi.doors.developer.graphiql.showing import answer_of, sent_of
from madoguchi.doors.http import RETRY_AFTER, FormRefused, json_answer, read_body

HOME: Final = "/developer/graphiql"
RUN: Final = f"{HOME}/run"
BODY_BYTES: Final = 32 * 1024
TYPE: Final = "application/json"
KNOWN: Final = {"query": str, "variables": dict, "operationName": str}

_log = structlog.get_logger("madoguchi.graphiql")


class Code(Enum):
    """Why this page's server refuses by itself: HTTP status and message for the developer."""

    FOREIGN_ORIGIN = (403, "Operations are taken from the GraphiQL page of this address only.")
    UNSUPPORTED_MEDIA_TYPE = (415, "Send application/json, without a content coding.")
    BODY_TOO_LARGE = (413, f"A request from this page is at most {BODY_BYTES} bytes.")
    TOO_SLOW = (408, "The body of the request did not come in time.")
    MALFORMED = (400, "Send one JSON object with `query` (a string), and perhaps `variables` and `operationName`.")
    NOT_SIGNED_IN = (401, "Sign in first: 「見本の顧客でログイン」 on /developer/graphiql.")
    SESSION_OVER = (
        401,
        "The credit union renews this access token no more: the registration was stopped, replaced or has expired. "
        "Load the page again and sign in.",
    )
    UNREACHABLE = (502, "The API gave no answer that makes sense. Try again.")
    OVERLOADED = (503, "The server is too busy for this request. Try again after the seconds in Retry-After.")

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


class _Refused(Exception):
    def __init__(self, code: Code) -> None:
        super().__init__(code.name)
        self.code = code


async def run(app: Application, request: Request) -> Response:
    """Answer one operation."""
    try:
        return await _run(app, request)
    except _Refused as refused:
        return _refusal(refused.code)
    except ExchangeFailed as failure:
        _log.info("not run", error=failure.error)
        return _refusal(Code.UNREACHABLE)


def refuse(scope: Scope, status: int) -> Response:
    """The door's `Refusing` (doors/http.py), as GraphiQL shows it."""
    return _refusal({408: Code.TOO_SLOW, 413: Code.BODY_TOO_LARGE}.get(status, Code.OVERLOADED))


async def _run(app: Application, request: Request) -> Response:
    _check_origin(request, app.context.settings.issuer)
    asked = await _read(request)
    cookie, designation = app.cookie(request), app.designation()
    visitor = None if cookie is None else opaque.stored(cookie)
    tokens = visitor and app.store.connection(visitor)
    if not (cookie and visitor and tokens and designation):
        raise _Refused(Code.NOT_SIGNED_IN)
    async with app.visit(designation, cookie, request) as visit:
        try:
            response = await visit.query(tokens, asked)
        except Over:
            app.store.disconnect(visitor, tokens.refresh_token)
            raise _Refused(Code.SESSION_OVER) from None
    over = is_over(Answer.of(response))
    if over:
        app.store.disconnect(visitor, tokens.refresh_token)
    return json_answer({"sent": sent_of(response.request, asked), "answer": answer_of(response), "signed_in": not over})


def _check_origin(request: Request, ours: str) -> None:
    """A script of another site, or a form of any, sends another origin or none; a browser of today says both."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.headers.getlist("origin") != [ours] or site != "same-origin":
        raise _Refused(Code.FOREIGN_ORIGIN)


async def _read(request: Request) -> Mapping[str, Any]:
    """The request's `query`, `variables` and `operationName`, each in its type; null counts as not sent."""
    types = [value.partition(";")[0].strip().lower() for value in request.headers.getlist("content-type")]
    if types != [TYPE]:
        raise _Refused(Code.UNSUPPORTED_MEDIA_TYPE)
    try:
        told = orjson.loads(await read_body(request, BODY_BYTES))
        orjson.dumps(told)  # what is nested too deep for this ends here
    except FormRefused as refused:
        raise _Refused(Code.UNSUPPORTED_MEDIA_TYPE if refused.status == 415 else Code.BODY_TOO_LARGE) from None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        raise _Refused(Code.MALFORMED) from None
    if not isinstance(told, dict):
        raise _Refused(Code.MALFORMED)
    asked = {name: value for name, value in told.items() if value is not None}
    if "query" not in asked or not all(isinstance(value, KNOWN.get(name, ())) for name, value in asked.items()):
        raise _Refused(Code.MALFORMED)
    return asked


def _refusal(code: Code) -> Response:
    """In the shape of a GraphQL answer, so that the editor shows it where answers stand."""
    error = {"message": code.message, "extensions": {"code": code.name}}
    headers = RETRY_AFTER if code is Code.OVERLOADED else None
    return json_answer({"errors": [error]}, code.status, headers)

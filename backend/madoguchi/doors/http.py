"""What every door needs of HTTP: a form read under limits, answers nobody stores, errors, the request's id.

Source: RFC 6749 section 3.1 and 3.2 (parameters), 5.1 and 5.2 (answers); security.md 1 and 13. Parsing is the
standard library's, so that limits come before it. Deadlines are doors/deadlines.py, lanes doors/overload.py, caps on
connections and heads doors/connections.py; the Host check is main.py's.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi import opaque

FORM_BYTES: Final = 32 * 1024
FORM_FIELDS: Final = 20
FORM_TYPE: Final = "application/x-www-form-urlencoded"
RESOURCE: Final = "/graphql"
"""The path of our one protected resource."""
RESOURCE_METADATA: Final = f"/.well-known/oauth-protected-resource{RESOURCE}"
"""RFC 9728 section 3.1: the well-known part stands between the host and the resource's path."""

SERVER: Final = "server"
"""Key of the server itself in the state that it hands to the application (cli/running.py)."""
BY_OPERATOR: Final = "by_operator"
"""Key that marks, in the same state, what came in at the operator's port."""

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that is being served, for the log (cli/log.py); work that serves no one request has none."""

Refusing = Callable[[Scope, int], Response]
"""What a door answers to a request that never came to it, by status: 408 too slow, 413 too large, 503 too many."""

RETRY_AFTER: Final = {"Retry-After": "5"}
"""Seconds after which an overloaded server is worth another try."""


class ProtocolError(Exception):
    """A request that a protocol refuses: the registered error code for the client, `why` for our log only.

    `description` may be told to the client's developer: ASCII without `"` and `\\` (RFC 6749 section 5.2), never a hint
    for a forger. `why` is a fixed text of ours, so that a log line cannot be written from outside.
    """

    def __init__(
        self,
        error: str,
        why: str,
        *,
        status: int = 400,
        description: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {why}")
        self.error = error
        self.why = why
        self.status = status
        self.description = description
        self.headers = dict(headers or {})


class FormRefused(ProtocolError):
    """The form or query cannot be read: too large, not a form, a parameter sent twice, bad encoding."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__("invalid_request", why, status=status, description=why)


def cookies(request: Request) -> dict[str, str]:
    """The request's cookies, each value as it was sent: ours never need quotes.

    Not `request.cookies`: that unquotes with http.cookies, in a time that is quadratic in backslashes.
    """
    pairs = ";".join(request.headers.getlist("cookie")).split(";")
    return {name.strip(): value.strip() for name, equals, value in (pair.partition("=") for pair in pairs) if equals}


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an urlencoded body, each at most once; a field without a value counts as not sent.

    At most 32 kB and 20 fields, both checked before anything is parsed. The query of the URL is never looked at.
    Raises FormRefused (413 for size, 415 for another content type, else 400).
    """
    return _once(await read_pairs(request))


async def read_pairs(request: Request, most: int = FORM_FIELDS) -> list[tuple[str, str]]:
    """All fields of an urlencoded body in their order, at most `most` of them. Raises FormRefused as `read_form`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_TYPE:
        raise FormRefused("the body must be application/x-www-form-urlencoded", 415)
    return _pairs(await read_body(request, FORM_BYTES), most)


async def read_body(request: Request, most: int) -> bytes:
    """The body, at most `most` octets of it; nothing here reads a content coding (RFC 9110 section 15.5.16).

    Raises FormRefused: 415 for a coding, 413 for size, 499 (ours alone, for the log) when the client hung up in it.
    """
    codings = ",".join(request.headers.getlist("content-encoding")).split(",")
    if not {"", "identity"}.issuperset(coding.strip().lower() for coding in codings):
        raise FormRefused("the body must have no content coding", 415)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise FormRefused("the body is too large", 413)
    except ClientDisconnect:
        raise FormRefused("the client hung up before the end of the body", 499) from None
    return bytes(body)


def read_query(request: Request) -> dict[str, str]:
    """The parameters of the URL's query, under the same rules as a form's. Raises FormRefused."""
    query: bytes = request.scope["query_string"]
    if len(query) > FORM_BYTES:
        raise FormRefused("the query is too large", 413)
    return _once(_pairs(query, FORM_FIELDS))


def _pairs(encoded: bytes, most: int) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:  # not ASCII, not UTF-8 after decoding, or too many
        raise FormRefused("the parameters are not well formed or too many") from None
    if any("\x00" in text for pair in pairs for text in pair):
        raise FormRefused("a parameter holds a NUL character")
    return pairs


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise FormRefused("a parameter was sent more than once")
    return {name: value for name, value in fields.items() if value}


def json_answer(body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    return JSONResponse(dict(body), status, headers={**NO_STORE, **(headers or {})})


def error_answer(error: ProtocolError) -> Response:
    """The JSON error of RFC 6749 section 5.2."""
    body = {"error": error.error}
    if error.description:
        body["error_description"] = error.description
    return json_answer(body, error.status, error.headers)


def refuse_plainly(scope: Scope, status: int) -> Response:
    """A `Refusing` for whoever has no shape of its own."""
    text = {408: "too slow\n", 413: "too large\n"}.get(status, "try again later\n")
    return PlainTextResponse(text, status, NO_STORE | (RETRY_AFTER if status == 503 else {}))


class RequestIds:
    """ASGI layer: gives every request an id of our own making and tells it in `X-Request-Id`; a sent one is ignored.

    Every line that is logged while the request is served holds it. The status that was answered stands in the state.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = opaque.new_id("rq_")
        state = scope.setdefault("state", {})
        state["request_id"] = name

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                state["status"] = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", name.encode())]
            await send(message)

        REQUEST_ID.set(name)  # to the end of the request's task: what the server logs of it is after us
        await self.app(scope, receive, send_with_id)


def request_id(request: Request) -> str:
    """The id that `RequestIds` gave this request; it names the access record and the log lines."""
    name: str = request.scope["state"]["request_id"]
    return name


def note_refusals(scope: Scope, refusals: Iterable[tuple[str, str]]) -> None:
    """Leave in the request's state what was refused, as code and clause, for whoever counts; each once a request.

    Both are constants of ours: never a word of the request, never an id.
    """
    scope.setdefault("state", {}).setdefault("refusals", set()).update(refusals)


def place_of(failure: BaseException | None) -> dict[str, Any]:
    """What may be logged of a bug: its kind and where it came from; never its message, which may hold personal data."""
    if failure is None:
        return {}
    frames = traceback.extract_tb(failure.__traceback__)
    return {
        "kind": f"{type(failure).__module__}.{type(failure).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }

"""Reading a GraphQL-over-HTTP request: method, media types, size, shape, and the DPoP token that comes with it.

Source: the GraphQL-over-HTTP draft ("Request", "Response"); RFC 9449 section 7.1 and RFC 6750 section 2 (how a token is
sent); security.md 1 and 4. No batching, no form, no multipart: nothing a browser sends without asking first (CSRF).
Every refusal is raised as `Refused`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Final

import orjson
from starlette.requests import Request

from madoguchi.doors import http
from madoguchi.doors.api.errors import Code, Problem, Refused, problem
from madoguchi.doors.http import FormRefused, read_query

BODY_BYTES: Final = 64 * 1024
JSON_DEPTH: Final = 32
JSON_TYPE: Final = "application/json"
GRAPHQL_TYPE: Final = "application/graphql-response+json"
ATTENDED: Final = "x-fapi-customer-ip-address"
TOKEN_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")


@dataclass(frozen=True, slots=True)
class Question:
    """A well-formed request; its document has not been looked at."""

    text: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


def answer_type(request: Request) -> str:
    """The media type to answer in: GraphQL's own where it is asked for at least as much as plain JSON.

    Raises Refused (406) where neither is acceptable.
    """
    header = ",".join(request.headers.getlist("accept"))
    if not header.strip():
        return JSON_TYPE
    wanted: dict[str, float] = {}
    for entry in header.split(","):
        media, *parameters = (part.strip().lower() for part in entry.split(";"))
        options = dict(parameter.partition("=")[::2] for parameter in parameters)
        if options.get("charset", "utf-8").strip('"') == "utf-8":
            wanted[media] = max(wanted.get(media, 0.0), _quality(options.get("q", "1")))
    plain = max(wanted.get(media, 0.0) for media in (JSON_TYPE, "application/*", "*/*"))
    graphql = wanted.get(GRAPHQL_TYPE, 0.0)
    if not plain and not graphql:
        raise Refused(problem(Code.NOT_ACCEPTABLE))
    return GRAPHQL_TYPE if graphql >= plain else JSON_TYPE


async def read_body(request: Request) -> bytes:
    """The body of a POST, at most 64 kB of `application/json` in UTF-8; empty for GET. Raises Refused."""
    if request.method == "GET":
        return b""
    if request.method != "POST":
        raise Refused(problem(Code.METHOD_NOT_ALLOWED))
    media, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = [parameter.partition("=")[2].strip('"') for parameter in parameters if parameter.startswith("charset=")]
    if media != JSON_TYPE or charset not in ([], ["utf-8"]) or len(request.headers.getlist("content-type")) > 1:
        raise Refused(problem(Code.UNSUPPORTED_MEDIA_TYPE))
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > BODY_BYTES:
        raise Refused(problem(Code.BODY_TOO_LARGE, limit=BODY_BYTES))
    try:
        return await http.read_body(request, BODY_BYTES)
    except FormRefused as refused:
        raise Refused(_body_problem(refused)) from None


def read_question(request: Request, body: bytes) -> Question:
    """The parameters of the request, in their right types. Raises Refused (400)."""
    if request.method == "POST" and request.url.query:
        raise _malformed("a POST takes its parameters from the body alone")
    parameters = _of_body(body) if request.method == "POST" else _of_query(request)
    if "access_token" in parameters:
        raise _malformed("a token belongs in the Authorization header")
    text, name, variables = (parameters.get(key) for key in ("query", "operationName", "variables"))
    if not isinstance(text, str) or not text:
        raise _malformed("`query` must be a string")
    if name is not None and not isinstance(name, str):
        raise _malformed("`operationName` must be a string")
    for key in ("variables", "extensions"):
        if not isinstance(parameters.get(key), dict | None):
            raise _malformed(f"`{key}` must be an object")
    return Question(text, name or None, variables or {})


def read_token(request: Request) -> str | None:
    """The access token of `Authorization: DPoP …`, the scheme in any case; None for none, several or another scheme."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    token = token.strip(" ")
    return token if scheme.lower() == "dpop" and token and TOKEN_CHARACTERS.issuperset(token) else None


def is_attended(request: Request) -> bool:
    """Whether the customer is at the aggregator's service now: their IP address is told (FAPI), and nothing else is.

    Raises Refused (400) for anything but one address: counted as unattended it would use up the day's sessions of an
    aggregator whose developer never learns why.
    """
    told = request.headers.getlist(ATTENDED)
    if not told:
        return False
    try:
        (address,) = told
        ip_address(address.strip())
    except ValueError:
        raise _malformed(f"`{ATTENDED}` must be one IPv4 or IPv6 address, or not be sent") from None
    return True


def _of_body(body: bytes) -> dict[str, Any]:
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _malformed("the body must be JSON in UTF-8") from None
    if not isinstance(parameters, dict):
        raise _malformed("the body must be one JSON object; batches are refused")
    return _shallow(parameters)


def _of_query(request: Request) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = dict(read_query(request))
    except FormRefused as refused:
        raise Refused(_malformed(refused.description).problem) from None
    for key in ("variables", "extensions"):
        if key in fields:
            try:
                fields[key] = orjson.loads(fields[key])
            except orjson.JSONDecodeError:
                raise _malformed(f"`{key}` must be JSON") from None
    return _shallow(fields)


def _shallow(parameters: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [parameters]
    for _ in range(JSON_DEPTH):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
        if not level:
            return parameters
    raise _malformed(f"the JSON is nested more than {JSON_DEPTH} deep")


def _body_problem(refused: FormRefused) -> Problem:
    if refused.status == Code.BODY_TOO_LARGE.status:
        return problem(Code.BODY_TOO_LARGE, limit=BODY_BYTES)
    if refused.status == Code.UNSUPPORTED_MEDIA_TYPE.status:
        return problem(Code.UNSUPPORTED_MEDIA_TYPE)
    return replace(problem(Code.INVALID_REQUEST, why=refused.why), status=refused.status)  # nobody is there to read it


def _malformed(why: str) -> Refused:
    return Refused(problem(Code.INVALID_REQUEST, why=why))


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def is_request_problem(problem: Problem) -> bool:
    """Whether a problem is GraphQL's (the request reached it), not HTTP's: then plain JSON answers it with 200."""
    return problem.status == Code.SYNTAX_ERROR.status and problem.code != Code.INVALID_REQUEST.name

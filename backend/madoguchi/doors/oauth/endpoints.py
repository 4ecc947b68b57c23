"""The OAuth endpoints over HTTP: push, authorize, token, revoke, metadata, keys.

Source: RFC 9126, RFC 6749 section 3, RFC 7009, RFC 8414, RFC 9728, RFC 9449 section 5. Each one reads and verifies
first (form, assertion, proof: pure), then runs one transaction, then answers. From /authorize nothing leads to an
address of the request: it goes on to our own consent pages, or ends on an error page.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial, wraps
from typing import Final, TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from madoguchi.clock import ahead_of_others
from madoguchi.doors.dpop import ProofRejected, verify_proof
from madoguchi.doors.http import (
    NO_STORE,
    RESOURCE_METADATA,
    FormRefused,
    ProtocolError,
    error_answer,
    json_answer,
    note_refusals,
    place_of,
    read_form,
    read_query,
    request_id,
)
from madoguchi.doors.oauth import metadata
from madoguchi.doors.oauth.client_assertion import ClientRejected, read_assertion, verify_assertion
from madoguchi.doors.oauth.context import OAuthContext
from madoguchi.doors.oauth.pushed_request import authorization_request
from madoguchi.doors.oauth.server import Asked, answer_revocation, answer_token
from madoguchi.procedures.authorizing import (
    Caller,
    Client,
    Closed,
    NotOpened,
    OAuthRefusal,
    Once,
    client,
    find_pushed_request,
    push_request,
    recognise,
)
from madoguchi.rules.decision import Reason

CONSENT: Final = "/consent/begin/"
"""Where the pages take over, with the pushed request's id."""

CLAUSES: Final = {reason.code: reason.clause for reason in Reason}
"""A rule's refusal comes here with its code as the reason for our log."""

CACHED: Final = {"Cache-Control": "public, max-age=3600"}

Outcome = TypeVar("Outcome")
Endpoint = Callable[[OAuthContext, Request], Awaitable[Response]]
_log = structlog.get_logger("madoguchi.oauth")


def routes(context: OAuthContext) -> list[Route]:
    """The door's routes, all at the root of the issuer."""
    issuer = context.settings.issuer
    documents = {
        metadata.SERVER_METADATA: metadata.server_metadata(issuer),
        RESOURCE_METADATA: metadata.resource_metadata(issuer),
        metadata.KEYS: dict(context.jwks),
    }

    async def document(request: Request) -> Response:
        return json_answer(documents[request.url.path], headers=CACHED)

    forms = {metadata.PUSH: push, metadata.TOKEN: token, metadata.REVOKE: revocation}
    return [
        Route(metadata.AUTHORIZE, partial(authorize, context), methods=["GET"]),
        *(Route(path, partial(endpoint, context), methods=["POST"]) for path, endpoint in forms.items()),
        *(Route(path, _only_post, methods=["GET", "PUT", "PATCH", "DELETE"]) for path in forms),
        *(Route(path, document, methods=["GET"]) for path in documents),
    ]


def _refusing_in_json(endpoint: Endpoint) -> Endpoint:
    """Protocol errors and bugs become the JSON of RFC 6749 section 5.2; why goes to the log."""

    @wraps(endpoint)
    async def guarded(context: OAuthContext, request: Request) -> Response:
        try:
            return await endpoint(context, request)
        except ProtocolError as error:
            _log.info(
                "refused", path=request.url.path, error=error.error, why=error.why, request_id=request_id(request)
            )
            note_refusals(request.scope, [(error.error, CLAUSES.get(error.why, "-"))])
            return error_answer(error)
        except Exception as failure:  # no page for a machine: this client reads JSON, and nothing of the bug
            _log.error("request failed", path=request.url.path, request_id=request_id(request), **place_of(failure))
            return error_answer(ProtocolError("server_error", "a bug", status=500))

    return guarded


async def _only_post(request: Request) -> Response:
    """Another method at an endpoint for machines is told in JSON too (RFC 9126 section 2.3)."""
    description = f"{request.url.path} takes POST only"
    refused = ProtocolError("invalid_request", "method", status=405, description=description, headers={"Allow": "POST"})
    return error_answer(refused)


@_refusing_in_json
async def push(context: OAuthContext, request: Request) -> Response:
    """POST /par: keep an authorization request, answer with its request_uri (RFC 9126 section 2)."""
    form, at = await read_form(request), context.clock()
    caller, registered = await _recognised(context, request, form, at)
    if request.headers.getlist("dpop"):
        caller = await _with_proof(context, request, caller, metadata.PUSH, at)
    try:
        pushed = authorization_request(form, registered.redirect_uris, registered.scopes, caller.jkt)
    except ProtocolError:
        await _spend(context, caller, at)
        raise
    lifetime = context.settings.request_uri_lifetime
    request_uri = _accepted(await context.database.writing(push_request, caller, pushed, lifetime, at), at)
    return json_answer({"request_uri": request_uri, "expires_in": int(lifetime.total_seconds())}, 201)


async def authorize(context: OAuthContext, request: Request) -> Response:
    """GET /authorize: from a client's request_uri on to the consent pages (RFC 9126 section 4); all else is ignored."""
    try:
        query = read_query(request)
    except FormRefused:
        query = {}
    found: str | NotOpened = NotOpened(Closed.NOT_VERIFIED)
    if "client_id" in query and "request_uri" in query:
        at = context.clock()
        found = await context.database.reading(find_pushed_request, query["client_id"], query["request_uri"], at)
    if isinstance(found, NotOpened):
        note_refusals(request.scope, [(found.why.name.lower(), "-")])
        return await context.error_page(request, found.why.value, found.aggregator)
    return RedirectResponse(context.settings.issuer + CONSENT + found, 303, NO_STORE)


@_refusing_in_json
async def token(context: OAuthContext, request: Request) -> Response:
    """POST /token: code or refresh token for an access token bound to the proof's key (RFC 6749 section 3.2)."""
    form, at = await read_form(request), context.clock()
    caller, _ = await _recognised(context, request, form, at)
    caller = await _with_proof(context, request, caller, metadata.TOKEN, at)
    asked = _asked(context, request, caller, form, at)
    answer = _accepted(await context.database.writing(answer_token, asked), at)
    return json_answer(answer.body, answer.status)


@_refusing_in_json
async def revocation(context: OAuthContext, request: Request) -> Response:
    """POST /revoke: end a token or, by its refresh token, a registration (RFC 7009)."""
    form, at = await read_form(request), context.clock()
    caller, _ = await _recognised(context, request, form, at)
    asked = _asked(context, request, caller, form, at)
    _accepted(await context.database.writing(answer_revocation, asked), at)
    return Response(status_code=200, headers=NO_STORE)


async def _recognised(
    context: OAuthContext, request: Request, form: Mapping[str, str], at: datetime
) -> tuple[Caller, Client]:
    """Client authentication: keys are looked up, the signature verified; the assertion is spent in the transaction."""
    claimed = read_assertion(form, request.headers.get("authorization"))
    registered = await context.database.reading(client, claimed.client_id)
    if registered is None:
        raise ClientRejected("unknown client")
    who = verify_assertion(claimed, registered.jwks, context.settings.issuer, at, ahead_of_others(context.clock))
    return Caller(who.client_id, Once(who.once, who.once_until)), registered


async def _with_proof(context: OAuthContext, request: Request, caller: Caller, path: str, at: datetime) -> Caller:
    """The caller with the key it has proven. A bad proof spends the assertion it came with."""
    try:
        headers, url = request.headers.getlist("dpop"), context.settings.issuer + path
        proof = verify_proof(headers, request.method, url, at, ahead=ahead_of_others(context.clock))
    except ProofRejected:
        await _spend(context, caller, at)
        raise
    return replace(caller, proof=Once(proof.once, proof.once_until), jkt=proof.jkt)


async def _spend(context: OAuthContext, caller: Caller, at: datetime) -> None:
    """Claim what a refused request carried, so that it cannot be sent again either."""
    _accepted(await context.database.writing(recognise, caller), at)


def _asked(context: OAuthContext, request: Request, caller: Caller, form: Mapping[str, str], at: datetime) -> Asked:
    settings = context.settings
    return Asked(caller, form, at, request_id(request), context.release, settings.access_token_lifetime)


def _accepted(outcome: Outcome | OAuthRefusal, at: datetime) -> Outcome:
    """What a procedure gave, or its refusal as a protocol error."""
    if not isinstance(outcome, OAuthRefusal):
        return outcome
    headers = {}
    if outcome.retry_at is not None:
        headers["Retry-After"] = str(max(1, math.ceil((outcome.retry_at - at).total_seconds())))
    raise ProtocolError(
        outcome.error, outcome.why, status=outcome.status, description=outcome.description, headers=headers
    )

"""C1: from the authorization server's hand to the log-in, and away again (4-1).

GET /consent/begin/ID takes a pushed request into this browser, GET and POST /login prove the identity for it, GET
/consent/back returns to the aggregator without a registration. What was wrong at a log-in is never told.
"""

import re
import unicodedata
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi import opaque
from madoguchi.doors.http import FormRefused, read_form, read_query, request_id
from madoguchi.doors.pages.context import PagesContext, go_to, new_session, step
from madoguchi.doors.pages.halting import BACK, CONSENT, LOGIN, address, back_address, halt_page
from madoguchi.doors.pages.models.login import LoginError, LoginPage
from madoguchi.doors.pages.session import form_token, is_same_origin, set_session, stated_in
from madoguchi.procedures.consenting import ACCESS_DENIED, ERRORS, deny_consent
from madoguchi.procedures.logging_in import Attempt, Locked, NotIdentified
from madoguchi.procedures.proceeding import (
    Halt,
    Obstacle,
    Proceeding,
    Visit,
    bind_login,
    open_request,
    proceed_to_login,
)

BEGIN: Final = "/consent/begin"
SAMPLE_CUSTOMERS: Final = "/sample/customers"
FORM: Final = "login"
LONGEST_PASSWORD: Final = 128
"""Longer ones are not hashed: the cost of a log-in stays the same for whatever is sent."""

_log = structlog.get_logger("madoguchi.pages")


def login_routes(context: PagesContext) -> list[Route]:
    return [
        step(f"{BEGIN}/{{request_id}}", partial(begin, context)),
        step(LOGIN, partial(show_login, context)),
        Route(LOGIN, partial(log_in, context), methods=["POST"]),
        step(BACK, partial(go_back, context)),
    ]


def asked_request(request: Request) -> str:
    """The pushed request that the address names; empty when it names none."""
    return read_query(request).get("request", "")


async def begin(context: PagesContext, request: Request) -> Response:
    """GET /consent/begin/ID: the first browser within 90 s has the request; it may come again, no other may."""
    at, cookie = context.clock(), new_session()
    visit = context.visit(request, request.path_params["request_id"], at)
    found = await context.database.writing(open_request, visit, opaque.stored(cookie))
    answer = await halt_page(context, request, found) if isinstance(found, Halt) else _onward(context, found, visit)
    if found.request is not None and found.request.session_hash == opaque.stored(cookie):
        set_session(answer, cookie, context.settings)
    return answer


async def show_login(context: PagesContext, request: Request) -> Response:
    """GET /login: the form, or on to the consent page when the log-in is there and fresh."""
    visit = context.visit(request, asked_request(request), context.clock())
    found = await context.database.reading(proceed_to_login, visit)
    if isinstance(found, Halt):
        return await halt_page(context, request, found)
    if _is_through(found, visit):
        return go_to(address(CONSENT, visit.request_id))
    return await _login_page(context, request, found, visit)


async def log_in(context: PagesContext, request: Request) -> Response:
    """POST /login: check, and go on to the consent page under a new session id."""
    visit = context.visit(request, asked_request(request), context.clock())
    form = await read_form(request)
    if not is_same_origin(request, context.settings):
        return await halt_page(context, request, Halt(Obstacle.OTHER_BROWSER))
    found = await context.database.reading(proceed_to_login, visit)
    if isinstance(found, Halt):
        return await halt_page(context, request, found)
    if found.request.shown_at is not None:
        return go_to(address(CONSENT, visit.request_id))
    token = form.get("form_token", "")
    if stated_in(token, context.keys.master, visit.session_hash, visit.request_id, FORM) is None:
        return await _login_page(context, request, found, visit, status=403)
    attempt = Attempt(
        _digits(form.get("customer_number", "")),
        form.get("password", ""),
        _digits(form.get("one_time_code", "")),
        occasion=visit.request_id,
    )
    if errors := _misshapen(attempt):
        return await _login_page(context, request, found, visit, attempt.customer_number, errors, 400)
    who = await context.identity.identify(attempt, visit.at)
    # Never whose attempt it was: who went through stands in the trail, who did not is nobody yet.
    outcome = who.value if isinstance(who, NotIdentified) else "locked" if isinstance(who, Locked) else "identified"
    _log.info("login", outcome=outcome, pushed_request=visit.request_id, request_id=request_id(request))
    if who is NotIdentified.WRONG:
        errors = (LoginError.NOT_ACCEPTED,)
        return await _login_page(context, request, found, visit, attempt.customer_number, errors, 400)
    if who is NotIdentified.REPEATED:
        # A double click. With the new session the log-in page leads on at once; a browser that dropped it, or never
        # had it, logs in again. The new session itself is given to nobody twice (`proceed_to_login`).
        return go_to(address(LOGIN, visit.request_id, again="yes"))
    if isinstance(who, Locked):
        return await halt_page(context, request, Halt(Obstacle.LOCKED, found.request, found.aggregator, who.until))
    if isinstance(who, NotIdentified):
        return await halt_page(context, request, Halt(Obstacle.SUSPENDED, found.request, found.aggregator))
    cookie = new_session()
    bound = await context.database.writing(bind_login, visit, who, opaque.stored(cookie))
    if isinstance(bound, Halt):
        answer = await halt_page(context, request, bound)
    else:
        answer = go_to(address(CONSENT, visit.request_id))
    if bound.request is not None and bound.request.session_hash == opaque.stored(cookie):
        set_session(answer, cookie, context.settings)
    return answer


async def go_back(context: PagesContext, request: Request) -> Response:
    """GET /consent/back: end the request and return to the aggregator, which learns one of two errors."""
    query = read_query(request)
    error = query.get("error", ACCESS_DENIED)
    if error not in ERRORS:
        raise FormRefused("not an error that an aggregator can be told")
    visit = context.visit(request, query.get("request", ""), context.clock())
    found = await context.database.writing(deny_consent, visit, error)
    return await halt_page(context, request, found) if isinstance(found, Halt) else go_to(found.url)


async def _login_page(
    context: PagesContext,
    request: Request,
    found: Proceeding,
    visit: Visit,
    customer_number: str = "",
    errors: tuple[LoginError, ...] = (),
    status: int = 200,
) -> Response:
    sandbox = context.settings.is_sandbox and context.settings.sample_login
    page = LoginPage(
        aggregator=found.aggregator.name,
        action=address(LOGIN, visit.request_id),
        form_token=form_token(context.keys.master, visit.session_hash or "", visit.request_id, FORM),
        back_url=back_address(visit.request_id),
        customer_number=customer_number,
        errors=errors,
        sample_customers_url=SAMPLE_CUSTOMERS if sandbox else None,
        is_again=found.is_again or "again" in read_query(request),
    )
    return context.show(request, page, await context.frame(request), status=status)


def _onward(context: PagesContext, found: Proceeding, visit: Visit) -> Response:
    return go_to(address(CONSENT if _is_through(found, visit) else LOGIN, visit.request_id))


def _is_through(found: Proceeding, visit: Visit) -> bool:
    """Whether the consent page would let this log-in in, so that asking for it again is not needed."""
    if found.is_again:
        return False
    logged_in_at = found.request.logged_in_at
    fresh = logged_in_at is not None and visit.at - logged_in_at <= visit.settings.fresh_login
    return found.request.shown_at is not None or fresh


def _digits(typed: str) -> str:
    """Digits as people type them: full width, with spaces or hyphens between."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", typed))


def _misshapen(attempt: Attempt) -> tuple[LoginError, ...]:
    """Which fields are empty or cannot be what they should; a password is never judged by its look."""
    wrong = {
        LoginError.CUSTOMER_NUMBER_MISSING: not re.fullmatch(r"[0-9]{8}", attempt.customer_number),
        LoginError.PASSWORD_MISSING: not 0 < len(attempt.password) <= LONGEST_PASSWORD,
        LoginError.ONE_TIME_CODE_MISSING: not re.fullmatch(r"[0-9]{6}", attempt.one_time_code),
    }
    return tuple(error for error, is_wrong in wrong.items() if is_wrong)

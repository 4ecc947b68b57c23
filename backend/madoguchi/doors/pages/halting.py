"""The E pages of a registration: a refused step told to the customer, with the way back to the aggregator.

Only what is true is said (models/messages.py), and nobody is linked to who is not designated. The way back is a link of
ours that ends the request; the aggregator learns `access_denied` or `temporarily_unavailable` and nothing else.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.doors.http import note_refusals, request_id
from madoguchi.doors.pages.context import PagesContext
from madoguchi.doors.pages.models.messages import Decided, MessagePage, MessageState, Way
from madoguchi.doors.pages.noticing import service_of
from madoguchi.procedures.announcing import announcement
from madoguchi.procedures.consent_page import is_registered
from madoguchi.procedures.consenting import ACCESS_DENIED, APPROVED, TEMPORARILY_UNAVAILABLE
from madoguchi.procedures.proceeding import OBSTACLE_OF, Halt, Obstacle
from madoguchi.rules.decision import Reason
from madoguchi.rules.registration_period import last_day

BACK: Final = "/consent/back"
LOGIN: Final = "/login"
CONSENT: Final = "/consent"
EXTEND: Final = "/consent/extend"

STATE_OF: Final = {
    Obstacle.REQUEST_UNKNOWN: MessageState.REQUEST_EXPIRED,
    Obstacle.NOT_VERIFIED: MessageState.NOT_VERIFIED,
    Obstacle.OTHER_BROWSER: MessageState.OTHER_BROWSER,
    Obstacle.ALREADY_DECIDED: MessageState.ALREADY_DECIDED,
    Obstacle.REQUEST_EXPIRED: MessageState.REQUEST_EXPIRED,
    Obstacle.NOT_LOGGED_IN: MessageState.SESSION_EXPIRED,
    Obstacle.LOGGED_OUT: MessageState.SESSION_EXPIRED,
    Obstacle.LOCKED: MessageState.TOO_MANY_TRIES,
    Obstacle.NO_INTERNET_BANKING: MessageState.NO_INTERNET_BANKING,
    Obstacle.INTERNET_BANKING_SUSPENDED: MessageState.INTERNET_BANKING_SUSPENDED,
    Obstacle.SUSPENDED: MessageState.SUSPENDED,
    Obstacle.CLOSED: MessageState.CLOSED,
    Obstacle.NO_ELIGIBLE_ACCOUNT: MessageState.NO_ELIGIBLE_ACCOUNT,
}

CLAUSES: Final = {obstacle: reason.clause for reason, obstacle in OBSTACLE_OF.items()} | {
    Obstacle.NO_ELIGIBLE_ACCOUNT: Reason.ACCOUNT_NOT_ELIGIBLE.clause
}


def address(path: str, pushed_request: str, **beside: str) -> str:
    """One of our own pages for a pushed request."""
    return f"{path}?{urlencode({'request': pushed_request, **beside})}"


def back_address(pushed_request: str, error: str = ACCESS_DENIED) -> str:
    """The link of ours that returns to the aggregator without a registration."""
    return address(BACK, pushed_request, error=error)


async def halt_page(context: PagesContext, request: Request, halt: Halt) -> Response:
    """The page for a refused step."""
    note_refusals(request.scope, [(halt.obstacle.name.lower(), CLAUSES.get(halt.obstacle, "-"))])
    model = message_of(halt, request_id(request))
    if halt.obstacle is Obstacle.CLOSED:
        at = context.clock()
        service = service_of(await context.database.reading(announcement, at), at)
        model = replace(model, service=replace(service, opens_at=halt.opens_at or service.opens_at))
    if model.decided is not None and model.decided.approved and halt.request is not None:
        registered = await context.database.reading(is_registered, halt.request, context.clock())
        model = replace(model, registered=registered)
    return context.show(request, model, await context.frame(request))


def message_of(halt: Halt, inquiry: str) -> MessagePage:
    """What a refused step's page says. `inquiry`: the id of the HTTP request."""
    state = STATE_OF[halt.obstacle]
    pushed = halt.request
    if pushed is None or halt.aggregator is None:
        return MessagePage(state, inquiry)
    approved = pushed.decision == APPROVED
    decided = None
    if halt.obstacle is Obstacle.ALREADY_DECIDED and pushed.decided_at is not None:
        decided = Decided(approved, pushed.decided_at)
    return MessagePage(
        state,
        inquiry,
        halt.aggregator.name,
        url=None if approved else _way_out(halt.obstacle, state.way, pushed.request_id),
        nothing_yet=pushed.customer_id is not None and halt.serving is None and not approved,
        serving_until=last_day(halt.serving.until) if halt.serving is not None and not approved else None,
        decided=decided,
        retry_at=_whole_minute(halt.opens_at) if halt.obstacle is Obstacle.LOCKED and halt.opens_at else None,
    )


def _whole_minute(at: datetime) -> datetime:
    """The minute told, never too early."""
    return at + timedelta(microseconds=-(at.second * 1_000_000 + at.microsecond) % 60_000_000)


def _way_out(obstacle: Obstacle, way: Way, pushed_request: str) -> str | None:
    if way is Way.LOGIN:
        return address(LOGIN, pushed_request)
    if way in (Way.BACK, Way.LEAVE):
        later = obstacle in (Obstacle.INTERNET_BANKING_SUSPENDED, Obstacle.SUSPENDED, Obstacle.CLOSED)
        return back_address(pushed_request, TEMPORARILY_UNAVAILABLE if later else ACCESS_DENIED)
    return None

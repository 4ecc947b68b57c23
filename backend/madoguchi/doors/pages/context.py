"""What the pages' door is given by the composition root, how a page is reached, and the two ways one leaves it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from madoguchi import opaque
from madoguchi.clock import Clock
from madoguchi.doors.http import NO_STORE
from madoguchi.doors.pages import rendering
from madoguchi.doors.pages.models.frame import Frame, Institution, Part
from madoguchi.doors.pages.session import session_hash
from madoguchi.doors.templating import Templates
from madoguchi.doors.templating.environment import Model
from madoguchi.procedures.logging_in import IdentityMethod
from madoguchi.procedures.proceeding import Visit
from madoguchi.procedures.service import institution
from madoguchi.procedures.transactions import Transactions
from madoguchi.settings import Settings


class MasterKey(Protocol):
    """Of the installation's keys the one that form tokens and the sample's log-ins are derived from."""

    @property
    def master(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class PagesContext:
    settings: Settings
    clock: Clock
    database: Transactions
    templates: Templates
    keys: MasterKey
    identity: IdentityMethod

    def visit(self, request: Request, request_id: str, at: datetime) -> Visit:
        """The step that this HTTP request takes on a pushed request."""
        return Visit(request_id, session_hash(request, self.settings), at, self.identity, self.settings)

    async def frame(
        self,
        request: Request,
        *,
        part: Part = Part.INTERNET_BANKING,
        strip: bool = True,
        phrase: str | None = None,
        here: str | None = None,
    ) -> Frame:
        """What stands around a page. `here`: its address for GET, where a POST was answered with it."""
        row = await self.database.reading(institution)
        named = Institution(row.name, row.phone, row.phone_hours, row.is_sample)
        frame = rendering.frame_of(request, named, self.settings.host, part=part, strip=strip, phrase=phrase or None)
        return frame if here is None else replace(frame, here=here)

    def show(
        self,
        request: Request,
        model: Model,
        frame: Frame,
        *,
        status: int | None = None,
        form_origins: Iterable[str] = (),
    ) -> Response:
        """The page as an answer; `status` where it is not the page's own."""
        response = rendering.respond(self.templates, model, frame, request=request, form_origins=form_origins)
        if status is not None:
            response.status_code = status
        return response


def step(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """A page that is itself a step of a registration: for GET alone, as HEAD must change nothing (RFC 9110 9.2.1)."""
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}  # Starlette adds HEAD by itself
    return route


def go_to(url: str) -> Response:
    """On with GET to one of our own pages, or back to an aggregator (303: a form is never sent on; RFC 9700 4.12)."""
    return RedirectResponse(url, 303, {**NO_STORE, "Referrer-Policy": "no-referrer"})


def new_session() -> str:
    """A fresh cookie value."""
    return opaque.new_secret(opaque.SESSION)

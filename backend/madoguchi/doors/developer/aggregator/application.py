"""One application of the sample aggregator: its addresses, its visitors' cookie, and the way to a connection and back.

It is a client of the credit union over the network like any other (client.py, visit.py). The cookie is a random name of
what store.py keeps, and no token is in it; one brought from outside counts for nothing, and a connection gets a new
one, so that who knew the name before sees nothing of it. Connecting is a link, as signing in elsewhere never starts
from a form; ending is a form with a token of this visitor's own (`no-referrer` makes browsers send `Origin: null` with
a form). Each application keeps a store and a proof key of its own; what it shows is its own affair.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.client import Client, ExchangeFailed, network
from madoguchi.doors.developer.aggregator.store import SampleStore
from madoguchi.doors.developer.aggregator.visit import Visit
from madoguchi.doors.developer.context import Designation, DeveloperContext, find_designation
from madoguchi.doors.http import FormRefused, cookies, read_form, read_query

COOKIE_AGE: Final = timedelta(days=180)
CONNECTED: Final = "connected"
ENDED: Final = "ended"
FAILED: Final = "failed"
"""Notices; a failure is left with its error code (client.py)."""

_log = structlog.get_logger("madoguchi.sample")


class Foreign(Exception):
    """A form that comes from no page of ours, or cannot be read; `status` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Application:
    """`home` is the path of its page, under which the others lie; `cookie_name` names its visitors."""

    context: DeveloperContext
    store: SampleStore
    key: ECKey
    trust: ssl.SSLContext
    home: str
    cookie_name: str

    @property
    def connect_path(self) -> str:
        return f"{self.home}/connect"

    @property
    def callback_path(self) -> str:
        return f"{self.home}/callback"

    @property
    def end_path(self) -> str:
        return f"{self.home}/end"

    @property
    def callback(self) -> str:
        """The redirect URI; it follows the issuer, and so the port."""
        return self.context.settings.issuer + self.callback_path

    def designation(self) -> Designation | None:
        return find_designation(self.context.settings.data_dir)

    def cookie(self, request: Request) -> str | None:
        return cookies(request).get(self.cookie_name)

    def form_token(self, cookie: str) -> str:
        """Proves that a form came from a page shown to the cookie's owner; another site can read neither."""
        return opaque.derive_key(cookie.encode(), "sample", "form").hex()

    @asynccontextmanager
    async def visit(self, designation: Designation, cookie: str, request: Request) -> AsyncIterator[Visit]:
        address = request.client.host if request.client else "127.0.0.1"
        settings, clock = self.context.settings, self.context.clock
        async with network(self.trust) as http:
            client = Client(http, settings.issuer, designation.client_id, self.key, self.store.proof_key(), clock)
            yield Visit(client, self.store, opaque.stored(cookie), address)

    async def connect(self, request: Request) -> Response:
        """GET {home}/connect: begin at the credit union. A link on another site begins nothing."""
        designation = self.designation()
        if designation is None or request.headers.get("sec-fetch-site") == "cross-site":
            return self.to_home()
        cookie = self.cookie(request) or ""
        if not self.store.knows(opaque.stored(cookie)):
            cookie = opaque.new_secret("")
        try:
            async with self.visit(designation, cookie, request) as visit:
                response: Response = _to(await visit.begin(self.callback))
        except ExchangeFailed as failure:
            response = self._told(cookie, failure)
        return self._named(response, cookie)

    async def come_back(self, request: Request) -> Response:
        """GET {home}/callback: the authorization response. The address with the code is left at once."""
        designation, cookie = self.designation(), self.cookie(request)
        if designation is None or cookie is None:
            return self.to_home()
        renamed = opaque.new_secret("")
        try:
            answer = read_query(request)
            async with self.visit(designation, cookie, request) as visit:
                await visit.complete(answer, self.callback, opaque.stored(renamed))
                self.store.leave_notice(opaque.stored(renamed), CONNECTED)
        except FormRefused:
            return self._told(cookie, ExchangeFailed())
        except ExchangeFailed as failure:
            return self._told(cookie, failure)
        return self._named(self.to_home(), renamed)

    async def end(self, request: Request) -> Response:
        """POST {home}/end: end the registration (5-1). Raises Foreign."""
        cookie = self.cookie(request) or ""
        try:
            form = await read_form(request)
        except FormRefused as refused:
            raise Foreign(refused.status) from None
        if not cookie or not opaque.same(form.get("form_token", ""), self.form_token(cookie)):
            raise Foreign(403)
        designation, tokens = self.designation(), self.store.connection(opaque.stored(cookie))
        if designation is None or tokens is None:
            return self.to_home()
        try:
            async with self.visit(designation, cookie, request) as visit:
                await visit.end(tokens)
                self.store.leave_notice(visit.visitor, ENDED)
        except ExchangeFailed as failure:
            return self._told(cookie, failure)
        return self.to_home()

    def to_home(self) -> Response:
        return _to(self.home)

    def _told(self, cookie: str, failure: ExchangeFailed) -> Response:
        """Home, where the visitor is told once what went wrong."""
        _log.info("not connected", error=failure.error)
        self.store.leave_notice(opaque.stored(cookie), FAILED, failure.error)
        return self.to_home()

    def _named(self, response: Response, cookie: str) -> Response:
        """The answer, with the visitor's cookie."""
        response.set_cookie(
            self.cookie_name,
            cookie,
            max_age=int(COOKIE_AGE.total_seconds()),
            path=self.home,
            secure=self.context.settings.secure,
            httponly=True,
            samesite="lax",
        )
        return response


def application(context: DeveloperContext, home: str, cookie_name: str, store: str) -> Application:
    """An application whose store is this file of the data directory. Nothing is read or written before a request."""
    key = ECKey.import_key(dict(context.keys.sample_aggregator["keys"][0]))
    kept = SampleStore(context.settings.data_dir, store)
    return Application(context, kept, key, ssl.create_default_context(), home, cookie_name)


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

"""みほん家計簿, the sample aggregator at /sample: its pages, its visitors' cookie, and what each outcome means to them.

It is a client of the credit union over the network like any other (client.py, visit.py). The cookie is a random name of
what store.py keeps, and no token is in it; one brought from outside counts for nothing, and a connection gets a new
one, so that who knew the name before sees nothing of it. Connecting is a link, as signing in elsewhere never starts
from a form; ending is a form with a token of this visitor's own (`no-referrer` makes browsers send `Origin: null` with
a form).
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.client import Client, ExchangeFailed, network
from madoguchi.doors.developer.aggregator.store import SampleStore, Tokens
from madoguchi.doors.developer.aggregator.visit import Over, Visit
from madoguchi.doors.developer.context import Designation, DeveloperContext, find_designation
from madoguchi.doors.developer.sample import home
from madoguchi.doors.developer.sample.models import AfterPage, App, BeforePage, Notice, PausedPage, Wanted
from madoguchi.doors.http import FormRefused, cookies, read_form, read_query
from madoguchi.doors.templating import page_headers
from madoguchi.rules.vocabulary import Scope

HOME: Final = "/sample"
CONNECT: Final = "/sample/connect"
CALLBACK: Final = "/sample/callback"
END: Final = "/sample/end"
COOKIE: Final = "kakeibo"
COOKIE_AGE: Final = timedelta(days=180)
CONNECTED: Final = "connected"
NAMES: Final = {Scope.ACCOUNTS: "口座情報", Scope.BALANCES: "残高", Scope.TRANSACTIONS: "入出金明細"}
NOTICES: Final = {"access_denied": Notice.DENIED, "temporarily_unavailable": Notice.UNAVAILABLE}
NOT_DESIGNATED: Final = "見本の事業者は、まだ登録されていません。"
FOREIGN: Final = "この操作は、みほん家計簿の画面から行ってください。"

_log = structlog.get_logger("madoguchi.sample")


@dataclass(frozen=True, slots=True)
class Shop:
    """The sample aggregator's own server: its key, its store, the certificates it trusts."""

    context: DeveloperContext
    store: SampleStore
    key: ECKey
    trust: ssl.SSLContext

    @property
    def callback(self) -> str:
        """The redirect URI; it follows the issuer, and so the port."""
        return self.context.settings.issuer + CALLBACK

    @asynccontextmanager
    async def visit(self, designation: Designation, cookie: str, request: Request) -> AsyncIterator[Visit]:
        address = request.client.host if request.client else "127.0.0.1"
        settings, clock = self.context.settings, self.context.clock
        async with network(self.trust) as http:
            client = Client(http, settings.issuer, designation.client_id, self.key, self.store.proof_key(), clock)
            yield Visit(client, self.store, opaque.stored(cookie), address)

    def page(self, model: BeforePage | AfterPage | PausedPage) -> Response:
        return HTMLResponse(self.context.templates.render(model), headers=page_headers())

    def designation(self) -> Designation | None:
        return find_designation(self.context.settings.data_dir)


def routes(context: DeveloperContext) -> list[Route]:
    """The sample aggregator's routes. Nothing is read or written before the first request."""
    key = ECKey.import_key(dict(context.keys.sample_aggregator["keys"][0]))
    shop = Shop(context, SampleStore(context.settings.data_dir), key, ssl.create_default_context())
    return [
        Route(HOME, partial(show, shop), methods=["GET"]),
        Route(CONNECT, partial(connect, shop), methods=["GET"]),
        Route(CALLBACK, partial(come_back, shop), methods=["GET"]),
        Route(END, partial(end, shop), methods=["POST"]),
    ]


async def show(shop: Shop, request: Request) -> Response:
    """GET /sample: not connected, or what the API gives now."""
    designation = shop.designation()
    if designation is None:
        return PlainTextResponse(NOT_DESIGNATED, 503)
    cookie = cookies(request).get(COOKIE)
    visitor = None if cookie is None else opaque.stored(cookie)
    notice, code = (visitor and shop.store.take_notice(visitor)) or ("", "")
    tokens = visitor and shop.store.connection(visitor)
    if cookie is None or not tokens:
        return shop.page(_before(designation, Notice(notice) if notice in set(Notice) else None, code))
    try:
        async with shop.visit(designation, cookie, request) as visit:
            return shop.page(await _home(visit, designation, tokens, cookie, notice == CONNECTED))
    except Over:
        shop.store.disconnect(opaque.stored(cookie), tokens.refresh_token)
        return shop.page(_before(designation, Notice.LAPSED))
    except ExchangeFailed as failure:
        _log.info("not read", error=failure.error)
        return shop.page(_before(designation, NOTICES.get(failure.error, Notice.FAILED), failure.error))


async def connect(shop: Shop, request: Request) -> Response:
    """GET /sample/connect: begin at the credit union. A link on another site begins nothing."""
    designation = shop.designation()
    if designation is None or request.headers.get("sec-fetch-site") == "cross-site":
        return _to_home()
    cookie = cookies(request).get(COOKIE, "")
    if not shop.store.knows(opaque.stored(cookie)):
        cookie = opaque.new_secret("")
    try:
        async with shop.visit(designation, cookie, request) as visit:
            response = _to(await visit.begin(shop.callback))
    except ExchangeFailed as failure:
        response = _told(shop, cookie, failure)
    return _named(shop, response, cookie)


async def come_back(shop: Shop, request: Request) -> Response:
    """GET /sample/callback: the authorization response. The address with the code is left at once."""
    designation, cookie = shop.designation(), cookies(request).get(COOKIE)
    if designation is None or cookie is None:
        return _to_home()
    renamed = opaque.new_secret("")
    try:
        answer = read_query(request)
        async with shop.visit(designation, cookie, request) as visit:
            await visit.complete(answer, shop.callback, opaque.stored(renamed))
            shop.store.leave_notice(opaque.stored(renamed), CONNECTED)
    except FormRefused:
        return _told(shop, cookie, ExchangeFailed())
    except ExchangeFailed as failure:
        return _told(shop, cookie, failure)
    return _named(shop, _to_home(), renamed)


async def end(shop: Shop, request: Request) -> Response:
    """POST /sample/end: end the registration (5-1)."""
    cookie = cookies(request).get(COOKIE, "")
    try:
        form = await read_form(request)
    except FormRefused as refused:
        return PlainTextResponse(FOREIGN, refused.status)
    if not cookie or not opaque.same(form.get("form_token", ""), _form_token(cookie)):
        return PlainTextResponse(FOREIGN, 403)
    designation, tokens = shop.designation(), shop.store.connection(opaque.stored(cookie))
    if designation is None or tokens is None:
        return _to_home()
    try:
        async with shop.visit(designation, cookie, request) as visit:
            await visit.end(tokens)
            shop.store.leave_notice(visit.visitor, Notice.ENDED)
    except ExchangeFailed as failure:
        return _told(shop, cookie, failure)
    return _to_home()


async def _home(
    visit: Visit, designation: Designation, tokens: Tokens, cookie: str, just_connected: bool
) -> AfterPage | PausedPage:
    at = visit.client.clock()
    answer = await visit.ask(tokens, *home.operation(tokens.scopes, at))
    return home.page(_app(designation), answer, END, _form_token(cookie), at, just_connected)


def _app(designation: Designation) -> App:
    return App(designation.name, designation.company, designation.institution, HOME)


def _before(designation: Designation, notice: Notice | None, code: str = "") -> BeforePage:
    wanted = tuple(Wanted(NAMES[scope], designation.purposes.get(scope, "")) for scope in Scope)
    return BeforePage(_app(designation), CONNECT, wanted, notice, code)


def _form_token(cookie: str) -> str:
    """Proves that a form came from a page shown to the cookie's owner; another site can read neither."""
    return opaque.derive_key(cookie.encode(), "sample", "form").hex()


def _told(shop: Shop, cookie: str, failure: ExchangeFailed) -> Response:
    """Home, where the visitor is told once what went wrong."""
    _log.info("not connected", error=failure.error)
    shop.store.leave_notice(opaque.stored(cookie), NOTICES.get(failure.error, Notice.FAILED), failure.error)
    return _to_home()


def _named(shop: Shop, response: Response, cookie: str) -> Response:
    """The answer, with the visitor's cookie."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(COOKIE_AGE.total_seconds()),
        path=HOME,
        secure=shop.context.settings.secure,
        httponly=True,
        samesite="lax",
    )
    return response


def _to_home() -> Response:
    return _to(HOME)


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

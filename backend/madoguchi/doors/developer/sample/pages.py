"""みほん家計簿, the sample aggregator's app at /sample: its pages, and what each outcome means to its visitors.

How a visitor connects, comes back and ends is aggregator/application.py; what is said of the API's answer is home.py.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.application import CONNECTED, FAILED, Application, Foreign, application
from madoguchi.doors.developer.aggregator.client import ExchangeFailed
from madoguchi.doors.developer.aggregator.store import Tokens
from madoguchi.doors.developer.aggregator.visit import Over, Visit
from madoguchi.doors.developer.context import Designation, DeveloperContext
from madoguchi.doors.developer.sample import home
from madoguchi.doors.developer.sample.models import AfterPage, App, BeforePage, Notice, PausedPage, Wanted
from madoguchi.doors.templating import page_headers
from madoguchi.rules.vocabulary import Scope

HOME: Final = "/sample"
COOKIE: Final = "kakeibo"
STORE: Final = "sample-aggregator.db"
NAMES: Final = {Scope.ACCOUNTS: "口座情報", Scope.BALANCES: "残高", Scope.TRANSACTIONS: "入出金明細"}
NOTICES: Final = {"access_denied": Notice.DENIED, "temporarily_unavailable": Notice.UNAVAILABLE}
NOT_DESIGNATED: Final = "見本の事業者は、まだ登録されていません。"
FOREIGN: Final = "この操作は、みほん家計簿の画面から行ってください。"

_log = structlog.get_logger("madoguchi.sample")


@dataclass(frozen=True, slots=True)
class Shop:
    """みほん家計簿: the application and what it shows."""

    app: Application

    def page(self, model: BeforePage | AfterPage | PausedPage) -> Response:
        return HTMLResponse(self.app.context.templates.render(model), headers=page_headers())


def routes(context: DeveloperContext) -> list[Route]:
    """The sample aggregator's routes. Nothing is read or written before the first request."""
    app = application(context, HOME, COOKIE, STORE)
    shop = Shop(app)
    return [
        Route(HOME, partial(show, shop), methods=["GET"]),
        Route(app.connect_path, app.connect, methods=["GET"]),
        Route(app.callback_path, app.come_back, methods=["GET"]),
        Route(app.end_path, partial(end, shop), methods=["POST"]),
    ]


async def show(shop: Shop, request: Request) -> Response:
    """GET /sample: not connected, or what the API gives now."""
    app, store = shop.app, shop.app.store
    designation, cookie = app.designation(), app.cookie(request)
    if designation is None:
        return PlainTextResponse(NOT_DESIGNATED, 503)
    visitor = None if cookie is None else opaque.stored(cookie)
    told, code = (visitor and store.take_notice(visitor)) or ("", "")
    tokens = visitor and store.connection(visitor)
    if cookie is None or not tokens:
        return shop.page(_before(designation, _notice(told, code), code))
    try:
        async with app.visit(designation, cookie, request) as visit:
            return shop.page(await _home(app, visit, designation, tokens, cookie, told == CONNECTED))
    except Over:
        store.disconnect(opaque.stored(cookie), tokens.refresh_token)
        return shop.page(_before(designation, Notice.LAPSED))
    except ExchangeFailed as failure:
        _log.info("not read", error=failure.error)
        return shop.page(_before(designation, _notice(FAILED, failure.error), failure.error))


async def end(shop: Shop, request: Request) -> Response:
    """POST /sample/end"""
    try:
        return await shop.app.end(request)
    except Foreign as foreign:
        return PlainTextResponse(FOREIGN, foreign.status)


async def _home(
    app: Application, visit: Visit, designation: Designation, tokens: Tokens, cookie: str, just_connected: bool
) -> AfterPage | PausedPage:
    at = visit.client.clock()
    answer = await visit.ask(tokens, *home.operation(tokens.scopes, at))
    return home.page(_app(designation), answer, app.end_path, app.form_token(cookie), at, just_connected)


def _notice(told: str, code: str) -> Notice | None:
    """What a notice left by the application means here."""
    if told == FAILED:
        return NOTICES.get(code, Notice.FAILED)
    return Notice(told) if told in set(Notice) else None


def _app(designation: Designation) -> App:
    return App(designation.name, designation.company, designation.institution, HOME)


def _before(designation: Designation, notice: Notice | None, code: str = "") -> BeforePage:
    wanted = tuple(Wanted(NAMES[scope], designation.purposes.get(scope, "")) for scope in Scope)
    return BeforePage(_app(designation), f"{HOME}/connect", wanted, notice, code)

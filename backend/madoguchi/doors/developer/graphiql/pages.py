"""The page around GraphiQL, and its visitors' way to a session: an application of the sample aggregator of its own.

Its cookie, store, proof key and redirect URI are not those of /sample. The credit union has one registration for a
customer and an aggregator, so that signing in here replaces the one at /sample, and the other way round: the page says
so. Signing out ends the registration (5-1), as an aggregator that no longer reads has no use for it.
"""

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.application import FAILED, Application, Foreign, application
from madoguchi.doors.developer.aggregator.store import Tokens
from madoguchi.doors.developer.context import DeveloperContext
from madoguchi.doors.developer.graphiql.models import GraphiqlPage, Session, State
from madoguchi.doors.developer.graphiql.running import HOME, RUN, run
from madoguchi.doors.developer.schema_file import PATH as SCHEMA
from madoguchi.doors.http import cookies
from madoguchi.doors.templating import editor_headers, preferences_of, size_cookie
from madoguchi.rules.vocabulary import Scope

COOKIE: Final = "graphiql"
STORE: Final = "sample-aggregator-graphiql.db"
BUILT: Final = "built/graphiql.js"
STATES: Final = {"access_denied": State.DENIED, "temporarily_unavailable": State.UNAVAILABLE}
FOREIGN: Final = "この操作は、GraphiQL の画面から行ってください。"


def routes(context: DeveloperContext) -> list[Route]:
    """Nothing is read or written before the first request."""
    app = application(context, HOME, COOKIE, STORE)
    return [
        Route(HOME, partial(show, app), methods=["GET"]),
        Route(app.connect_path, app.connect, methods=["GET"]),
        Route(app.callback_path, app.come_back, methods=["GET"]),
        Route(app.end_path, partial(end, app), methods=["POST"]),
        Route(RUN, partial(run, app), methods=["POST"]),
    ]


async def show(app: Application, request: Request) -> Response:
    """GET /developer/graphiql"""
    cookie, designation = app.cookie(request), app.designation()
    visitor = None if cookie is None else opaque.stored(cookie)
    told, code = (visitor and app.store.take_notice(visitor)) or ("", "")
    tokens = visitor and app.store.connection(visitor)
    page = GraphiqlPage(
        institution=designation.institution if designation else None,
        aggregator=designation.name if designation else None,
        is_built=BUILT in app.context.templates.assets.names,
        connect_url=app.connect_path,
        run_url=RUN,
        schema_url=SCHEMA,
        session=_session(app, cookie, tokens) if cookie and tokens else None,
        state=_state(told, code),
        code=code,
    )
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    preferences = preferences_of(request.query_params, cookies(request))
    html = app.context.templates.render(page, preferences=preferences, here=here)
    response = HTMLResponse(html, headers=editor_headers())
    if (chosen := size_cookie(request.query_params)) is not None:
        response.set_cookie(**chosen)  # type: ignore[arg-type]
    return response


async def end(app: Application, request: Request) -> Response:
    """POST /developer/graphiql/end: end the registration and sign out."""
    try:
        return await app.end(request)
    except Foreign as foreign:
        return PlainTextResponse(FOREIGN, foreign.status)


def _session(app: Application, cookie: str, tokens: Tokens) -> Session:
    scopes = tuple(scope.value for scope in Scope if scope in tokens.scopes)
    return Session(scopes, app.end_path, app.form_token(cookie))


def _state(told: str, code: str) -> State | None:
    """What a notice left by the application means here."""
    if told == FAILED:
        return STATES.get(code, State.FAILED)
    return State(told) if told in set(State) else None

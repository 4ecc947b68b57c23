"""Composition root: the only place that chooses implementations and puts the doors side by side.

`build_app` makes one application of settings, keys and a clock; it opens the database lazily and closes it at the end.
What holds for every answer, a failed one too, stands here: its id, the one Host (security.md 10), https for ever.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.clock import Clock, system_clock
from madoguchi.doors import developer, oauth, pages
from madoguchi.doors.api import endpoint as api
from madoguchi.doors.api.context import ApiContext
from madoguchi.doors.deadlines import Deadlines
from madoguchi.doors.http import RequestIds
from madoguchi.doors.templating import SafeAnswers, Templates, page_headers
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.doors.timer import timer
from madoguchi.installation import Keys, public_half
from madoguchi.procedures.logging_in import identity_method
from madoguchi.procedures.recording import Recorder
from madoguchi.records.database import LOCK_WAIT_WHILE_SERVING, Database
from madoguchi.settings import Settings

RELEASE = version("madoguchi")
"""This software's version, named in every record of use."""

HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


def build_app(settings: Settings, keys: Keys, clock: Clock = system_clock) -> ASGIApp:
    """One application. Nothing is read or written before the first request.

    The caller has checked `settings.problems()` and brought the database to the newest migration.
    """
    database = Database(settings.database_url, lock_wait=LOCK_WAIT_WHILE_SERVING)
    templates = Templates(find_frontend())
    pages_context = pages.PagesContext(
        settings=settings,
        clock=clock,
        database=database,
        templates=templates,
        keys=keys,
        identity=identity_method(database, settings),
    )
    api_context = ApiContext(
        settings=settings,
        clock=clock,
        database=database,
        recorder=Recorder(database, RELEASE),
        master_key=keys.master,
    )
    oauth_context = oauth.OAuthContext(
        settings=settings,
        clock=clock,
        database=database,
        jwks=public_half(keys.server_jwks),
        release=RELEASE,
        error_page=pages.error_page(pages_context),
    )
    routes: list[BaseRoute] = [
        Route(f"{templates.assets.base}/{{path:path}}", templates.assets.serve, methods=["GET"]),
        *api.routes(api_context),
        *oauth.routes(oauth_context),
        *pages.routes(pages_context),
    ]
    if settings.is_sandbox:
        routes += developer.routes(developer.DeveloperContext(settings, clock, templates, keys))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with timer(database, clock):
                yield
        finally:
            await database.close()

    doors = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Deadlines)],
        exception_handlers=pages.exception_handlers(pages_context),
    )
    # Around Starlette's own outermost layer, which answers for bugs: that answer too has its id and asks for https.
    return RequestIds(SafeAnswers(OneHost(doors, settings)))


class OneHost:
    """ASGI layer: only the configured host is answered (421 for any other); every answer asks for https for ever."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._host = settings.host.lower().encode()
        self._secure = settings.secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if [value.lower() for name, value in scope["headers"] if name == b"host"] != [self._host]:
            await PlainTextResponse("Misdirected Request\n", 421, page_headers())(scope, receive, send)
            return

        async def send_with_hsts(message: Message) -> None:
            if message["type"] == "http.response.start" and self._secure:
                message["headers"] = [*message.get("headers", []), HSTS]
            await send(message)

        await self.app(scope, receive, send_with_hsts)

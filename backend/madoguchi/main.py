"""Composition root: the only place that chooses implementations and puts the doors side by side.

`build_app` makes one application of settings, keys and a clock; it opens the database lazily and closes it at the end.
What holds for every answer, a failed one too, stands here: its id, the one Host (security.md 10), https for ever; and
which requests wait for each other (security.md 14). The operator's door stands beside all of it, at a port of its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madoguchi.clock import Clock, SteppedClock, system_clock
from madoguchi.doors import developer, oauth, pages
from madoguchi.doors.api import endpoint as api
from madoguchi.doors.api.context import ApiContext
from madoguchi.doors.api.errors import catalogue
from madoguchi.doors.api.refusing import refuse as refuse_query
from madoguchi.doors.deadlines import Deadlines
from madoguchi.doors.http import RESOURCE, Refusing, RequestIds
from madoguchi.doors.operation import Meter, Metered, OperationContext, OperatorsPort, Watched, doors_of, operation_app
from madoguchi.doors.overload import Lane, Lanes
from madoguchi.doors.templating import SafeAnswers, Templates, page_headers
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.doors.timer import timer
from madoguchi.installation import Keys, public_half
from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.procedures.logging_in import identity_method
from madoguchi.procedures.quotas import Quotas
from madoguchi.procedures.recording import Recorder
from madoguchi.procedures.standing import readiness
from madoguchi.records.database import LOCK_WAIT_WHILE_SERVING, Database
from madoguchi.records.upgrading import this_release
from madoguchi.settings import Settings

RELEASE = version("madoguchi")
"""This software's version, named in every record of use."""

LAST_COMMITS_SECONDS = 3.0
"""For commits that are under way when the server ends; their requests have been cut off before."""

HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


def build_app(settings: Settings, keys: Keys, clock: Clock = system_clock) -> ASGIApp:
    """One application. Nothing is read or written before the first request.

    The caller has checked `settings.problems()` and brought the database to the newest migration. Raises ValueError
    for a clock that can be stepped anywhere but in a sandbox.
    """
    if isinstance(clock, SteppedClock) and not settings.is_sandbox:
        raise ValueError("a clock that can be stepped is for the sandbox only")
    # A connection for every request at work, so that none waits for another lane's: queries and the recorder; the
    # authorization server and /authorize, which waits with the pages; the pages and the timer.
    many = settings.at_work
    queries, tokens, database = (_open(settings, size) for size in (many + 1, 2 * many, many + 1))
    own = _open(settings, 1)  # the operator's door: it never waits for the others, nor they for it
    pools = {"queries": queries, "tokens": tokens, "pages": database}
    lanes = {name: Lane(many, settings.waiting) for name in pools}
    meter = Meter(Watched(lanes, {name: (one.size, partial(getattr, one, "in_use")) for name, one in pools.items()}))
    recorder = Recorder(queries, RELEASE, meter.committed)
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
        database=queries,
        recorder=recorder,
        quotas=Quotas(settings.allowance, recorder.worker),
        master_key=keys.master,
    )
    oauth_context = oauth.OAuthContext(
        settings=settings,
        clock=clock,
        database=tokens,
        jwks=public_half(keys.server_jwks),
        release=RELEASE,
        error_page=pages.error_page(pages_context),
    )
    routes: dict[str, list[BaseRoute]] = {
        "assets": [Route(f"{templates.assets.base}/{{path:path}}", templates.assets.serve, methods=["GET"])],
        "api": [*api.routes(api_context)],
        "oauth": [*oauth.routes(oauth_context)],
        "pages": [*pages.routes(pages_context)],
        "developer": [],
    }
    if settings.is_sandbox:
        routes["developer"] += developer.sandbox_routes(developer.DeveloperContext(settings, clock, templates, keys))
    routes["developer"] += developer.open_routes(
        developer.DocumentationContext(settings, clock, database, templates, errors=catalogue())
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # The national holidays take a tenth of a second to load; no customer's question shall wait for them.
        await asyncio.to_thread(is_banking_day, clock().date())
        try:
            async with timer(database, clock, swept=meter.swept):
                yield
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(recorder.finish(), LAST_COMMITS_SECONDS)
            for one in (*pools.values(), own):
                await one.close()

    def refuse_full(scope: Scope, status: int) -> Response:
        if status == 503:
            meter.overflowed(_lane(scope["path"]))
        return refuse(scope, status)

    doors = Starlette(
        routes=[route for several in routes.values() for route in several],
        lifespan=lifespan,
        middleware=[
            Middleware(Deadlines, refuse=refuse),
            Middleware(Lanes, lane_of=lambda path: lanes[_lane(path)], refuse=refuse_full),
        ],
        exception_handlers=pages.exception_handlers(pages_context),
    )
    # Around Starlette's own outermost layer, which answers for bugs: that answer too has its id and asks for https.
    public = Metered(RequestIds(SafeAnswers(OneHost(doors, settings))), meter, doors_of(routes))
    ready = partial(readiness, release=this_release())
    return OperatorsPort(public, operation_app(OperationContext(clock, own, ready, meter, RELEASE)))


def _open(settings: Settings, connections: int) -> Database:
    return Database(settings.database_url, pool_size=connections, lock_wait=LOCK_WAIT_WHILE_SERVING)


def _lane(path: str) -> str:
    """Three kinds of requests that never wait for each other: queries, what machines ask for tokens, and pages."""
    if path == RESOURCE:
        return "queries"
    return "tokens" if path in oauth.FOR_MACHINES else "pages"


def refuse(scope: Scope, status: int) -> Response:
    """What never came to its door is refused in that door's shape."""
    path = scope["path"]
    shape: Refusing = pages.refuse
    if path == RESOURCE:
        shape = refuse_query
    elif path in oauth.FOR_MACHINES:
        shape = oauth.refuse
    elif path == developer.RUN:
        shape = developer.refuse
    return shape(scope, status)


class OneHost:
    """ASGI layer: only the configured host is answered (421 for any other); every answer asks for https for ever.

    Who refuses a request before it comes to its door finds the issuer in the request's state.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._issuer = settings.issuer
        self._host = settings.host.lower().encode()
        self._secure = settings.secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if [value.lower() for name, value in scope["headers"] if name == b"host"] != [self._host]:
            await PlainTextResponse("Misdirected Request\n", 421, page_headers())(scope, receive, send)
            return

        scope.setdefault("state", {})["issuer"] = self._issuer

        async def send_with_hsts(message: Message) -> None:
            if message["type"] == "http.response.start" and self._secure:
                message["headers"] = [*message.get("headers", []), HSTS]
            await send(message)

        await self.app(scope, receive, send_with_hsts)

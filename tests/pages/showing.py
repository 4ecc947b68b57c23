"""The sample pages on a loopback socket, with the real page headers and static files, for tests in a browser."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from madoguchi.doors.http import cookies
from madoguchi.doors.pages.rendering import respond
from madoguchi.doors.templating import Templates, page_headers, preferences_of
from madoguchi.doors.templating.environment import find_frontend
from tests.pages.sample_aggregator import SAMPLE_PAGES
from tests.pages.samples import PAGES, with_preferences
from tests.support.server import free_port

TEMPLATES = Templates(find_frontend())


async def _show(request: Request) -> Response:
    name = request.path_params["name"]
    if name in SAMPLE_PAGES:
        return HTMLResponse(TEMPLATES.render(SAMPLE_PAGES[name]), headers=page_headers())
    model, frame = PAGES[name]
    preferences = preferences_of(request.query_params, cookies(request))
    return respond(TEMPLATES, model, with_preferences(frame, f"/{name}", preferences), request=request)


async def _extend(request: Request) -> Response:
    form = await request.form()
    return JSONResponse({"seconds_left": 1800}, status_code=200 if form["form_token"] == "form-token" else 403)


async def _decide(request: Request) -> Response:
    form = await request.form()
    await asyncio.sleep(0.5)  # long enough for an impatient second click
    return PlainTextResponse("&".join(f"{key}={value}" for key, value in form.multi_items()))


@pytest.fixture(scope="module")
def shown() -> Iterator[str]:
    """The address under which every sample page is shown by its name."""
    routes = [
        Route("/static/{path:path}", TEMPLATES.assets.serve),
        Route("/consent", _decide, methods=["POST"]),
        Route("/consent/extend", _extend, methods=["POST"]),
        Route("/favicon.ico", lambda request: Response(status_code=204)),  # asked for by the answer of `_decide`
        Route("/{name}", _show),
    ]
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server of the sample pages did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)

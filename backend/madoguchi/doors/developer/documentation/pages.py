"""The documentation over HTTP: pages, files to take home, and the page for an address that leads nowhere.

Nothing here needs or sets a session; the words were made at start (shelf.py), a request only puts the frame around.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from madoguchi.clock import Clock
from madoguchi.doors.developer.documentation.error_reference import Told
from madoguchi.doors.developer.documentation.generated import makes
from madoguchi.doors.developer.documentation.home import HomePage, addresses, standing
from madoguchi.doors.developer.documentation.models import ROOT, DocumentPage, Frame, MissingPage
from madoguchi.doors.developer.documentation.shelf import FOLDERS, Shelf, fill
from madoguchi.doors.http import cookies
from madoguchi.doors.templating import Templates, page_headers, preferences_of, size_cookie
from madoguchi.doors.templating.environment import Model, find_frontend
from madoguchi.procedures.announcing import announcement
from madoguchi.procedures.service import institution
from madoguchi.procedures.transactions import Transactions
from madoguchi.settings import Settings


@dataclass(frozen=True, slots=True)
class DocumentationContext:
    """What the documentation is given by the composition root. `errors` is the GraphQL door's catalogue."""

    settings: Settings
    clock: Clock
    database: Transactions
    templates: Templates
    errors: Told


def routes(context: DocumentationContext) -> list[Route]:
    """The documentation's routes, to stand after every other one under /developer. Every page is made now.

    Raises BadPage, or OSError, for a page that cannot be made.
    """
    settings = context.settings
    docs, templates = find_frontend() / "docs", context.templates
    shelf = fill(docs, templates, settings.issuer, settings.mode.value, makes(docs, templates, context.errors))
    files = {f"{ROOT}/{name}": text for name, text in shelf.files.items()}
    return [
        Route(ROOT, partial(home, context, shelf), methods=["GET"]),
        *(Route(page.entry.address, partial(document, context, shelf, page)) for page in shelf.pages.values()),
        *(Route(f"{ROOT}/{folder}/{{name}}", partial(download, context, shelf, files)) for folder in FOLDERS),
        Route(f"{ROOT}/{{path:path}}", partial(missing, context, shelf)),
    ]


async def home(context: DocumentationContext, shelf: Shelf, request: Request) -> Response:
    """GET /developer"""
    at = context.clock()
    told = await context.database.reading(announcement, at)
    page = HomePage(standing(told, at), *shelf.example, shelf.guides, addresses(context.settings))
    return await _show(context, shelf, request, page, "")


async def document(context: DocumentationContext, shelf: Shelf, page: DocumentPage, request: Request) -> Response:
    """GET /developer/NAME"""
    return await _show(context, shelf, request, page, page.entry.name)


async def download(context: DocumentationContext, shelf: Shelf, files: Mapping[str, str], request: Request) -> Response:
    """GET /developer/recipes/FILE and /developer/operations/FILE"""
    text = files.get(request.url.path)
    if text is None:
        return await missing(context, shelf, request)
    name = request.path_params["name"]
    headers = {"Cache-Control": "no-cache", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/plain", headers=headers)


async def missing(context: DocumentationContext, shelf: Shelf, request: Request) -> Response:
    """Any other address under /developer: 404; with a slash too many, on to the page."""
    path = request.url.path.rstrip("/")
    if path != request.url.path and (path == ROOT or path.removeprefix(f"{ROOT}/") in shelf.pages):
        return RedirectResponse(path, 308, {"Cache-Control": "no-cache"})
    return await _show(context, shelf, request, MissingPage(), None)


async def _show(
    context: DocumentationContext, shelf: Shelf, request: Request, page: Model, current: str | None
) -> Response:
    row = await context.database.reading(institution)
    frame = Frame(
        institution=row.name,
        phone=row.phone,
        phone_hours=row.phone_hours,
        is_sample=row.is_sample,
        is_sandbox=context.settings.is_sandbox,
        here=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        current=current,
        menu=shelf.menu,
        preferences=preferences_of(request.query_params, cookies(request)),
    )
    html = context.templates.render(page, frame=frame)
    response = HTMLResponse(html, getattr(page, "status", 200), page_headers())
    if (cookie := size_cookie(request.query_params)) is not None:
        response.set_cookie(**cookie)  # type: ignore[arg-type]
    return response

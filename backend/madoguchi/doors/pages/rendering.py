"""From a page model to an answer: template, frame, status, page headers.

The model decides what a page says; the headers here hold for every page of this door.
"""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import HTMLResponse

from madoguchi.doors.http import cookies
from madoguchi.doors.pages.models.frame import Frame, Institution, Part
from madoguchi.doors.templating import Templates, page_headers, preferences_of, size_cookie
from madoguchi.doors.templating.environment import Model


def frame_of(
    request: Request,
    institution: Institution,
    address: str,
    *,
    part: Part = Part.INTERNET_BANKING,
    strip: bool = True,
    phrase: str | None = None,
) -> Frame:
    """The frame of a page asked for by `request`. `address` comes from the settings, never from the Host header."""
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    preferences = preferences_of(request.query_params, cookies(request))
    return Frame(institution, address, here, preferences, part=part, strip=strip, phrase=phrase)


def render(templates: Templates, model: Model, frame: Frame) -> str:
    """The page as HTML text."""
    return templates.render(model, frame=frame)


def respond(
    templates: Templates,
    model: Model,
    frame: Frame,
    *,
    request: Request | None = None,
    form_origins: Iterable[str] = (),
) -> HTMLResponse:
    """The page as an answer. A model with a `status` (the E pages) answers with it, others with 200.

    request       keeps a text size that was just chosen, as a cookie.
    form_origins  see `page_headers`: the consent page's redirect targets, from the aggregator's record.
    """
    status = getattr(model, "status", 200)
    response = HTMLResponse(render(templates, model, frame), status, page_headers(form_origins))
    if request is not None and (cookie := size_cookie(request.query_params)) is not None:
        response.set_cookie(**cookie)  # type: ignore[arg-type]
    return response

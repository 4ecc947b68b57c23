"""Where browsers tell that a page broke its own policy (Content Security Policy Level 3, report-uri).

Anybody can send anything here, so only the directive's name, in a closed set of characters, and the path of a page that
we have are logged; the rest of a report (addresses with their queries, samples of script) is dropped.
"""

import re
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from madoguchi.doors.http import FormRefused, read_body

LARGEST = 8 * 1024
_log = structlog.get_logger("madoguchi.pages")


async def csp_report(request: Request) -> Response:
    """POST /csp-report: 204 always, so that nobody learns what we make of it; 413 past 8 kB."""
    try:
        body = await read_body(request, LARGEST)
    except FormRefused as refused:
        return Response(status_code=refused.status)
    try:
        report = orjson.loads(body)["csp-report"]
        directive, path = str(report["effective-directive"]), urlsplit(str(report["document-uri"])).path
    except (ValueError, KeyError, TypeError):  # no JSON, not a report, or an address that cannot be one
        return Response(status_code=204)
    if re.fullmatch(r"[a-z-]{1,40}", directive):
        known = path in {getattr(route, "path", None) for route in request.app.routes}
        _log.warning("csp_violation", directive=directive, path=path if known else "other")
    return Response(status_code=204)

"""What an aggregator is told of a query that never came to this door: too slow, too large, too many at once.

Source: security.md 1 and 14. Who asks is not known here, so that nothing is recorded and nothing but this is said.
"""

from typing import Final

import orjson
from starlette.responses import Response
from starlette.types import Scope

from madoguchi.doors.api.errors import Code, problem
from madoguchi.doors.api.request import BODY_BYTES, JSON_TYPE
from madoguchi.doors.http import NO_STORE, RETRY_AFTER, note_refusals

CODES: Final = {408: Code.BODY_TOO_SLOW, 413: Code.BODY_TOO_LARGE}
"""By HTTP status; for any other it is OVERLOADED."""


def refuse(scope: Scope, status: int) -> Response:
    """The door's `Refusing` (doors/http.py)."""
    told = problem(CODES.get(status, Code.OVERLOADED), limit=BODY_BYTES)
    note_refusals(scope, [(told.code, told.clause)])
    state = scope.get("state", {})
    name, issuer = state.get("request_id", ""), state.get("issuer", "")
    headers = NO_STORE | (RETRY_AFTER if status == 503 else {})
    body = orjson.dumps({"errors": [told.as_error(name, issuer)]})
    return Response(body, status, headers, media_type=f"{JSON_TYPE}; charset=utf-8")

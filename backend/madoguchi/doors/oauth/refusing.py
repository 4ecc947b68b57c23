"""What a client is told of a request that never came to this door: too slow, too large, too many at once.

Source: RFC 6749 section 5.2 (the shape) and 4.1.2.1 (`temporarily_unavailable`); security.md 1 and 14.
"""

from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from madoguchi.doors.http import RETRY_AFTER, ProtocolError, error_answer, note_refusals

ERRORS: Final = {
    408: ("invalid_request", "the body did not come in time"),
    413: ("invalid_request", "the body is too large"),
}
"""By HTTP status; for any other it is `temporarily_unavailable`."""


def refuse(scope: Scope, status: int) -> Response:
    """The door's `Refusing` (doors/http.py)."""
    error, why = ERRORS.get(status, ("temporarily_unavailable", "the server is too busy for this request"))
    note_refusals(scope, [(error, "-")])
    headers = RETRY_AFTER if status == 503 else {}
    return error_answer(ProtocolError(error, why, status=status, description=why, headers=headers))

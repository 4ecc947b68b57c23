"""The error catalogue of the GraphQL door: what an aggregator's developer may read, and nothing else.

Every error carries `extensions {code, clause, retryAt?, requestId, docs}`; `docs` is its entry in the documentation.
Refusals of the rules bring code and clause with them (rules/decision.py); the enum here has the rest, which no clause
speaks of except where one is named. Messages are fixed texts with numbers or names of the public schema filled in: no
SQL, no stack, no customer's data. Source: graphql.md "Errors"; GraphQL specification 7.1.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from typing import Any, Final

from madoguchi.rules.decision import Effect, Reason, Refusal
from madoguchi.rules.vocabulary import JST

CATALOGUE: Final = "/developer/errors"
"""Where the documentation tells of every code, at the anchor of its name."""


@unique
class Code(Enum):
    """Protocol-level codes: clause, HTTP status (200: a field error inside an answer) and message."""

    INVALID_REQUEST = ("-", 400, "The request is not a well-formed GraphQL-over-HTTP request: {why}.")
    METHOD_NOT_ALLOWED = ("-", 405, "Use POST, or GET for a query. A mutation is never run on GET.")
    NOT_ACCEPTABLE = ("-", 406, "Accept application/graphql-response+json or application/json in UTF-8.")
    BODY_TOO_SLOW = ("-", 408, "The body of the request did not come in time.")
    BODY_TOO_LARGE = ("-", 413, "A request is at most {limit} bytes.")
    UNSUPPORTED_MEDIA_TYPE = ("-", 415, "Send application/json in UTF-8; forms, multipart and plain text are refused.")
    TOKEN_MISSING = ("4-2", 401, "Send one access token as `Authorization: DPoP`, with its proof; Bearer is refused.")
    INVALID_TOKEN = ("4-2", 401, "The access token is unknown, expired, revoked or bound to another key.")
    INVALID_PROOF = ("-", 401, "The DPoP proof is missing, does not fit this request or was used before (RFC 9449).")
    SYNTAX_ERROR = ("-", 400, "The document cannot be parsed: {why}")
    VALIDATION_FAILED = ("-", 400, "The document does not fit the schema: {why}")
    OPERATION_NAME_REQUIRED = ("-", 400, "`operationName` must name one operation of the document.")
    VARIABLES_INVALID = ("-", 400, "The variables do not fit the operation: {why}")
    CYCLIC_FRAGMENTS = ("-", 400, "A fragment spreads itself, directly or through others.")
    OPERATION_TOO_LARGE = ("-", 400, "The document has {actual} {what}; the limit is {limit}.")
    INTROSPECTION_NOT_ALONE = ("-", 400, "Introspection must be alone in its operation.")
    INTROSPECTION_TOO_LARGE = (
        "-",
        400,
        "Introspection may ask what the standard introspection query asks, or a part of it, without aliases.",
    )
    COST_EXCEEDED = ("-", 400, "The operation costs {actual}; at most {limit} is allowed. Ask for fewer rows at once.")
    PAGE_SIZE = ("-", 200, "A page has from 1 to {limit} rows. Where there are `first` and `last`, give exactly one.")
    PERIOD_INVALID = ("2-4", 200, "`from` must not be after `to`.")
    UNKNOWN_CURSOR = ("-", 200, "The cursor is not one of this account's history.")
    CURSOR_EXPIRED = (
        "2-4",
        200,
        "The cursor no longer covers the data window: it is older than that, or history is given from an earlier day "
        "now. Start again without `after`.",
    )
    UNKNOWN_ID = ("-", 200, "This registration has nothing with this id.")
    NOT_YET_RECEIVED = ("6-1", 200, "The credit union's system has not provided this yet. Try again later.")
    OVERLOADED = ("-", 503, "The server is too busy for this request. Try again after the seconds in Retry-After.")
    RATE_LIMITED = ("-", 429, "The limit is {limit} attended calls a second for one {whose}. Wait until `retryAt`.")
    SESSIONS_EXHAUSTED = (
        "-",
        429,
        "One {whose} has {limit} unattended sessions a day (JST), each the life of one access token. "
        "Wait until `retryAt`.",
    )
    CALLS_EXHAUSTED = (
        "-",
        429,
        "One access token serves {limit} unattended calls. From `retryAt` on, a new one from the refresh token serves.",
    )
    COST_BUDGET_EXHAUSTED = (
        "-",
        429,
        "The operation costs {cost}, and {left} are left of the {limit} that one {whose} may spend a minute. "
        "Wait until `retryAt`.",
    )
    DATA_UNAVAILABLE = (
        "6-1",
        200,
        "What the credit union's system gave last is too old to be given, and what was due has not come. "
        "Try again at `retryAt`.",
    )
    INTERNAL = ("-", 500, "An error on our side. Tell us the request id.")

    def __init__(self, clause: str, status: int, message: str) -> None:
        self.clause = clause
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Problem:
    """One error as the client may see it. `retry_at` (aware) only where asking again then makes sense."""

    code: str
    clause: str
    message: str
    status: int = 200
    retry_at: datetime | None = None
    places: tuple[tuple[int, int], ...] = ()  # line and column in the document

    def at(self, places: tuple[tuple[int, int], ...]) -> "Problem":
        """The same problem with its places in the document."""
        return replace(self, places=places)

    def as_error(self, request_id: str, issuer: str, path: Sequence[str | int] | None = None) -> dict[str, Any]:
        """The entry of `errors`. The documentation stands at `issuer`."""
        docs = f"{issuer}{CATALOGUE}#{self.code}"
        extensions: dict[str, Any] = {"code": self.code, "clause": self.clause, "requestId": request_id, "docs": docs}
        if self.retry_at is not None:
            extensions["retryAt"] = self.retry_at.astimezone(JST).isoformat(timespec="seconds")
        error: dict[str, Any] = {"message": self.message}
        if self.places:
            error["locations"] = [{"line": line, "column": column} for line, column in self.places]
        if path is not None:
            error["path"] = list(path)
        return {**error, "extensions": extensions}


class Refused(Exception):
    """Carries problems out of a resolver (one), or out of a check that ends the request. A value's way, not a bug."""

    def __init__(self, problem: Problem, *more: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.problems = (problem, *more)


def problem(code: Code, **details: object) -> Problem:
    """A protocol-level problem with its details filled in."""
    return Problem(code.name, code.clause, code.message.format(**details), code.status)


def refusal_problem(refusal: Refusal) -> Problem:
    """What a rule's refusal tells the client."""
    return Problem(refusal.reason.code, refusal.clause, refusal.reason.message, retry_at=refusal.retry_at)


def catalogue() -> dict[str, tuple[str, int, str]]:
    """Every code that can appear in `extensions.code`: clause, HTTP status, message. What the documentation prints."""
    rules = {
        reason.code: (str(reason.clause), 401 if reason.effect is Effect.DENIED else 200, reason.message)
        for reason in Reason
    }
    return rules | {code.name: (code.clause, code.status, code.message) for code in Code}

"""/graphql: the one way by which customers' data leaves, in the order of architecture.md, flow 1.

Size, then proof of possession, then shape; then the gate (gate.py): admit, rules, and only now the document. Then the
executor hands out the values, and the answer waits until the access record and the proof's `jti` are durable in one
commit. A proof that was used before refuses its request alone, and mostly before its document is parsed.
Source: RFC 9449 section 7, RFC 6750 section 3, RFC 9728 section 5.1; the GraphQL-over-HTTP draft; clauses 4-2, 5-2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.clock import ahead_of_others
from madoguchi.doors import jose
from madoguchi.doors.api.answer import Answer
from madoguchi.doors.api.context import ApiContext
from madoguchi.doors.api.errors import Code, Problem, Refused, problem
from madoguchi.doors.api.execution import execute
from madoguchi.doors.api.gate import Asker, Passed, denial_problems, pass_gate, use_of
from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.request import (
    JSON_TYPE,
    answer_type,
    is_attended,
    is_request_problem,
    read_body,
    read_question,
    read_token,
)
from madoguchi.doors.api.schema import build_schema
from madoguchi.doors.dpop import Proof, ProofRejected, verify_proof
from madoguchi.doors.http import NO_STORE, RESOURCE, RESOURCE_METADATA, note_refusals, place_of, request_id
from madoguchi.rules.decision import Refusal
from madoguchi.rules.vocabulary import JST

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All of them come here, so that a wrong one gets an error of ours."""

_log = structlog.get_logger("madoguchi.api")


def routes(context: ApiContext) -> list[Route]:
    """The door's one route."""
    return [Route(RESOURCE, Endpoint(context).answer, methods=METHODS)]


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers of an answer, before its media type is known."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoint:
    """The resource. Holds the schema and remembered documents, and no decision."""

    def __init__(self, context: ApiContext) -> None:
        self.context = context
        self.schema = build_schema()
        self.operations = Operations(self.schema.core)
        self.issuer = context.settings.issuer
        self.url = self.issuer + RESOURCE

    async def answer(self, request: Request) -> Response:
        """Answer one HTTP request."""
        name = request_id(request)
        media = JSON_TYPE
        try:
            media = answer_type(request)
            reply = await self._reply(request, media, name)
        except Refused as refused:
            _log.info("refused", request_id=name, code=refused.problem.code)
            reply = self._refusal(refused.problems, media, name)
        except ProofRejected as rejected:
            _log.info("proof rejected", request_id=name, why=rejected.why)
            reply = self._refusal((problem(Code.INVALID_PROOF),), media, name)
        except Exception as failure:
            _log.error("request failed", request_id=name, **place_of(failure))
            reply = self._refusal((problem(Code.INTERNAL),), media, name)
        if "errors" in reply.body:
            told = (error["extensions"] for error in reply.body["errors"])
            note_refusals(request.scope, ((each["code"], each["clause"]) for each in told))
        headers = {**NO_STORE, **reply.headers, "Vary": "Accept"}
        return Response(orjson.dumps(reply.body), reply.status, headers, media_type=f"{media}; charset=utf-8")

    async def _reply(self, request: Request, media: str, name: str) -> Reply:
        body = await read_body(request)
        at = self.context.clock()  # after the body, which may have taken its time
        token = read_token(request)
        if token is None:
            raise Refused(problem(Code.TOKEN_MISSING))
        ahead = ahead_of_others(self.context.clock)
        proof = verify_proof(request.headers.getlist("dpop"), request.method, self.url, at, token, ahead)
        question = read_question(request, body)
        asker = Asker(token, proof.jkt, proof.once, at, is_attended(request), safe=request.method == "GET")
        passed = await self.context.database.reading(
            pass_gate, self.operations, self.context.quotas, self.context.master_key, question, asker
        )
        if passed.operation is None or passed.refused:
            if not passed.again:
                await self._record(passed, None, [(each, ()) for each in passed.refused], name, asker, proof)
            refused = self._refusal(passed.refused, media, name, at)
            return replace(refused, body={**refused.body, **_extensions(passed, name)}) if passed.budget else refused
        answer = Answer(passed.admission, passed.ledger, passed.ids, at)
        executed = await execute(self.schema, passed.operation, answer.root(passed.plan), name)
        late = await self._record(passed, answer, executed.problems, name, asker, proof)
        if late:
            return self._refusal(denial_problems(late), media, name)
        payload: dict[str, Any] = {"data": executed.data, **_extensions(passed, name)}
        if executed.problems:
            payload["errors"] = [each.as_error(name, self.issuer, path) for each, path in executed.problems]
        return Reply(200, payload, self._retry_after(passed, asker))

    async def _record(
        self,
        passed: Passed,
        answer: Answer | None,
        problems: Sequence[tuple[Problem, tuple[str | int, ...]]],
        name: str,
        asker: Asker,
        proof: Proof,
    ) -> tuple[Refusal, ...]:
        """Make the use, the proof's `jti` and the end that was instructed (5-1) durable, before anything leaves.

        Returns why an end came too late. Raises ProofRejected for a replay: it ends nothing and gets nothing.
        """
        use, recorder = use_of(passed, answer, problems, name, asker), self.context.recorder
        late: tuple[Refusal, ...] | None = ()
        try:
            if answer is not None and passed.ends_registration:
                late = await recorder.commit_end(proof.once, proof.once_until, passed.admission, use)
            elif not await recorder.commit(proof.once, proof.once_until, passed.admission, use):
                late = None
        except Exception:  # a caller that went away is none: its commit may well be under way
            self.context.quotas.give_back(passed.charges)
            raise
        if late is None:  # both were under way at once: it has cost what the other did, and keeps its charge
            raise ProofRejected("the proof was used before")
        return late

    @staticmethod
    def _retry_after(passed: Passed, asker: Asker) -> dict[str, str]:
        """When everything is withheld for now: the seconds until it makes sense to ask again."""
        if passed.ends_registration:  # done, at any hour
            return {}
        moments = [refusal.retry_at for refusal in passed.admission.access.refusals if refusal.retry_at is not None]
        if not moments:
            return {}
        return {"Retry-After": _seconds(max(moments), asker.at)}

    def _refusal(self, problems: tuple[Problem, ...], media: str, name: str, at: datetime | None = None) -> Reply:
        first = problems[0]
        status = 200 if media == JSON_TYPE and is_request_problem(first) else first.status
        headers: dict[str, str] = {}
        if status == 401:
            headers["WWW-Authenticate"] = self._challenge(first)
        if status == 405:
            headers["Allow"] = "POST, GET"
        if status == 429 and at is not None:
            headers["Retry-After"] = _seconds(max(each.retry_at or at for each in problems), at)
        return Reply(status, {"errors": [each.as_error(name, self.issuer) for each in problems]}, headers)

    def _challenge(self, told: Problem) -> str:
        parameters = {
            "algs": " ".join(jose.ALGORITHMS),
            "resource_metadata": self.context.settings.issuer + RESOURCE_METADATA,
        }
        # Who sent no token is told where to get one, and no error (RFC 6750 section 3.1).
        if told.code != Code.TOKEN_MISSING.name:
            is_proof = told.code == Code.INVALID_PROOF.name
            parameters["error"] = "invalid_dpop_proof" if is_proof else "invalid_token"
        return "DPoP " + ", ".join(f'{key}="{text}"' for key, text in parameters.items())


def _extensions(passed: Passed, name: str) -> dict[str, Any]:
    """`cost`: `requested` is the operation's; the rest is the registration's budget of the minute (rules/quotas.py)."""
    extensions: dict[str, Any] = {"requestId": name}
    if passed.operation is not None and passed.budget is not None:
        extensions["cost"] = {
            "requested": passed.operation.cost,
            "limit": passed.budget.limit,
            "remaining": passed.budget.remaining,
            "resetAt": passed.budget.resets_at.astimezone(JST).isoformat(timespec="seconds"),
        }
    return {"extensions": extensions}


def _seconds(moment: datetime, at: datetime) -> str:
    return str(max(1, math.ceil((moment - at).total_seconds())))

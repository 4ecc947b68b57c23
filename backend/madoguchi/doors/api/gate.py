"""What one admitted request is given, decided and fetched in one read-only snapshot, and what is recorded of it.

Source: architecture.md, flow 1; clauses 4-2 and 4-3. Nothing of a document is parsed before its caller is admitted and
has a call left; nothing of the ledger is read before the operation's cost is within the budgets (security.md 14).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from madoguchi import opaque
from madoguchi.doors.api.answer import Answer, asked
from madoguchi.doors.api.errors import Code, Problem, Refused, problem, refusal_problem
from madoguchi.doors.api.fetching import wanted
from madoguchi.doors.api.ids import Ids
from madoguchi.doors.api.operation import Operation, Operations
from madoguchi.doors.api.plan import Ask, Planner
from madoguchi.doors.api.request import Question
from madoguchi.doors.dpop import ProofRejected
from madoguchi.procedures.ledger_reading import Ledger, read_ledger
from madoguchi.procedures.quotas import Quotas
from madoguchi.procedures.reading import Admission, admit
from madoguchi.procedures.recording import ANSWERED, REFUSED, Use
from madoguchi.rules.decision import Refusal
from madoguchi.rules.quotas import Budget, Call, Charge, Exhausted, Kind, Standing

END: Final = "endRegistration"
"""The mutation that no quota refuses. A document that does not hold this word cannot ask for it."""

TRIES: Final = 5
"""Documents a second that one registration may have looked at without a call left, when they hold the word and then
turn out not to be that mutation."""

EXHAUSTED: Final = {
    Kind.CALLS: Code.RATE_LIMITED,
    Kind.SESSIONS: Code.SESSIONS_EXHAUSTED,
    Kind.SESSION_CALLS: Code.CALLS_EXHAUSTED,
    Kind.COST: Code.COST_BUDGET_EXHAUSTED,
}
"""How a quota that leaves no room is told."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, proven: the token, the key that was shown to be held, and `once`, what the proof is burnt by.

    safe  the method must change nothing.
    """

    token: str
    jkt: str
    once: str
    at: datetime
    attended: bool
    safe: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """What came through the gate for a known token. With `refused`, nothing of the ledger was looked at.

    charges  what it takes of its quotas, by now reserved in this process: recorded with the use, or given back.
    budget   the registration's budget of cost, when the cost was known.
    again    refused alike in the same second already: neither recorded nor is its proof burnt, as it opens nothing.
    """

    admission: Admission
    ids: Ids
    operation: Operation | None = None
    refused: tuple[Problem, ...] = ()
    plan: Mapping[str, Ask] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    charges: tuple[Charge, ...] = ()
    budget: Budget | None = None
    again: bool = False

    @property
    def ends_registration(self) -> bool:
        return any(ask.name == END for ask in self.plan.values())


def pass_gate(
    session: Session, operations: Operations, quotas: Quotas, master_key: bytes, question: Question, asker: Asker
) -> Passed:
    """Admit, decide, read. Raises Refused for a token that is nobody's or another key's: that is not recorded.

    A call that a quota refuses takes nothing of any quota, so that who comes too early has not lost his next turn; any
    other admitted call does, whatever becomes of it. Ending the registration is never refused and takes nothing.
    Raises ProofRejected for a replay, before the document is looked at; one whose first is still under way is found at
    the commit (endpoint.py).
    """
    session_hash = opaque.stored(asker.token)
    admission = admit(session, session_hash, asker.at)
    if admission is None or not opaque.same(admission.jkt, asker.jkt):
        raise Refused(problem(Code.INVALID_TOKEN))
    ids = Ids(master_key, admission.aggregator_id)
    if admission.access.denied:
        return _turned_away(Passed(admission, ids), quotas, denial_problems(admission.access.denials), asker.at)
    standing = quotas.standing(session, _call(admission, session_hash, asker), asker.once)
    if standing is None:
        raise ProofRejected("the proof was used before")
    judged = _judge(Passed(admission, ids), operations, quotas, standing, question, safe=asker.safe)
    if judged.refused:
        return judged
    return replace(judged, ledger=read_ledger(session, wanted(judged.plan, admission.access)))


def _judge(
    known: Passed, operations: Operations, quotas: Quotas, standing: Standing, question: Question, *, safe: bool
) -> Passed:
    """What is asked, and whether the quotas have room for it.

    Nothing is waited for from `standing` to `spend`, so that no other request of this process comes between.
    """
    exhausted, operation = standing.calls_exhausted(), None
    whose, at = standing.call.registration_id, standing.call.at
    if exhausted and (END not in question.text or quotas.tally.of(whose, END, at) >= TRIES):
        return _turned_away(known, quotas, _exhausted_problems(exhausted, 0), at)
    try:
        operation = operations.prepare(question.text, question.operation_name, question.variables)
        if operation.is_mutation and safe:
            raise Refused(problem(Code.METHOD_NOT_ALLOWED))
    except Refused as refused:
        if exhausted:
            quotas.tally.add(whose, END, at)
            return _turned_away(known, quotas, _exhausted_problems(exhausted, 0), at)
        return replace(known, operation=operation, refused=refused.problems, charges=quotas.spend(standing, 0))
    plan = Planner(operations.schema, operation, known.admission, known.ids).plan()
    asked = replace(known, operation=operation, plan=plan, budget=standing.budget(0))
    if asked.ends_registration:
        return asked
    if exhausted:
        quotas.tally.add(whose, END, at)
    exhausted = exhausted or standing.cost_exhausted(operation.cost)
    if exhausted:
        return _turned_away(replace(asked, plan={}), quotas, _exhausted_problems(exhausted, operation.cost), at)
    charges = quotas.spend(standing, operation.cost)
    return replace(asked, charges=charges, budget=standing.budget(operation.cost))


def _turned_away(known: Passed, quotas: Quotas, problems: tuple[Problem, ...], at: datetime) -> Passed:
    """Refused whatever the document asks. Who keeps knocking costs no commit: one record a second for each reason."""
    reasons = " ".join(each.code for each in problems)
    return replace(known, refused=problems, again=quotas.tally.add(known.admission.registration_id, reasons, at) > 1)


def _call(admission: Admission, session_hash: str, asker: Asker) -> Call:
    return Call(admission.registration_id, admission.aggregator_id, session_hash, asker.attended, asker.at)


def _exhausted_problems(exhausted: Iterable[Exhausted], cost: int) -> tuple[Problem, ...]:
    found = []
    for each in exhausted:
        told = problem(EXHAUSTED[each.kind], limit=each.limit, left=each.left, whose=each.whose.value, cost=cost)
        found.append(replace(told, retry_at=each.retry_at))
    return tuple(found)


def denial_problems(denials: Iterable[Refusal]) -> tuple[Problem, ...]:
    """Why a known token serves nothing any more, told as of an invalid token."""
    return tuple(replace(refusal_problem(each), status=Code.INVALID_TOKEN.status) for each in denials)


def use_of(
    passed: Passed,
    answer: Answer | None,
    problems: Iterable[tuple[Problem, tuple[str | int, ...]]],
    request_id: str,
    asker: Asker,
) -> Use:
    """The record of this use: which fields were asked and answered, what was refused, how old the data was."""
    refusals: dict[tuple[str, str], dict[str, Any]] = {}
    for each, path in problems:
        # One entry for a field of a page, not one for each of its rows.
        name = ".".join(str(part) for part in path if isinstance(part, str))
        refusals.setdefault((each.code, name), {"code": each.code, "clause": each.clause, "path": name})
    answered = tuple(sorted(answer.answered)) if answer is not None else ()
    return Use(
        request_id=request_id,
        at=asker.at,
        action="mutation" if passed.operation is not None and passed.operation.is_mutation else "query",
        outcome=ANSWERED if answer is not None and (answered or not refusals) else REFUSED,
        attended=asker.attended,
        operation_digest=passed.operation.digest if passed.operation is not None else None,
        asked=asked(passed.plan),
        answered=answered,
        refusals=tuple(refusals.values()),
        as_of=dict(answer.as_of) if answer is not None else {},
        charges=passed.charges,
    )

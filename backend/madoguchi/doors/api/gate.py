"""What one admitted request is given, decided and fetched in one read-only snapshot, and what is recorded of it.

Source: architecture.md, flow 1; clauses 4-2 and 4-3. Nothing of a document is parsed before its caller is admitted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from madoguchi import opaque
from madoguchi.doors.api.answer import Answer, asked
from madoguchi.doors.api.errors import Code, Problem, Refused, problem, refusal_problem
from madoguchi.doors.api.fetching import wanted
from madoguchi.doors.api.ids import Ids
from madoguchi.doors.api.operation import Operation, Operations
from madoguchi.doors.api.plan import Ask, Planner
from madoguchi.doors.api.request import Question
from madoguchi.procedures.ledger_reading import Ledger, read_ledger
from madoguchi.procedures.reading import Admission, admit
from madoguchi.procedures.recording import ANSWERED, REFUSED, Use
from madoguchi.rules.decision import Refusal


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, proven: the token and the key that was shown to be held. `safe`: the method must change nothing."""

    token: str
    jkt: str
    at: datetime
    attended: bool
    safe: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """What came through the gate for a known token. With `refused`, nothing else was looked at."""

    admission: Admission
    ids: Ids
    operation: Operation | None = None
    refused: tuple[Problem, ...] = ()
    plan: Mapping[str, Ask] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def ends_registration(self) -> bool:
        return any(ask.name == "endRegistration" for ask in self.plan.values())


def pass_gate(session: Session, operations: Operations, master_key: bytes, question: Question, asker: Asker) -> Passed:
    """Admit, decide, read. Raises Refused for a token that is nobody's or another key's: that is not recorded."""
    admission = admit(session, opaque.stored(asker.token), asker.at)
    if admission is None or not opaque.same(admission.jkt, asker.jkt):
        raise Refused(problem(Code.INVALID_TOKEN))
    ids = Ids(master_key, admission.aggregator_id)
    if admission.access.denied:
        return Passed(admission, ids, refused=denial_problems(admission.access.denials))
    try:
        operation = operations.prepare(question.text, question.operation_name, question.variables)
    except Refused as refused:
        return Passed(admission, ids, refused=refused.problems)
    if operation.is_mutation and asker.safe:
        return Passed(admission, ids, operation, (problem(Code.METHOD_NOT_ALLOWED),))
    plan = Planner(operations.schema, operation, admission, ids).plan()
    ledger = read_ledger(session, wanted(plan, admission.access))
    return Passed(admission, ids, operation, plan=plan, ledger=ledger)


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
    )

"""`madoguchi explain`: a past decision, asked again from the facts it was made from (4-3: it must be provable).

Nothing here reads a current table: the record, its two bodies of facts and its moment are enough, whatever the tables
have become since.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from madoguchi.records.audit import AccessRecord, Fact
from madoguchi.rules import facts
from madoguchi.rules.access import Access, Answer, access, answers
from madoguchi.rules.asking import Action, as_asked
from madoguchi.rules.facts import InstitutionFacts, RegistrationFacts
from madoguchi.rules.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Explanation:
    """The record of a use, every rule's answer now from the stored facts, and the decision a read would have got.

    The answers are those that the recorded action asks for; the others stand among them as not asked.
    """

    record: AccessRecord
    institution: InstitutionFacts
    registration: RegistrationFacts
    answers: tuple[Answer, ...]
    access: Access


class FactsDamaged(Exception):
    """A stored body does not have the digest it is stored under: the evidence was changed."""


def explain(session: Session, request_id: str) -> Explanation | None:
    """Ask the rules again; None when no such use was recorded. Raises FactsDamaged."""
    record = session.get(AccessRecord, request_id)
    if record is None:
        return None
    institution = facts.load(InstitutionFacts, _body(session, record.institution_digest))
    registration = facts.load(RegistrationFacts, _body(session, record.registration_digest))
    scopes = tuple(Scope(scope) for scope in record.token_scopes)
    action = Action(record.action)
    return Explanation(
        record=record,
        institution=institution,
        registration=registration,
        answers=tuple(as_asked(action, one) for one in answers(institution, registration, scopes, record.at)),
        access=access(institution, registration, scopes, record.at),
    )


def newest(session: Session) -> str | None:
    """The request id of the newest recorded use; None when there is none yet."""
    newest_first = (col(AccessRecord.at).desc(), col(AccessRecord.request_id))
    return session.exec(select(AccessRecord.request_id).order_by(*newest_first).limit(1)).first()


def _body(session: Session, digest: str) -> str:
    body = session.get_one(Fact, digest).body
    if facts.digest(body) != digest:
        raise FactsDamaged(digest)
    return body

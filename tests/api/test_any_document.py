"""Whatever valid document is asked: every response key has an answer, and nothing withheld gets through."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from anyio import run
from graphql import ArgumentNode, DocumentNode, StringValueNode, Visitor, print_ast, visit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel

from madoguchi.doors.api.answer import Answer
from madoguchi.doors.api.execution import Executed, execute
from madoguchi.doors.api.gate import Asker, pass_gate
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.request import Question
from madoguchi.doors.api.schema import build_schema, printed_schema
from madoguchi.procedures.quotas import Quotas
from madoguchi.rules.vocabulary import Scope
from madoguchi.settings import Settings
from tests import story
from tests.api.conftest import MASTER_KEY
from tests.story import Story

SCHEMA = build_schema()
OPERATIONS = Operations(SCHEMA.core)
ALLOWANCE = Settings(issuer=story.ISSUER, database_url="sqlite+aiosqlite://", bank_code="9999").allowance
BALANCES = {"balanceAfter", "openingBalance", "closingBalance", "balance"}


@dataclass(frozen=True, slots=True)
class Books:
    """The story with one registration of everything, in a database in memory; nothing here needs more."""

    session: Session
    told: Story
    registration_id: str


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        told = story.tell(session)
        yield Books(session, told, story.register(session, told).registration_id)
    engine.dispose()


def documents() -> st.SearchStrategy[DocumentNode]:
    """Any query that fits the schema, its dates inside the story."""
    days = st.dates(story.FIRST_DAY, story.NOW.date()).map(lambda day: nodes.String(day.isoformat()))
    return queries(printed_schema(), custom_scalars={"Date": days}, print_ast=lambda document: document)


class NamedIds(Visitor):
    """Puts an id that exists, or one that does not, where a drawn text would never hit one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def enter_argument(self, node: ArgumentNode, *_: object) -> ArgumentNode | None:
        if node.name.value not in ("id", "account"):
            return None
        return ArgumentNode(name=node.name, value=StringValueNode(value=self.text))


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_every_field_of_any_valid_document_has_a_value_or_a_refusal(books: Books, data: st.DataObject) -> None:
    scopes = tuple(data.draw(st.sets(st.sampled_from(Scope), min_size=1)))
    ids = Ids(MASTER_KEY, books.told.kakeibo)
    known = [*ids.seal(Kind.ACCOUNT, [books.told.ordinary]), *ids.seal(Kind.TRANSACTION, [1, 397]), "nobody"]
    document = data.draw(documents())
    text = print_ast(visit(document, NamedIds(data.draw(st.sampled_from(known)))))
    token = story.access(books.session, books.registration_id, scopes)
    asker = Asker(token, story.proof_key().thumbprint(), "once", story.NOW, attended=False, safe=False)
    passed = pass_gate(books.session, OPERATIONS, Quotas(ALLOWANCE, "wk_test"), MASTER_KEY, Question(text), asker)
    if passed.operation is None:
        assert {each.code for each in passed.refused} <= {"OPERATION_TOO_LARGE", "COST_EXCEEDED"}, passed.refused
        return
    answer = Answer(passed.admission, passed.ledger, passed.ids, story.NOW)
    executed: Executed = run(execute, SCHEMA, passed.operation, answer.root(passed.plan), "rq_test")
    assert "INTERNAL" not in {problem.code for problem, _ in executed.problems}
    assert executed.data is not None
    if Scope.BALANCES not in scopes:
        assert not [name for name in answer.answered if BALANCES & set(name.split("."))]
    if Scope.TRANSACTIONS not in scopes:
        assert not [name for name in answer.answered if "transactions" in name]
    if Scope.ACCOUNTS not in scopes:
        assert not [name for name in answer.answered if "accounts" in name or "node" in name]

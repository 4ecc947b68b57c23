"""Documents are prepared once and remembered within bounds; the catalogue of errors is complete and has no doubles."""

from pathlib import Path

import pytest

import madoguchi
from madoguchi.doors.api import operation
from madoguchi.doors.api.errors import Code, Refused, catalogue
from madoguchi.doors.api.operation import LONGEST_REMEMBERED, LONGEST_WHY, REMEMBERED, Operations
from madoguchi.doors.api.schema import build_schema
from madoguchi.rules.decision import Reason

SCHEMA = build_schema().core
QUERY = "query ($n: Int!) { accounts { transactions(first: $n) { nodes { id } } } }"


def test_a_document_is_parsed_once_and_its_cost_follows_each_requests_variables() -> None:
    operations = Operations(SCHEMA)
    one, other = operations.prepare(QUERY, None, {"n": 1}), operations.prepare(QUERY, None, {"n": 100})
    assert one.document is other.document
    assert (one.values.coerced, other.values.coerced) == ({"n": 1}, {"n": 100})
    assert other.cost > one.cost


def test_the_same_text_with_another_operation_name_is_another_operation() -> None:
    operations = Operations(SCHEMA)
    text = "query A { service { open } } query B { accounts { id } }"
    first, second = operations.prepare(text, "A", {}), operations.prepare(text, "B", {})
    assert (first.node.name, second.node.name) == (
        first.document.definitions[0].name,
        second.document.definitions[1].name,
    )  # type: ignore[attr-defined]
    assert operations.prepare(text, "A", {}).node is first.node


def test_what_is_remembered_is_bounded_in_number_and_length() -> None:
    operations = Operations(SCHEMA)
    for number in range(REMEMBERED + 5):
        operations.prepare(f"query Q{number} {{ service {{ open }} }}", None, {})
    assert len(operations._valid) == REMEMBERED
    long = "{ service { open } }" + " " * LONGEST_REMEMBERED
    assert operations.prepare(long, None, {}).document is not operations.prepare(long, None, {}).document
    assert operation.TOKENS == 2_000


def test_every_code_has_one_meaning_a_message_and_a_place_where_it_is_given() -> None:
    assert set(catalogue()) == {reason.code for reason in Reason} | {code.name for code in Code}
    assert len(catalogue()) == len(Reason) + len(Code)
    assert all(message for *_, message in catalogue().values())
    folder = Path(madoguchi.__file__).parent / "doors" / "api"
    sources = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "errors.py")
    assert [code.name for code in Code if f"Code.{code.name}" not in sources] == []


@pytest.mark.parametrize(
    "arguments",
    [
        f"first: {'9' * 5000}",
        'first: 1, from: "2026-13-01"',
        'first: 1, from: "2026-02-30"',
        'first: 1, from: "2026-W10-1"',
        'first: 1, from: "２０２６-01-01"',
        f'first: 1, from: "{"x" * 20_000}"',
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_our_words_and_in_bounds(arguments: str) -> None:
    with pytest.raises(Refused) as refused:
        Operations(SCHEMA).prepare(f"{{ accounts {{ transactions({arguments}) {{ nodes {{ id }} }} }} }}", None, {})
    (told,) = refused.value.problems
    assert told.code == Code.VALIDATION_FAILED.name
    assert len(told.message) < LONGEST_WHY + 100
    assert not any(word in told.message for word in ("sys.", "isoformat", "must be in", "out of range"))

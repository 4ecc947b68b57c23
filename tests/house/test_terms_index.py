"""The contents page of the terms (rules/terms.py) is complete and true."""

import ast
import importlib
import inspect
import pkgutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from madoguchi import rules
from madoguchi.rules.decision import Clause, Reason, Refusal
from madoguchi.rules.terms import IN_CODE, NOT_YET, OUTSIDE_CODE, PARTLY
from tests.support.tree import ROOT, python_files

CLAUSES = (
    *("1-1", "1-2-1", "1-2-2", "1-2-3", "1-3"),
    *("2-1", "2-1-1", "2-1-2", "2-2", "2-3", "2-4"),
    "3-1",
    *("4-1", "4-2", "4-3", "4-4", "4-5", "4-6", "4-7"),
    *("5-1", "5-2", "5-3"),
    "6-1",
    *("7-1", "7-2", "7-3", "7-4"),
    "8-1",
    "9-1",
)
"""The clauses of the terms that ask for a behaviour of their own, or for the reason why none is needed."""

SAMPLE_TERMS = ROOT / "backend" / "sample" / "api-terms-2026-10-01.toml"
INDEX = (IN_CODE, OUTSIDE_CODE, NOT_YET)


def test_every_clause_stands_in_the_index_exactly_once() -> None:
    assert Counter(clause for part in INDEX for clause in part) == Counter(CLAUSES)


def test_no_clause_of_the_terms_document_is_left_out() -> None:
    """Every 項 is in the index itself, or all its 号 are; and the index names nothing that the document has not."""
    document = tomllib.loads(SAMPLE_TERMS.read_text("utf-8"))
    paragraphs: dict[str, list[str]] = {
        f"{article['number']}-{clause['number']}": [
            f"{article['number']}-{clause['number']}-{item}" for item in range(1, len(clause.get("items", ())) + 1)
        ]
        for article in document["articles"]
        for clause in article["clauses"]
    }
    left_out = {
        paragraph
        for paragraph, items in paragraphs.items()
        if paragraph not in CLAUSES and not (items and set(items) <= set(CLAUSES))
    }
    assert not left_out
    assert set(CLAUSES) <= set(paragraphs) | {item for items in paragraphs.values() for item in items}


def test_every_reason_says_something() -> None:
    assert all(len(reason) > 20 for part in (OUTSIDE_CODE, NOT_YET, PARTLY) for reason in part.values())


def test_only_a_clause_in_code_can_be_there_in_part() -> None:
    assert set(PARTLY) <= set(IN_CODE)


NAMED = sorted({doer for doers in IN_CODE.values() for doer in doers if isinstance(doer, str)})


@pytest.mark.parametrize("name", NAMED)
def test_every_name_leads_to_code(name: str) -> None:
    found = resolved(name)
    assert callable(found) or hasattr(found, "__strawberry_definition__") or type(found).__name__ == "StrawberryField"


def resolved(name: str) -> Any:
    """What a dotted name leads to: a module's attribute, or an attribute of one of its classes."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not ".".join(parts[:end]).startswith(error.name or "?"):
                raise
            continue
        for part in parts[end:]:
            found = attribute(found, part)
        return found
    raise LookupError(name)


def attribute(holder: Any, name: str) -> Any:
    definition = getattr(holder, "__strawberry_definition__", None)
    if definition is not None:
        return next(field for field in definition.fields if field.python_name == name)
    return getattr(holder, name)


def test_a_name_that_leads_nowhere_is_noticed() -> None:
    with pytest.raises((LookupError, AttributeError)):
        resolved("madoguchi.procedures.reading.no_such_thing")
    with pytest.raises((LookupError, AttributeError)):
        resolved("madoguchi.procedures.no_such_module.admit")


def rule_modules() -> Iterator[Any]:
    for module in pkgutil.iter_modules(rules.__path__):
        yield importlib.import_module(f"madoguchi.rules.{module.name}")


def rules_that_refuse() -> list[Callable[..., Any]]:
    """Every public function of the rules whose return type speaks of a Refusal."""
    return [
        function
        for module in rule_modules()
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and Refusal.__name__ in str(get_type_hints(function).get("return"))
    ]


def test_every_rule_that_can_refuse_is_in_the_index() -> None:
    indexed = {doer for doers in IN_CODE.values() for doer in doers if callable(doer)}
    found = rules_that_refuse()
    assert len(found) >= 10, "the search itself must find the rules"
    assert not [f"{rule.__module__}.{rule.__name__}" for rule in found if rule not in indexed]


def test_every_reason_to_refuse_names_a_clause_that_is_in_code() -> None:
    assert {reason.clause for reason in Reason} <= set(IN_CODE)


@cache
def marked_clauses() -> Counter[str]:
    """How many tests are marked with each clause, read from the tests' source without running them."""
    marks: Counter[str] = Counter()
    for path in python_files():
        if path.is_relative_to(ROOT / "tests") and path.name.startswith("test_"):
            marks.update(marks_in(path))
    return marks


def marks_in(path: Path) -> Iterator[str]:
    """The clauses of every `pytest.mark.clause("…")` that stands on a test or holds for the whole file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.clause":
            yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("clause", IN_CODE)
def test_every_clause_in_code_has_a_test_marked_with_it(clause: Clause) -> None:
    assert marked_clauses()[clause] > 0


def test_no_test_is_marked_with_a_clause_that_does_not_exist_or_is_not_in_code() -> None:
    assert set(marked_clauses()) <= set(IN_CODE)

"""schema.graphql is the code's, every part of it is explained, and what is not declared is not disclosed."""

import asyncio
import re
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_introspection_query,
    graphql_sync,
    is_list_type,
)
from graphql.type import GraphQLNonNull, GraphQLOutputType, is_introspection_type
from structlog.testing import capture_logs

from madoguchi.doors.api.execution import LOGGED_FAILURES, Executed, execute
from madoguchi.doors.api.guards import Clause, ListSize, directive_of, guard_of
from madoguchi.doors.api.limits import Limits
from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.schema import Root, build_schema, printed_schema

BUILT = build_schema()
SCHEMA = BUILT.core
COMPOSED = [
    each
    for each in SCHEMA.type_map.values()
    if isinstance(each, GraphQLObjectType | GraphQLInterfaceType) and not is_introspection_type(each)
]

WITHOUT_GUARD = {
    "Node": {"id"},  # guarded by the concrete type: plan.py
    "Query": {"service", "registration"},
    "Mutation": {"endRegistration"},
    # Holds no customer data, and stands only behind guarded fields and `service`.
    "Institution": {"bankCode", "name", "nameKana"},
    "Freshness": {"asOf", "asOfPrecision", "source", "completeness", "nextUpdateAt"},
    # The service as everybody may know it (2-1, 6-1, 7-3, 9-1).
    "Service": {
        "institution", "open", "nextChangeAt", "calendar", "closures", "stops", "terms", "comingTerms", "feeds",
    },
    "Feed": {"source", "asOf", "receivedAt", "expectedAsOf", "late", "lateSince", "unavailable", "nextDueAt"},
    "ServiceDay": {"day", "hours"},
    "OpenHours": {"opens", "closes"},
    "PlannedClosure": {"startsAt", "endsAt"},
    "ServiceStop": {"reach", "scope", "accountType", "branchCode", "startsAt", "endsAt"},
    "TermsVersion": {"version", "effectiveFrom"},
    # What the token itself may do (4-1, 5-1).
    "Registration": {
        "scopes", "since", "until", "lastDay", "renewableFrom", "termsAgreed", "termsInForce", "dataWindow",
    },
    "DataWindow": {"from", "to", "limit"},
    "RegistrationEnd": {"endedAt"},
}  # fmt: skip


def test_schema_graphql_is_what_the_code_serves() -> None:
    committed = Path(__file__).parents[2] / "schema.graphql"
    assert committed.read_text() == printed_schema(), "run `make schema` and look at the difference"


def test_a_field_without_a_guard_stands_in_the_closed_list() -> None:
    open_fields = {
        parent.name: {name for name, field in parent.fields.items() if not guard_of(parent, field).scopes}
        for parent in COMPOSED
    }
    assert {parent: fields for parent, fields in open_fields.items() if fields} == WITHOUT_GUARD


def test_every_type_field_argument_and_enum_value_is_described_with_its_japanese_term() -> None:
    undescribed, without_term = [], []
    for each in SCHEMA.type_map.values():
        if is_introspection_type(each) or each.name in ("String", "Int", "Boolean", "ID"):
            continue
        if not each.description:
            undescribed.append(each.name)
        for name, field in getattr(each, "fields", {}).items():
            parts = {f"{each.name}.{name}": field, **{f"{each.name}.{name}({a})": v for a, v in field.args.items()}}
            undescribed += [part for part, definition in parts.items() if not definition.description]
        if isinstance(each, GraphQLEnumType):
            undescribed += [f"{each.name}.{name}" for name, value in each.values.items() if not value.description]
            without_term += [name for name, value in each.values.items() if (value.description or "").isascii()]
    assert undescribed == []
    assert without_term == []


def test_a_guarded_fields_description_ends_with_its_scope_and_clause() -> None:
    for parent in COMPOSED:
        for name, field in parent.fields.items():
            clause = directive_of(field, Clause)
            if clause is not None:
                assert (field.description or "").endswith(f"; clause {clause.ref})"), f"{parent.name}.{name}"
                assert "scope `" in (field.description or "")


def test_a_field_with_its_own_guard_is_nullable_so_that_one_refusal_never_takes_its_parent_along() -> None:
    for parent in COMPOSED:
        for name, field in parent.fields.items():
            if directive_of(field, Clause) is not None:
                assert not isinstance(field.type, GraphQLNonNull), f"{parent.name}.{name}"


def test_every_list_has_a_length_that_its_cost_is_computed_with() -> None:
    sized = Limits(SCHEMA).sized
    unsized = [
        f"{parent.name}.{name}"
        for parent in COMPOSED
        for name, field in parent.fields.items()
        if _is_list(field.type) and directive_of(field, ListSize) is None and (parent.name, name) not in sized
    ]
    assert unsized == []


def test_nothing_in_the_schema_reveals_credit() -> None:
    words = ("overdraft", "credit limit", "creditlimit", "貸越")
    assert [word for word in words if word in printed_schema().lower()] == []


def test_a_balance_is_reachable_only_with_the_balance_scope() -> None:
    balances = {
        ("Transaction", "balanceAfter"),
        ("StatementCheck", "openingBalance"),
        ("StatementCheck", "closingBalance"),
    }
    balances |= {("Balance", name) for name in SCHEMA.type_map["Balance"].fields}  # type: ignore[attr-defined]
    balances |= {("Account", "balance")}
    for parent in COMPOSED:
        for name, field in parent.fields.items():
            asks = "balances" in guard_of(parent, field).scopes
            assert asks == ((parent.name, name) in balances), f"{parent.name}.{name}"


def _is_list(kind: GraphQLOutputType) -> bool:
    return is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)


def test_the_walk_above_sees_the_whole_schema() -> None:
    written = set(re.findall(r"^(?:type|interface) (\w+)", printed_schema(), re.MULTILINE))
    assert {parent.name for parent in COMPOSED} == written
    assert len(COMPOSED) > 20


def run(text: str) -> Executed:
    """Execute without anything prepared."""
    return asyncio.run(execute(BUILT, Operations(SCHEMA).prepare(text, None, {}), Root({}), "rq_1"))


def test_the_standard_introspection_query_is_answered_with_every_option_and_is_one_of_is_told() -> None:
    text = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    executed = run(text)
    assert executed.problems == ()
    assert executed.data is not None
    assert {each["name"] for each in executed.data["__schema"]["types"]} == set(SCHEMA.type_map)
    assert {each["isOneOf"] for each in executed.data["__schema"]["types"] if each["kind"] != "INPUT_OBJECT"} == {None}
    wrapped = graphql_sync(SCHEMA, '{ __type(name: "Query") { fields { type { isOneOf ofType { isOneOf } } } } }')
    assert wrapped.errors is None


def test_of_many_fields_that_fail_the_first_are_logged_and_the_rest_is_a_number() -> None:
    with capture_logs() as logs:
        executed = run("{ " + " ".join(f"a{n}: accounts {{ id }}" for n in range(10)) + " }")
    assert len(executed.problems) == 10
    assert [each["event"] for each in logs] == ["a field failed"] * LOGGED_FAILURES + ["more fields failed"]
    assert logs[-1]["failed"] == 10

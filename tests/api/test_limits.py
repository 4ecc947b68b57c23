"""An operation is bounded in linear time, before anything of it is validated or run."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse

from madoguchi.doors.api import introspection
from madoguchi.doors.api.errors import Refused
from madoguchi.doors.api.limits import COST, Limits, Pass
from madoguchi.doors.api.schema import build_schema

SCHEMA = build_schema().core
LIMITS = Limits(SCHEMA)


def cost(text: str, variables: Mapping[str, Any] | None = None, nth: int = 0) -> int:
    document = parse(text)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return LIMITS.cost(document, operations[nth], variables or {})


def refused(text: str, variables: Mapping[str, Any] | None = None) -> tuple[str, str]:
    with pytest.raises(Refused) as raised:
        cost(text, variables)
    return raised.value.problem.code, raised.value.problem.message


def visits(text: str) -> int:
    document = parse(text)
    run = Pass(SCHEMA, LIMITS.sized, document, {})
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    with suppress(Refused):
        LIMITS.hold(run, operation)
    return run.visited


DOUBLING = (
    "{ accounts { ...F0 } } "
    + " ".join(f"fragment F{n} on Account {{ ...F{n + 1} ...F{n + 1} }}" for n in range(25))
    + " fragment F25 on Account { id }"
)


@pytest.mark.fault("limits bypassed through fragments")
def test_fragments_that_double_25_times_are_refused_after_one_visit_each() -> None:
    code, message = refused(DOUBLING)
    assert code == "OPERATION_TOO_LARGE"
    assert "fragments" in message
    assert visits(DOUBLING) == 1 + 1 + 25 * 2 + 1


@pytest.mark.fault("limits bypassed through fragments")
@pytest.mark.parametrize("shape", ["fields", "fragments", "inline", "operations"])
def test_visits_grow_linearly_with_the_document(shape: str) -> None:
    def document(size: int) -> str:
        return {
            "fields": "{ accounts { " + "id " * size + "} }",
            "fragments": "{ accounts { ...F } } fragment F on Account { "
            + "...G " * size
            + "} fragment G on Account { id }",
            "inline": "{ accounts { " + "... on Account { id } " * size + "} }",
            "operations": "{ accounts { ...F " + "id " * size + "} } fragment F on Account { id }",
        }[shape]

    one, ten, hundred = (visits(document(size)) for size in (1, 10, 100))
    assert hundred - ten == 10 * (ten - one)


def test_many_operations_that_share_a_large_fragment_visit_it_once() -> None:
    text = "query A { accounts { ...F } } " * 100 + "fragment F on Account { " + "id " * 100 + "}"
    document = parse(text)
    run = Pass(SCHEMA, LIMITS.sized, document, {})
    for operation in run.operations:
        run.operation(operation)
    assert run.visited == 100 * 2 + 100


@pytest.mark.parametrize(
    "text",
    [
        "{ accounts { ...A } } fragment A on Account { ...A }",
        "{ accounts { ...A } } fragment A on Account { ...B } fragment B on Account { ... { ...A } }",
        "{ service { open } } fragment A on Account { ...A }",
    ],
)
def test_a_fragment_that_spreads_itself_is_refused(text: str) -> None:
    assert refused(text)[0] == "CYCLIC_FRAGMENTS"


def test_a_cycle_is_named_before_any_other_bound() -> None:
    assert (
        refused("{ " + "a: service { open } " * 40 + " accounts { ...A } } fragment A on Account { ...A }")[0]
        == "CYCLIC_FRAGMENTS"
    )


def corrections(levels: int) -> str:
    """accounts, transactions, nodes, then `corrects` and its id."""
    return "{ accounts { transactions(first: 1) { nodes { " + "corrects { " * levels + "id" + " }" * levels + " } } } }"


def test_ten_levels_are_read_and_eleven_are_refused() -> None:
    assert cost(corrections(6)) > 0
    assert refused(corrections(7)) == ("OPERATION_TOO_LARGE", "The document has 11 levels of fields; the limit is 10.")


def test_fifty_levels_and_five_hundred_are_refused() -> None:
    assert refused(corrections(46))[0] == "OPERATION_TOO_LARGE"
    assert refused(corrections(150))[0] == "OPERATION_TOO_LARGE"


@pytest.mark.fault("limits bypassed through fragments")
def test_depth_counts_through_fragments() -> None:
    chain = " ".join(f"fragment F{n} on Transaction {{ corrects {{ ...F{n + 1} }} }}" for n in range(8))
    text = "{ accounts { transactions(first: 1) { nodes { ...F0 } } } } " + chain + " fragment F8 on Transaction { id }"
    assert "levels" in refused(text)[1]


def test_thirty_aliases_are_read_and_thirty_one_are_refused() -> None:
    def aliased(count: int) -> str:
        return "{ accounts { " + " ".join(f"a{n}: id" for n in range(count)) + " } }"

    assert cost(aliased(30)) > 0
    assert "31 aliases" in refused(aliased(31))[1]


@pytest.mark.fault("limits bypassed through fragments")
def test_aliases_in_a_reused_fragment_count_each_time() -> None:
    fragment = "fragment F on Account { " + " ".join(f"a{n}: id" for n in range(16)) + " }"
    assert cost("{ x: accounts { ...F } } " + fragment) > 0
    assert "aliases" in refused("{ x: accounts { ...F } y: accounts { ...F } } " + fragment)[1]


@pytest.mark.fault("quadratic validation")
def test_a_field_repeated_without_alias_counts_as_one_since_validation_compares_every_pair() -> None:
    assert cost("{ accounts { " + "id " * 31 + "} }") > 0
    assert "repeated" in refused("{ accounts { " + "id " * 32 + "} }")[1]
    assert "repeated" in refused("{ accounts { " + "... { id } " * 32 + "} }")[1]


@pytest.mark.fault("quadratic validation")
@pytest.mark.parametrize("below", ["{F}", "balance { {F} }"], ids=["of the account", "below a field"])
def test_a_field_repeated_by_spread_fragments_counts_as_one_written_out(below: str) -> None:
    def document(fragments: int, fields: int) -> str:
        spread = "{ accounts { " + " ".join(f"...F{n}" for n in range(fragments)) + " } } "
        body = below.replace("{F}", " ".join(f"f{n}" for n in range(fields)))
        return spread + " ".join(f"fragment F{n} on Account {{ {body} }}" for n in range(fragments))

    assert "repeated" in refused(document(49, 32))[1]
    assert "repeated" in refused(document(2, 32))[1]
    assert cost(document(2, 29)) > 0


@pytest.mark.fault("quadratic validation")
def test_what_is_below_a_repeated_field_is_repeated_too() -> None:
    def document(fields: int) -> str:
        return "{ accounts { " + 2 * ("balance { " + " ".join(f"f{n}" for n in range(fields)) + " } ") + "} }"

    assert cost(document(29)) > 0
    assert "31 aliases or repeated" in refused(document(30))[1]


def test_components_that_share_an_id_in_their_fragments_pass() -> None:
    """As client libraries write it: a fragment for each component, `__typename` in every set."""
    spread = "{ accounts { __typename id " + " ".join(f"...F{n}" for n in range(28)) + " } } "
    fragments = (f"fragment F{n} on Account {{ __typename id balance {{ __typename f{n} }} }}" for n in range(28))
    assert "repeated" in refused(spread + " ".join(fragments))[1]
    few = (f"fragment F{n} on Account {{ __typename id f{n} }}" for n in range(28))
    assert cost(spread + " ".join(few)) > 0


@pytest.mark.fault("limits bypassed through fragments")
def test_keys_that_double_with_every_fragment_are_counted_as_far_as_the_bound() -> None:
    levels = " ".join(f"fragment F{n} on Account {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(18))
    text = "{ accounts { ...F0 ...F0 } } " + levels + " fragment F18 on Account { id }"
    assert refused(text)[0] == "OPERATION_TOO_LARGE"
    assert visits(text) == 1 + 2 + 18 * 4 + 1


def test_ten_root_fields_are_read_and_eleven_are_refused() -> None:
    def roots(count: int) -> str:
        return "{ " + " ".join(f"a{n}: service {{ open }}" for n in range(count)) + " }"

    assert cost(roots(10)) > 0
    assert "11 root fields" in refused(roots(11))[1]
    in_fragment = "{ ...F } fragment F on Query " + roots(11)
    assert "11 root fields" in refused(in_fragment)[1]


def test_fifty_directives_are_read_and_fifty_one_are_refused() -> None:
    def directives(count: int) -> str:
        return "query { accounts { id " + "@include(if: true) " * count + "} }"

    assert cost(directives(50)) > 0
    assert "51 directives" in refused(directives(51))[1]


def test_other_operations_of_the_document_are_bounded_too() -> None:
    text = "query A { service { open } } query B { accounts { " + "id " * 40 + "} }"
    assert "repeated" in refused(text)[1]


def test_introspection_is_alone_in_its_operation() -> None:
    assert refused("{ __schema { queryType { name } } service { open } }")[0] == "INTROSPECTION_NOT_ALONE"
    assert (
        refused("{ ...F __schema { queryType { name } } } fragment F on Query { service { open } }")[0]
        == "INTROSPECTION_NOT_ALONE"
    )
    assert cost("{ __typename __schema { queryType { name } } }") == introspection.COST


EVERY_OPTION = {
    "specified_by_url": True,
    "directive_is_repeatable": True,
    "schema_description": True,
    "input_value_deprecation": True,
    "one_of": True,
}


@pytest.mark.parametrize("options", [{}, EVERY_OPTION, {"descriptions": False}], ids=["plain", "all", "bare"])
def test_the_standard_introspection_query_passes_and_costs_a_tenth_of_the_largest_operation(
    options: dict[str, bool],
) -> None:
    assert cost(get_introspection_query(**options)) == introspection.COST == COST // 10


@pytest.mark.parametrize(
    "text",
    [
        '{ __type(name: "Query") { name fields { name type { kind ofType { name } } } } }',
        "{ __schema { __typename types { __typename ... on __Type { ...F } } } } fragment F on __Type { name }",
        "{ __schema { types { name name ...F ...F } } } fragment F on __Type { name fields { ...G } } "
        "fragment G on __Field { name: name }",
    ],
)
def test_a_part_of_the_standard_query_passes(text: str) -> None:
    assert cost(text) == introspection.COST


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { types { fields { type { fields { name } } } } } }",
        "{ __schema { types { a: fields { name } } } }",
        "{ a: __schema { types { name } } }",
        "{ a: __typename __schema { types { name } } }",
        "{ __schema { types { possibleTypes { fields { name } } } } }",
        "{ __schema { queryType { fields { name } } } }",
        "{ __schema { types { ...F } } } fragment F on __Type { interfaces { ...F2 } } "
        "fragment F2 on __Type { fields { name } }",
        "{ __schema { types { fields { type { " + "ofType { " * 10 + "name" + " }" * 10 + " } } } } }",
    ],
)
def test_what_asks_more_than_the_standard_query_is_refused(text: str) -> None:
    assert refused(text)[0] == "INTROSPECTION_TOO_LARGE"


def test_cost_follows_the_variables() -> None:
    text = 'query ($n: Int = 20) { account(id: "a") { transactions(first: $n) { nodes { id corrects { id } } } } }'
    page = 1 + 10 + 1  # the account, and its connection of weight 10
    row = 1 + 1 + 1  # the row, and what it corrects with weight 1
    assert cost(text, {"n": 50}) == page + 50 * row
    assert cost(text) == page + 20 * row
    assert cost(text, {"n": None}) == cost(text, {"n": 500}) == cost(text, {"n": "50"}) == cost(text, {"n": 10**9})


def test_a_page_of_changes_costs_what_three_lists_of_its_rows_could_hold() -> None:
    text = """query ($n: Int!) { changes(account: "a", first: $n) { added { id corrects { id } } corrected { id }
      removed { id } cursor } }"""
    field = 1 + 10  # the object, and its weight
    rows = (1 + 1 + 1) + 1 + 1  # added with what it corrects (weight 1), corrected, removed
    assert cost(text, {"n": 50}) == field + 50 * rows
    assert cost(text, {"n": 500}) == cost(text, {"n": 10**9}) == cost(text) == field + 500 * rows
    many = "{ " + " ".join(f'c{n}: changes(account: "a", first: 500) {{ added {{ id }} }}' for n in range(10)) + " }"
    assert cost(many) <= COST


def test_cost_through_a_fragment_is_the_cost_without_it() -> None:
    plain = "{ accounts { transactions(last: 7) { edges { node { id } } nodes { id } } } }"
    selected = "{ edges { node { id } } nodes { id } }"
    spread = "{ accounts { transactions(last: 7) { ...F } } } fragment F on TransactionConnection " + selected
    assert cost(plain) == cost(spread) == 10 * (1 + 10 + 1 + 7 * 3)


def test_an_operation_over_the_cost_limit_is_refused_with_both_numbers() -> None:
    text = "{ a: accounts { transactions(first: 500) { nodes { id corrects { id } } } } b: accounts { id } }"
    code, message = refused(text)
    assert code == "COST_EXCEEDED"
    assert str(COST) in message


def test_a_full_page_of_ten_accounts_is_within_the_cost_limit() -> None:
    assert (
        cost("{ accounts { balance { current } transactions(first: 500) { edges { cursor node { id } } } } }") <= COST
    )

"""Guard, schema directive and documentation as one declaration: what is not declared is not disclosed.

`discloses` (a field) and `disclosing_type` (a type, whose guard holds for all its fields) attach the directives that
the SDL prints, that the description ends with and that plan.py enforces. A guarded resolver has no logic: it hands out
what was prepared for its response key. Source: graphql.md "Field authorization"; architecture.md principle 8.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

import strawberry
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type
from strawberry.schema_directive import Location

from madoguchi.doors.api.errors import Problem, Refused
from madoguchi.doors.api.words import Scope
from madoguchi.rules import vocabulary

Declared = TypeVar("Declared")
Found = TypeVar("Found")
ComposedType = GraphQLObjectType | GraphQLInterfaceType


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    repeatable=True,
    description="What a token must carry: all of the named scopes. A type's guard holds for its fields.",
)
class Discloses:
    scope: Scope


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="An identifying item: given where the aggregator's contract lists it and the consent page showed it.",
)
class Identifies:
    item: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT, Location.ENUM_VALUE],
    description="The clause of the credit union's API terms of use (API利用規定) that this rests on.",
)
class Clause:
    ref: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], description="What one use of this field costs beside the objects it returns."
)
class Cost:
    weight: int


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="How long a list is taken to be: the value of a slicing argument, or a fixed size.",
)
class ListSize:
    slicing_arguments: list[str] | None = strawberry.UNSET
    assumed_size: int | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET


@dataclass(frozen=True, slots=True)
class Guard:
    """What must be permitted before a field is answered. Neither scope nor item: it stands in the closed list."""

    scopes: frozenset[vocabulary.Scope]
    item: str | None = None


def discloses(
    *scopes: vocabulary.Scope,
    description: str,
    clause: str,
    item: str | None = None,
    weight: int | None = None,
    sizes: ListSize | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a guarded field: its scopes (all needed), its clause, its identifying item, its cost."""
    directives: list[object] = [Discloses(scope=Scope(scope.value)) for scope in scopes]
    directives += [Identifies(item=item)] if item else []
    directives += [Clause(ref=clause)]
    directives += [Cost(weight=weight)] if weight is not None else []
    directives += [sizes] if sizes else []
    return keyed(_ending(description, scopes, clause), *directives)


def keyed(description: str, *directives: object) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field that is prepared for each response key and has no guard beside its type's.

    A field without any guard stands in one closed list (tests/api/test_schema.py).
    """

    def declared(resolver: Callable[..., Any]) -> Any:
        return strawberry.field(resolver, description=description, directives=directives)

    return declared


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def disclosing_type(
    *scopes: vocabulary.Scope, description: str, clause: str
) -> Callable[[type[Declared]], type[Declared]]:
    """Declare a type whose every field needs these scopes."""
    directives: list[object] = [Discloses(scope=Scope(scope.value)) for scope in scopes]
    return strawberry.type(
        description=_ending(description, scopes, clause), directives=[*directives, Clause(ref=clause)]
    )


def prepared(holder: Any, info: strawberry.Info) -> Any:
    """What was prepared for this response key: the value, or the problem, which is raised.

    A key nothing was prepared for is a KeyError: a field the plan did not permit is never answered.
    """
    outcomes: Mapping[str, Any] = holder.prepared
    outcome = outcomes[info.path.key]  # type: ignore[index]
    if isinstance(outcome, Problem):
        raise Refused(outcome)
    return outcome


def guard_of(parent: ComposedType, field: GraphQLField) -> Guard:
    """The guard of a field: its own, its parent type's and its returned type's together."""
    own = directives_of(field)
    around = [*own, *directives_of(parent), *directives_of(get_named_type(field.type))]
    items = [directive.item for directive in own if isinstance(directive, Identifies)]
    return Guard(scopes_of(around), items[0] if items else None)


def scopes_of(directives: Iterable[object]) -> frozenset[vocabulary.Scope]:
    """The scopes that a list of directives demands."""
    return frozenset(vocabulary.Scope(each.scope.value) for each in directives if isinstance(each, Discloses))


def directive_of(part: Any, kind: type[Found]) -> Found | None:
    """The directive of one kind on a field or type, if it stands there."""
    return next((each for each in directives_of(part) if isinstance(each, kind)), None)


def directives_of(part: Any) -> list[object]:
    """The schema directives that stand on a field or type of the schema; none on the specification's own."""
    definition = part.extensions.get("strawberry-definition") if part is not None else None
    return list(getattr(definition, "directives", None) or ())


def _ending(description: str, scopes: Iterable[vocabulary.Scope], clause: str) -> str:
    needs = ", ".join(f"`{scope.value}`" for scope in scopes)
    return f"{description} (scope {needs}; clause {clause})"

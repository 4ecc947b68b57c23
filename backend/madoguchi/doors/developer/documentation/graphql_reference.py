"""The GraphQL reference: all of schema.graphql as a page, read as any tool reads it.

Every type, field, argument, enum value, scalar and directive has an anchor (`#Account`, `#Account.balance`,
`#Account.balance.first`, `#directive.discloses`); what guards a field is what doors/api enforces: its own directives,
those of its type and those of the type it returns. Source: GraphQL specification, section 3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
    print_ast,
)
from markupsafe import Markup, escape

from madoguchi.doors.developer.documentation.markdown import words_of
from madoguchi.doors.developer.documentation.models import Heading
from madoguchi.rules.vocabulary import clause_in_words

_ENDING: Final = re.compile(r" \(scope [^()]*; clause [\d-]+\)$")
"""What a guarded description ends with, for readers of the bare schema; a page shows it as facts."""


@dataclass(frozen=True, slots=True)
class Member:
    """A field, an argument or an enum value. `facts` are short sentences beside the description."""

    anchor: str
    name: str
    type: Markup
    about: Markup
    scopes: tuple[str, ...] = ()
    clause: str = ""
    facts: tuple[str, ...] = ()
    deprecated: str = ""
    arguments: tuple["Member", ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A type or a directive. `uses` are anchors of what is of this type, or takes it."""

    anchor: str
    name: str
    about: Markup
    members: tuple[Member, ...] = ()
    scopes: tuple[str, ...] = ()
    clause: str = ""
    implements: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    places: str = ""
    facts: ClassVar[tuple[str, ...]] = ()
    deprecated: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Definitions of one kind under a heading."""

    anchor: str
    title: str
    definitions: tuple[Definition, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole schema."""

    template: ClassVar[str] = "developer/graphql.html"
    groups: tuple[Group, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        """For the list "On this page"."""
        return tuple(
            heading
            for group in self.groups
            for heading in (
                Heading(2, group.anchor, escape(group.title)),
                *(Heading(3, one.anchor, escape(one.name)) for one in group.definitions),
            )
        )


def reference(sdl: str) -> Reference:
    """The reference of a schema in the schema definition language. Raises GraphQLSyntaxError."""
    schema = build_schema(sdl)
    types = [
        kind
        for kind in schema.type_map.values()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    ]
    roots = [kind for kind in (schema.query_type, schema.mutation_type, schema.subscription_type) if kind]
    kinds = (
        ("operations", "Queries and mutations", roots),
        ("objects", "Objects", [one for one in types if isinstance(one, GraphQLObjectType) and one not in roots]),
        ("interfaces", "Interfaces", [one for one in types if isinstance(one, GraphQLInterfaceType)]),
        ("enums", "Enums", [one for one in types if isinstance(one, GraphQLEnumType)]),
        ("scalars", "Scalars", [one for one in types if isinstance(one, GraphQLScalarType)]),
    )
    groups = [
        Group(
            anchor,
            title,
            tuple(_definition(schema, one) for one in sorted(some, key=lambda one: one in roots or one.name)),
        )
        for anchor, title, some in kinds
    ]
    directives = sorted((one for one in schema.directives if not is_specified_directive(one)), key=lambda one: one.name)
    return Reference((*groups, Group("directives", "Directives", tuple(map(_directive, directives)))))


def _definition(schema: GraphQLSchema, kind: GraphQLNamedType) -> Definition:
    members: tuple[Member, ...] = ()
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        members = tuple(_field(kind, name, field) for name, field in kind.fields.items())
    elif isinstance(kind, GraphQLEnumType):
        members = tuple(
            Member(
                f"{kind.name}.{name}",
                name,
                Markup(""),
                _about(value.description),
                clause=_clause(value),
                deprecated=value.deprecation_reason or "",
            )
            for name, value in kind.values.items()
        )
    return Definition(
        anchor=kind.name,
        name=kind.name,
        about=_about(kind.description),
        members=members,
        scopes=tuple(_scopes(kind)),
        clause=_clause(kind),
        implements=tuple(one.name for one in getattr(kind, "interfaces", ())),
        possible=tuple(
            one.name for one in (schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else ())
        ),
        uses=tuple(_uses(schema, kind)),
    )


def _directive(directive: GraphQLDirective) -> Definition:
    anchor = f"directive.{directive.name}"
    return Definition(
        anchor=anchor,
        name=f"@{directive.name}",
        about=_about(directive.description),
        members=_arguments(anchor, directive.args),
        places=" | ".join(location.name for location in directive.locations),
    )


def _field(kind: GraphQLObjectType | GraphQLInterfaceType, name: str, field: GraphQLField) -> Member:
    anchor = f"{kind.name}.{name}"
    return Member(
        anchor=anchor,
        name=name,
        type=_linked(str(field.type)),
        about=_about(field.description),
        scopes=tuple(sorted({*_scopes(field), *_scopes(kind), *_scopes(get_named_type(field.type))})),
        clause=_clause(field),
        facts=tuple(_facts(field)),
        deprecated=field.deprecation_reason or "",
        arguments=_arguments(anchor, field.args),
    )


def _arguments(anchor: str, arguments: dict[str, GraphQLArgument]) -> tuple[Member, ...]:
    return tuple(
        Member(
            anchor=f"{anchor}.{name}",
            name=name,
            type=_linked(str(argument.type)),
            about=_about(argument.description),
            facts=() if argument.default_value is Undefined else (f"Default {_literal(argument)}.",),
            deprecated=argument.deprecation_reason or "",
        )
        for name, argument in arguments.items()
    )


def _literal(argument: GraphQLArgument) -> str:
    """The default value as it is written in the schema, which is where the argument came from."""
    node = argument.ast_node and argument.ast_node.default_value
    return print_ast(node) if node else ""


def _facts(field: GraphQLField) -> Iterator[str]:
    """Cost, length of lists and identifying items, in words."""
    for name, given in _directives(field):
        if name == "cost":
            yield f"Costs {given['weight']} beside the objects it returns."
        elif name == "identifies":
            yield f"Identifying item “{given['item']}”."
        elif name == "listSize" and "assumedSize" in given:
            yield f"Counted as {given['assumedSize']} long."
        elif name == "listSize":
            yield f"Counted as long as {' or '.join(re.findall(r'[a-zA-Z]+', given['slicingArguments']))} says."


def _uses(schema: GraphQLSchema, kind: GraphQLNamedType) -> Iterator[str]:
    """Fields that return it and arguments that take it."""
    for other in schema.type_map.values():
        if is_introspection_type(other) or not isinstance(other, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for name, field in other.fields.items():
            if get_named_type(field.type) is kind:
                yield f"{other.name}.{name}"
            for argument, told in field.args.items():
                if get_named_type(told.type) is kind:
                    yield f"{other.name}.{name}.{argument}"


def _scopes(part: object) -> list[str]:
    """The scopes demanded by what stands on a part, as OAuth writes them."""
    return [given["scope"].lower() for name, given in _directives(part) if name == "discloses"]


def _clause(part: object) -> str:
    """第2条第2項, or empty."""
    return next((clause_in_words(given["ref"]) for name, given in _directives(part) if name == "clause"), "")


def _directives(part: object) -> Iterator[tuple[str, dict[str, str]]]:
    """The directives applied to a part, with their arguments as written, texts without quotes."""
    node = getattr(part, "ast_node", None)
    for applied in getattr(node, "directives", None) or ():
        yield applied.name.value, {one.name.value: print_ast(one.value).strip('"') for one in applied.arguments or ()}


def _about(description: str | None) -> Markup:
    return words_of(_ENDING.sub("", description or ""))


def _linked(type_in_words: str) -> Markup:
    """[Account!] with the type's name as a link."""
    before, name, after = re.fullmatch(r"(\W*)(\w+)(\W*)", type_in_words).groups()  # type: ignore[union-attr]
    if name in ("ID", "Int", "String", "Boolean", "Float"):
        return escape(type_in_words)
    return Markup('{}<a href="#{}">{}</a>{}').format(before, name, name, after)

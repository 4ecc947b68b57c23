"""Size and cost of an operation, measured in one linear pass before anything is validated or run.

A fragment is measured once and its measure is added wherever it is spread, so that 25 fragments that each spread the
next one twice are 50 visits, not 2^25. Cyclic fragments are refused first. Validation is quadratic in fields of one
name (graphql-js CVE-2023-26144), hence a repeated response key counts as an alias, wherever its first is: beside it, in
an inline fragment or in a spread one, and below a repeated field too. What introspection may ask: introspection.py.
Source: security.md 3 and "limits bypassed through fragments"; the cost directives are those Apollo and the IBM
specification know. A list costs its length times its item, and the length comes from variables where they say it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from madoguchi.doors.api import introspection
from madoguchi.doors.api.errors import Code, Refused, problem
from madoguchi.doors.api.guards import ComposedType, Cost, ListSize, directive_of
from madoguchi.doors.api.types import MAX_ROWS

TOKENS: Final = 2_000
DEPTH: Final = 10
INTROSPECTION_DEPTH: Final = 20
ALIASES: Final = 30
ROOT_FIELDS: Final = 10
FRAGMENTS: Final = 50
DIRECTIVES: Final = 50
COST: Final = 12_000  # ten accounts with a full page of edges and nodes each
NESTING: Final = 100  # selection sets inside each other, fragments included: bounds our own recursion

Keys = dict[str, "Keys"]
"""Response key -> the response keys below it. What is below may be shared and is never changed, only replaced."""


@dataclass(slots=True)
class Measure:
    """The measure of a selection set. Its cost is `fixed`, and `per_row` for each row of the list around it."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    fragments: int = 0
    directives: int = 0
    fixed: int = 0
    per_row: int = 0
    introspects: bool = False
    reads: bool = False

    def add(self, other: "Measure") -> None:
        """Take in a part of the same set: a field, a spread or an inline fragment."""
        self.depth = max(self.depth, other.depth)
        self.fields += other.fields
        self.aliases += other.aliases
        self.fragments += other.fragments
        self.directives += other.directives
        self.fixed += other.fixed
        self.per_row += other.per_row
        self.introspects |= other.introspects
        self.reads |= other.reads


class Limits:
    """The bounds of one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.sized = frozenset(_sized_fields(schema))

    def cost(self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """The cost of `operation` with these variables (as sent), after every bound held for the whole document.

        The other operations and unused fragments are bounded too: validation reads them all.
        Raises Refused with the number that was too high.
        """
        return self.hold(Pass(self.schema, self.sized, document, variables), operation)

    @staticmethod
    def hold(run: "Pass", operation: OperationDefinitionNode) -> int:
        """Measure everything, then hold it against the bounds."""
        measure = run.operation(operation)
        others = [run.operation(each) for each in run.operations if each is not operation]
        fragments = [run.fragment(name) for name in run.fragments]
        for each in (measure, *others):
            if each.introspects and each.reads:
                raise Refused(problem(Code.INTROSPECTION_NOT_ALONE))
            _hold("levels of fields", each.depth, INTROSPECTION_DEPTH if each.introspects else DEPTH)
            _hold("root fields", each.fields, ROOT_FIELDS)
        for each in (measure, *others, *fragments):
            _hold("levels of fields", each.depth, INTROSPECTION_DEPTH)
            _hold("fragments", each.fragments, FRAGMENTS)
            _hold("aliases or repeated fields", each.aliases, ALIASES)
            _hold("directives", each.directives, DIRECTIVES)
        _hold("fragments", len(run.fragments), FRAGMENTS)
        if measure.introspects:
            introspection.hold(operation, run.fragments)
            return introspection.COST
        if measure.fixed > COST:
            raise Refused(problem(Code.COST_EXCEEDED, actual=measure.fixed, limit=COST))
        return measure.fixed


@dataclass(slots=True)
class Pass:
    """One pass over one document. `visited` counts the selections looked at: it grows linearly with the document.

    Measure the operation that will run first: the lengths of lists are those of its variables.
    """

    schema: GraphQLSchema
    sized: frozenset[tuple[str, str]]
    document: DocumentNode
    variables: Mapping[str, Any]
    fragments: dict[str, FragmentDefinitionNode] = field(init=False)
    operations: list[OperationDefinitionNode] = field(init=False)
    visited: int = 0
    _defaults: dict[str, Any] = field(default_factory=dict)
    _measured: dict[str, Measure] = field(default_factory=dict)
    _keys: dict[str, Keys] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        parts = self.document.definitions
        self.fragments = {each.name.value: each for each in parts if isinstance(each, FragmentDefinitionNode)}
        self.operations = [each for each in parts if isinstance(each, OperationDefinitionNode)]

    def operation(self, operation: OperationDefinitionNode) -> Measure:
        """The measure of one operation, its own directives included."""
        definitions = operation.variable_definitions or ()
        self._defaults = {each.variable.name.value: _literal(each.default_value) for each in definitions}
        measure = self._set(operation.selection_set, self.schema.get_root_type(operation.operation), {}, 0)
        measure.directives += len(operation.directives or ()) + sum(len(each.directives or ()) for each in definitions)
        return measure

    def fragment(self, name: str, nesting: int = 0) -> Measure:
        """The measure of a fragment, taken once. An unknown fragment measures nothing: validation refuses it."""
        if name in self._open:
            raise Refused(problem(Code.CYCLIC_FRAGMENTS))
        definition = self.fragments.get(name)
        if definition is None:
            return Measure()
        if name not in self._measured:
            self._open.add(name)
            condition = _composed(self.schema.get_type(definition.type_condition.name.value))
            keys = self._keys[name] = {}
            measure = self._set(definition.selection_set, condition, keys, nesting)
            measure.directives += len(definition.directives or ())
            self._measured[name] = measure
            self._open.discard(name)
        return self._measured[name]

    def _set(
        self, selections: SelectionSetNode | None, parent: ComposedType | None, keys: Keys, nesting: int
    ) -> Measure:
        if nesting > NESTING:
            _hold("nested selections", nesting, NESTING)
        total = Measure()
        for selection in selections.selections if selections is not None else ():
            self.visited += 1
            total.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                total.add(self._field(selection, parent, keys, nesting))
                continue
            total.fragments += 1
            # The response keys of a fragment compete with those around it: one set of keys.
            if isinstance(selection, FragmentSpreadNode):
                total.add(self.fragment(selection.name.value, nesting + 1))
                if total.aliases <= ALIASES:
                    total.aliases += _repeated(keys, self._keys.get(selection.name.value, {}))
            elif isinstance(selection, InlineFragmentNode):
                named = selection.type_condition
                inner = parent if named is None else _composed(self.schema.get_type(named.name.value))
                total.add(self._set(selection.selection_set, inner, keys, nesting + 1))
        return total

    def _field(self, node: FieldNode, parent: ComposedType | None, keys: Keys, nesting: int) -> Measure:
        name = node.name.value
        key = node.alias.value if node.alias else name
        definition = parent.fields.get(name) if parent is not None else None
        returned = _composed(get_named_type(definition.type)) if definition is not None else None
        below: Keys = {}
        inner = self._set(node.selection_set, returned, below, nesting + 1)
        repeated = _enter(keys, key, below)
        sizes = directive_of(definition, ListSize)
        cost = directive_of(definition, Cost)
        item = inner.fixed + inner.per_row * self._rows(node, sizes) + (0 if returned is None else 1)
        measure = Measure(
            depth=inner.depth + 1,
            fields=1,
            aliases=inner.aliases + (max(repeated, 1) if node.alias else repeated),
            fragments=inner.fragments,
            directives=inner.directives,
            introspects=name in ("__schema", "__type"),
            reads=not name.startswith("__"),
        )
        if parent is not None and (parent.name, name) in self.sized:
            measure.per_row = item
        else:
            length = (sizes.assumed_size if sizes is not None else None) or 1
            measure.fixed = item * length + (cost.weight if cost is not None else 0)
        return measure

    def _rows(self, node: FieldNode, sizes: ListSize | None) -> int:
        """The value of a slicing argument; what cannot be read counts as the largest page. 0: there is none."""
        slicing = (sizes.slicing_arguments if sizes is not None else None) or ()
        given = [self._length(each.value) for each in node.arguments or () if each.name.value in slicing]
        return max((length for length in given if length is not None), default=MAX_ROWS if slicing else 0)

    def _length(self, value: Any) -> int | None:
        if isinstance(value, VariableNode):
            name = value.name.value
            length = self.variables[name] if name in self.variables else self._defaults.get(name)
        else:
            length = _literal(value)
        if length is None:  # null is the same as not given
            return None
        return min(max(length, 0), MAX_ROWS) if type(length) is int else MAX_ROWS


def _hold(what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise Refused(problem(Code.OPERATION_TOO_LARGE, actual=actual, what=what, limit=limit))


def _repeated(keys: Keys, spread: Keys, room: int = ALIASES) -> int:
    """Enter a fragment's keys into those around it; how many were there already, as far as `room`.

    Not `__typename`, which client libraries put into every set: that there are FRAGMENTS at most is enough for it.
    """
    found = 0
    for key, below in spread.items():
        if key != "__typename":
            found += _enter(keys, key, below, room - found)
        if found > room:
            break
    return found


def _enter(keys: Keys, key: str, below: Keys, room: int = ALIASES) -> int:
    """Enter one key with those below it; how many were there already, as far as `room`: no further down either."""
    if key not in keys:
        keys[key] = below
        return 0
    if room <= 0:
        return 1
    keys[key] = dict(keys[key])
    return 1 + _repeated(keys[key], below, room - 1)


def _sized_fields(schema: GraphQLSchema) -> list[tuple[str, str]]:
    """Type and field of every list whose length a slicing argument of the field around it says."""
    found = []
    for parent in schema.type_map.values():
        for definition in parent.fields.values() if isinstance(parent, GraphQLObjectType) else ():
            sizes = directive_of(definition, ListSize)
            found += [(get_named_type(definition.type).name, name) for name in (sizes and sizes.sized_fields) or ()]
    return found


def _composed(named: Any) -> ComposedType | None:
    return named if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) else None


def _literal(value: Any) -> int | None:
    if not isinstance(value, IntValueNode):
        return None
    # A longer literal is no 32-bit integer: validation says so.
    return int(value.value) if len(value.value) <= 10 else MAX_ROWS

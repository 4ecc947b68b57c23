"""What introspection may ask: what the standard introspection query asks, or a part of it, once.

Introspection's lists nest in each other (types, their fields, the types of those), and it is answered on the event
loop, so that depth and number alone bound nothing: a document of 1 kB can ask for megabytes. Tools all send one query,
that of graphql-js (GraphiQL, code generators), with or without its options. It is the measure: whatever can be laid
over it costs at most what it costs. Aliases are the way to ask twice, hence there are none; a field that is repeated
without one is executed once (GraphQL specification 6.3.2).
"""

from collections.abc import Mapping
from typing import Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
)

from madoguchi.doors.api.errors import Code, Refused, problem

Shape = dict[str, "Shape"]
"""Field -> what may be asked below it. Whatever is spread in several places is one object."""

Fragments = Mapping[str, FragmentDefinitionNode]

COST: Final = 1_200
"""Of an operation that introspects: a tenth of the largest operation, as the time it takes is."""


def hold(operation: OperationDefinitionNode, fragments: Fragments) -> None:
    """Raises Refused with the place of the first selection that goes beyond the standard query.

    Fragments must be known not to be cyclic. Each is laid over each part of the standard query once at most.
    """
    _Overlay(fragments).lay(operation.selection_set, _ALLOWED)


class _Overlay:
    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._laid: set[tuple[str, int]] = set()

    def lay(self, selections: SelectionSetNode | None, shape: Shape) -> None:
        for selection in selections.selections if selections is not None else ():
            if isinstance(selection, FieldNode):
                self._field(selection, shape)
            elif isinstance(selection, InlineFragmentNode):
                self.lay(selection.selection_set, shape)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in self._fragments and (name, id(shape)) not in self._laid:
                    self._laid.add((name, id(shape)))
                    self.lay(self._fragments[name].selection_set, shape)

    def _field(self, node: FieldNode, shape: Shape) -> None:
        name = node.name.value
        if name == "__typename" and node.alias is None:
            return
        if name not in shape or (node.alias is not None and node.alias.value != name):
            start = node.loc and node.loc.start_token
            raise Refused(problem(Code.INTROSPECTION_TOO_LARGE).at(((start.line, start.column),) if start else ()))
        self.lay(node.selection_set, shape[name])


def _shape(selections: SelectionSetNode | None, fragments: Fragments, known: dict[str, Shape]) -> Shape:
    found: Shape = {}
    for selection in selections.selections if selections is not None else ():
        if isinstance(selection, FieldNode):
            found[selection.name.value] = _shape(selection.selection_set, fragments, known)
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in known:
                known[name] = _shape(fragments[name].selection_set, fragments, known)
            found |= known[name]
    return found


def _allowed() -> Shape:
    every_option = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        experimental_directive_deprecation=True,
        one_of=True,
    )
    parts = parse(every_option).definitions
    fragments = {each.name.value: each for each in parts if isinstance(each, FragmentDefinitionNode)}
    (operation,) = (each for each in parts if isinstance(each, OperationDefinitionNode))
    shape = _shape(operation.selection_set, fragments, {})
    return shape | {"__type": shape["__schema"]["types"]}


_ALLOWED: Final = _allowed()

"""From the text of a document to one operation that may be planned: parsed, bounded, validated, variables coerced.

Parsed and validated documents are remembered by text and operation name: what is remembered is the shape of a question,
never a decision. Bounds are checked before validation, whose worst case they tame (security.md 3). Messages carry no
suggestions. Source: GraphQL specification sections 5 and 6.1.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.validation import MaxIntrospectionDepthRule

from madoguchi.doors.api.errors import Code, Problem, Refused, problem
from madoguchi.doors.api.limits import TOKENS, Limits

REMEMBERED: Final = 100
LONGEST_REMEMBERED: Final = 8 * 1024  # characters; with the limit of tokens it bounds what is held
SHOWN_ERRORS: Final = 5
LONGEST_WHY: Final = 300
"""Characters of a found fault that are told: a value that was sent may be as long as the body."""
RULES: Final = (*specified_rules, MaxIntrospectionDepthRule)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, ready to be planned. `sent` are the variables as sent, `values` as coerced."""

    text: str
    document: DocumentNode
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    sent: Mapping[str, Any]
    values: VariableValues
    cost: int

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    @property
    def digest(self) -> str:
        """SHA-256 of the document's text: what the access record names it by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Operations:
    """Prepares operations for one schema. Holds the documents that were found valid, the last used ones."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.limits = Limits(schema)
        self._valid: OrderedDict[tuple[str, str | None], tuple[DocumentNode, OperationDefinitionNode]] = OrderedDict()

    def prepare(self, text: str, name: str | None, variables: Mapping[str, Any]) -> Operation:
        """The operation `name` of `text`, or its only one for None. Raises Refused with all that is wrong."""
        known = self._valid.get((text, name))
        if known is not None:
            self._valid.move_to_end((text, name))
            document, node = known
            cost = self.limits.cost(document, node, variables)
        else:
            document = _parsed(text)
            node = _chosen(document, name)
            cost = self.limits.cost(document, node, variables)
            self._validate(document, node)
            self._remember(text, name, document, node)
        values = get_variable_values(
            self.schema, node.variable_definitions or (), dict(variables), SHOWN_ERRORS, hide_suggestions=True
        )
        if not isinstance(values, VariableValues):
            raise Refused(*(_told(Code.VARIABLES_INVALID, error) for error in values))
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        return Operation(text, document, node, fragments, variables, values, cost)

    def _remember(self, text: str, name: str | None, document: DocumentNode, node: OperationDefinitionNode) -> None:
        if len(text) > LONGEST_REMEMBERED:
            return
        self._valid[text, name] = document, node
        if len(self._valid) > REMEMBERED:
            self._valid.popitem(last=False)

    def _validate(self, document: DocumentNode, node: OperationDefinitionNode) -> None:
        if self.schema.get_root_type(node.operation) is None:
            raise Refused(problem(Code.VALIDATION_FAILED, why=f"There is no {node.operation.value} in this schema."))
        errors = validate(self.schema, document, RULES, max_errors=SHOWN_ERRORS, hide_suggestions=True)
        if errors:
            raise Refused(*(_told(Code.VALIDATION_FAILED, error) for error in errors))


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, no_location=False, max_lexical_tokens=TOKENS)
    except GraphQLSyntaxError as error:
        if f"more than {TOKENS} tokens" in error.message:
            too_many = problem(Code.OPERATION_TOO_LARGE, actual=f"more than {TOKENS}", what="tokens", limit=TOKENS)
            raise Refused(too_many) from None
        raise Refused(_told(Code.SYNTAX_ERROR, error)) from None


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    named = [each for each in operations if name is not None and each.name is not None and each.name.value == name]
    if len(named) != 1:
        raise Refused(problem(Code.OPERATION_NAME_REQUIRED))
    return named[0]


def _told(code: Code, error: GraphQLError) -> Problem:
    """What the library found, in at most LONGEST_WHY characters, without the words of an exception of Python's own."""
    why = error.message
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        why = why.replace(f" but encountered error '{error.original_error}';", "")
    if len(why) > LONGEST_WHY:
        why = why[: LONGEST_WHY - 1] + "…"
    places = tuple((place.line, place.column) for place in error.locations or ())
    return problem(code, why=why).at(places)

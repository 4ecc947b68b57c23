"""Running a planned operation: Strawberry's executor over values that are there already, and its errors told safely.

The executor parses nothing, validates nothing, fetches nothing and decides nothing. A refusal is a value: it comes out
of a resolver as `Refused` and is told with code and clause. Anything else is a bug: logged with the request's id,
answered as INTERNAL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from graphql import FieldNode, GraphQLError
from strawberry.extensions import SchemaExtension

from madoguchi.doors.api.errors import Code, Problem, Refused, problem
from madoguchi.doors.api.operation import Operation
from madoguchi.doors.api.schema import Root, Schema
from madoguchi.doors.http import place_of

LOGGED_FAILURES: Final = 3
"""Failed fields of one request that are logged each with its place; a list may have thousands that fail alike."""

_log = structlog.get_logger("madoguchi.api")


class AlreadyPrepared(SchemaExtension):
    """Hands the executor the document that operation.py parsed, bounded and validated."""

    def on_parse(self) -> Iterator[None]:
        operation: Operation = self.execution_context.context
        self.execution_context.graphql_document = operation.document
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield


@dataclass(frozen=True, slots=True)
class Executed:
    """Data and errors: each problem with its response path."""

    data: dict[str, Any] | None
    problems: tuple[tuple[Problem, tuple[str | int, ...]], ...]


async def execute(schema: Schema, operation: Operation, root: Root, request_id: str) -> Executed:
    """Hand out the prepared values in the shape of the operation."""
    result = await schema.execute(
        operation.text,
        variable_values=dict(operation.sent),
        context_value=operation,
        root_value=root,
        operation_name=operation.node.name.value if operation.node.name else None,
    )
    errors = result.errors or ()
    failures = [error for error in errors if not isinstance(error.original_error, Refused)]
    for error in failures[:LOGGED_FAILURES]:
        _log_failure(error, request_id)
    if len(failures) > LOGGED_FAILURES:
        _log.error("more fields failed", request_id=request_id, failed=len(failures))
    return Executed(result.data, tuple((_problem(error), tuple(error.path or ())) for error in errors))


def _problem(error: GraphQLError) -> Problem:
    cause = error.original_error
    return cause.problem if isinstance(cause, Refused) else problem(Code.INTERNAL)


def _log_failure(error: GraphQLError, request_id: str) -> None:
    # The field's name in the schema: its path holds aliases, which are the sender's own words.
    node = error.nodes[0] if error.nodes else None
    field = node.name.value if isinstance(node, FieldNode) else None
    _log.error("a field failed", request_id=request_id, field=field, **place_of(error.original_error or error))

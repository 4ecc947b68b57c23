"""The schema of /graphql, and its executor without any freedom of its own: values were fetched, decisions were made.

`schema.graphql` is printed from here and compared by a test. Validation is ours (operation.py), so that it can be
bounded first and cached by text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from madoguchi.doors.api.changes_types import TransactionChanges
from madoguchi.doors.api.guards import ListSize, discloses, keyed, prepared
from madoguchi.doors.api.limits import COST
from madoguchi.doors.api.service_types import Registration, RegistrationEnd, Service
from madoguchi.doors.api.types import Account, Node, Transaction, argument
from madoguchi.doors.api.words import SCALARS, AccountType
from madoguchi.rules.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Root:
    """The root value of an execution: what was prepared for each response key."""

    prepared: Mapping[str, Any]


@strawberry.type(
    description="What can be read. Data answers inside the service hours only (clause 2-1). One operation costs at "
    f"most {COST}. `extensions.cost` of an answer has `requested`, the operation's cost, and `limit`, `remaining` and "
    "`resetAt`, this registration's budget of the minute (利用量の上限), of attended calls (with "
    "`x-fapi-customer-ip-address`) or of the others. Over a quota the answer is 429 with `Retry-After`."
)
class Query:
    @keyed("The service itself: hours, stops, terms. Answers at any hour.")
    def service(self, info: strawberry.Info) -> Service:
        return prepared(self, info)  # type: ignore[no-any-return]

    @keyed("What this token may do. Answers at any hour.")
    def registration(self, info: strawberry.Info) -> Registration | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.ACCOUNTS,
        description="The accounts the customer chose to share (連携口座), in the order of branch, kind and number.",
        clause="2-2",
        sizes=ListSize(assumed_size=10),
    )
    def accounts(
        self,
        info: strawberry.Info,
        types: Annotated[list[AccountType] | None, argument("Only these kinds of deposit.")] = strawberry.UNSET,
    ) -> list[Account] | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(Scope.ACCOUNTS, description="One account (口座) by its id.", clause="2-2")
    def account(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, argument("Id of an account.")]
    ) -> Account | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(Scope.ACCOUNTS, description="An account or a row of history by its id.", clause="2-2")
    def node(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, argument("Id of an account or a row.")]
    ) -> Node | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.ACCOUNTS,
        Scope.TRANSACTIONS,
        description="What is new in an account's history (明細の差分) since an earlier answer, for who keeps a copy "
        "of it: see `TransactionChanges`. Begin without `after`, which gives the whole data window of clause 2-4, and "
        "keep `cursor`. Begin again like that, after forgetting the account's rows, when told CURSOR_EXPIRED: by a "
        "cursor older than the window, and after the window was widened into the past.",
        clause="2-1-2",
        weight=10,
        sizes=ListSize(slicing_arguments=["first"], sized_fields=["added", "corrected", "removed"]),
    )
    def changes(
        self,
        info: strawberry.Info,
        account: Annotated[strawberry.ID, argument("Id of an account.")],
        first: Annotated[int, argument("Rows at most, 1 to 500, in all three lists together.")],
        after: Annotated[str | None, argument("`cursor` of the answer to go on from.")] = strawberry.UNSET,
    ) -> TransactionChanges | None:
        return prepared(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="What can be done.")
class Mutation:
    @keyed(
        "End the registration that this token belongs to (clause 5-1), as revoking the refresh token does (RFC 7009). "
        "Answers at any hour."
    )
    def end_registration(self, info: strawberry.Info) -> RegistrationEnd:
        return prepared(self, info)  # type: ignore[no-any-return]


class Schema(strawberry.Schema):
    """Strawberry's schema, silent: refusals are values, and what is a bug the endpoint logs with the request's id."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        pass

    def _extend_introspection(self) -> None:
        """graphql-core's own `isOneOf` stays. Strawberry's puts one into its place that fails for wrapped types."""

    @property
    def core(self) -> GraphQLSchema:
        """graphql-core's schema, for parsing, validation and the plan."""
        return self._schema


def build_schema() -> Schema:
    """The schema. Built once by the composition root's routes and by the command that prints it."""
    return Schema(
        query=Query,
        mutation=Mutation,
        types=[Transaction],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )


def printed_schema() -> str:
    """The text of `schema.graphql`."""
    return build_schema().as_str() + "\n"


def introspected_schema() -> dict[str, Any]:
    """The answer to the introspection query, as tools read it that make types of a schema: `{"__schema": {...}}`."""
    return build_schema().introspect()

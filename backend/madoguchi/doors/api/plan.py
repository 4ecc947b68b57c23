"""The plan: what was asked, times what is permitted, decided before anything of the ledger is read.

Selections are merged as the executor will merge them (aliases, fragments, `@include`, `@skip`, the concrete type behind
`node`), so that every response key has its own decision: what to fetch for it, or the problem to answer with.
Guards come from the schema's directives (guards.py), permission from `rules.access`. Pure.
Source: graphql.md "Field authorization"; architecture.md, known traps: two aliases of one field are two fetches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution.values import get_argument_values, get_directive_values

from madoguchi.doors.api import feeds
from madoguchi.doors.api.changes import asked_changes
from madoguchi.doors.api.errors import Code, Problem, problem, refusal_problem
from madoguchi.doors.api.guards import Guard, directives_of, guard_of, scopes_of
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.operation import Operation
from madoguchi.doors.api.paging import Asked, asked_page
from madoguchi.procedures.ledger_reading import ChangesOf, PageOf
from madoguchi.procedures.reading import Admission
from madoguchi.rules.access import AccountAccess
from madoguchi.rules.vocabulary import Scope

NO_ROW = 0
"""The key that is looked for when an id names nothing: the same statement, and never a row."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One response key and what was decided for it.

    path      names of the fields from the root, for the access record.
    problem   what it is answered with instead of a value.
    guarded   declared with a guard of its own: under an account it is withheld with the account.
    accounts  under `accounts`, `account` and `node`: the accounts it shows, perhaps none; None for every other field.
    holders   under an account: the accounts whose value may be fetched (none of their own refusals).
    pages     for `transactions`: the page of each holder, or why it has none.
    row       for `node`: the row it may name; NO_ROW when it names nothing.
    changes   for `changes`: what of which account is asked for.
    """

    key: str
    name: str
    path: tuple[str, ...]
    problem: Problem | None = None
    guarded: bool = False
    children: Mapping[str, "Ask"] = field(default_factory=dict)
    accounts: tuple[AccountAccess, ...] | None = None
    holders: tuple[int, ...] = ()
    page: Asked | None = None
    pages: Mapping[int, PageOf | Problem] = field(default_factory=dict)
    row: int | None = None
    changes: ChangesOf | None = None

    def walk(self) -> Iterator["Ask"]:
        """This and everything below it that is answered."""
        yield self
        for child in self.children.values():
            yield from child.walk()


class Planner:
    """Plans one operation for one admission."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, admission: Admission, ids: Ids) -> None:
        self.schema = schema
        self.operation = operation
        self.admission = admission
        self.access = admission.access
        self.ids = ids

    def plan(self) -> Mapping[str, Ask]:
        """The plan by root response key."""
        root = self.schema.get_root_type(self.operation.node.operation)
        return self._below(root, [self.operation.node.selection_set], (), ())

    def _asks(
        self,
        parent: GraphQLObjectType,
        selections: Sequence[SelectionSetNode],
        path: tuple[str, ...],
        accounts: tuple[AccountAccess, ...],
    ) -> dict[str, Ask]:
        merged: dict[str, list[FieldNode]] = {}
        for each in selections:
            self._merge(each, parent, merged, set())
        return {
            key: self._ask(parent, key, nodes, path, accounts)
            for key, nodes in merged.items()
            if not nodes[0].name.value.startswith("__")  # the executor's own
        }

    def _ask(
        self,
        parent: GraphQLObjectType,
        key: str,
        nodes: list[FieldNode],
        path: tuple[str, ...],
        accounts: tuple[AccountAccess, ...],
    ) -> Ask:
        name = nodes[0].name.value
        definition = parent.fields[name]
        path = (*path, name)
        guarded = bool(scopes_of(directives_of(definition)))
        named = get_named_type(definition.type)
        withheld = self._withheld(guard_of(parent, definition)) or feeds.withheld(self.admission, named.name)
        if withheld is not None:
            return Ask(key, name, path, withheld, guarded)
        arguments = get_argument_values(definition, nodes[0], self.operation.values, hide_suggestions=True)
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        if named.name == "Node":
            return self._node_ask(key, path, str(arguments["id"]), below)
        if named.name == "TransactionChanges":
            return self._changes_ask(key, path, arguments, self._below(named, below, path, ()))
        if named.name == "Account":
            shown = self._accounts(name, arguments)
            if isinstance(shown, Problem):
                return Ask(key, name, path, shown)
            return Ask(key, name, path, children=self._below(named, below, path, shown), accounts=shown)
        holders = tuple(account.account_id for account in accounts if not account.refusals)
        children = self._below(named, below, path, ())
        if name != "transactions":
            return Ask(key, name, path, guarded=guarded, children=children, holders=holders)
        page = asked_page(arguments, self.access.window)
        if isinstance(page, Problem):
            return Ask(key, name, path, page, guarded)
        pages = {account_id: page.page_of(account_id, self.ids) for account_id in holders}
        return Ask(key, name, path, None, guarded, children, holders=holders, page=page, pages=pages)

    def _below(
        self, named: Any, below: list[SelectionSetNode], path: tuple[str, ...], accounts: tuple[AccountAccess, ...]
    ) -> dict[str, Ask]:
        return self._asks(named, below, path, accounts) if isinstance(named, GraphQLObjectType) else {}

    def _node_ask(self, key: str, path: tuple[str, ...], text: str, below: list[SelectionSetNode]) -> Ask:
        """`node`: an account of this registration, else perhaps a row of one; which, only the ledger can tell."""
        opened = self.ids.open(text, (Kind.ACCOUNT, Kind.TRANSACTION))
        kind, number = opened if opened is not None else (Kind.TRANSACTION, NO_ROW)
        shown = tuple(each for each in self.access.accounts if kind is Kind.ACCOUNT and each.account_id == number)
        if shown:
            children = self._below(self.schema.get_type("Account"), below, path, shown)
            return Ask(key, path[-1], path, children=children, accounts=shown)
        # Whatever else the id is, it is treated as a row's: the same refusal, or the same statement.
        withheld = self._withheld(Guard(frozenset({Scope.TRANSACTIONS})))
        if withheld is not None:
            return Ask(key, path[-1], path, withheld)
        children = self._below(self.schema.get_type("Transaction"), below, path, ())
        return Ask(key, path[-1], path, children=children, row=number if kind is Kind.TRANSACTION else NO_ROW)

    def _changes_ask(
        self, key: str, path: tuple[str, ...], arguments: Mapping[str, Any], children: dict[str, Ask]
    ) -> Ask:
        """`changes`: of one account, which is withheld as its history is."""
        shown = self._account(str(arguments["account"]))
        if isinstance(shown, Problem):
            return Ask(key, path[-1], path, shown)
        if shown.refusals:
            return Ask(key, path[-1], path, refusal_problem(shown.refusals[0]))
        asked = asked_changes(arguments, shown.account_id, self.access.window, self.ids)
        if isinstance(asked, Problem):
            return Ask(key, path[-1], path, asked)
        return Ask(key, path[-1], path, children=children, changes=asked)

    def _accounts(self, name: str, arguments: Mapping[str, Any]) -> tuple[AccountAccess, ...] | Problem:
        if name == "account":
            shown = self._account(str(arguments["id"]))
            return shown if isinstance(shown, Problem) else (shown,)
        kinds = {each.account_id: each.kind.value for each in self.admission.registration.accounts}
        wanted = arguments.get("types")
        codes = None if wanted is None else {each.value for each in wanted}
        return tuple(each for each in self.access.accounts if codes is None or kinds[each.account_id] in codes)

    def _account(self, text: str) -> AccountAccess | Problem:
        opened = self.ids.open(text, (Kind.ACCOUNT,))
        number = opened[1] if opened is not None else None
        return next((each for each in self.access.accounts if each.account_id == number), problem(Code.UNKNOWN_ID))

    def _withheld(self, guard: Guard) -> Problem | None:
        """The first refusal that stands against a guard: of the whole request, of a function, of an item."""
        if not guard.scopes:
            return None
        refusals = list(self.access.refusals)
        for scope in Scope:
            refusals += self.access.function_refusals(scope) if scope in guard.scopes else ()
        refusals += self.access.identifier_refusals(guard.item) if guard.item is not None else ()
        return refusal_problem(refusals[0]) if refusals else None

    def _merge(
        self,
        selections: SelectionSetNode,
        parent: GraphQLObjectType,
        merged: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        """Collect the fields of a selection set for a concrete type (GraphQL specification 6.3.2)."""
        for selection in selections.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                merged.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self._applies(condition.name.value, parent):
                    self._merge(selection.selection_set, parent, merged, spread)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
                spread.add(selection.name.value)
                fragment = self.operation.fragments[selection.name.value]
                if self._applies(fragment.type_condition.name.value, parent):
                    self._merge(fragment.selection_set, parent, merged, spread)

    def _included(self, selection: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, selection, self.operation.values)
        include = get_directive_values(GraphQLIncludeDirective, selection, self.operation.values)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        named = self.schema.get_type(condition)
        return named is parent or (isinstance(named, GraphQLInterfaceType) and self.schema.is_sub_type(named, parent))

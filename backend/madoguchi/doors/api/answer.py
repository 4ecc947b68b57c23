"""From the plan and the fetched rows to the values the executor hands out, and to what the access record says of them.

Every value is made here, before the executor runs; every response key gets its value or its problem. Nothing is
decided any more, but for what only the rows can tell: that an id names nothing, that a value was not received yet.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from madoguchi.doors.api import feeds, rows, service_answer
from madoguchi.doors.api.errors import Code, Problem, problem, refusal_problem
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.plan import Ask
from madoguchi.doors.api.schema import Root
from madoguchi.doors.api.service_types import RegistrationEnd
from madoguchi.doors.api.types import Account, Balance, Branch, Institution
from madoguchi.doors.api.words import AccountType, FeedSource, Yen
from madoguchi.procedures.ledger_reading import AccountRow, ChangesOf, Ledger
from madoguchi.procedures.reading import Admission
from madoguchi.rules.access import AccountAccess
from madoguchi.rules.vocabulary import JST


class Answer:
    """The answer to one plan. After `root`, `answered` and `as_of` tell the access record which fields left.

    An account is named there by its internal key: `accounts[12].balance.current`.
    """

    def __init__(self, admission: Admission, ledger: Ledger, ids: Ids, at: datetime) -> None:
        self.admission = admission
        self.ledger = ledger
        self.at = at
        self.answered: set[str] = set()
        self.as_of: dict[str, str] = {}
        self.rows = rows.Rows(admission, ledger, ids)
        ordered = sorted(ledger.accounts.values(), key=lambda row: (row.branch_code, row.kind, row.number))
        sealed = ids.seal(Kind.ACCOUNT, [row.account_id for row in ordered])
        self.accounts: dict[int, tuple[AccountRow, str]] = {
            row.account_id: (row, text) for row, text in zip(ordered, sealed, strict=True)
        }

    def root(self, plan: Mapping[str, Ask]) -> Root:
        """The root value of the execution."""
        return Root({key: self._root_value(ask) for key, ask in plan.items()})

    def _root_value(self, ask: Ask) -> Any:
        if ask.problem is not None:
            return ask.problem
        name = ".".join(ask.path)
        if ask.name == "accounts":
            return self._shown(ask)
        if ask.accounts is not None:
            return self._shown(ask)[0]
        if ask.row is not None:
            return self._single_row(ask, name)
        if ask.changes is not None:
            return self._changes(ask, ask.changes, name)
        self._note(ask, name)
        if ask.name == "service":
            return service_answer.service(self.admission, self._institution, self.at)
        if ask.name == "registration":
            accounts = {key: child.problem or self._shown(child) for key, child in _named(ask, "accounts").items()}
            return service_answer.registration(self.admission, accounts, self.at)
        if ask.name == "endRegistration":
            return RegistrationEnd(ended_at=self.at)
        raise LookupError(f"no answer is written for {name}")

    def _single_row(self, ask: Ask, name: str) -> Any:
        row = self.ledger.rows.get(ask.row or 0)
        refusals = {each.account_id: each.refusals for each in self.admission.access.accounts}
        if row is None or row.account_id not in refusals:
            return problem(Code.UNKNOWN_ID)
        if refusals[row.account_id]:
            return refusal_problem(refusals[row.account_id][0])
        withheld = feeds.withheld(self.admission, "Transaction")
        if withheld is not None:
            return withheld
        self._note(ask, f"{name}[{row.account_id}]")
        return self.rows.transaction(row, ask.children)

    def _changes(self, ask: Ask, asked: ChangesOf, name: str) -> Any:
        page, history = self.ledger.changes[asked], self.ledger.histories.get(asked.account_id)
        if page is None:
            return problem(Code.CURSOR_EXPIRED)
        if history is None:
            return problem(Code.NOT_YET_RECEIVED)
        name = f"{name}[{asked.account_id}]"
        self._note(ask, name)
        self._as_of(name, history.moment.as_of)
        return self.rows.changes(ask, asked, page, history)

    def _shown(self, ask: Ask) -> list[Account]:
        accesses = {each.account_id: each for each in ask.accounts or ()}
        return [self._account(ask, accesses[account_id]) for account_id in self.accounts if account_id in accesses]

    def _account(self, ask: Ask, access: AccountAccess) -> Account:
        row, text = self.accounts[access.account_id]
        name = f"{'.'.join(ask.path)}[{row.account_id}]"
        prepared = {}
        for key, child in ask.children.items():
            withheld = refusal_problem(access.refusals[0]) if child.guarded and access.refusals else None
            outcome = child.problem or withheld or self._account_value(child, row, name)
            prepared[key] = outcome
            if not isinstance(outcome, Problem):
                self._note(child, f"{name}.{child.name}")
        return Account(
            id=strawberry.ID(text),
            prepared=prepared,
            institution=self._institution,
            branch=Branch(code=row.branch_code, name=row.branch_name, name_kana=row.branch_kana),
            type=AccountType(row.kind),
        )

    def _account_value(self, child: Ask, row: AccountRow, name: str) -> Any:
        """The value of one field of an account; None for a plain attribute, which is never looked up by key."""
        if child.name == "number":
            return row.number
        if child.name == "holderKana":
            return row.holder_kana
        if child.name == "balance":
            return self._balance(row.account_id, name)
        if child.name == "transactions":
            return self._transactions(child, row.account_id, name)
        return None

    def _balance(self, account_id: int, name: str) -> Balance | Problem:
        row = self.ledger.balances.get(account_id)
        if row is None:
            return problem(Code.NOT_YET_RECEIVED)
        self._as_of(f"{name}.balance", row.moment.as_of)
        return Balance(
            current=Yen(row.current),
            available=_yen(row.available),
            previous_day=_yen(row.previous_day),
            uncleared=_yen(row.uncleared),
            freshness=feeds.freshness(self.admission, row.moment, FeedSource.BALANCE_NOTICE),
        )

    def _transactions(self, child: Ask, account_id: int, name: str) -> Any:
        page = child.pages[account_id]
        history = self.ledger.histories.get(account_id)
        if isinstance(page, Problem) or child.page is None:
            return page
        if history is None:
            return problem(Code.NOT_YET_RECEIVED)
        self._as_of(f"{name}.transactions", history.moment.as_of)
        return self.rows.connection(child, child.page, page, history)

    @property
    def _institution(self) -> Institution:
        row = self.ledger.institution
        # Where nobody asked for it nothing was fetched, and nothing of this is handed out.
        return Institution(
            bank_code=row.bank_code if row else "",
            name=row.name if row else "",
            name_kana=row.name_kana if row else "",
        )

    def _note(self, ask: Ask, name: str) -> None:
        """Tell the record which fields below `ask` are answered; accounts below it tell theirs themselves."""
        if not ask.children:
            self.answered.add(name)
        for child in ask.children.values():
            if child.problem is None and child.accounts is None:
                self._note(child, f"{name}.{child.name}")

    def _as_of(self, name: str, moment: datetime) -> None:
        self.as_of[name] = moment.astimezone(JST).isoformat(timespec="seconds")


def asked(plan: Mapping[str, Ask]) -> tuple[str, ...]:
    """The fields asked for, as far as they were looked at: a refused field stands for all below it."""
    leaves = (ask for root in plan.values() for ask in root.walk() if not ask.children)
    return tuple(sorted({".".join(ask.path) for ask in leaves}))


def _named(ask: Ask, name: str) -> dict[str, Ask]:
    return {key: child for key, child in ask.children.items() if child.name == name}


def _yen(amount: int | None) -> Yen | None:
    return None if amount is None else Yen(amount)

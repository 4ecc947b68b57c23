"""Lines of the full file brought into the books, some hundred contracts in a few statements (全件照合).

Customers, contracts, branches and accounts that are not known are added, those that differ are changed; each change is
an act and a sentence of the report. A contract that began anew since what is known of it was cancelled in between: its
registrations end (5-2). What is not in the file is status_feed/reconciling.py's subject.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import tuple_
from sqlmodel import Session, SQLModel, col, select

from madoguchi.procedures.feeds.accounts import account_now, renumber
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed.full_file import FullAccount, FullBegin, FullContract, PlacedContract
from madoguchi.procedures.status_feed.reconciled import PRODUCTS, Changes, Reconciled
from madoguchi.procedures.status_feed.sequence import unfit
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import Account, Branch, Contract, Customer
from madoguchi.rules.batches import batches
from madoguchi.rules.vocabulary import AccountState, ContractState, Product

_KEYS_AT_ONCE: Final = 2000

IN_USE: Final = (AccountState.REGISTERED, AccountState.FROZEN)
"""Accounts that a registration can rest on (2-2): a frozen one may come back."""


@dataclass(slots=True)
class Bringing:
    """One full file on its way into the books, and what it did so far."""

    session: Session
    begin: FullBegin
    done: Reconciled
    actor: str
    at: datetime
    contracts: set[int] = field(default_factory=set)  # in the file, by their rows
    accounts: set[int] = field(default_factory=set)
    reopened: list[int] = field(default_factory=list)  # contracts that were cancelled and opened again unseen
    cancelled: int = 0  # contracts, those opened again included
    accounts_out: int = 0  # accounts that were in use under a contract that stays, and are no longer

    def contract_changed(self, contract_id: int, number: str, product: str, changes: Changes) -> None:
        """An act and a sentence."""
        whose = f"お客さま …{number[-4:]}、{PRODUCTS[Product(product)]}"
        self._changed("contract", contract_id, "5-2", f"契約 {contract_id}({whose})", changes)

    def account_changed(self, account_id: int, key: AccountKey, changes: Changes) -> None:
        """An act and a sentence."""
        self._changed("account", account_id, "2-2", f"口座 {account_id}({key})", changes)

    def customer_changed(self, customer_id: int, number: str, changes: Changes) -> None:
        """An act and a sentence."""
        self._changed("customer", customer_id, "1-2-1", f"お客さま …{number[-4:]}", changes)

    def _changed(self, what: str, row_id: int, clause: str, whose: str, changes: Changes) -> None:
        """The act names columns, and values of the state alone: names and addresses have no place in the trail."""
        detail: dict[str, Any] = {"sequence": self.begin.sequence, "changed": sorted(changes)}
        if "state" in changes:
            detail["before"], detail["after"] = changes["state"]
        self.done.tell(whose, changes)
        record_act(self.session, self.at, self.actor, f"{what}.reconciled", f"{what}:{row_id}", clause, **detail)


def bring(bringing: Bringing, some: Sequence[PlacedContract]) -> None:
    """Customers, contracts, branches and accounts of these lines. Raises Unfit for another customer's account."""
    customers = _customers(bringing, [one.contract for one in some])
    contracts = _contracts(bringing, some, customers)
    _branches(bringing.session, (account for one in some for account in one.contract.accounts))
    _accounts(bringing, some, customers, contracts)


def move_renumbered(bringing: Bringing, contracts: Iterable[PlacedContract]) -> None:
    """Give accounts that the file knows under a new number that number, before any line adds an account under it.

    Whoever's new number is still another's waits until that one has moved on.
    """
    waiting = [
        (placed.contract.customer_number, account)
        for placed in contracts
        for account in placed.contract.accounts
        if account.former_accounts
    ]
    keys = {key for _, told in waiting for key in (told.account.key, *(former.key for former in told.former_accounts))}
    taken = {key for some in batches(sorted(keys), _KEYS_AT_ONCE) for key in _known_accounts(bringing.session, some)}
    moved = True
    while moved:
        free = [one for one in waiting if one[1].account.key not in taken]
        # Two that both had a number: nobody knows which of them is the account that we know under it.
        claims = Counter(former.key for _, told in free for former in told.former_accounts)
        moves = [_move(bringing, number, told, claims, taken) for number, told in free]
        moved = any(moves)


def _move(
    bringing: Bringing,
    customer_number: str,
    told: FullAccount,
    claims: Mapping[AccountKey, int],
    taken: set[AccountKey],
) -> bool:
    """Whether the account was known under a former number; `taken` are the numbers that accounts have by then."""
    session = bringing.session
    for former in told.former_accounts:
        account = account_now(session, former.key) if claims[former.key] == 1 and former.key in taken else None
        if account is not None and session.get_one(Customer, account.customer_id).customer_number == customer_number:
            _branches(session, [told])
            renumber(session, account, told.account.key, bringing.begin.as_of)
            bringing.account_changed(account.account_id or 0, told.account.key, {"number": (None, None)})
            taken.remove(former.key)
            taken.add(told.account.key)
            return True
    return False


def _customers(bringing: Bringing, contracts: Iterable[FullContract]) -> dict[str, Customer]:
    """By number."""
    wanted: dict[str, dict[str, Any]] = {}
    for contract in contracts:
        columns = wanted.setdefault(contract.customer_number, {})
        columns |= {"name": contract.customer_name, "name_kana": contract.customer_kana}
        contact = {"mail_address": contract.mail_address, "phrase": contract.phrase}
        columns |= {name: value for name, value in contact.items() if value is not None}
    rows = {
        row.customer_number: row
        for row in bringing.session.exec(select(Customer).where(col(Customer.customer_number).in_(wanted)))
    }
    for number, columns in wanted.items():
        if number not in rows:
            rows[number] = Customer(customer_number=number, **columns)
            bringing.session.add(rows[number])
        elif changes := _changed_to(rows[number], columns):
            bringing.customer_changed(rows[number].customer_id or 0, number, changes)
    bringing.session.flush()
    return rows


def _contracts(
    bringing: Bringing, some: Sequence[PlacedContract], customers: Mapping[str, Customer]
) -> dict[int, Contract]:
    """By line."""
    session = bringing.session
    ids = [customer.customer_id for customer in customers.values()]
    known = {
        (row.customer_id, row.product): row
        for row in session.exec(select(Contract).where(col(Contract.customer_id).in_(ids)))
    }
    rows, new = {}, []
    for placed in some:
        told, customer = placed.contract, customers[placed.contract.customer_number]
        columns: dict[str, Any] = {"state": told.state, "state_since": told.since}
        row = known.get((customer.customer_id or 0, told.product))
        if row is None:
            row = Contract(customer_id=customer.customer_id or 0, product=told.product, **columns)
            session.add(row)
            new.append((row, told))
        elif changes := _contract_changes(bringing, row, told, columns):
            bringing.contract_changed(row.contract_id or 0, told.customer_number, told.product, changes)
        rows[placed.line] = row
    session.flush()
    for row, told in new:
        bringing.contract_changed(
            row.contract_id or 0, told.customer_number, told.product, {"state": (None, told.state)}
        )
    bringing.contracts.update(row.contract_id or 0 for row in rows.values())
    return rows


def _contract_changes(bringing: Bringing, row: Contract, told: FullContract, columns: dict[str, Any]) -> Changes:
    stood = row.state != ContractState.CANCELLED
    anew = stood and told.opened > row.state_since
    if anew:
        bringing.reopened.append(row.contract_id or 0)
    if stood and (anew or told.state is ContractState.CANCELLED):
        bringing.cancelled += 1
    return {**_changed_to(row, columns), **({"opened": (None, None)} if anew else {})}


def _branches(session: Session, accounts: Iterable[FullAccount]) -> None:
    wanted = {account.account.branch_code: account for account in accounts}
    known = set(session.exec(select(Branch.branch_code).where(col(Branch.branch_code).in_(wanted))))
    for code in sorted(set(wanted) - known):
        session.add(Branch(branch_code=code, name=wanted[code].branch_name, name_kana=wanted[code].branch_kana))
    session.flush()


def _accounts(
    bringing: Bringing,
    some: Sequence[PlacedContract],
    customers: Mapping[str, Customer],
    contracts: Mapping[int, Contract],
) -> None:
    session = bringing.session
    wanted = [(placed, account) for placed in some for account in placed.contract.accounts]
    known = _known_accounts(session, [account.account.key for _, account in wanted])
    new = []
    for placed, told in wanted:
        key, customer = told.account.key, customers[placed.contract.customer_number]
        columns: dict[str, Any] = {
            "contract_id": contracts[placed.line].contract_id or 0,
            "state": told.state,
            "holder_kana": told.holder_kana,
            "nickname": told.label or "",
            "product_code": told.product_code,
        }
        row = known.get(key)
        if row is None:
            row = Account(
                customer_id=customer.customer_id or 0,
                branch_code=key.branch_code,
                kind=key.kind_code,
                number=key.number,
                **columns,
            )
            session.add(row)
            new.append(row)
        elif row.customer_id != customer.customer_id:
            raise unfit(placed.line, "account", str(key), "このお客さまの口座")
        elif changes := _changed_to(row, columns):
            bringing.account_changed(row.account_id or 0, key, changes)
            bringing.accounts_out += _is_out(row, changes, contracts[placed.line])
        known[key] = row
    session.flush()
    for row in new:
        key = AccountKey(row.branch_code, row.kind, row.number)
        bringing.account_changed(row.account_id or 0, key, {"state": (None, row.state)})
    bringing.accounts.update(row.account_id or 0 for row in known.values())


def _is_out(row: Account, changes: Changes, contract: Contract) -> bool:
    """Whether the account has left its contract, or internet banking, where the contract did not end with it."""
    before, _ = changes.get("state", (row.state, row.state))
    moved = "contract_id" in changes
    stays = moved or contract.state != ContractState.CANCELLED
    return before in IN_USE and stays and (moved or row.state not in IN_USE)


def _known_accounts(session: Session, keys: Sequence[AccountKey]) -> dict[AccountKey, Account]:
    whole_key = tuple_(col(Account.branch_code), col(Account.kind), col(Account.number))
    rows = session.exec(select(Account).where(whole_key.in_(keys))) if keys else ()
    return {AccountKey(row.branch_code, row.kind, row.number): row for row in rows}


def _changed_to(row: SQLModel, columns: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Bring the row to these values; what differed, before and after."""
    changes = {name: (getattr(row, name), value) for name, value in columns.items() if getattr(row, name) != value}
    for name, (_, value) in changes.items():
        setattr(row, name, value)
    return changes

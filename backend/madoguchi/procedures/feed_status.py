"""The status feed acted on: contracts, registered accounts, and what their loss ends (1-2-1, 2-2, 5-2).

One file is one transaction: an event that cannot be acted on refuses the file, so that no later event acts without it.
Events known already are passed over; a gap in the sequence refuses the file and is the operator's alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from madoguchi.procedures import feed_events as events
from madoguchi.procedures.feed_values import Damage, FileRefused
from madoguchi.procedures.stopping import end_without_accounts, stop_registrations
from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import Account, Branch, Contract, Customer, StatusCursor
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState

_FEED = "status"


class Unfit(Exception):
    """An event that does not fit what is known: ends the file's transaction, which then takes nothing in."""

    def __init__(self, event: events.AnyEvent, item: str, found: str, expected: str) -> None:
        super().__init__(item)
        self.sequence = event.sequence
        self.item, self.found, self.expected = item, found, expected


@dataclass(frozen=True, slots=True)
class EventsApplied:
    """How many events acted, and how many were known from an earlier file."""

    applied: int
    known: int


def apply_events(
    session: Session, file_events: Sequence[events.StatusEvent], actor: str, at: datetime
) -> EventsApplied:
    """Act on the events that are new, in order. Raises Unfit, after which the transaction must be rolled back."""
    cursor = session.get(StatusCursor, _FEED, with_for_update=True)
    new = [event for event in file_events if cursor is None or event.sequence > cursor.sequence]
    if not new:
        return EventsApplied(0, len(file_events))
    if cursor is None:
        cursor = StatusCursor(feed=_FEED, sequence=new[0].sequence - 1)
    if new[0].sequence != cursor.sequence + 1:
        raise Unfit(new[0], "sequence", str(new[0].sequence), f"{cursor.sequence + 1}(間のイベントが届いていません)")
    for event in new:
        _act_on(session, event, actor, at)
        cursor.sequence = event.sequence
    session.add(cursor)
    return EventsApplied(len(new), len(file_events) - len(new))


def refusal_of(unfit: Unfit, file_events: Sequence[events.StatusEvent]) -> FileRefused:
    """The file's refusal with the line the event stands on."""
    line = 1 + unfit.sequence - file_events[0].sequence
    return FileRefused(Damage(line, 0, unfit.item, unfit.found, unfit.expected))


def _act_on(session: Session, event: events.StatusEvent, actor: str, at: datetime) -> None:
    match event:
        case events.ContractOpened():
            subject = _open(session, event)
        case events.ContractSuspended():
            subject = _set_contract(session, event, ContractState.SUSPENDED)
        case events.ContractResumed():
            subject = _set_contract(session, event, ContractState.LIVE)
        case events.ContractCancelled():
            subject = _set_contract(session, event, ContractState.CANCELLED)
            contract = _contract(session, event)
            stop_registrations(session, Cause.INTERNET_BANKING_CANCELLED, actor, at, contract_id=contract.contract_id)
        case events.AccountRegistered():
            subject = _register(session, event, actor, at)
        case events.AccountRemoved():
            subject = _take_away(session, event, AccountState.REMOVED, actor, at)
        case events.AccountClosed():
            subject = _take_away(session, event, AccountState.CLOSED, actor, at)
        case events.AccountFrozen():
            subject = _set_account(session, event, AccountState.FROZEN)
        case events.AccountRenumbered():
            subject = _renumber(session, event)
        case events.CustomerDeceased():
            subject = _pause_all(session, event)
        case events.ContactChanged():
            subject = _change_contact(session, event)
    session.flush()
    record_act(session, at, actor, event.kind, subject, _CLAUSE.get(event.kind, "1-2-1"), event_id=event.event_id)


_CLAUSE = {
    "account.registered": "2-2",
    "account.removed": "2-2",
    "account.closed": "2-2",
    "account.frozen": "2-2",
    "account.renumbered": "2-2",
    "contract.cancelled": "5-2",
    "contract.suspended": "7-3",
    "contract.resumed": "7-3",
}


def _customer(session: Session, event: events.AnyEvent) -> Customer:
    found = session.exec(select(Customer).where(Customer.customer_number == event.customer_number)).first()
    if found is None:
        raise Unfit(event, "customer_number", "知られていない番号", "contract.opened で届いたお客さま番号")
    return found


def _contract(session: Session, event: events.AnyContractEvent) -> Contract:
    customer = _customer(session, event)
    found = session.exec(
        select(Contract).where(Contract.customer_id == customer.customer_id, Contract.product == event.product)
    ).first()
    if found is None:
        raise Unfit(event, "product", event.product, "contract.opened で届いた契約")
    return found


def _open(session: Session, event: events.ContractOpened) -> str:
    """A new contract, or a cancelled one opened again; ended registrations stay ended."""
    customer = session.exec(select(Customer).where(Customer.customer_number == event.customer_number)).first()
    if customer is None:
        customer = Customer(
            customer_number=event.customer_number, name=event.customer_name, name_kana=event.customer_kana
        )
    customer.name, customer.name_kana = event.customer_name, event.customer_kana
    customer.phrase = event.phrase or customer.phrase
    customer.mail_address = event.mail_address or customer.mail_address
    session.add(customer)
    session.flush()
    contract = session.exec(
        select(Contract).where(Contract.customer_id == customer.customer_id, Contract.product == event.product)
    ).first()
    if contract is None:
        contract = Contract(customer_id=customer.customer_id or 0, product=event.product, state_since=event.time)
    elif contract.state == ContractState.CANCELLED:
        contract.state, contract.state_since = ContractState.LIVE, event.time
    session.add(contract)
    session.flush()
    return f"contract:{contract.contract_id}"


def _set_contract(session: Session, event: events.AnyContractEvent, state: ContractState) -> str:
    contract = _contract(session, event)
    if contract.state == ContractState.CANCELLED and state is not ContractState.CANCELLED:
        raise Unfit(event, "kind", event.kind, "contract.opened(解約済みの契約)")
    if contract.state != state:
        contract.state, contract.state_since = state, event.time
        session.add(contract)
    return f"contract:{contract.contract_id}"


def _account(session: Session, event: events.AnyEvent, account: events.EventAccount) -> Account | None:
    """The account with this key, when it is the customer's. Raises Unfit when it is another's."""
    found = session.exec(
        select(Account).where(
            Account.branch_code == account.branch_code,
            Account.kind == account.kind,
            Account.number == account.number,
        )
    ).first()
    if found is not None and found.customer_id != _customer(session, event).customer_id:
        raise Unfit(event, "account", str(account.key), "このお客さまの口座")
    return found


def _known_account(session: Session, event: events.AnyAccountEvent) -> Account:
    found = _account(session, event, event.account)
    if found is None:
        raise Unfit(event, "account", str(event.account.key), "account.registered で届いた口座")
    return found


def _register(session: Session, event: events.AccountRegistered, actor: str, at: datetime) -> str:
    """An account that moves to the customer's other contract leaves the registrations of the former one (1-2-1)."""
    contract = _contract(session, event)
    if session.get(Branch, event.account.branch_code) is None:
        session.add(Branch(branch_code=event.account.branch_code, name=event.branch_name, name_kana=event.branch_kana))
        session.flush()
    account = _account(session, event, event.account)
    if account is None:
        account = Account(
            customer_id=contract.customer_id,
            contract_id=contract.contract_id or 0,
            branch_code=event.account.branch_code,
            kind=event.account.kind,
            number=event.account.number,
            holder_kana=event.holder_kana,
        )
    account.contract_id = contract.contract_id or 0
    account.holder_kana = event.holder_kana
    account.nickname = event.label or ""
    account.product_code = event.product_code
    account.state = AccountState.REGISTERED
    session.add(account)
    session.flush()
    end_without_accounts(session, account.account_id or 0, actor, at)
    return f"account:{account.account_id}"


def _set_account(session: Session, event: events.AnyAccountEvent, state: AccountState) -> str:
    account = _known_account(session, event)
    account.state = state
    session.add(account)
    session.flush()
    return f"account:{account.account_id}"


def _take_away(session: Session, event: events.AnyAccountEvent, state: AccountState, actor: str, at: datetime) -> str:
    """A registration whose last account goes ends with it."""
    subject = _set_account(session, event, state)
    end_without_accounts(session, _known_account(session, event).account_id or 0, actor, at)
    return subject


def _renumber(session: Session, event: events.AccountRenumbered) -> str:
    """The same account, id and registrations included, under its new key."""
    account = _known_account(session, event)
    if _account(session, event, event.new_account) is not None:
        raise Unfit(event, "new_account", str(event.new_account.key), "まだ使われていない口座番号")
    if session.get(Branch, event.new_account.branch_code) is None:
        raise Unfit(event, "new_account.branch_code", event.new_account.branch_code, "知られている店番")
    account.branch_code, account.kind = event.new_account.branch_code, event.new_account.kind
    account.number = event.new_account.number
    session.add(account)
    return f"account:{account.account_id}"


def _pause_all(session: Session, event: events.CustomerDeceased) -> str:
    """Every contract of the customer is paused at once; what ends, and when, an officer decides."""
    customer = _customer(session, event)
    for contract in session.exec(select(Contract).where(Contract.customer_id == customer.customer_id)):
        if contract.state == ContractState.LIVE:
            contract.state, contract.state_since = ContractState.SUSPENDED, event.time
            session.add(contract)
    return f"customer:{customer.customer_id}"


def _change_contact(session: Session, event: events.ContactChanged) -> str:
    customer = _customer(session, event)
    customer.mail_address = event.mail_address or customer.mail_address
    customer.phrase = event.phrase or customer.phrase
    session.add(customer)
    return f"customer:{customer.customer_id}"

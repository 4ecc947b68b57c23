"""What the status feed says of customers and their internet-banking contracts (1-2-1, 5-2, 7-3).

The order of events is their sequence. Their times may contradict it (two hosts, two clocks): then an older event may
narrow a contract's state (suspended, cancelled) but never widen it again. That refuses the file, and the full file
tells. A state's moment never goes back.
"""

from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from madoguchi.procedures.status_feed import events
from madoguchi.procedures.status_feed.sequence import unfit
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.records.bank import Contract, Customer
from madoguchi.rules.vocabulary import JST, Cause, ContractState


def customer_of(session: Session, line: int, event: events.AnyCustomerEvent) -> Customer:
    """The customer. Raises Unfit for a number that no contract.opened brought."""
    found = _customer(session, event.customer_number)
    if found is None:
        raise unfit(line, "customer_number", "知られていない番号", "contract.opened で届いたお客さま番号")
    return found


def contract_of(session: Session, line: int, event: events.AnyContractEvent) -> Contract:
    """The customer's contract for the product. Raises Unfit when none was opened."""
    found = session.exec(
        select(Contract)
        .join(Customer, col(Customer.customer_id) == col(Contract.customer_id))
        .where(Customer.customer_number == event.customer_number, Contract.product == event.product)
    ).first()
    if found is None:
        customer_of(session, line, event)  # an unknown customer is told first
        raise unfit(line, "product", event.product, "contract.opened で届いた契約")
    return found


def open_contract(session: Session, line: int, event: events.ContractOpened) -> str:
    """A new contract, or a cancelled one opened again; ended registrations stay ended."""
    customer = _customer(session, event.customer_number)
    if customer is None:
        customer = Customer(
            customer_number=event.customer_number, name=event.customer_name, name_kana=event.customer_kana
        )
    customer.name, customer.name_kana = event.customer_name, event.customer_kana
    _keep_contact(customer, event)
    session.add(customer)
    session.flush()
    contract = _contract(session, customer, event.product)
    if contract is None:
        contract = Contract(customer_id=customer.customer_id or 0, product=event.product, state_since=event.time)
    elif contract.state == ContractState.CANCELLED:
        _set(contract, ContractState.LIVE, line, event)
    session.add(contract)
    session.flush()
    return f"contract:{contract.contract_id}"


def set_contract(session: Session, line: int, event: events.AnyContractEvent, state: ContractState) -> str:
    """Suspend or resume. Raises Unfit for a contract that was cancelled: only contract.opened brings it back."""
    contract = contract_of(session, line, event)
    if contract.state == ContractState.CANCELLED:
        raise unfit(line, "kind", event.kind, "contract.opened(解約済みの契約)")
    _set(contract, state, line, event)
    session.add(contract)
    return f"contract:{contract.contract_id}"


def cancel(session: Session, line: int, event: events.ContractCancelled, actor: str, at: datetime) -> str:
    """The contract ends, and every registration under it at once (5-2)."""
    contract = contract_of(session, line, event)
    _set(contract, ContractState.CANCELLED, line, event)
    session.add(contract)
    stop_registrations(session, Cause.INTERNET_BANKING_CANCELLED, actor, at, contract_id=contract.contract_id)
    return f"contract:{contract.contract_id}"


def pause_all(session: Session, line: int, event: events.CustomerDeceased) -> str:
    """Every contract of the customer is paused at once (7-3); what ends, and when, an officer decides."""
    customer = customer_of(session, line, event)
    for contract in session.exec(select(Contract).where(Contract.customer_id == customer.customer_id)):
        if contract.state == ContractState.LIVE:
            _set(contract, ContractState.SUSPENDED, line, event)
            session.add(contract)
    return f"customer:{customer.customer_id}"


def change_contact(session: Session, line: int, event: events.ContactChanged) -> str:
    """Mail address and phrase of the customer who has the contract."""
    customer = session.get_one(Customer, contract_of(session, line, event).customer_id)
    _keep_contact(customer, event)
    session.add(customer)
    return f"customer:{customer.customer_id}"


def _keep_contact(customer: Customer, told: events.ContractOpened | events.ContactChanged) -> None:
    """What is absent stays as it was."""
    customer.mail_address = told.mail_address or customer.mail_address
    customer.phrase = told.phrase or customer.phrase


def _set(contract: Contract, state: ContractState, line: int, event: events.AnyEvent) -> None:
    if contract.state == state:
        return
    if state is ContractState.LIVE and event.time < contract.state_since:
        since = f"{contract.state_since.astimezone(JST):%Y-%m-%d %H:%M:%S}"
        done = _DONE[ContractState(contract.state)]
        told = f"契約は、このイベントより後の日時({since})に{done}されています。古いイベントでは戻せません"
        raise unfit(line, "time", event.time.isoformat(), f"{since} 以後", told)
    contract.state, contract.state_since = state, max(event.time, contract.state_since)


_DONE: Final = {ContractState.SUSPENDED: "停止", ContractState.CANCELLED: "解約"}


def _customer(session: Session, number: str) -> Customer | None:
    return session.exec(select(Customer).where(Customer.customer_number == number)).first()


def _contract(session: Session, customer: Customer, product: str) -> Contract | None:
    return session.exec(
        select(Contract).where(Contract.customer_id == customer.customer_id, Contract.product == product)
    ).first()

"""What an officer looks up: registrations, and who is meant by the number or id that was typed."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from madoguchi.procedures.service import NotFound
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, Balance, Branch, Contract, Customer, Statement
from madoguchi.records.registrations import Registration, RegistrationAccount
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import ContractState, Product, RegistrationState


@dataclass(frozen=True, slots=True)
class RegistrationLine:
    """One registration as a line of a list; `until` is exclusive."""

    registration_id: str
    aggregator: str
    customer_number: str
    state: str
    scopes: tuple[str, ...]
    accounts: int
    registered_at: datetime
    until: datetime
    ended_at: datetime | None
    ended_cause: str | None
    ended_by: str | None


def list_registrations(
    session: Session, *, ended: bool, aggregator_id: str | None = None, customer_id: int | None = None
) -> list[RegistrationLine]:
    """Registrations, newest first; those that have ended only when `ended` asks for them."""
    wanted = [] if ended else [Registration.state != RegistrationState.ENDED]
    if aggregator_id is not None:
        wanted.append(Registration.aggregator_id == aggregator_id)
    if customer_id is not None:
        wanted.append(Registration.customer_id == customer_id)
    chosen = (
        select(func.count())
        .where(RegistrationAccount.registration_id == Registration.registration_id)
        .scalar_subquery()
    )
    rows = session.exec(
        select(Registration, Aggregator.name, Customer.customer_number, chosen)
        .join(Aggregator, col(Aggregator.aggregator_id) == col(Registration.aggregator_id))
        .join(Customer, col(Customer.customer_id) == col(Registration.customer_id))
        .where(*wanted)
        .order_by(col(Registration.registered_at).desc(), col(Registration.registration_id))
    ).all()
    return [
        RegistrationLine(
            registration_id=row.registration_id,
            aggregator=name,
            customer_number=number,
            state=row.state,
            scopes=tuple(row.scopes),
            accounts=accounts,
            registered_at=row.registered_at,
            until=row.until,
            ended_at=row.ended_at,
            ended_cause=row.ended_cause,
            ended_by=row.ended_by,
        )
        for row, name, number, accounts in rows
    ]


def find_aggregator(session: Session, named: str) -> Aggregator:
    """An aggregator by its id or client_id. Raises NotFound."""
    row = session.exec(
        select(Aggregator).where(or_(col(Aggregator.aggregator_id) == named, col(Aggregator.client_id) == named))
    ).first()
    if row is None:
        raise NotFound(f"事業者 {named} は登録されていません。番号は「madoguchi aggregator list」で確かめられます。")
    return row


def find_customer(session: Session, number: str) -> int:
    """The customer of a customer number of internet banking. Raises NotFound."""
    found = session.exec(select(Customer.customer_id).where(Customer.customer_number == number)).first()
    if found is None:
        raise NotFound(f"お客さま番号 {number} の方はいません。")
    return found


def customer_names(session: Session, limit: int) -> list[tuple[str, str]]:
    """Customer numbers and names, the lowest first: for a sandbox, whose customers are invented."""
    rows = session.exec(
        select(Customer.customer_number, Customer.name).order_by(col(Customer.customer_number)).limit(limit)
    )
    return [(number, name) for number, name in rows.all()]


def find_branch(session: Session, code: str) -> Branch:
    """A branch that the feeds have named, by its 店番. Raises NotFound."""
    row = session.get(Branch, code)
    if row is None:
        raise NotFound(f"店 {code} はありません。")
    return row


def find_registration(session: Session, registration_id: str) -> Registration:
    """A registration by its id. Raises NotFound."""
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound(f"登録 {registration_id} はありません。番号は「madoguchi registration list」で確かめられます。")
    return row


def books_until(session: Session) -> tuple[date, datetime] | None:
    """To what day and moment the books of every account are held; None while any account lacks history or balance.

    An import that was interrupted has brought some accounts further than others: the one furthest behind counts.
    """
    held = session.exec(
        select(Account.kind, func.max(Statement.last_day), func.max(Balance.as_of))
        .outerjoin(Statement, col(Statement.account_id) == col(Account.account_id))
        .outerjoin(Balance, col(Balance.account_id) == col(Account.account_id))
        .group_by(col(Account.account_id), col(Account.kind))
    ).all()
    days = [last_day for kind, last_day, _ in held if kind in ELIGIBLE_KINDS]
    moments = [as_of for _, _, as_of in held]
    if not days or None in days or None in moments:
        return None
    return min(days), min(moments)


def contracts_of(session: Session, customer_number: str) -> dict[Product, ContractState]:
    """A customer's internet-banking contracts, by product; {} for a number of nobody."""
    rows = session.exec(
        select(Contract)
        .join(Customer, col(Customer.customer_id) == col(Contract.customer_id))
        .where(Customer.customer_number == customer_number)
    ).all()
    return {Product(row.product): ContractState(row.state) for row in rows}


def accounts_of_registration(session: Session, registration_id: str) -> list[Account]:
    """The accounts that the customer chose, in the order in which they became known."""
    return list(
        session.exec(
            select(Account)
            .join(RegistrationAccount, col(RegistrationAccount.account_id) == col(Account.account_id))
            .where(RegistrationAccount.registration_id == registration_id)
            .order_by(col(Account.account_id))
        ).all()
    )

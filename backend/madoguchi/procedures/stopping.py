"""Ending registrations: by the customer, the aggregator, the credit union, or the loss of what they rest on (5-1, 5-2).

An end is one row's state with moment, cause and actor, and one act in the trail, in the same transaction. Nothing is
broadcast: whether a token serves is a fact that is read at its next use.
"""

from datetime import datetime

from sqlalchemy import exists, update
from sqlmodel import Session, col, select

from madoguchi.procedures.trail import record_act
from madoguchi.records.bank import Account, Contract
from madoguchi.records.registrations import Registration, RegistrationAccount
from madoguchi.rules.eligible_accounts import ELIGIBLE_KINDS
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState, RegistrationState

LIVE = [RegistrationState.PENDING, RegistrationState.ACTIVE]

CLAUSE_OF_CAUSE = {
    Cause.REPLACED: "4-1",
    Cause.EXPIRED: "4-1",
    Cause.ABANDONED: "4-1",
    Cause.STOPPED_BY_CUSTOMER: "5-1",
    Cause.STOPPED_BY_AGGREGATOR: "5-1",
    Cause.STOPPED_BY_CREDIT_UNION: "7-3",
    Cause.INTERNET_BANKING_CANCELLED: "5-2",
    Cause.NO_ACCOUNT_LEFT: "5-2",
    Cause.AGGREGATOR_REMOVED: "5-2",
    Cause.CODE_REPLAYED: "4-3",
}


def end_registration(session: Session, registration_id: str, cause: Cause, actor: str, at: datetime) -> bool:
    """End one registration; False when it had ended before (nothing changes then) or does not exist.

    Afterwards no token of it is admitted or renewed, whatever its expiry. Only a pending one can be abandoned: who
    redeemed its code a moment ago keeps it (the condition is judged again after waiting for that transaction).
    """
    states = [RegistrationState.PENDING] if cause is Cause.ABANDONED else LIVE
    ended = session.execute(
        update(Registration)
        .where(col(Registration.registration_id) == registration_id)
        .where(col(Registration.state).in_(states))
        .values(state=RegistrationState.ENDED, ended_at=at, ended_cause=cause, ended_by=actor)
        .returning(col(Registration.registration_id))
        .execution_options(synchronize_session="fetch")
    ).all()
    if not ended:
        return False
    clause = CLAUSE_OF_CAUSE[cause]
    record_act(session, at, actor, "registration.ended", f"registration:{registration_id}", clause, cause=cause)
    return True


def stop_registrations(
    session: Session,
    cause: Cause,
    actor: str,
    at: datetime,
    *,
    customer_id: int | None = None,
    contract_id: int | None = None,
    aggregator_id: str | None = None,
) -> list[str]:
    """End every live registration that all given keys describe; returns their ids, [] when there was none.

    Raises ValueError when no key is given: nobody ends everything by omission.
    """
    wanted = [
        col(getattr(Registration, name)) == value
        for name, value in (
            ("customer_id", customer_id),
            ("contract_id", contract_id),
            ("aggregator_id", aggregator_id),
        )
        if value is not None
    ]
    if not wanted:
        raise ValueError("say whose registrations end")
    live = session.exec(
        select(Registration.registration_id)
        .where(col(Registration.state) != RegistrationState.ENDED, *wanted)
        .order_by(col(Registration.registration_id))
    ).all()
    return [one for one in live if end_registration(session, one, cause, actor, at)]


def end_without_accounts(session: Session, account_id: int, actor: str, at: datetime) -> list[str]:
    """End the live registrations that hold `account_id` and have no account left that could serve (2-2, 5-2)."""
    holders = session.exec(
        select(Registration.registration_id)
        .join(RegistrationAccount, col(RegistrationAccount.registration_id) == col(Registration.registration_id))
        .where(RegistrationAccount.account_id == account_id, col(Registration.state) != RegistrationState.ENDED)
        .where(~_ACCOUNT_LEFT)
        .order_by(col(Registration.registration_id))
    ).all()
    return [one for one in holders if end_registration(session, one, Cause.NO_ACCOUNT_LEFT, actor, at)]


def end_without_ground(session: Session, actor: str, at: datetime) -> list[str]:
    """End whatever live registration stands under a cancelled contract or has no account left, also if its event was
    lost (1-2-1, 2-2, 5-2)."""
    live = (
        select(Registration.registration_id)
        .where(col(Registration.state) != RegistrationState.ENDED)
        .order_by(col(Registration.registration_id))
    )
    cancelled = live.join(Contract, col(Contract.contract_id) == col(Registration.contract_id)).where(
        Contract.state == ContractState.CANCELLED
    )
    causes = {
        **dict.fromkeys(session.exec(live.where(~_ACCOUNT_LEFT)), Cause.NO_ACCOUNT_LEFT),
        **dict.fromkeys(session.exec(cancelled), Cause.INTERNET_BANKING_CANCELLED),
    }
    return [one for one, cause in sorted(causes.items()) if end_registration(session, one, cause, actor, at)]


_ACCOUNT_LEFT = exists(
    select(RegistrationAccount.account_id)
    .join(Account, col(Account.account_id) == col(RegistrationAccount.account_id))
    .where(
        col(RegistrationAccount.registration_id) == col(Registration.registration_id),
        col(Account.contract_id) == col(Registration.contract_id),
        col(Account.kind).in_(ELIGIBLE_KINDS),
        col(Account.state).in_((AccountState.REGISTERED, AccountState.FROZEN)),
    )
    .correlate(Registration)
)
"""Left is an account the customer chose that still stands under the registration's own internet-banking contract, is of
an eligible kind, and is registered or frozen (a frozen one may come back)."""

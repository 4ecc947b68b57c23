"""What a token or a registration stands for, read in one statement and made into facts (architecture, flow 1).

The joins multiply (accounts x stops), both few, so that one round trip brings everything a decision needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import FromClause, Row, Select, String, and_, bindparam, cast, or_, select
from sqlalchemy.orm import join
from sqlmodel import Session, SQLModel, col

from madoguchi.records.aggregators import Aggregator
from madoguchi.records.audit import Fact
from madoguchi.records.bank import Account, Contract, FeedArrival
from madoguchi.records.database import Moment
from madoguchi.records.registrations import AccessToken, Registration, RegistrationAccount
from madoguchi.records.service import Institution, ServiceStop
from madoguchi.rules import facts
from madoguchi.rules.facts import AccountFacts, AggregatorFacts, InstitutionFacts, RegistrationFacts, Stop
from madoguchi.rules.vocabulary import (
    AccountKind,
    AccountState,
    ContractState,
    Feed,
    Product,
    RegistrationState,
    Scope,
    StopTarget,
)


@dataclass(frozen=True, slots=True)
class Bodies:
    """Both bodies of facts of one registration, with the institution's digest and canonical text as stored."""

    customer_id: int
    contract_id: int
    institution: InstitutionFacts
    institution_digest: str
    institution_body: str
    registration: RegistrationFacts


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest moment that a feed's data speaks of, and when it came (6-1)."""

    as_of: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class TokenBodies:
    """What a live access token stands for: its key, its scopes, the facts behind it; and what the feeds brought last.

    `arrivals` has the feeds that values come from; None for one that never came.
    """

    jkt: str
    scopes: tuple[Scope, ...]
    bodies: Bodies
    arrivals: Mapping[Feed, Arrival | None]


def of_token(session: Session, token_hash: str, at: datetime) -> TokenBodies | None:
    """The facts behind an access token; None when it is unknown, expired or revoked at `at`."""
    rows = session.execute(_OF_TOKEN, {"token_hash": token_hash, "at": at}).all()
    if not rows:
        return None
    first = rows[0]
    return TokenBodies(
        first.jkt, tuple(Scope(scope) for scope in first.token_scopes), _bodies(rows), _arrivals(first._mapping)
    )


def of_registration(session: Session, registration_id: str, at: datetime) -> Bodies | None:
    """The facts of a registration in any state; None when it does not exist."""
    rows = session.execute(_OF_REGISTRATION, {"registration_id": registration_id, "at": at}).all()
    return _bodies(rows) if rows else None


_AT = bindparam("at", type_=Moment())


def _base(begin: FromClause | type[SQLModel], *more: Any) -> Select[Any]:
    """The facts of a registration. `begin`: what the joins start from, the registration or what leads to it."""
    stop = ServiceStop
    concerns = or_(
        and_(col(stop.kind) == StopTarget.AGGREGATOR, col(stop.target) == col(Registration.aggregator_id)),
        and_(col(stop.kind) == StopTarget.CUSTOMER, col(stop.target) == cast(col(Registration.customer_id), String)),
        and_(col(stop.kind) == StopTarget.REGISTRATION, col(stop.target) == col(Registration.registration_id)),
    )
    not_over = or_(col(stop.ends_at).is_(None), col(stop.ends_at) > _AT)
    columns: list[Any] = [
        Registration.registration_id,
        Registration.customer_id,
        Registration.contract_id,
        Registration.state,
        Registration.registered_at,
        Registration.until,
        Registration.scopes,
        Registration.identifiers,
        Registration.terms_version,
        Contract.product,
        col(Contract.state).label("contract_state"),
        Aggregator.aggregator_id,
        Aggregator.contract_from,
        Aggregator.contract_until,
        col(Aggregator.scopes).label("aggregator_scopes"),
        col(Aggregator.identifiers).label("aggregator_identifiers"),
        Aggregator.history_days,
        Account.account_id,
        Account.branch_code,
        col(Account.kind).label("account_kind"),
        Account.product_code,
        col(Account.state).label("account_state"),
        ServiceStop.stop_id,
        col(ServiceStop.kind).label("stop_kind"),
        ServiceStop.target,
        ServiceStop.starts_at,
        ServiceStop.ends_at,
        Fact.digest,
        Fact.body,
        *more,
    ]
    return (
        select(*columns)
        .select_from(begin)
        .join(Contract, col(Contract.contract_id) == col(Registration.contract_id))
        .join(Aggregator, col(Aggregator.aggregator_id) == col(Registration.aggregator_id))
        .join(Institution, col(Institution.institution_id) == 1)
        .join(Fact, col(Fact.digest) == col(Institution.facts_digest))
        .outerjoin(RegistrationAccount, col(RegistrationAccount.registration_id) == col(Registration.registration_id))
        .outerjoin(
            Account,
            and_(  # an account that moved to the customer's other contract is none of this registration's any more
                col(Account.account_id) == col(RegistrationAccount.account_id),
                col(Account.contract_id) == col(Registration.contract_id),
            ),
        )
        .outerjoin(ServiceStop, and_(concerns, not_over))
    )


_OF_VALUES = (Feed.BALANCES, Feed.TRANSACTIONS)
"""The feeds that values of an answer come from."""


def _newest() -> list[Any]:
    """As columns, and not as joins: PostgreSQL orders freely only so many joined tables, and here are nine."""
    return [
        select(column).where(col(FeedArrival.feed) == feed).scalar_subquery().label(f"{name}_{feed}")
        for feed in _OF_VALUES
        for name, column in (("as_of", col(FeedArrival.as_of)), ("received_at", col(FeedArrival.received_at)))
    ]


# Built once: composing it and hashing it for SQLAlchemy's cache at each request costs more than the database does.
# The token comes first: PostgreSQL puts only eight joined tables into an order of its own, and a token at the end of
# them means that the facts of all registrations are put together to find those of one.
_BY_TOKEN = join(
    AccessToken, Registration, col(Registration.registration_id) == col(AccessToken.registration_id)
)
_OF_TOKEN = _base(_BY_TOKEN, col(AccessToken.jkt), col(AccessToken.scopes).label("token_scopes"), *_newest()).where(
    col(AccessToken.token_hash) == bindparam("token_hash"),
    col(AccessToken.expires_at) > _AT,
    col(AccessToken.revoked_at).is_(None),
)
_OF_REGISTRATION = _base(Registration).where(col(Registration.registration_id) == bindparam("registration_id"))


def _bodies(rows: Sequence[Row[Any]]) -> Bodies:
    row = rows[0]
    accounts = {one.account_id: one for one in rows if one.account_id is not None}
    stops = {one.stop_id: one for one in rows if one.stop_id is not None}
    terms_version: date = row.terms_version
    registration = RegistrationFacts(
        registration_id=row.registration_id,
        state=RegistrationState(row.state),
        registered_at=row.registered_at,
        until=row.until,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        identifiers=tuple(row.identifiers),
        terms_version=terms_version,
        product=Product(row.product),
        contract_state=ContractState(row.contract_state),
        aggregator=AggregatorFacts(
            aggregator_id=row.aggregator_id,
            contract_from=row.contract_from,
            contract_until=row.contract_until,
            scopes=tuple(Scope(scope) for scope in row.aggregator_scopes),
            identifiers=tuple(row.aggregator_identifiers),
            history_days=row.history_days,
        ),
        accounts=tuple(
            AccountFacts(
                account_id=account_id,
                branch_code=one.branch_code,
                kind=AccountKind(one.account_kind),
                product_code=one.product_code,
                state=AccountState(one.account_state),
            )
            for account_id, one in sorted(accounts.items())
        ),
        stops=tuple(
            Stop(stop_id, StopTarget(one.stop_kind), one.target, one.starts_at, one.ends_at)
            for stop_id, one in sorted(stops.items())
        ),
    )
    return Bodies(row.customer_id, row.contract_id, _institution(row.body), row.digest, row.body, registration)


def _arrivals(row: Mapping[Any, Any]) -> dict[Feed, Arrival | None]:
    newest = {feed: (row[f"as_of_{feed}"], row[f"received_at_{feed}"]) for feed in _OF_VALUES}
    return {feed: None if moments[0] is None else Arrival(*moments) for feed, moments in newest.items()}


@lru_cache(maxsize=16)
def _institution(body: str) -> InstitutionFacts:
    """Parsing is remembered by content: the same text is the same facts. No decision is remembered."""
    return facts.load(InstitutionFacts, body)

"""Proof of identity by the internet banking's own authentication (4-1): the port, and the sample behind it.

`IdentityMethod` is what the pages ask; a credit union's own internet banking stands behind the same port later. The
sample (sandbox only) checks customer number, password (argon2id) and one-time code (TOTP, RFC 6238; a code serves once,
section 5.2). A number that nobody has costs the same hash and the same statements, is counted and locked the same, and
gets the same answer. Browser sessions and what a log-in opens are procedures/proceeding.py; making the sample's secrets
is procedures/sample_logins.py.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

import pyotp
from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import update
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.records.bank import Contract, Customer
from madoguchi.records.database import Database, insert_new
from madoguchi.records.login import LoginSecret, LoginTries
from madoguchi.rules.vocabulary import ContractState, Product
from madoguchi.settings import Settings

FAILURES_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=15)
HASHES_AT_ONCE = 2
"""Each argon2id hash takes 64 MiB and a core for a tenth of a second: more at once would starve the other doors."""

METHOD = "password+totp"
HASHER = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was typed, in the shape the page has checked: 8 digits, any text, 6 digits.

    occasion  what it was typed for (the pushed request), so that a repeat of the same log-in is known as one.
    """

    customer_number: str = field(repr=False)
    password: str = field(repr=False)
    one_time_code: str = field(repr=False)
    occasion: str = ""


@dataclass(frozen=True, slots=True)
class Identified:
    """Who it is, into which internet-banking contract (None: the customer has none), proven how."""

    customer_id: int
    contract_id: int | None
    method: str


class NotIdentified(Enum):
    """WRONG: something was, and no more is said.

    REPEATED: the log-in that was accepted a moment ago, sent again (a double click); no failure, and no second log-in.
    UNAVAILABLE: nobody can be identified now, whoever it is.
    """

    WRONG = "wrong"
    REPEATED = "repeated"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Locked:
    """For a while, until `until` (excluded): any number that failed too often, whether anybody has it or not."""

    until: datetime


class IdentityMethod(Protocol):
    """How customers prove who they are. `at` is the present moment, aware.

    is_available  whether anybody can be identified at all: else nobody is asked for a password.
    """

    @property
    def is_available(self) -> bool: ...

    async def identify(self, attempt: Attempt, at: datetime) -> Identified | NotIdentified | Locked:
        """Judge one attempt; what it counts and uses up is durable when this returns."""
        ...

    def locked_until(self, session: Session, customer_id: int, at: datetime) -> datetime | None:
        """Until when the customer is locked; None when not: asked again at every later step of a registration."""
        ...


class NoIdentityMethod:
    """Stands behind the port where no method is installed: nobody can be identified, so nobody can register (1-2-3)."""

    is_available = False

    async def identify(self, attempt: Attempt, at: datetime) -> Identified | NotIdentified:
        return NotIdentified.UNAVAILABLE

    def locked_until(self, session: Session, customer_id: int, at: datetime) -> datetime | None:
        return None


class SampleLogin:
    """The sample internet-banking login."""

    is_available = True

    def __init__(self, database: Database, settings: Settings) -> None:
        """Raises ValueError where the sample is not allowed: in production, or without `sample_login`."""
        if not settings.is_sandbox or not settings.sample_login:
            raise ValueError("the sample login is for the sandbox with MADOGUCHI_SAMPLE_LOGIN only")
        self._database = database
        self._limiter = CapacityLimiter(HASHES_AT_ONCE)
        # Checked for a number that nobody has: same parameters, a password that nobody can know.
        self._nobody = hash_password(opaque.new_secret(""))

    async def identify(self, attempt: Attempt, at: datetime) -> Identified | NotIdentified | Locked:
        """The password is hashed between two short transactions, so that no lock is held meanwhile."""
        known_hash = await self._database.reading(_password_hash, attempt.customer_number)
        checked = known_hash or self._nobody
        password_fits = await to_thread.run_sync(_fits, checked, attempt.password, limiter=self._limiter)
        return await self._database.writing(settle_attempt, attempt, password_fits, at)

    def locked_until(self, session: Session, customer_id: int, at: datetime) -> datetime | None:
        tries = session.exec(
            select(LoginTries)
            .join(Customer, col(Customer.customer_number) == col(LoginTries.customer_number))
            .where(Customer.customer_id == customer_id)
        ).first()
        return None if tries is None else _locked_until(tries, at)


def identity_method(database: Database, settings: Settings) -> IdentityMethod:
    """The method that the settings choose."""
    return SampleLogin(database, settings) if settings.sample_login else NoIdentityMethod()


def hash_password(password: str) -> str:
    """What is kept of a password: argon2id with the parameters of RFC 9106 section 4 (second recommended option)."""
    return HASHER.hash(password)


def settle_attempt(
    session: Session, attempt: Attempt, password_fits: bool, at: datetime
) -> Identified | NotIdentified | Locked:
    """Count the attempt, use up its code, and say whose it was.

    Attempts on one number are judged one after the other (row lock), so that parallel guesses count too.
    """
    tries = _tries_of(session, attempt.customer_number, at)
    secret = _secret_of(session, attempt.customer_number)
    if (until := _locked_until(tries, at)) is not None:
        return Locked(until)
    accepted = password_fits and secret is not None and _claim_code(session, secret, attempt, at)
    if password_fits and secret is not None and not accepted and _is_repeat(secret, attempt):
        return NotIdentified.REPEATED
    failures = 0 if accepted else tries.failures + 1
    locks = failures >= FAILURES_BEFORE_LOCK
    session.execute(
        update(LoginTries)
        .where(col(LoginTries.customer_number) == attempt.customer_number)
        .values(failures=0 if locks else failures, locked_until=at + LOCK_TIME if locks else None, last_at=at)
        .execution_options(synchronize_session=False)
    )
    if locks:
        return Locked(at + LOCK_TIME)
    if secret is None or not accepted:
        return NotIdentified.WRONG
    return Identified(secret.customer_id, _contract_of(session, secret.customer_id), METHOD)


def _password_hash(session: Session, customer_number: str) -> str | None:
    secret = _secret_of(session, customer_number)
    return None if secret is None else secret.password_hash


def _fits(known_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(known_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _tries_of(session: Session, customer_number: str, at: datetime) -> LoginTries:
    row = {"customer_number": customer_number, "failures": 0, "last_at": at}
    session.execute(insert_new(session, LoginTries, [row], "customer_number"))
    return session.exec(select(LoginTries).where(LoginTries.customer_number == customer_number).with_for_update()).one()


def _secret_of(session: Session, customer_number: str) -> LoginSecret | None:
    return session.exec(
        select(LoginSecret)
        .join(Customer, col(Customer.customer_id) == col(LoginSecret.customer_id))
        .where(Customer.customer_number == customer_number)
    ).first()


def _locked_until(tries: LoginTries, at: datetime) -> datetime | None:
    return tries.locked_until if tries.locked_until is not None and at < tries.locked_until else None


def _is_repeat(secret: LoginSecret, attempt: Attempt) -> bool:
    """Whether the code is the one that was used last, for this very occasion."""
    code = pyotp.TOTP(secret.totp_secret).generate_otp(secret.last_totp_step)
    return secret.last_totp_for == attempt.occasion != "" and opaque.same(code, attempt.one_time_code)


def _claim_code(session: Session, secret: LoginSecret, attempt: Attempt, at: datetime) -> bool:
    """Whether the code is right and was not used. One step before and after counts too, for clocks and slow fingers."""
    totp = pyotp.TOTP(secret.totp_secret)
    now = totp.timecode(at)
    fitting = [step for step in (now - 1, now, now + 1) if opaque.same(totp.generate_otp(step), attempt.one_time_code)]
    if not fitting:
        return False
    claimed = session.execute(
        update(LoginSecret)
        .where(col(LoginSecret.customer_id) == secret.customer_id)
        .where(col(LoginSecret.last_totp_step) < fitting[-1])
        .values(last_totp_step=fitting[-1], last_totp_for=attempt.occasion)
        .returning(col(LoginSecret.customer_id))
        .execution_options(synchronize_session=False)
    ).all()
    return bool(claimed)


def _contract_of(session: Session, customer_id: int) -> int | None:
    """The contract logged into: a living one before others, the personal one before the business one (1-2-1)."""
    order = (ContractState.LIVE, ContractState.SUSPENDED, ContractState.CANCELLED)
    contracts = session.exec(select(Contract).where(Contract.customer_id == customer_id)).all()
    best = sorted(contracts, key=lambda c: (order.index(ContractState(c.state)), c.product != Product.PERSONAL))
    return best[0].contract_id if best else None

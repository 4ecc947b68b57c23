"""The sample customers' log-in secrets (sandbox only): made from the installation's master key, shown to everybody.

Passwords and TOTP secrets are derived, so that the same data directory always has the same ones and nothing secret is
written down; only argon2id hashes are stored. Checking them is procedures/logging_in.py.
"""

import base64
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyotp
from anyio import to_thread
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.installation import sample_document
from madoguchi.procedures.logging_in import hash_password
from madoguchi.records.bank import Account, Contract, Customer
from madoguchi.records.database import Database
from madoguchi.records.login import LoginSecret
from madoguchi.rules.vocabulary import AccountKind, AccountState, ContractState


@dataclass(frozen=True, slots=True)
class SampleAccount:
    """An account registered in internet banking, told apart by its kind and last four digits."""

    kind: AccountKind
    last_digits: str


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """An invented customer with what it takes to log in at this moment.

    remark  what can be tried with this customer (備考), in Japanese; "" for one whom the sample's books do not know.
    """

    name: str
    customer_number: str
    password: str
    code: str
    contract_states: tuple[ContractState, ...]
    accounts: tuple[SampleAccount, ...]
    remark: str = ""

    @property
    def note(self) -> str:
        """The remark, and before it what has become of the customer's internet banking, if it serves no more."""
        if ContractState.LIVE in self.contract_states or not self.contract_states:
            return self.remark
        paused = ContractState.SUSPENDED in self.contract_states
        state = f"インターネットバンキング{'停止中' if paused else '解約済み'}"
        return self.remark if self.remark.startswith(state) else f"{state}。{self.remark}"


def sample_password(master: bytes, customer_number: str) -> str:
    """The password of a sample customer: `mihon-` and two groups of four letters and digits."""
    letters = base64.b32encode(opaque.derive_key(master, "sample-password", customer_number)).decode().lower()
    return f"mihon-{letters[:4]}-{letters[4:8]}"


def sample_totp_secret(master: bytes, customer_number: str) -> str:
    """The TOTP secret of a sample customer in base32 (160 bits, RFC 4226 section 4)."""
    return base64.b32encode(opaque.derive_key(master, "sample-totp", customer_number)[:20]).decode()


async def seed_sample_logins(database: Database, master: bytes) -> int:
    """Give every customer without log-in secrets theirs; returns how many. Hashing comes before the transaction."""
    numbers = await database.reading(_without_login)
    hashes = await to_thread.run_sync(_hashes, master, list(numbers.values()))
    await database.writing(_store_logins, master, numbers, hashes)
    return len(hashes)


def current_code(session: Session, customer_number: str, at: datetime) -> str | None:
    """The one-time code of this moment, six digits; None for a number without a sample login."""
    secret = session.exec(
        select(col(LoginSecret.totp_secret))
        .join(Customer, col(Customer.customer_id) == col(LoginSecret.customer_id))
        .where(Customer.customer_number == customer_number)
    ).first()
    return None if secret is None else _code(secret, at)


def code_changes_in(at: datetime) -> int:
    """For how many more seconds, 1 to 30, the present codes are the present ones."""
    return 30 - int(at.timestamp()) % 30


def sample_customers(session: Session, master: bytes, at: datetime) -> tuple[SampleCustomer, ...]:
    """Everybody who can log in to the sample, by customer number."""
    rows = session.exec(
        select(Customer, LoginSecret)
        .join(LoginSecret, col(LoginSecret.customer_id) == col(Customer.customer_id))
        .order_by(col(Customer.customer_number))
    ).all()
    contracts = session.exec(select(Contract).order_by(col(Contract.contract_id))).all()
    accounts = session.exec(
        select(Account).where(Account.state == AccountState.REGISTERED).order_by(col(Account.account_id))
    ).all()
    remarks = sample_remarks()
    return tuple(
        SampleCustomer(
            name=customer.name,
            customer_number=customer.customer_number,
            password=sample_password(master, customer.customer_number),
            code=_code(secret.totp_secret, at),
            contract_states=tuple(ContractState(c.state) for c in contracts if c.customer_id == customer.customer_id),
            accounts=tuple(
                SampleAccount(AccountKind(a.kind), a.number[-4:])
                for a in accounts
                if a.customer_id == customer.customer_id
            ),
            remark=remarks.get(customer.customer_number, ""),
        )
        for customer, secret in rows
    )


def sample_remarks() -> dict[str, str]:
    """The remarks of the sample's books, by customer number."""
    books = tomllib.loads(sample_document("books.toml").decode())
    return {customer["number"]: customer["remark"] for customer in books["customers"]}


def _code(totp_secret: str, at: datetime) -> str:
    return pyotp.TOTP(totp_secret).at(at)


def _without_login(session: Session) -> dict[int, str]:
    rows = session.exec(
        select(Customer)
        .outerjoin(LoginSecret, col(LoginSecret.customer_id) == col(Customer.customer_id))
        .where(col(LoginSecret.customer_id).is_(None))
    ).all()
    return {row.customer_id: row.customer_number for row in rows if row.customer_id is not None}


def _hashes(master: bytes, numbers: Sequence[str]) -> dict[str, str]:
    return {number: hash_password(sample_password(master, number)) for number in numbers}


def _store_logins(session: Session, master: bytes, numbers: dict[int, str], hashes: dict[str, str]) -> None:
    for customer_id, number in numbers.items():
        if session.get(LoginSecret, customer_id) is None:
            session.add(
                LoginSecret(
                    customer_id=customer_id,
                    password_hash=hashes[number],
                    totp_secret=sample_totp_secret(master, number),
                )
            )

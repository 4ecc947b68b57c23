"""The sample internet-banking login (sandbox): secrets, counted failures, browser sessions.

Passwords are argon2id hashes. The TOTP secret has to be readable to check a code, so this table is the sample's only;
in production another identity method stands behind the same port and these rows are empty.
"""

from datetime import datetime

from sqlalchemy import Column, ForeignKey
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment


class LoginSecret(SQLModel, table=True):
    """What the sample login checks."""

    __tablename__ = "login_secret"
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), primary_key=True))
    password_hash: str
    totp_secret: str
    last_totp_step: int = 0  # a one-time code is used once (claimed by a conditional update)
    last_totp_for: str = ""  # what that code was used for: a repeat of the same log-in is no failed try


class LoginTries(SQLModel, table=True):
    """How often a customer number failed in a row. Numbers nobody has are counted and locked alike (security.md 12)."""

    __tablename__ = "login_tries"
    customer_number: str = Field(primary_key=True, max_length=8)  # as typed: no foreign key on purpose
    failures: int = 0
    locked_until: datetime | None = Field(default=None, sa_type=Moment)
    last_at: datetime = Field(sa_type=Moment)  # of the newest try, so that a sweep can forget the number


class BrowserSession(SQLModel, table=True):
    """A browser at the pages' door, known by the hash of its cookie. Its id changes at log-in."""

    __tablename__ = "browser_session"
    session_hash: str = Field(primary_key=True, max_length=64)
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    before_login: str | None = Field(default=None, max_length=64)  # the id it had, which may only log in once more
    login_method: str = ""  # e.g. password+totp: the proof of identity the registration will name (4-1)

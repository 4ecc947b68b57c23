"""API連携認証(利用登録) and what hangs on it: pushed requests, codes, tokens, one-time things.

Secrets are stored as SHA-256 only (opaque.stored). States and their legal transitions: decisions/0001; the database
itself refuses a second active or pending registration of one customer and aggregator, a token without a completed
consent (foreign key and NOT NULL), and any way out of `ended` (trigger, migration 0002).
"""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment


class PushedRequest(SQLModel, table=True):
    """An authorization request pushed by an authenticated client (RFC 9126)."""

    __tablename__ = "pushed_request"
    request_id: str = Field(primary_key=True)  # how the oauth and pages doors name it; opens nothing by itself
    request_uri_hash: str = Field(unique=True, max_length=64)
    aggregator_id: str = Field(foreign_key="aggregator.aggregator_id")
    redirect_uri: str
    scopes: list[str] = Field(sa_type=JSON)
    state: str | None = None
    code_challenge: str
    dpop_jkt: str | None = None
    pushed_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)  # must be opened first before this
    opened_at: datetime | None = Field(default=None, sa_type=Moment)
    session_hash: str | None = None  # the browser session that opened it; nobody else can go on with it
    logged_in_at: datetime | None = Field(default=None, sa_type=Moment)  # the log-in that belongs to this request (4-1)
    customer_id: int | None = Field(default=None, sa_column=Column(ForeignKey("customer.customer_id")))
    contract_id: int | None = Field(default=None, sa_column=Column(ForeignKey("contract.contract_id")))
    shown_at: datetime | None = Field(default=None, sa_type=Moment)  # consent page first shown
    page_expires_at: datetime | None = Field(default=None, sa_type=Moment)
    terms_shown: date | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Moment)  # the claim: approve or deny, once
    decision: str | None = None  # approved, or the error that the aggregator was told
    registration_id: str | None = Field(
        default=None, sa_column=Column(ForeignKey("registration.registration_id"), index=True)
    )


class Registration(SQLModel, table=True):
    """利用登録: one customer's consent to one aggregator, with everything that proves it (4-1, 1-3, 4-7)."""

    registration_id: str = Field(primary_key=True)
    grant_id: str = Field(index=True)  # names the chain of consents; each consent is a row of it
    aggregator_id: str = Field(foreign_key="aggregator.aggregator_id", index=True)
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), nullable=False))
    contract_id: int = Field(sa_column=Column(ForeignKey("contract.contract_id"), nullable=False, index=True))
    state: str  # vocabulary.RegistrationState
    scopes: list[str] = Field(sa_type=JSON)
    identifiers: list[str] = Field(sa_type=JSON)  # identifying items the consent page showed
    terms_version: date
    terms_digest: str  # SHA-256 of the text the customer saw
    confirmed: list[str] = Field(sa_type=JSON)  # the three checks, by clause: 1-2-2, 1-3, 4-7
    logged_in_at: datetime = Field(sa_type=Moment)
    login_method: str
    registered_at: datetime = Field(sa_type=Moment)
    until: datetime = Field(sa_type=Moment)  # exclusive
    activated_at: datetime | None = Field(default=None, sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    ended_cause: str | None = None  # vocabulary.Cause
    ended_by: str | None = None  # the actor, as in the trail
    __table_args__ = (
        Index(
            "one_active_registration",
            "customer_id",
            "aggregator_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "one_pending_registration",
            "customer_id",
            "aggregator_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        CheckConstraint("state IN ('pending', 'active', 'ended')", name="known_state"),
        CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL AND ended_cause IS NOT NULL AND ended_by IS NOT NULL)",
            name="an_end_has_moment_cause_and_actor",
        ),
        CheckConstraint("state <> 'active' OR activated_at IS NOT NULL", name="active_was_activated"),
    )


class RegistrationAccount(SQLModel, table=True):
    """An account the customer chose."""

    __tablename__ = "registration_account"
    registration_id: str = Field(foreign_key="registration.registration_id", primary_key=True)
    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), primary_key=True))


class AuthorizationCode(SQLModel, table=True):
    """A code of a pending registration: 60 s, claimed once (RFC 6749 4.1.2)."""

    __tablename__ = "authorization_code"
    code_hash: str = Field(primary_key=True, max_length=64)
    registration_id: str = Field(foreign_key="registration.registration_id", index=True)
    aggregator_id: str = Field(foreign_key="aggregator.aggregator_id")
    redirect_uri: str
    code_challenge: str
    dpop_jkt: str | None = None
    issued_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment)
    used_at: datetime | None = Field(default=None, sa_type=Moment)


class RefreshToken(SQLModel, table=True):
    """Bound to the client, not rotated (FAPI 2.0 5.3.2.1-9); lives exactly as long as its registration."""

    __tablename__ = "refresh_token"
    token_hash: str = Field(primary_key=True, max_length=64)
    registration_id: str = Field(foreign_key="registration.registration_id", index=True)
    issued_at: datetime = Field(sa_type=Moment)


class AccessToken(SQLModel, table=True):
    """Bound to a key (`cnf.jkt`) and to a registration; what it may read is decided at each use."""

    __tablename__ = "access_token"
    token_hash: str = Field(primary_key=True, max_length=64)
    registration_id: str = Field(foreign_key="registration.registration_id", index=True)
    scopes: list[str] = Field(sa_type=JSON)
    jkt: str
    issued_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)


class UsedOnce(SQLModel, table=True):
    """One-time things that were used: assertion `jti`, proof `jti`, form tokens; each kind in its own namespace.

    `key` is `<namespace>:<SHA-256>`; a row may go once `expires_at` has passed.
    """

    __tablename__ = "used_once"
    key: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Moment, index=True)

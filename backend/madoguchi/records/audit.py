"""The trail: acts on registrations and the service, facts by digest, and the record of every use (4-2, 4-3).

Append-only: triggers (migration 0002) refuse UPDATE and DELETE on all three tables, on both databases.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment, RowId


class Fact(SQLModel, table=True):
    """A body of facts in canonical JSON under its SHA-256; stored once (rules/facts.py)."""

    digest: str = Field(primary_key=True, max_length=64)
    body: str


class AccessRecord(SQLModel, table=True):
    """One use of a token: what a decision was made from, what was asked and what was answered.

    Refusals of a known token with a valid proof are recorded too (`outcome` refused). `asked` are field paths
    (`accounts.balance.current`); `answered` and `as_of` name the account by its number in our books
    (`accounts[12].balance.current`), `as_of` with the feed's moment. `token_scopes` with the two facts and `at` give
    the same decision again.
    """

    __tablename__ = "access_record"
    request_id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment)
    action: str  # query, mutation, refresh, code
    registration_id: str = Field(foreign_key="registration.registration_id", index=True)
    aggregator_id: str = Field(foreign_key="aggregator.aggregator_id")
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), nullable=False, index=True))
    institution_digest: str = Field(foreign_key="fact.digest")
    registration_digest: str = Field(foreign_key="fact.digest")
    token_scopes: list[str] = Field(sa_type=JSON)
    jkt: str
    attended: bool
    outcome: str  # answered, refused
    operation_digest: str | None = None
    asked: list[str] = Field(default_factory=list, sa_type=JSON)
    answered: list[str] = Field(default_factory=list, sa_type=JSON)
    refusals: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)  # code, clause, path
    as_of: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    release: str


class Act(SQLModel, table=True):
    """The trail: every change of a current row, append-only (triggers, migration 0002)."""

    act_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    at: datetime = Field(sa_type=Moment)
    actor: str  # customer:N, aggregator:ID, os-user:NAME, system:JOB
    action: str  # registration.completed, registration.ended, stop.set, …
    subject: str = Field(index=True)  # registration:ID, aggregator:ID, service
    clause: str
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

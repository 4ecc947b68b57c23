"""The service itself as dated rows: hours, holidays, closures (2-1), stops (7-3), terms (1-3, 9-1), open values.

Procedures change these rows and, in the same transaction, the derived body of institution facts (`Institution`),
so that admitting a token reads one row, never five tables. Nothing else writes them.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment, RowId
from madoguchi.rules.vocabulary import TermsChange


class Institution(SQLModel, table=True):
    """The institution this installation serves: its name and the values the terms leave open (samples are marked)."""

    institution_id: int = Field(default=1, primary_key=True)
    bank_code: str = Field(max_length=4)
    name: str
    name_kana: str
    phone: str
    phone_hours: str  # 平日 9:00〜17:00
    registration_days: int  # 4-1
    history_months: int  # 2-4
    excluded_products: list[str] = Field(default_factory=list, sa_type=JSON)  # 2-2
    is_sample: bool
    facts_digest: str = Field(foreign_key="fact.digest")  # the body in force, rules.facts.InstitutionFacts


class ServiceHours(SQLModel, table=True):
    """One window of a day type; dated, so that tomorrow's hours stand beside today's."""

    __tablename__ = "service_hours"
    hours_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    product: str  # vocabulary.Product
    day_type: str  # vocabulary.DayType
    opens: int
    closes: int
    valid_from: date
    valid_until: date | None = None


class Holiday(SQLModel, table=True):
    """A day on which internet banking keeps its holiday hours."""

    day: date = Field(primary_key=True)
    name: str


class Closure(SQLModel, table=True):
    """A planned closing inside the hours (maintenance, year end)."""

    closure_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    starts_at: datetime = Field(sa_type=Moment)
    ends_at: datetime = Field(sa_type=Moment)
    reason: str


class FeedDue(SQLModel, table=True):
    """When a feed is due (連携の予定), dated: on its days, by `due`, with data up to what `covers` says (6-1)."""

    __tablename__ = "feed_due"
    feed_due_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    feed: str  # 03, 04, status
    days: str  # vocabulary.FeedDays
    due: int  # minutes since 00:00 JST
    covers: str  # vocabulary.FeedCovers
    unavailable_after: int | None = None  # minutes after `due` from which older data is withheld; None: never
    valid_from: date
    valid_until: date | None = None


class ServiceStop(SQLModel, table=True):
    """A stop under 7-3, of the whole or a part. `ends_at` is the planned end or the moment it was lifted."""

    __tablename__ = "service_stop"
    stop_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    kind: str  # vocabulary.StopTarget
    target: str = Field(default="", index=True)
    starts_at: datetime = Field(sa_type=Moment)
    ends_at: datetime | None = Field(default=None, sa_type=Moment)
    review_on: date | None = None
    reason: str
    set_by: str


class TermsVersion(SQLModel, table=True):
    """API利用規定, one version byte for byte as its document came, named by its date (1-3, 9-1)."""

    __tablename__ = "terms_version"
    version: date = Field(primary_key=True)
    effective_from: datetime = Field(sa_type=Moment)
    change: str = TermsChange.NONE
    document: str
    digest: str  # SHA-256 of the document
    attached: list[dict[str, Any]] = Field(
        default_factory=list, sa_type=JSON
    )  # 8-1, in rank order: title, date, document

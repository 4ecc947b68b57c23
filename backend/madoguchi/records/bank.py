"""The books as the feeds bring them: branches, customers, internet-banking contracts, accounts, balances, rows.

Source: Zengin 03 and 04 and the status feed (`domain.md`). Sample log-in secrets are in records/login.py.
Account numbers are strings with leading zeros; an account is known by (branch, kind, number), never by number alone.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment, RowId
from madoguchi.rules.vocabulary import AccountState, Completeness, ContractState, Precision


class Branch(SQLModel, table=True):
    """店. A branch that closed or merged (店舗統廃合) keeps its row, with its last day and its successor."""

    branch_code: str = Field(primary_key=True, max_length=3)
    name: str
    name_kana: str
    valid_until: date | None = None
    successor: str | None = None


class Customer(SQLModel, table=True):
    """お客さま, known to internet banking by the customer number (8 digits)."""

    customer_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    customer_number: str = Field(unique=True, max_length=8)
    name: str
    name_kana: str
    phrase: str = ""  # 合言葉: shown after log-in so that the customer knows the page
    mail_address: str | None = None


class Contract(SQLModel, table=True):
    """インターネットバンキング契約. Registrations and facts belong to it (1-2-1)."""

    contract_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), nullable=False, index=True))
    product: str  # vocabulary.Product
    state: str = ContractState.LIVE
    state_since: datetime = Field(sa_type=Moment)
    __table_args__ = (UniqueConstraint("customer_id", "product"),)


class Account(SQLModel, table=True):
    """口座 of a contract's customer. `state` is where it stands in internet banking."""

    account_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), nullable=False, index=True))
    contract_id: int = Field(sa_column=Column(ForeignKey("contract.contract_id"), nullable=False, index=True))
    branch_code: str = Field(foreign_key="branch.branch_code")
    kind: str  # vocabulary.AccountKind, Zengin 預金種目
    number: str = Field(max_length=7)
    product_code: str = ""
    holder_kana: str
    nickname: str = ""  # what the customer calls it: 生活口座
    state: str = AccountState.REGISTERED
    last_change: int = Field(default=0, sa_type=BigInteger)  # newest number given to a change of its history
    __table_args__ = (UniqueConstraint("branch_code", "kind", "number"),)


class FormerAccountNumber(SQLModel, table=True):
    """店番・口座番号 that an account had before it was renumbered: files about days before still name it so."""

    __tablename__ = "former_account_number"
    branch_code: str = Field(primary_key=True, max_length=3)
    kind: str = Field(primary_key=True, max_length=1)
    number: str = Field(primary_key=True, max_length=7)
    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), nullable=False))
    until: datetime = Field(sa_type=Moment)


class Balance(SQLModel, table=True):
    """The latest balances of an account as 残高通知 (04) gave them; null where the feed gives none, never computed."""

    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), primary_key=True))
    current: int = Field(sa_type=BigInteger)
    available: int | None = Field(default=None, sa_type=BigInteger)
    previous_day: int | None = Field(default=None, sa_type=BigInteger)
    uncleared: int | None = Field(default=None, sa_type=BigInteger)
    as_of: datetime = Field(sa_type=Moment)
    as_of_precision: str = Precision.DAY
    created_on: date | None = None  # 作成日 of the block that gave or confirmed it last
    feed_file_id: int = Field(sa_column=Column(ForeignKey("feed_file.feed_file_id"), nullable=False))


class Statement(SQLModel, table=True):
    """One piece of held days of an account's history, from one block of 入出金取引明細 (03).

    `completeness` is GAP when banking days are missing between this block and the one before.
    """

    statement_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), nullable=False))
    first_day: date
    last_day: date
    opening_balance: int = Field(sa_type=BigInteger)
    closing_balance: int = Field(sa_type=BigInteger)
    as_of: datetime = Field(sa_type=Moment)
    as_of_precision: str = Precision.DAY
    completeness: str = Completeness.MAY_LACK_LATER
    created_on: date | None = None  # 作成日 of the block
    feed_file_id: int = Field(sa_column=Column(ForeignKey("feed_file.feed_file_id"), nullable=False))
    __table_args__ = (Index("statement_of_account", "account_id", "last_day"),)


class Transaction(SQLModel, table=True):
    """入出金明細 row. `position` orders an account's rows: booking day (YYYYMMDD) x 1,000,000 + order in the day.

    A row keeps its id when day, content (without 照会番号) and occurrence among equal rows of the day agree.
    Changes of an account's history are numbered upwards under the account's lock (`Account.last_change`), so that no
    reader can see a number before a smaller one: the row was added with `first_change` and last touched with
    `last_change`. SQLite is told never to give a withdrawn row's id to another (PostgreSQL never does): aggregators
    still know that id.
    """

    __tablename__ = "ledger_row"  # TRANSACTION is a reserved word
    transaction_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), nullable=False))
    customer_id: int = Field(sa_column=Column(ForeignKey("customer.customer_id"), nullable=False))
    position: int = Field(sa_type=BigInteger)
    booked_on: date  # 勘定日
    value_on: date  # 起算日
    direction: str  # vocabulary.Direction, 入払区分
    kind: str | None = None  # 取引区分
    amount: int = Field(sa_type=BigInteger)
    description: str  # 摘要, width folded
    description_raw: str
    counterparty: str | None = None  # 振込依頼人名, deposits only
    balance_after: int = Field(sa_type=BigInteger)
    inquiry_number: str = ""  # 照会番号, may be renumbered from file to file
    occurrence: int = 0
    corrects_id: int | None = Field(
        default=None, sa_column=Column(ForeignKey("ledger_row.transaction_id", ondelete="SET NULL"), index=True)
    )
    first_change: int = Field(sa_type=BigInteger)
    last_change: int = Field(sa_type=BigInteger)
    feed_file_id: int = Field(sa_column=Column(ForeignKey("feed_file.feed_file_id"), nullable=False))
    __table_args__ = (
        Index("page_of_account", "account_id", "position", unique=True),
        Index("changes_of_account", "account_id", "last_change", unique=True),
        {"sqlite_autoincrement": True},
    )


class RemovedTransaction(SQLModel, table=True):
    """A row that a later file withdrew: its id and day are told to who already has it, until the window has passed."""

    __tablename__ = "removed_row"
    account_id: int = Field(sa_column=Column(ForeignKey("account.account_id"), primary_key=True))
    change: int = Field(sa_column=Column(BigInteger, primary_key=True))
    transaction_id: int = Field(sa_type=BigInteger)
    booked_on: date = Field(index=True)
    removed_at: datetime = Field(sa_type=Moment)


class FeedFile(SQLModel, table=True):
    """A file that was read: its digest makes the same file change nothing the second time.

    `finished_at` is null while it is taken in and after an import that was killed. `refusal`: what refused it whole.
    """

    __tablename__ = "feed_file"
    feed_file_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    sha256: str = Field(unique=True, max_length=64)
    kind: str  # 03, 04, status
    name: str
    created_on: date | None = None
    imported_at: datetime = Field(sa_type=Moment)
    blocks_accepted: int = 0
    blocks_unchanged: int = 0
    blocks_refused: int = 0
    accounts_unknown: int = 0  # blocks and notices of accounts that internet banking does not know
    rows_added: int = 0
    rows_removed: int = 0
    balances_changed: int = 0
    events_applied: int = 0
    finished_at: datetime | None = Field(default=None, sa_type=Moment)
    refusal: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class QuarantinedBlock(SQLModel, table=True):
    """A refused block as it came, with the reason, until it is taken in after all or an officer sets it aside (6-1).

    `account_id` is null where the block names no account that we know; the days are null where they could not be read.
    `content`: its records as they came; emptied when settled. A status file that waits is one block, packed.
    """

    __tablename__ = "quarantined_block"
    quarantine_id: int | None = Field(default=None, sa_column=Column(RowId, primary_key=True))
    feed_file_id: int = Field(sa_column=Column(ForeignKey("feed_file.feed_file_id"), nullable=False, index=True))
    first_record: int
    last_record: int
    account_id: int | None = Field(
        default=None, sa_column=Column(ForeignKey("account.account_id"), nullable=True, index=True)
    )
    whose: str = ""  # the account as the block names it, masked
    created_on: date | None = None  # 作成日
    from_day: date | None = None  # 勘定日 自
    to_day: date | None = None  # 勘定日 至
    damage: dict[str, Any] = Field(sa_type=JSON)  # procedures/feeds/values.py, Damage
    content: bytes = Field(sa_type=LargeBinary)
    read_as_of: date  # the day the import took for "today" (作成日 has no era)
    refused_at: datetime = Field(sa_type=Moment)
    settled_at: datetime | None = Field(default=None, sa_type=Moment)
    settled_as: str | None = None  # vocabulary.Settlement
    set_aside_because: str | None = None


class FeedArrival(SQLModel, table=True):
    """The newest data that each feed has brought: what lateness is judged by (6-1)."""

    __tablename__ = "feed_arrival"
    feed: str = Field(primary_key=True)  # 03, 04, status
    as_of: datetime = Field(sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    feed_file_id: int = Field(sa_column=Column(ForeignKey("feed_file.feed_file_id"), nullable=False))


class StatusCursor(SQLModel, table=True):
    """The last sequence number of the internet-banking status feed that was applied."""

    __tablename__ = "status_cursor"
    feed: str = Field(primary_key=True)
    sequence: int = Field(sa_type=BigInteger)


class AppliedEvent(SQLModel, table=True):
    """An event of the status feed that was applied: tells the same event again from another one under its number."""

    __tablename__ = "applied_event"
    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    event_id: str = Field(unique=True, max_length=64)
    digest: str = Field(max_length=64)  # SHA-256 of its content

"""The two databases, and all that differs between them.

SQLite (one file, WAL, `synchronous=FULL`, foreign keys on) is the default; PostgreSQL serves more than one worker.
Procedures are synchronous functions on a SQLModel session; `writing` and `reading` run them in one transaction.

Traps: SQLite fails a transaction that reads first and writes later (SQLITE_BUSY_SNAPSHOT), so `writing` takes the write
lock at its start; password hashing and network work belong before it, so that the lock is held for milliseconds.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from sqlalchemy import BigInteger, Connection, DateTime, Dialect, Integer, Table, TypeDecorator, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import Session, SQLModel

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

LOCK_WAIT = 30.0
"""Seconds that a writer on SQLite waits for another (a feed import in another process) before it fails."""

LOCK_WAIT_WHILE_SERVING = 8.0
"""The same while serving: below a request's deadline (doors/deadlines.py), so that a wait in vain can be answered."""


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite knows no zones: there it is stored as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment must be aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A generated 64-bit key; SQLite generates only for INTEGER, which has 64 bits there."""


class Database:
    """One engine and the ways to use it. Nothing else in the house opens a connection.

    lock_wait  seconds to wait for a free connection, and on SQLite for the write lock.
    """

    def __init__(self, url: str, pool_size: int = 8, lock_wait: float = LOCK_WAIT) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self.size = pool_size
        options: dict[str, Any] = {"json_serializer": _json, "json_deserializer": orjson.loads}
        if self._is_sqlite:
            options["connect_args"] = {"timeout": lock_wait}
        options["pool_size"] = pool_size
        options["pool_timeout"] = lock_wait
        options["max_overflow"] = 0
        self.engine: AsyncEngine = create_async_engine(url, **options)
        if self._is_sqlite:
            _prepare_sqlite(self.engine.sync_engine)

    async def writing(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value:
        """Run a procedure in one durable transaction: what it returns commits, what it raises rolls back."""
        async with self._session() as session, session.begin():
            return await session.run_sync(lambda s: procedure(s, *args, **kwargs))  # type: ignore[arg-type]

    async def reading(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value:
        """Run a procedure in one read-only snapshot."""
        async with self.snapshot() as session:
            return await session.run_sync(lambda s: procedure(s, *args, **kwargs))  # type: ignore[arg-type]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A read-only session whose statements all see the same state; several procedures may run in it."""
        options = {"madoguchi_read_only": True} if self._is_sqlite else _POSTGRESQL_SNAPSHOT
        async with self._session() as session:
            await session.connection(execution_options=options)
            yield session  # closing rolls back: nothing that a reader writes is ever kept

    @asynccontextmanager
    async def durable(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a writing transaction, for plain statements without a session (the shared commit)."""
        async with self.engine.begin() as connection:
            yield connection

    @property
    def in_use(self) -> int:
        """Connections that are at work now."""
        return self.engine.pool.checkedout()  # type: ignore[attr-defined,no-any-return]

    async def close(self) -> None:
        """Give all connections back; the database can be used no more."""
        await self.engine.dispose()

    def _session(self) -> AsyncSession:
        return AsyncSession(self.engine, sync_session_class=Session, expire_on_commit=False)


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model, for statements without the model's objects."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def insert_new(
    where: Session | AsyncConnection, model: type[SQLModel], rows: Iterable[Mapping[str, Any]], key: str
) -> Any:
    """INSERT of rows that are not there yet, returning the `key` column of those that were new, for `where` to run.

    One conditional statement: how one-time things are claimed (architecture: RETURNING tells whose proof was a replay).
    """
    table = table_of(model)
    dialect = (where.get_bind() if isinstance(where, Session) else where).dialect
    statement = (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(table).values(list(rows))
    return statement.on_conflict_do_nothing().returning(table.c[key])


def wait_alone(connection: Connection) -> None:
    """Wait until no other upgrade is under way, for the rest of the transaction. SQLite's writers are alone anyway."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20260617)")


_POSTGRESQL_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("madoguchi_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

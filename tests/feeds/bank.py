"""An institution that takes feed files in, and looks at what it then holds."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlmodel import Session, col, func, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Statement, Transaction
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import JST
from tests.feeds.books import BANK, ORDINARY
from tests.support.databases import sqlite_url

NOW = datetime(2026, 11, 24, 15, 2, tzinfo=JST)
FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)  # Monday is a holiday


class Bank:
    """The institution under test: files go in, rows are looked at."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self._directory = directory
        self._files = 0

    async def send(
        self, content: bytes, at: datetime = NOW, suffix: str = "txt", as_of: date | None = None
    ) -> FileReport:
        """Import one file, always under a new name."""
        self._files += 1
        path = self._directory / f"feed-{self._files}.{suffix}"
        path.write_bytes(content)
        return await import_file(self.database, path, BANK.bank_code, at, as_of, "os-user:tests")

    async def rows(self, account: AccountKey = ORDINARY) -> Sequence[Transaction]:
        def read(session: Session) -> Sequence[Transaction]:
            return session.exec(
                select(Transaction)
                .join(Account, col(Account.account_id) == col(Transaction.account_id))
                .where(Account.number == account.number)
                .order_by(col(Transaction.position))
            ).all()

        return await self.database.reading(read)

    async def days(self, account: AccountKey = ORDINARY) -> list[tuple[date, date, str]]:
        """What is held of an account: first day, last day, completeness."""

        def read(session: Session) -> list[tuple[date, date, str]]:
            held = session.exec(
                select(Statement)
                .join(Account, col(Account.account_id) == col(Statement.account_id))
                .where(Account.number == account.number)
                .order_by(col(Statement.first_day))
            )
            return [(piece.first_day, piece.last_day, piece.completeness) for piece in held]

        return await self.database.reading(read)

    async def count(self, table: type) -> int:
        return await self.database.reading(lambda session: session.exec(select(func.count()).select_from(table)).one())

    async def acts(self, action: str) -> list[dict[str, object]]:
        return await self.database.reading(
            lambda session: list(session.exec(select(col(Act.detail)).where(Act.action == action)))
        )


@contextmanager
def bank_in_a_hurry(template: Path, folder: Path) -> Iterator[tuple[asyncio.Runner, Bank]]:
    """A bank in an event loop of its own, for thousands of commits: nothing there is about losing power."""

    def hurry(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    shutil.copyfile(template, folder / "madoguchi.db")
    with asyncio.Runner() as runner:
        bank = Bank(Database(sqlite_url(folder / "madoguchi.db")), folder)
        event.listen(bank.database.engine.sync_engine, "connect", hurry)
        yield runner, bank
        runner.run(bank.database.close())

"""Blocks straight into the books of a customer's accounts, without files, and everything that is then held of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from sqlmodel import Session, col, select

from madoguchi.procedures.feeds.statements import StatementStored, store_statement
from madoguchi.procedures.feeds.values import AccountKey, BlockRefused, StatementBlock, StatementRow
from madoguchi.records.bank import (
    Account,
    Branch,
    Contract,
    Customer,
    FeedFile,
    RemovedTransaction,
    Statement,
    Transaction,
)
from madoguchi.records.database import Database
from tests.feeds.bank import NOW

SHOWN = (
    "position", "booked_on", "value_on", "direction", "kind", "amount", "description", "description_raw",
    "counterparty", "balance_after", "occurrence",
)  # fmt: skip


class ReadAgain(Iterable[StatementRow]):
    """Rows that can be read over and over, and nothing else: a block's rows may be more than memory holds."""

    def __init__(self, rows: Iterable[StatementRow]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[StatementRow]:
        return iter(self._rows)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of an account at one moment."""

    rows: tuple[dict[str, Any], ...]
    removed: tuple[dict[str, Any], ...]
    pieces: tuple[dict[str, Any], ...]
    last_change: int

    @property
    def identities(self) -> dict[int, tuple[Any, ...]]:
        """Each row's id with what makes it the same row."""
        content = ("booked_on", "value_on", "direction", "kind", "amount", "description_raw", "counterparty")
        return {row["transaction_id"]: tuple(row[name] for name in (*content, "occurrence")) for row in self.rows}

    def shown(self, *names: str) -> list[tuple[Any, ...]]:
        """The rows in order, as far as readers see them; `corrects` as the place of the corrected row."""
        places = {row["transaction_id"]: row["position"] for row in self.rows}
        return [(*(row[name] for name in names or SHOWN), places.get(row["corrects_id"])) for row in self.rows]


class History:
    """The accounts under test in a session of the test's."""

    def __init__(self, session: Session, files: str = "file") -> None:
        self.session = session
        self._name = files
        self._files = count(1)

    def open(self, *keys: AccountKey) -> None:
        """One customer with these accounts."""
        session = self.session
        session.add(Branch(branch_code=keys[0].branch_code, name="本店", name_kana="ﾎﾝﾃﾝ"))
        customer = Customer(customer_number="10000001", name="見本 花子", name_kana="ﾐﾎﾝ ﾊﾅｺ")
        session.add(customer)
        session.flush()
        contract = Contract(customer_id=customer.customer_id or 0, product="personal", state="live", state_since=NOW)
        session.add(contract)
        session.flush()
        for key in keys:
            account = Account(
                customer_id=customer.customer_id or 0, contract_id=contract.contract_id or 0,
                branch_code=key.branch_code, kind=key.kind_code, number=key.number, holder_kana="ﾐﾎﾝ ﾊﾅｺ",
            )  # fmt: skip
            session.add(account)
        session.flush()

    def send(self, block: StatementBlock, at: datetime = NOW) -> StatementStored | BlockRefused:
        """Store one block, from a file of its own."""
        name = f"{self._name}-{next(self._files)}"
        file = FeedFile(sha256=name, kind="03", name=name, created_on=block.created_on, imported_at=at)
        self.session.add(file)
        self.session.flush()
        again = replace(block, rows=ReadAgain(block.rows))
        return store_statement(self.session, self.account(block.account), again, file, at)

    def account(self, key: AccountKey) -> Account:
        return self.session.exec(select(Account).where(Account.number == key.number)).one()

    def held(self, key: AccountKey) -> Held:
        """Everything that is held of an account now."""
        self.session.flush()
        self.session.expire_all()
        account = self.account(key)

        def all_of(table: Any, order: Any) -> tuple[dict[str, Any], ...]:
            found = self.session.exec(select(table).where(table.account_id == account.account_id).order_by(order))
            return tuple(one.model_dump() for one in found)

        return Held(
            all_of(Transaction, col(Transaction.position)),
            all_of(RemovedTransaction, col(RemovedTransaction.change)),
            all_of(Statement, col(Statement.first_day)),
            account.last_change,
        )


class _UndoneAtTheEnd(Exception):
    pass


async def undone(database: Database, story: Any, *args: Any) -> None:
    """Run a test's story in one transaction that leaves nothing behind for the next."""

    def tell(session: Session) -> None:
        story(History(session), *args)
        raise _UndoneAtTheEnd

    try:
        await database.writing(tell)
    except _UndoneAtTheEnd:
        return

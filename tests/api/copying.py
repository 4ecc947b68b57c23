"""A bank that tells an account's books through the feeds' procedures, and an aggregator that keeps a copy of them.

The aggregator does what the descriptions of `changes` and `TransactionChanges` say, and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from sqlmodel import Session, col, delete, select, update

from madoguchi.doors.api.answer import Answer
from madoguchi.doors.api.execution import execute
from madoguchi.doors.api.gate import Asker, pass_gate
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.request import Question
from madoguchi.doors.api.schema import build_schema
from madoguchi.procedures.feeds.statements import StatementStored, store_statement
from madoguchi.procedures.feeds.values import AccountKey, StatementRow
from madoguchi.procedures.quotas import Quotas
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, FeedFile
from madoguchi.records.database import Database
from madoguchi.records.registrations import AccessToken, Registration, RegistrationAccount
from madoguchi.settings import Settings
from tests import story
from tests.api.conftest import MASTER_KEY
from tests.feeds.books import block
from tests.story import Story

SCHEMA = build_schema()
OPERATIONS = Operations(SCHEMA.core)
ALLOWANCE = Settings(issuer=story.ISSUER, database_url="sqlite+aiosqlite://", bank_code="9999").allowance
BEGIN = date(2026, 11, 17)
ROW = """{ id bookedOn orderInDay valueOn direction kind amount description descriptionRaw counterparty balanceAfter
           corrects { id } }"""
CHANGES = (
    "query ($account: ID!, $after: String, $first: Int!) { changes(account: $account, after: $after, first: $first) {"
    f" added {ROW} corrected {ROW} removed {{ id bookedOn }} cursor hasMore period {{ from }} }} }}"
)
HISTORY = (
    "query ($account: ID!, $after: String) { account(id: $account) { transactions(first: 7, after: $after,"
    f" order: OLDEST_FIRST) {{ nodes {ROW} pageInfo {{ endCursor hasNextPage }} }} }} }}"
)
_numbers = count(1)


class InMemory:
    """A database for many quick stories, used as `Database` is; what is different on a real one is not seen here."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def writing(self, procedure: Callable[..., Any], *args: Any) -> Any:
        found = procedure(self._session, *args)
        self._session.flush()
        return found

    reading = writing


@dataclass
class Bank:
    """The true books of an account of its own, and the one who serves them. `at` moves by hand."""

    database: Database | InMemory
    told: Story
    number: int = field(default_factory=lambda: next(_numbers))
    at: datetime = story.NOW
    true: dict[date, tuple[StatementRow, ...]] = field(default_factory=dict)
    account_id: int = 0
    token: str = ""
    files: int = 0

    async def open(self) -> None:
        def add(session: Session) -> tuple[int, str]:
            account = Account(
                customer_id=self.told.hanako, contract_id=self.told.hanako_contract, branch_code="002", kind="1",
                number=self.key.number, holder_kana="ﾐﾎﾝ ﾊﾅｺ",
            )  # fmt: skip
            session.add(account)
            session.flush()
            registration_id = session.exec(select(Registration.registration_id)).first()
            if registration_id is None:
                registration_id = story.register(session, self.told, accounts=[]).registration_id
            session.execute(delete(RegistrationAccount))
            session.add(RegistrationAccount(registration_id=registration_id, account_id=account.account_id or 0))
            token = story.access(session, registration_id, story.ALL_SCOPES)
            session.execute(update(AccessToken).values(expires_at=story.NOW + timedelta(days=90)))
            return account.account_id or 0, token

        self.account_id, self.token = await self.database.writing(add)
        await self.narrow(None)

    @property
    def key(self) -> AccountKey:
        return AccountKey("002", "1", f"{5_000_000 + self.number}")

    async def send(self, first: date, days: Mapping[date, tuple[StatementRow, ...]]) -> None:
        """Tell the books from a day on, as they are now, in a file that is newer than all before."""
        self.files += 1
        self.true |= days
        opening = 10_000 + sum(one.change for day, rows in self.true.items() if day < first for one in rows)
        told = block(
            *(one for day in sorted(self.true) if day >= first for one in self.true[day]), account=self.key,
            opening=opening, from_day=first, to_day=max(self.true), created_on=BEGIN + timedelta(days=100 + self.files),
        )  # fmt: skip
        name = f"of {self.number}, {self.files}"

        def store(session: Session) -> None:
            file = FeedFile(sha256=name, kind="03", name=name, created_on=told.created_on, imported_at=self.at)
            session.add(file)
            session.flush()
            account = session.get_one(Account, self.account_id)
            stored = store_statement(session, account, told, file, self.at)
            assert isinstance(stored, StatementStored), stored

        await self.database.writing(store)

    async def narrow(self, days: int | None) -> None:
        """The aggregator's contract gives history for so many days."""
        whose = col(Aggregator.aggregator_id) == self.told.kakeibo
        await self.database.writing(lambda s: s.execute(update(Aggregator).where(whose).values(history_days=days)))

    async def ask(self, text: str, **variables: Any) -> tuple[dict[str, Any], list[str]]:
        """Data and error codes of an answer, through everything but HTTP and the record."""
        (account,) = Ids(MASTER_KEY, self.told.kakeibo).seal(Kind.ACCOUNT, [self.account_id])
        question = Question(text, None, {"account": account, **variables})
        asker = Asker(self.token, story.proof_key().thumbprint(), "once", self.at, attended=True, safe=False)
        quotas = Quotas(ALLOWANCE, "wk_test")
        passed = await self.database.reading(pass_gate, OPERATIONS, quotas, MASTER_KEY, question, asker)
        assert passed.operation is not None, passed.refused
        answer = Answer(passed.admission, passed.ledger, passed.ids, self.at)
        executed = await execute(SCHEMA, passed.operation, answer.root(passed.plan), "rq_test")
        assert executed.data is not None
        return executed.data, [problem.code for problem, _ in executed.problems]

    async def history(self) -> list[dict[str, Any]]:
        """What `transactions` shows, oldest first."""
        rows: list[dict[str, Any]] = []
        after, more = None, True
        while more:
            data, errors = await self.ask(HISTORY, after=after)
            assert errors == []
            page = data["account"]["transactions"]
            rows += page["nodes"]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        return rows


@dataclass
class Copy:
    """An aggregator's copy of a history, kept as the descriptions of `TransactionChanges` say.

    `seen` are the cursors it was given, each with the ids it was told by using it.
    """

    bank: Bank
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursor: str | None = None
    seen: dict[str, set[str]] = field(default_factory=dict)
    since: str = ""  # first day of the window at the last answer

    async def page(self, first: int) -> bool:
        """Ask for one page and take it over; whether more was waiting."""
        data, errors = await self.bank.ask(CHANGES, after=self.cursor, first=first)
        if errors == ["CURSOR_EXPIRED"]:
            self.rows, self.cursor, self.seen = {}, None, {}
            return True
        assert errors == []
        new = data["changes"]
        told = [one["id"] for part in ("removed", "added", "corrected") for one in new[part]]
        assert len(told) == len(set(told)) <= first
        if self.cursor is not None:
            self.seen.setdefault(self.cursor, set()).update(told)
        for gone in new["removed"]:
            self.rows.pop(gone["id"], None)
        for one in (*new["added"], *new["corrected"]):
            self.rows[one["id"]] = one
        self.cursor = new["cursor"]
        self.since = new["period"]["from"]
        self.rows = {id: one for id, one in self.rows.items() if one["bookedOn"] >= self.since}
        return bool(new["hasMore"])

    async def catch_up(self, first: int) -> None:
        pages = 0
        while await self.page(first):
            pages += 1
            assert pages < 200, "paging comes to an end"

    async def replay(self, nth: int, first: int) -> None:
        """Use an old cursor again and go on from there: all that it told is told again, unless it left the window."""
        if not self.seen:
            return
        cursor = list(self.seen)[nth % len(self.seen)]
        told = {id: self.rows[id]["bookedOn"] for id in self.seen[cursor] & self.rows.keys()}  # and not withdrawn
        self.cursor = cursor
        again = Copy(self.bank, cursor=cursor)
        await again.catch_up(first)
        if cursor in again.seen:  # it had not expired
            once = {id for id, booked_on in told.items() if booked_on >= again.since}
            assert once <= {id for ids in again.seen.values() for id in ids}

    def ordered(self) -> list[dict[str, Any]]:
        rows = sorted(self.rows.values(), key=lambda one: (one["bookedOn"], one["orderInDay"]))
        return [one | {"corrects": one["corrects"] if (one["corrects"] or {}).get("id") in self.rows else None}
                for one in rows]  # fmt: skip

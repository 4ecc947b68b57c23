"""Two feeds taken in at once: who waits for the other in vain is told to try again, and a watch does so by itself."""

import asyncio

import pytest
from sqlalchemy.util import await_only
from sqlmodel import Session

from madoguchi.cli.failures import BUSY, database_is_away, sentence_of
from madoguchi.procedures.feeds.accounts import account_now
from madoguchi.procedures.feeds.arrivals import note_arrival
from madoguchi.procedures.feeds.files import FileSeen, begin_file
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records.bank import FeedFile
from tests.feeds.bank import NOW, Bank
from tests.feeds.books import CURRENT, ORDINARY


@pytest.mark.both_databases
async def test_of_two_that_lock_the_same_accounts_the_other_way_round_one_is_done_and_one_is_told_to_try_again(
    bank: Bank,
) -> None:
    def lock(session: Session, *keys: AccountKey) -> str:
        for key in keys:
            assert account_now(session, key) is not None
            await_only(asyncio.sleep(0.2))
        return "done"

    ways = (ORDINARY, CURRENT), (CURRENT, ORDINARY)
    ends = await asyncio.gather(*(bank.database.writing(lock, *keys) for keys in ways), return_exceptions=True)
    failures = [end for end in ends if isinstance(end, Exception)]
    assert ends.count("done") == 2 - len(failures)
    assert len(failures) == (bank.database.engine.dialect.name == "postgresql"), "SQLite has one lock only"
    for failure in failures:
        assert sentence_of(failure) == (BUSY, 1)
        assert database_is_away(failure), "a watch waits and tries again"


@pytest.mark.both_databases
async def test_a_file_that_is_being_taken_in_may_be_named_by_another_transaction_meanwhile(bank: Bank) -> None:
    """A later file divides days that an earlier one brought, and names it in the pieces: a wait would be a deadlock."""
    seen, ends = FileSeen("a.txt", "0" * 64, "03"), list[str]()
    number = await bank.database.writing(begin_file, seen, NOW)

    def take_in(session: Session) -> None:
        assert begin_file(session, seen, NOW) == number
        await_only(asyncio.sleep(0.4))
        ends.append("taken in")

    def name(session: Session) -> None:
        note_arrival(session, session.get_one(FeedFile, number), NOW, NOW)
        session.flush()
        ends.append("named")

    taking = asyncio.create_task(bank.database.writing(take_in))
    await asyncio.sleep(0.1)
    await bank.database.writing(name)
    await taking
    is_sqlite = bank.database.engine.dialect.name == "sqlite"
    assert ends == (["taken in", "named"] if is_sqlite else ["named", "taken in"]), "SQLite has one lock only"

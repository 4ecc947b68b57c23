"""Two feeds taken in at once: who waits for the other in vain is told to try again, and a watch does so by itself."""

import asyncio

import pytest
from sqlalchemy.util import await_only
from sqlmodel import Session

from madoguchi.cli.failures import BUSY, database_is_away, sentence_of
from madoguchi.procedures.feeds.accounts import account_now
from madoguchi.procedures.feeds.values import AccountKey
from tests.feeds.bank import Bank
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

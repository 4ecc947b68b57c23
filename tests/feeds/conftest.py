"""The institution that the import tests send their files to."""

from pathlib import Path

import pytest

from madoguchi.records.database import Database
from tests.feeds.bank import Bank
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import opened, registered, status_file
from tests.feeds.status import Feed


@pytest.fixture
async def bank(database: Database, tmp_path: Path) -> Bank:
    """A bank that knows one customer with an ordinary and a current account, and no history."""
    bank = Bank(database, tmp_path)
    report = await bank.send(status_file(opened(1), registered(2, ORDINARY), registered(3, CURRENT)), suffix="jsonl")
    assert report.events_applied == 3, report
    return bank


@pytest.fixture
async def feed(database: Database, tmp_path: Path) -> Feed:
    """The story's credit union, which has had no status feed yet."""
    feed = Feed(database, tmp_path)
    await feed.begin()
    return feed

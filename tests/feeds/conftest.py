"""The institution that the import tests send their files to."""

from pathlib import Path

import pytest

from madoguchi.records.database import Database
from tests.feeds.bank import Bank
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import opened, registered, status_file


@pytest.fixture
async def bank(database: Database, tmp_path: Path) -> Bank:
    """A bank that knows one customer with an ordinary and a current account, and no history."""
    bank = Bank(database, tmp_path)
    report = await bank.send(status_file(opened(1), registered(2, ORDINARY), registered(3, CURRENT)), suffix="jsonl")
    assert report.events_applied == 3, report
    return bank

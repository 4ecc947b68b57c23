"""The authorization server for tests over HTTP."""

from collections.abc import AsyncIterator

import pytest

from madoguchi.records.database import Database
from tests.fapi.bank import Bank, bank_on


@pytest.fixture
async def bank(database: Database) -> AsyncIterator[Bank]:
    async with bank_on(database) as one:
        yield one

"""The authorization server for tests over HTTP."""

from collections.abc import AsyncIterator

import pytest

from madoguchi.records.database import Database
from tests.fapi.bank import Bank, bank_on
from tests.story import Story


@pytest.fixture
async def bank(database: Database, told_story: Story) -> AsyncIterator[Bank]:
    async with bank_on(database, told_story) as one:
        yield one

"""The sample aggregator with a credit union that is only a socket, for tests of what it does by itself."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.developer.fake_bank import FakeBank, fake_bank
from tests.developer.visitor import Visitor, data, designate, tokens, visiting


@pytest.fixture
def bank() -> Iterator[FakeBank]:
    with fake_bank() as one:
        one.answer("/par", 201, {"request_uri": "urn:ietf:params:oauth:request_uri:abc", "expires_in": 90})
        one.answer("/token", 200, tokens("at-1", refresh_token="rt-1"))
        one.answer("/graphql", 200, {"data": data()})
        one.answer("/revoke", 200, {})
        yield one


@pytest.fixture
async def visitor(bank: FakeBank, tmp_path: Path) -> AsyncIterator[Visitor]:
    designate(tmp_path)
    async with visiting(bank, tmp_path) as one:
        yield one

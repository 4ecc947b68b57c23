"""What every test may ask for; the parts are in tests/support, one subject a file."""

import pytest

pytest_plugins = ["tests.support.postgres", "tests.support.databases", "tests.support.browser"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"

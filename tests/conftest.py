"""What every test may ask for; the parts are in tests/support, one subject a file."""

from collections.abc import Generator

import pytest
from hypothesis import settings

pytest_plugins = [f"tests.support.{part}" for part in ("postgres", "databases", "browser", "desk", "sample")]

# An example's time says more about the other tests on this machine than about ours.
settings.register_profile("house", settings.default, deadline=None)
settings.register_profile("long", settings.default, deadline=None, max_examples=20_000)
settings.load_profile("house")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"


SLOW_FIRST = ("clients", "pages", "flows", "house")
"""Folders whose files start servers and browsers: begun first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (SLOW_FIRST.index(item.path.parent.name) if item.path.parent.name in SLOW_FIRST else 9))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test has proven nothing, and nobody reads why: it fails."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report

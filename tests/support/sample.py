"""The sample credit union as its first start leaves it: started once for a pytest run, and copied for each use.

    def test_...(new_sample: Callable[[Path], Path], tmp_path: Path) -> None:
        data = new_sample(tmp_path / "data")
        with running_server({"MADOGUCHI_DATA_DIR": str(data)}, "--sample") as server: ...

Serving a copy costs two seconds of work, a first start five. Records (SQLite), keys and feeds stand in the copy; all
copies have the same keys and passwords. A server's own log names the passwords, as at any start.
"""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.server import running_server


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What `madoguchi serve --sample` left on an empty data directory, and what it said."""

    data: Path
    log: str


@pytest.fixture(scope="session")
def sample_first_start(tmp_path_factory: pytest.TempPathFactory, worker_name: str) -> FirstStart:
    """Made by the first test that asks, under a lock, as pytest-xdist's workers share it. Copy it, never serve it."""
    own = tmp_path_factory.getbasetemp()
    home = (own if worker_name == "main" else own.parent) / "first-start"
    home.mkdir(exist_ok=True)
    data, log = home / "data", home / "log"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not log.exists():
            shutil.rmtree(data, ignore_errors=True)  # of a start that failed
            with running_server({"MADOGUCHI_DATA_DIR": str(data)}, "--sample") as server:
                assert server.terminate() == 0
                log.write_text(server.log)
    return FirstStart(data, log.read_text())


@pytest.fixture(scope="session")
def new_sample(sample_first_start: FirstStart) -> Callable[[Path], Path]:
    """Copies it to a folder that is not there yet, and returns that folder: a data directory of the caller's own."""
    return lambda folder: Path(shutil.copytree(sample_first_start.data, folder))

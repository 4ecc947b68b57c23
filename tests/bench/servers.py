"""The servers under test: `madoguchi serve` as in production, and the hand-written peer, one process each."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from madoguchi.installation import load_keys, make_keys
from madoguchi.settings import Settings
from tests.bench.bank import BANK_CODE
from tests.bench.machine import on_core
from tests.bench.workloads import ISSUER
from tests.support.postgres import Cluster
from tests.support.server import COMMAND, Server, running_server
from tests.support.tree import ROOT

SETTINGS: Final = {
    "mode": "production",
    "issuer": ISSUER,
    "bank_code": BANK_CODE,
    "workers": 1,
    # Quotas are asked and counted at each request; a run may ask one customer oftener than they would allow.
    "unattended_calls_per_session": 10**9,
    "registration_cost_per_minute": 10**9,
    "aggregator_cost_per_minute": 10**9,
}


@dataclass(frozen=True, slots=True)
class Installation:
    """One database with the keys that its ids are made of."""

    cluster: Cluster
    database: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        given = {**SETTINGS, "database_url": self.cluster.url(self.database), "data_dir": self.folder}
        return {f"MADOGUCHI_{name.upper()}": str(value) for name, value in given.items()}

    @property
    def settings(self) -> Settings:
        return Settings(**{**SETTINGS, "database_url": self.cluster.url(self.database), "data_dir": self.folder})

    def master_key(self) -> bytes:
        """The key of ids; made with the others at the first time."""
        make_keys(self.settings)
        return load_keys(self.settings).master


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `start_seconds`: from the command to its first answer."""

    server: Server
    start_seconds: float

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def pid(self) -> int:
        return self.server.process.pid


@contextmanager
def ours(
    where: Installation, core: int | None, command: tuple[str, ...] = COMMAND, extra: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """`madoguchi serve` with the settings above and all others as they are by default."""
    where.master_key()
    with _started({**where.environment, **(extra or {})}, core, command) as running:
        yield running


@contextmanager
def peer(where: Installation, core: int | None) -> Iterator[Running]:
    """tests/bench/peer.py on the same database."""
    home, key = str(where.cluster.home), where.master_key().hex()
    command = (sys.executable, "-m", "tests.bench.peer", "{port}", home, where.database, key)
    with _started({}, core, command) as running:
        yield running


@contextmanager
def _started(environment: Mapping[str, str], core: int | None, command: tuple[str, ...]) -> Iterator[Running]:
    begun = time.perf_counter()
    with ExitStack() as running:
        with on_core(core):
            server = running.enter_context(running_server(environment, command=command, folder=ROOT))
        yield Running(server, time.perf_counter() - begun)

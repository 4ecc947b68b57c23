"""The recipes of the documentation as a developer runs them: a program, a folder of its own, what it prints."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.developer.served_sample import BINARIES, ServedSample
from tests.support.server import free_port
from tests.support.tree import ROOT

RECIPES = ROOT / "frontend" / "docs" / "recipes"
PROGRAMS = {
    "python": (str(Path(sys.executable)), "aggregator.py"),
    "node": (str(BINARIES / "node"), "aggregator.mjs"),
}
WAITS_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Said:
    """How a run ended and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe in a folder that holds nothing else; Node finds there what npm installed."""

    language: str
    folder: Path
    callback: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}/callback")

    def __post_init__(self) -> None:
        self.folder.mkdir()
        shutil.copy(RECIPES / PROGRAMS[self.language][1], self.folder)
        if self.language == "node":
            (self.folder / "node_modules").symlink_to(ROOT / "tests" / "clients" / "node_modules")

    def __call__(self, command: str) -> Said:
        done = subprocess.run(
            [*PROGRAMS[self.language], command],
            cwd=self.folder, capture_output=True, text=True, timeout=WAITS_SECONDS, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def start_connecting(self) -> tuple[subprocess.Popen[str], str]:
        """`connect`, up to the address that it prints."""
        running = subprocess.Popen(
            [*PROGRAMS[self.language], "connect"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert running.stdout is not None
        printed = []
        for line in running.stdout:
            printed.append(line)
            if urlsplit(line.strip()).path == "/authorize":
                return running, line.strip()
        running.wait()
        raise AssertionError(f"no address was printed: {''.join(printed)}{running.communicate()[1]}")

    @staticmethod
    def finished(running: subprocess.Popen[str]) -> Said:
        out, err = running.communicate(timeout=WAITS_SECONDS)
        return Said(running.returncode, out, err)

    def designate(self, bank: ServedSample, *more: str) -> None:
        """Make keys, and have the credit union register them, as the quickstart says; `more` of the contract."""
        assert self("keys").code == 0
        client = bank.command(
            "aggregator", "add", "--name", f"みほん帳 {self.language}", "--jwks", str(self.folder / "jwks.json"),
            "--redirect-uri", self.callback, "--scope", "accounts balances transactions", "--json", *more,
        )  # fmt: skip
        (self.folder / "client.json").write_text(client)

    def holds(self, name: str) -> Any:
        """What one of its JSON files says; None when it is not there."""
        path = self.folder / name
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def change(self, name: str, **values: Any) -> None:
        (self.folder / name).write_text(json.dumps({**self.holds(name), **values}))

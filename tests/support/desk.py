"""An officer's desk: the `madoguchi` command in this process, at a moment of the test's, on a told database.

assert desk("service", "close").code == 0
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.cli import main
from madoguchi.procedures.reading import admit
from madoguchi.procedures.service import institution_facts
from madoguchi.records.audit import Act
from madoguchi.records.database import Database
from madoguchi.rules.service_hours import is_open
from madoguchi.rules.vocabulary import Product
from tests import story


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A desk at the tests' credit union; `at` is the moment there and may be moved on."""

    url: str
    told: story.Story
    capture: pytest.CaptureFixture[str]
    at: datetime = story.NOW

    def __call__(self, *arguments: str) -> Said:
        self.capture.readouterr()
        code = main(arguments, lambda: self.at)
        out, err = self.capture.readouterr()
        return Said(code, out, err)

    def ask(self, procedure: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a procedure on the desk's database, as a door would."""
        return self.run(lambda database: database.writing(procedure, *args, **kwargs))

    def run(self, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
        """Run asynchronous work with the desk's database."""
        return asyncio.run(_with_database(self.url, work))

    def acts(self, action: str) -> list[Act]:
        """The trail's acts of one kind, oldest first."""
        acts: list[Act] = self.ask(lambda s: list(s.exec(select(Act).where(Act.action == action).order_by(Act.act_id))))
        return acts

    def is_open(self) -> bool:
        """Whether both products are inside their service hours."""
        facts = self.ask(institution_facts)
        return all(is_open(self.at, product, facts) for product in Product)

    def reads(self, token: str) -> bool:
        """Whether a token is admitted without any refusal of the whole request."""

        def ask(session: Session) -> bool:
            admission = admit(session, opaque.stored(token), self.at)
            return admission is not None and not admission.access.refusals

        answer: bool = self.ask(ask)
        return answer


@dataclass
class Command:
    """`madoguchi` in this process, of an installation that has nothing yet: not even its data directory."""

    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    data: Path
    at: datetime = story.NOW

    def __call__(self, *arguments: str, **environment: str) -> Said:
        """Run it; the environment's keys stay set for the commands that follow."""
        for key, value in environment.items():
            self.monkeypatch.setenv(key, value)
        self.capture.readouterr()
        code = main(arguments, lambda: self.at)
        out, err = self.capture.readouterr()
        assert "Traceback" not in err
        return Said(code, out, err)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A sandbox's command with no setting but the data directory."""
    for key in [key for key in os.environ if key.startswith("MADOGUCHI_")]:
        monkeypatch.delenv(key)
    data = tmp_path / "data"
    monkeypatch.setenv("MADOGUCHI_DATA_DIR", str(data))
    return Command(monkeypatch, capsys, data)


@pytest.fixture
def desk(
    database_url: str,
    told_story: story.Story,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    """The desk of a sandbox with a database of its own, in which the story has been told."""
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", database_url)
    monkeypatch.setenv("MADOGUCHI_DATA_DIR", str(tmp_path / "data"))
    return Desk(database_url, told_story, capsys)


async def _with_database(url: str, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    database = Database(url, 2)
    try:
        return await work(database)
    finally:
        await database.close()

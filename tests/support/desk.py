"""An officer's desk: the `madoguchi` command in this process, at a moment of the test's, on a told database.

assert desk("service", "close").code == 0
"""

import asyncio
import json
from collections.abc import Callable
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

        async def run() -> Any:
            database = Database(self.url, 1)
            try:
                return await database.writing(procedure, *args, **kwargs)
            finally:
                await database.close()

        return asyncio.run(run())

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


@pytest.fixture
def desk(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """The desk of a sandbox with a database of its own, in which the story has been told."""
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", database_url)
    monkeypatch.setenv("MADOGUCHI_DATA_DIR", str(tmp_path / "data"))

    async def tell() -> story.Story:
        database = Database(database_url, 1)
        try:
            return await database.writing(story.tell)
        finally:
            await database.close()

    return Desk(database_url, asyncio.run(tell()), capsys)

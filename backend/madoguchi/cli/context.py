"""What every command acts on: settings, database, time, and who is acting.

Without any environment that is the sandbox which `make run` serves: its keys, records and feeds lie in `data/`, beside
pyproject.toml in a clone, else in the folder where one stands. The issuer that was served last is remembered there,
because the port may have been another one.
"""

import asyncio
import os
import pwd
import tomllib
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from sqlmodel import Session

from madoguchi.cli.failures import Trouble
from madoguchi.clock import Clock
from madoguchi.installation import clock_of, sample_document
from madoguchi.procedures.installing import Database, is_upgraded, open_database
from madoguchi.rules.vocabulary import JST
from madoguchi.settings import Mode, Settings

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

PREFIX = "MADOGUCHI_"
DEFAULT_PORT = 8000
SQLITE = "sqlite+aiosqlite:///"
DATABASE_FILE = "madoguchi.db"
ISSUER_FILE = "issuer"
EXPECTED = {
    f"{PREFIX}MODE": "sandbox か production を指定してください",
    f"{PREFIX}BANK_CODE": "銀行コードは数字4けたです",
}


class Office:
    """The desk a command works at: one installation and one moment's officer."""

    def __init__(self, machine: Clock, settings: Settings | None = None) -> None:
        self.machine = machine
        self._given = settings

    @cached_property
    def settings(self) -> Settings:
        """The settings, read and checked once. Raises Trouble, naming the keys that are missing or wrong."""
        if self._given:
            return self._given
        settings = read_settings()
        problems = settings.problems()
        if problems:
            raise Trouble("設定を直してください。\n" + "\n".join(problems))
        return settings

    @cached_property
    def clock(self) -> Clock:
        """The installation's clock: the machine's, in a sandbox with what it was stepped ahead."""
        return clock_of(self.settings, self.machine)

    @property
    def now(self) -> datetime:
        return self.clock()

    @property
    def today(self) -> date:
        """The day in Japan."""
        return self.clock().astimezone(JST).date()

    @property
    def actor(self) -> str:
        """The real user of this process, as the trail names an officer."""
        user = os.getuid()
        try:
            return f"os-user:{pwd.getpwuid(user).pw_name}"
        except KeyError:
            return f"os-user:{user}"

    def reading(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value:
        """Run a procedure in one read-only snapshot. Raises Trouble when the database is not ready."""
        return self.run(lambda database: database.reading(procedure, *args, **kwargs))

    def writing(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value:
        """Run a procedure in one transaction. Raises Trouble when the database is not ready."""
        return self.run(lambda database: database.writing(procedure, *args, **kwargs))

    def run(self, work: Callable[[Database], Coroutine[Any, Any, Value]]) -> Value:
        """Run asynchronous work with the database. Raises Trouble when the database is not ready."""
        settings = self.settings
        file = sqlite_file(settings)
        if settings.is_sqlite and not file.exists():
            raise Trouble(
                f"記録のファイル {file} がありません。見本は「madoguchi serve --sample」、"
                "ほかは「madoguchi db upgrade」で用意してください。"
            )
        return asyncio.run(_with_database(settings, work))


def office(context: typer.Context) -> Office:
    """The office that `main` gave to the command."""
    desk: Office = context.obj
    return desk


async def _with_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, Value]]) -> Value:
    database = open_database(settings, pool_size=2)
    try:
        if not await is_upgraded(database):
            raise Trouble("データベースの形が、この版と違います。「madoguchi db upgrade」を実行してください。")
        return await work(database)
    finally:
        await database.close()


def read_settings(**given: Any) -> Settings:
    """Settings from the environment; `given` wins over it. In the sandbox whatever is missing has a default.

    Raises Trouble, naming every key that is missing or wrong.
    """
    if os.environ.get(f"{PREFIX}MODE", Mode.SANDBOX) == Mode.SANDBOX:
        for key, value in _sandbox_defaults(given).items():
            if f"{PREFIX}{key.upper()}" not in os.environ:
                given.setdefault(key, value)
    try:
        return Settings(**given)
    except ValidationError as wrong:
        raise Trouble("\n".join(_problem(error) for error in wrong.errors())) from None


def _sandbox_defaults(given: dict[str, Any]) -> dict[str, Any]:
    data_dir = Path(given.get("data_dir") or os.environ.get(f"{PREFIX}DATA_DIR") or default_data_dir())
    return {
        "data_dir": data_dir,
        "database_url": f"{SQLITE}{data_dir / DATABASE_FILE}",
        "issuer": _remembered_issuer(data_dir),
        "bank_code": tomllib.loads(sample_document("institution.toml").decode())["bank_code"],
    }


def sqlite_file(settings: Settings) -> Path:
    """Where the records are, if they are in SQLite."""
    return Path(settings.database_url.removeprefix(SQLITE))


def default_data_dir() -> Path:
    """`data/` beside pyproject.toml when this runs from a clone, else in the present folder."""
    clone = Path(__file__).parents[3]
    return (clone if (clone / "pyproject.toml").is_file() else Path.cwd()) / "data"


def loopback(port: int) -> str:
    """The issuer of a sandbox on this machine."""
    return f"http://127.0.0.1:{port}"


def remember_issuer(settings: Settings) -> None:
    """Keep a sandbox's issuer for the commands that come after; production is told its own each time."""
    if not settings.is_sandbox:
        return
    (settings.data_dir / ISSUER_FILE).write_text(settings.issuer + "\n", "utf-8")


def _remembered_issuer(data_dir: Path) -> str:
    try:
        return (data_dir / ISSUER_FILE).read_text("utf-8").strip()
    except OSError:
        return loopback(DEFAULT_PORT)


def _problem(error: Any) -> str:
    key = f"{PREFIX}{'_'.join(str(part) for part in error['loc']).upper()}"
    if error["type"] == "missing":
        return f"{key}: 設定がありません。環境変数に指定してください。"
    if error["type"] == "time_delta_parsing":
        return f"{key}: 時間を読めません。「PT15S」(15秒)や「PT5M」(5分)の形で指定してください。"
    # Without the value: an address of a database may hold a password.
    return f"{key}: {EXPECTED.get(key, '読めない値です')}。"

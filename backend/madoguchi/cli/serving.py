"""`madoguchi serve`: the doors over HTTP, with uvicorn; `--sample` prepares the sample credit union first.

A start that cannot succeed says all that is wrong before anything is prepared. Several workers are processes of their
own that read the same settings from the environment; they need PostgreSQL. How they run and end is cli/running.py.
"""

import asyncio
import os
import socket
import sys
from contextlib import ExitStack, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session
from starlette.types import ASGIApp

from madoguchi.cli import running
from madoguchi.cli.context import (
    DEFAULT_PORT,
    PREFIX,
    Office,
    loopback,
    office,
    read_settings,
    remember_issuer,
    sqlite_file,
)
from madoguchi.cli.customers import print_customers
from madoguchi.cli.failures import Trouble
from madoguchi.cli.holding import file_served, held
from madoguchi.cli.listening import operators_listener, public_listener
from madoguchi.cli.log import RequestLog, write_log
from madoguchi.cli.words import say
from madoguchi.clock import Clock
from madoguchi.installation import Keys, KeysRefused, clock_of, load_keys, make_keys
from madoguchi.procedures.service import NotFound, institution
from madoguchi.procedures.terms import terms_now
from madoguchi.sandbox import Prepared, prepare
from madoguchi.settings import Mode, Settings

HANDED_ON = ("mode", "issuer", "database_url", "data_dir", "workers", "sample_login", "bank_code")
"""Settings that may come from the command line or a default: workers find them in the environment."""


def serve(
    context: typer.Context,
    sample: Annotated[bool, typer.Option("--sample", help="見本の信用組合を用意して動かします。")] = False,
    port: Annotated[int | None, typer.Option(help="ポート番号(なければ 8000)。", min=1, max=65535)] = None,
    host: Annotated[str, typer.Option(help="待ち受けるアドレス。")] = "127.0.0.1",
    workers: Annotated[
        int | None, typer.Option(help="プロセスの数。2つ以上には PostgreSQL が必要です。", min=1)
    ] = None,
) -> None:
    """窓口を開きます。終わるには Ctrl+C を押します。"""
    settings = _settings(sample, port, workers)
    _check(settings, sample)
    desk = Office(office(context).machine, settings)
    alone = settings.is_sandbox and (sample or settings.is_sqlite)
    with ExitStack() as holding:
        listener = holding.enter_context(public_listener(host, port or DEFAULT_PORT))
        operators = operators_listener(settings)
        holding.enter_context(operators or nullcontext())
        if alone:
            holding.enter_context(held(settings))
        if settings.is_sqlite:
            holding.enter_context(file_served(sqlite_file(settings)))
        prepared = asyncio.run(prepare(settings, desk.clock, _tell)) if sample else None
        name = desk.reading(_ready, desk.now)
        keys = prepared.keys if prepared else _keys(settings)
        remember_issuer(settings)
        app = None if settings.workers > 1 else _app(settings, keys, desk.clock)
        _welcome(settings, name, prepared)
        _serve(settings, app, listener, operators)
    say("終わりました。")


def worker() -> ASGIApp:
    """The application of one worker process, from the environment its parent handed on."""
    running.end_with_parent()
    settings = read_settings()
    return _app(settings, load_keys(settings), clock_of(settings))


def _settings(sample: bool, port: int | None, workers: int | None) -> Settings:
    given: dict[str, Any] = {}
    if workers is not None:
        given["workers"] = workers
    if sample:
        given["sample_login"] = True
    in_sandbox = os.environ.get(f"{PREFIX}MODE", Mode.SANDBOX) == Mode.SANDBOX
    if in_sandbox and f"{PREFIX}ISSUER" not in os.environ:
        given["issuer"] = loopback(port or DEFAULT_PORT)
    return read_settings(**given)


def _check(settings: Settings, sample: bool) -> None:
    """Raise Trouble with everything that forbids a start, one line each."""
    problems = settings.problems()
    if sample and not settings.is_sandbox:
        problems.append("--sample: 本番では、見本の信用組合を動かせません(MADOGUCHI_MODE)。")
    if not settings.is_sandbox:
        try:
            load_keys(settings)
        except KeysRefused as refused:
            problems.append(str(refused))
    if not running.can_open(settings.connections):
        problems.append(
            "MADOGUCHI_CONNECTIONS: 一度に開けるファイルの数を超えます。小さくするか、ulimit -n を大きくしてください。"
        )
    if problems:
        raise Trouble("始められません。\n" + "\n".join(problems))


def _ready(session: Session, at: datetime) -> str:
    """The institution's name, when there is one and terms are in force. Raises Trouble with the command that is due."""
    due = "madoguchi institution set-up FILE"
    try:
        name = institution(session).name
        due = "madoguchi terms load FILE --attach FILE"
        terms_now(session, at)
    except NotFound as missing:
        raise Trouble(f"{missing}「{due}」で登録してください。") from None
    return name


def _keys(settings: Settings) -> Keys:
    """The installation's keys; a sandbox that has none gets its own."""
    if settings.is_sandbox:
        make_keys(settings)
    return load_keys(settings)


def _app(settings: Settings, keys: Keys, clock: Clock) -> ASGIApp:
    from madoguchi.main import build_app  # here: no other command needs the doors, and they take a second to load

    write_log(clock)
    return RequestLog(build_app(settings, keys, clock))


def _serve(
    settings: Settings, app: ASGIApp | None, listener: socket.socket, operators: socket.socket | None
) -> None:
    if app is None:
        for key in HANDED_ON:
            os.environ[f"{PREFIX}{key.upper()}"] = str(getattr(settings, key))
    running.run(settings, app or "madoguchi.cli.serving:worker", listener, operators)


def _tell(sentence: str) -> None:
    say(f"== {sentence}")
    sys.stdout.flush()


def _welcome(settings: Settings, name: str, prepared: Prepared | None) -> None:
    say()
    say(f"{name}{'(見本)' if prepared else ''}の窓口を開きました。")
    say(f"はじめに開くページ: {settings.issuer}/")
    if prepared:
        command = _command()
        say()
        say("見本のお客さま(備考は、その方で試せることです):")
        print_customers(prepared.customers)
        first = prepared.customers[0].customer_number if prepared.customers else "番号"
        say(f"ワンタイムパスワード: {settings.issuer}/sample/customers (または {command} customer code {first})")
        say(f"受付を閉じてみる: {command} service close (元に戻す: {command} service open)")
        say()
        say(f"次に: {settings.issuer}/sample を開き、「{name}とつなぐ」を押してください。")
    say("終わるには Ctrl+C を押します。")
    sys.stdout.flush()


def _command() -> str:
    """How this program is called from where the officer stands."""
    program = Path(sys.argv[0])
    if program.name != "madoguchi":
        return "madoguchi"
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)

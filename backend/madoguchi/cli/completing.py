"""Completion in bash, zsh and fish: Typer's own scripts, our words, and the names that the records hold.

Looking a name up changes nothing, waits for nobody and never complains: where it does not succeed at once, nothing is
offered. Names of real customers are not looked up at all. What stands beside a name comes from outside and is put into
a script that a shell evaluates (zsh): nothing but letters, digits and spaces is left of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated, Concatenate, Final, ParamSpec, TypeVar

import typer
from sqlmodel import Session
from typer._completion_classes import completion_init
from typer._completion_shared import _get_shell_name, get_completion_script, install

from madoguchi.cli.context import Office, sqlite_file
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import PROGRAM
from madoguchi.procedures.aggregators import list_aggregators
from madoguchi.procedures.feeds.listing import list_entries, list_files
from madoguchi.procedures.installing import Database, open_for_a_glance
from madoguchi.procedures.listing import customer_names
from madoguchi.procedures.service import stops_now
from madoguchi.rules.vocabulary import AccountKind, Scope, StopTarget

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")
Offer = list[tuple[str, str]]
"""Values, and what each of them is."""

SHELLS = ("bash", "zsh", "fish")

GLANCE_SECONDS: Final = 0.8
"""Longer than a database that is there takes, and shorter than a person's patience with a key."""

OFFERED_AT_MOST = 20

SCOPES: Offer = [
    (Scope.ACCOUNTS, "口座情報"),
    (Scope.BALANCES, "残高照会"),
    (Scope.TRANSACTIONS, "入出金明細照会"),
]
KINDS: Offer = [(AccountKind.ORDINARY, "普通"), (AccountKind.CURRENT, "当座")]


VARIABLE: Final = "_MADOGUCHI_COMPLETE"
"""By which a shell's script asks for completions; Typer takes it from the program's name."""


def _install(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        shell, path = install(_shell(), PROGRAM, VARIABLE)
        typer.echo(f"{shell} の補完を {path} に入れました。端末を開き直すと使えます。", err=True)
        raise typer.Exit()


def _show(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=_shell()))
        raise typer.Exit()


def completion(
    _install: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            help="今のシェル(bash、zsh、fish)で、Tab による補完を使えるようにします。",
            callback=_install,
            is_eager=True,
        ),
    ] = False,
    _show: Annotated[
        bool,
        typer.Option("--show-completion", help="そのための設定を書き出します。", callback=_show, is_eager=True),
    ] = False,
) -> None:
    """The options of the program itself; they end it."""


def ready() -> None:
    """Make Typer know the shells, as it does by itself for programs whose options are its own."""
    completion_init()


def aggregators(context: typer.Context) -> Offer:
    """Numbers of aggregators, and their names."""
    rows = glance(context, list_aggregators) or []
    return _offer((row.aggregator_id, row.name) for row in rows)


def sample_customers(context: typer.Context) -> Offer:
    """Numbers and names of the sample's customers; in production nobody's."""
    if not _in_sandbox(context):
        return []
    return _offer(glance(context, customer_names, OFFERED_AT_MOST) or [])


def stops(context: typer.Context) -> Offer:
    """Numbers of stops that can be lifted, and their reasons."""
    rows = glance(context, stops_now, context.obj.machine()) or []
    return _offer((str(row.stop_id), row.reason) for row in rows)


def stop_targets(context: typer.Context) -> Offer:
    """What a stop of the kind that was typed before may reach."""
    match context.params.get("kind"):
        case StopTarget.FUNCTION:
            return SCOPES
        case StopTarget.ACCOUNT_KIND:
            return KINDS
        case StopTarget.AGGREGATOR:
            return aggregators(context)
        case StopTarget.CUSTOMER:
            return sample_customers(context)
    return []


def quarantined(context: typer.Context) -> Offer:
    """Numbers of what is in quarantine, and of which file it is."""
    rows = glance(context, list_entries, OFFERED_AT_MOST) or []
    return _offer((f"q{row.number}", row.file_name) for row in rows)


def files_and_quarantined(context: typer.Context) -> Offer:
    """Numbers of files too."""
    rows = glance(context, list_files, OFFERED_AT_MOST) or []
    return quarantined(context) + _offer((str(row.number), row.name) for row in rows)


def scopes() -> Offer:
    return SCOPES


def glance(
    context: typer.Context,
    procedure: Callable[Concatenate[Session, Arguments], Value],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Value | None:
    """What a procedure reads, if it can be had at once; None otherwise, whatever the reason."""
    try:
        settings = context.obj.settings
        if settings.is_sqlite and not sqlite_file(settings).is_file():
            return None
        return asyncio.run(_read(open_for_a_glance(settings), lambda session: procedure(session, *args, **kwargs)))
    except Exception:
        return None


async def _read(database: Database, procedure: Callable[[Session], Value]) -> Value:
    try:
        async with asyncio.timeout(GLANCE_SECONDS):
            return await database.reading(procedure)
    finally:
        await database.close()


def _offer(pairs: Iterable[tuple[str, str]]) -> Offer:
    return [(value, "".join(sign for sign in name if sign.isalnum() or sign == " ")) for value, name in pairs]


def _in_sandbox(context: typer.Context) -> bool:
    try:
        desk: Office = context.obj
        return desk.settings.is_sandbox
    except Exception:
        return False


def _shell() -> str:
    """The shell that called us. Raises Trouble for none that we know."""
    name = _get_shell_name()
    if name not in SHELLS:
        raise Trouble("補完は bash、zsh、fish で使えます。そのどれかの中で、もう一度実行してください。")
    return name

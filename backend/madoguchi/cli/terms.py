"""`madoguchi terms`: the versions of API利用規定 that customers agree to (1-3, 8-1, 9-1)."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import say
from madoguchi.procedures.terms import load_terms

app = Commands("API利用規定。")


@app.callback()
def _terms() -> None:
    """Keeps `terms load` two words."""


@app.command("load")
def load(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="API利用規定の文書(TOML)。", metavar="FILE", show_default=False)],
    attach: Annotated[
        list[Path],
        typer.Option(
            help="添える規定の文書。優先する順に何度でも指定できます。"
            "インターネットバンキング利用規定は必須です(第8条)。",
            metavar="FILE",
        ),
    ],
) -> None:
    """規定の版を加えます。効力は、その日付(as_of)の 0:00 からです。

    一度加えた版は変えられません。改めるときは、日付の新しい版を加えます。
    """
    desk = office(context)
    document, *others = (path.read_bytes() for path in (file, *attach))
    if not desk.settings.is_sandbox:
        for path, text in zip((file, *attach), (document, *others), strict=True):
            if _is_sample(text):
                raise Trouble(f"{path} は見本です(sample = true)。本番では使えません。", REFUSED)
    new = desk.writing(load_terms, document, others, desk.actor, desk.now)
    say(f"{file.name} を加えました。" if new else f"{file.name} は、すでに加えてあります。何も変わりません。")


def _is_sample(document: bytes) -> bool:
    """What cannot be read is left to the procedure to refuse."""
    try:
        return tomllib.loads(document.decode()).get("sample", False) is not False
    except ValueError:
        return False

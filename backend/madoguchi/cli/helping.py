"""`madoguchi help`: a command's page of the manual, or the list of all commands."""

from typing import Annotated

import typer
from typer.core import TyperGroup


def help_(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(help="コマンドの語。なければ、一覧。", metavar="[COMMAND...]", show_default=False),
    ] = None,
) -> None:
    """コマンドの使い方を表示します。"""
    asked = context.find_root()
    for word in words or ():
        group = asked.command
        found = group.get_command(asked, word) if isinstance(group, TyperGroup) else None
        if found is None:
            asked.fail(f"No such command '{word}'.")  # as Typer says it: usage.py tells it in Japanese
        asked = type(asked)(found, info_name=word, parent=asked)
    typer.echo(asked.get_help())

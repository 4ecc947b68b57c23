"""`madoguchi customer code`: the one-time code that a sample customer would read from a device (sandbox only)."""

from typing import Annotated

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import say
from madoguchi.procedures.sample_logins import code_changes_in, current_code

app = Commands("見本のお客さま。")


@app.callback()
def _customers() -> None:
    """Keeps `customer code` two words."""


@app.command("code")
def code(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="お客さま番号(8桁)。", metavar="NUMBER", show_default=False)],
) -> None:
    """今のワンタイムパスワードを表示します(試験環境だけ)。1つの番号は1回だけ使えます。"""
    desk = office(context)
    if not desk.settings.is_sandbox:
        raise Trouble("本番では、ワンタイムパスワードを表示しません。")
    at = desk.now
    found = desk.reading(current_code, number, at)
    if found is None:
        raise Trouble(
            f"お客さま番号 {number} の見本のログインはありません。番号は、起動したときの表示か "
            f"{desk.settings.issuer}/sample/customers で確かめられます。"
        )
    say(found)
    typer.echo(f"あと {code_changes_in(at)} 秒で次の番号に変わります。", err=True)

"""`madoguchi customer`: who can log in to the sample, and the one-time code of each (sandbox only)."""

from dataclasses import asdict
from typing import Annotated

import typer

from madoguchi.cli import completing
from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import AsJson, say, say_json, say_table
from madoguchi.installation import load_keys
from madoguchi.procedures.sample_logins import SampleCustomer, code_changes_in, current_code, sample_customers

app = Commands("見本のお客さま(試験環境だけ)。")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """見本のお客さまの番号とパスワードを一覧にします(試験環境だけ)。"""
    desk = _sandbox_desk(context)
    customers = desk.reading(sample_customers, load_keys(desk.settings).master, desk.now)
    if as_json:
        say_json([asdict(customer) for customer in customers])
    elif customers:
        print_customers(customers)
    else:
        say("見本のお客さまは、まだいません。「madoguchi serve --sample」で用意します。")


@app.command("code")
def code(
    context: typer.Context,
    number: Annotated[
        str,
        typer.Argument(
            help="お客さま番号(8桁)。",
            metavar="NUMBER",
            show_default=False,
            autocompletion=completing.sample_customers,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """今のワンタイムパスワードを表示します(試験環境だけ)。1つの番号は1回だけ使えます。"""
    desk = _sandbox_desk(context)
    at = desk.now
    found = desk.reading(current_code, number, at)
    if found is None:
        raise Trouble(
            f"お客さま番号 {number} の見本のログインはありません。番号は、起動したときの表示か "
            f"{desk.settings.issuer}/sample/customers で確かめられます。"
        )
    if as_json:
        say_json({"customer_number": number, "code": found, "changes_in": code_changes_in(at)})
        return
    say(found)
    typer.echo(f"あと {code_changes_in(at)} 秒で次の番号に変わります。", err=True)


def print_customers(customers: tuple[SampleCustomer, ...]) -> None:
    """Everybody who can log in, as a table."""
    say_table(
        ("お客さま番号", "パスワード", "お名前", "備考"),
        ((c.customer_number, c.password, c.name, c.note) for c in customers),
    )


def _sandbox_desk(context: typer.Context) -> Office:
    """Raises Trouble in production."""
    desk = office(context)
    if not desk.settings.is_sandbox:
        raise Trouble("本番には、見本のお客さまはいません。ワンタイムパスワードを表示しません。")
    return desk

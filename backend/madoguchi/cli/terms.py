"""`madoguchi terms`: the versions of API利用規定 that customers agree to (1-3, 8-1, 9-1)."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import AsJson, day_in_words, in_words, say, say_json, say_table
from madoguchi.procedures.terms import load_terms, terms_versions
from madoguchi.rules.vocabulary import TermsChange

app = Commands("API利用規定。")

CHANGES = {
    TermsChange.NONE: "何も求めない",
    TermsChange.NOTICE: "お知らせする",
    TermsChange.AGREE_AGAIN: "もう一度同意を求める",
}


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


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """規定の版を、新しい順に一覧にします。"""
    desk = office(context)
    versions = desk.reading(terms_versions)
    now = next((row.version for row in versions if row.effective_from <= desk.now), None)
    if as_json:
        say_json([_as_json(row, row.version == now) for row in versions])
        return
    if not versions:
        say("規定は、まだ加えられていません。「madoguchi terms load」で加えてください。")
        return
    say_table(
        ("規定", "効力の始まり", "改めたとき", "添えた規定", "状態"),
        (
            (
                f"{day_in_words(row.version)}現在",
                in_words(row.effective_from),
                CHANGES[TermsChange(row.change)],
                "、".join(f"{other['title']}({other['as_of']})" for other in row.attached),
                "今の規定" if row.version == now else "これから" if row.effective_from > desk.now else "前の規定",
            )
            for row in versions
        ),
    )


def _as_json(row: Any, in_force: bool) -> dict[str, Any]:
    return {
        "version": row.version,
        "effective_from": row.effective_from,
        "change": row.change,
        "in_force": in_force,
        "digest": row.digest,
        "attached": [{"title": other["title"], "as_of": other["as_of"]} for other in row.attached],
    }


def _is_sample(document: bytes) -> bool:
    """What cannot be read is left to the procedure to refuse."""
    try:
        return tomllib.loads(document.decode()).get("sample", False) is not False
    except ValueError:
        return False

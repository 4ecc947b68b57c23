"""`madoguchi institution`: the one institution here and what it set down; its calendar is institution_calendar.py's."""

from pathlib import Path
from typing import Annotated

import typer

from madoguchi.cli import institution_calendar
from madoguchi.cli.context import office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import AsJson, say, say_json
from madoguchi.procedures.service import institution
from madoguchi.procedures.setting_up import REQUIRED, national_holidays, read_institution, set_up_institution

app = Commands("この環境の金融機関。")

SHOWN = (*REQUIRED, "excluded_products")


@app.command("set-up")
def set_up(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="名前、サービス時間、規定が任せる値の文書(TOML)。", metavar="FILE", show_default=False),
    ],
) -> None:
    """金融機関を登録します。一度だけです。

    祝日と年末年始は、今年と来年の分を入れます。組合が定める休日は「institution holidays」で加えてください。
    """
    desk = office(context)
    document = file.read_bytes()
    values = read_institution(document)
    if values["bank_code"] != desk.settings.bank_code:
        raise Trouble(
            f"{file} の bank_code {values['bank_code']} が、MADOGUCHI_BANK_CODE {desk.settings.bank_code} と違います。",
            REFUSED,
        )
    if values["is_sample"] and not desk.settings.is_sandbox:
        raise Trouble(f"{file} は見本です(is_sample = true)。本番では使えません。", REFUSED)
    years = (desk.today.year, desk.today.year + 1)
    if not desk.writing(set_up_institution, document, national_holidays(*years), desk.actor, desk.now):
        raise Trouble("金融機関は、すでに登録されています。何も変えていません。")
    say(f"「{values['name']}」を登録しました。")
    say(f"祝日と年末年始を入れました: {years[0]}年、{years[1]}年")


@app.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """金融機関の名前、連絡先、規定が任せる値を表示します。"""
    row = office(context).reading(institution)
    if as_json:
        say_json({name: getattr(row, name) for name in SHOWN})
        return
    for name, value in (
        ("名前", f"{row.name}({row.name_kana}){'(見本)' if row.is_sample else ''}"),
        ("銀行コード", row.bank_code),
        ("お問い合わせ", f"{row.phone}({row.phone_hours})"),
        ("登録の期間(第4条第1項)", f"{row.registration_days}日"),
        ("明細の期間(第2条第4項)", f"{row.history_months}か月"),
        ("対象にしない商品(第2条第2項)", "、".join(row.excluded_products) or "なし"),
    ):
        say(f"{name}: {value}")


app.command("hours")(institution_calendar.hours)
app.command("holidays")(institution_calendar.holidays)
app.command("feeds")(institution_calendar.feeds)

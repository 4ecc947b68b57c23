"""`madoguchi institution`: the one institution of this installation, and the holidays of its calendar (2-1)."""

import re
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.words import say
from madoguchi.procedures.service import set_holidays
from madoguchi.procedures.setting_up import national_holidays, read_holidays, read_institution, set_up_institution

app = typer.Typer(help="この環境の金融機関。")

MOST_YEARS = 10


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


@app.command("holidays")
def holidays(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help='休日の文書(TOML)。1行に1日: 2027-05-06 = "組合の休日"', metavar="[FILE]", show_default=False
        ),
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="この年の祝日と年末年始。例: 2028、2028-2030", metavar="YEAR[-YEAR]")
    ] = None,
) -> None:
    """インターネットバンキングが休日の時間になる日を加えます。同じ日があれば、名前が替わります。"""
    if (file is None) == (years is None):
        raise Trouble("FILE か --years の、どちらか1つを指定してください。", 2)
    desk = office(context)
    days = read_holidays(file.read_bytes()) if file else national_holidays(*_years(years or ""))
    desk.writing(set_holidays, days, desk.actor, desk.now)
    say(f"休日を入れました: {len(days)}日({days[0][0]} から {days[-1][0]} まで)")


def _years(typed: str) -> range:
    match = re.fullmatch(r"(20[0-9]{2})(?:-(20[0-9]{2}))?", typed.strip())
    years = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not 0 < len(years) <= MOST_YEARS:
        raise Trouble(f"--years「{typed}」は、「2028」か「2028-2030」の形で、{MOST_YEARS}年までにしてください。", 2)
    return years

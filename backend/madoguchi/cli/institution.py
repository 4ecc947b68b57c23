"""`madoguchi institution`: the one institution here, its holidays (2-1) and when its feeds are due (6-1)."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import FEEDS, day, day_in_words, say, say_table
from madoguchi.procedures.service import institution_facts, set_feeds, set_holidays
from madoguchi.procedures.setting_up import (
    national_holidays,
    read_holidays,
    read_institution,
    read_timetable,
    set_up_institution,
)
from madoguchi.rules.facts import FeedDue
from madoguchi.rules.vocabulary import FeedCovers, FeedDays

app = Commands("この環境の金融機関。")

MOST_YEARS = 10

DAYS = {FeedDays.EVERY_DAY: "毎日", FeedDays.BANKING_DAYS: "銀行営業日"}
COVERS = {FeedCovers.SAME_DAY: "その日の途中まで", FeedCovers.PREVIOUS_BANKING_DAY: "前の銀行営業日まで"}


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


@app.command("feeds")
def feeds(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="連携の予定の文書(TOML)。[[feeds]] の表だけを書きます。なければ、今の予定を表示します。",
            metavar="[FILE]",
            show_default=False,
        ),
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", help="この日の分から。なければ、明日から。", metavar="DATE")
    ] = None,
) -> None:
    """勘定系などからの連携が、いつまでに届く予定かを定めます(第6条第1項)。

    予定を過ぎても届かなければ、残高や明細に「遅れ」と添えます。unavailable_after を過ぎると、届くまで情報を渡しません。

    FILE の内容で、その日からの予定をすべて入れ替えます。1件ずつ、次のように書きます。見本は
    backend/sample/institution.toml にあります。

    [[feeds]] feed = "03"(04、status) / days = "banking_days"(every_day) / due = "07:00" /
    covers = "previous_banking_day"(same_day) / unavailable_after = "48:00"(なくてもよい)
    """
    desk = office(context)
    if file is None:
        if begins is not None:
            raise Trouble("--from は、FILE と一緒に指定してください。", 2)
        _print_timetable(desk.reading(institution_facts).feeds)
        return
    first = day(begins) if begins is not None else desk.today + timedelta(days=1)
    dues = read_timetable(file.read_bytes(), first)
    desk.writing(set_feeds, dues, first, desk.actor, desk.now)
    if dues:
        say(f"連携の予定を、{day_in_words(first)}の分から入れ替えました: {len(dues)}件")
        ended = {line.feed for line in desk.reading(institution_facts).feeds if line.valid_until == first}
        for feed in sorted(ended - {line.feed for line in dues}):
            say(f"{FEEDS[feed]}の予定は、なくなります。遅れは判定しません。")
    else:
        say(f"{day_in_words(first)}から、連携の予定はありません。遅れの表示も、情報の提供の見合わせもしません。")


def _print_timetable(timetable: tuple[FeedDue, ...]) -> None:
    if not timetable:
        say("連携の予定は、定められていません。遅れは判定しません。")
        return
    say_table(
        ("連携", "日", "いつまでに", "どこまでの情報", "渡さなくなるまで", "期間"),
        (
            (
                FEEDS[line.feed],
                DAYS[line.days],
                _clock(line.due),
                COVERS[line.covers],
                "なし" if line.unavailable_after is None else _clock(line.unavailable_after),
                f"{line.valid_from} から" + (f" {line.valid_until} の前日まで" if line.valid_until else ""),
            )
            for line in sorted(timetable, key=lambda line: (line.valid_from, line.feed, line.due))
        ),
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


def _years(typed: str) -> range:
    match = re.fullmatch(r"(20[0-9]{2})(?:-(20[0-9]{2}))?", typed.strip())
    years = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not 0 < len(years) <= MOST_YEARS:
        raise Trouble(f"--years「{typed}」は、「2028」か「2028-2030」の形で、{MOST_YEARS}年までにしてください。", 2)
    return years

"""`madoguchi sandbox`: the sample's clock stepped forward, events played on it, and the sample made anew.

Sandbox only: production refuses each with a sentence and exit code 1. What they do is the package madoguchi/sandbox.
"""

import re
import sys
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlmodel import Session

from madoguchi.cli.context import SQLITE, Office, office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.holding import held
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import in_words, say, say_json
from madoguchi.cli.words import moment as typed_moment
from madoguchi.clock import SteppedClock
from madoguchi.installation import CLOCK
from madoguchi.procedures.service import NotFound, institution
from madoguchi.sandbox import plays
from madoguchi.sandbox.books import Tell
from madoguchi.sandbox.starting_over import clear
from madoguchi.sandbox.stepping import CannotStep, past_closing, past_expiry, past_month_end, step
from madoguchi.settings import Settings

app = Commands("見本の信用組合で試す: 時刻を進める、できごとを起こす、はじめから作り直す(試験環境だけ)。")


_DURATION: Final = re.compile(
    r"P?(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,3})D)?T?(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?",
    re.IGNORECASE,
)


class Play(StrEnum):
    """The events that can be played."""

    CLOSING = "closing"
    SUSPENSION = "suspension"
    CANCELLATION = "cancellation"
    CORRECTION = "correction"
    FEED_LATE = "feed-late"


@app.command("clock")
def clock(
    context: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            help="この日時まで進めます(「2026-11-25 23:05」)。または closing 次の受付の終わり、"
            "expiry 次に期間が終わる登録の終わり、month-end 今月の終わり。どれも、その5分あとまで。",
            metavar="MOMENT",
        ),
    ] = None,
    forward: Annotated[
        str | None, typer.Option(help="これだけ進めます: 3h、1d、P1D、PT30M など。", metavar="DURATION")
    ] = None,
    feeds: Annotated[
        bool,
        typer.Option(
            "--feeds/--no-feeds",
            help="過ぎた日の勘定系の連携ファイルを取り込むか。--no-feeds なら、連携の遅れを試せます。",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="プログラムのための形で書き出します。")] = False,
) -> None:
    """見本の信用組合の時刻を表示し、進めます。動いているサーバーも、ほかのコマンドも、同じ時刻に従います。

    進めるだけで、戻せません(記録が未来のものになるため)。今の時刻に戻すには、「madoguchi sandbox reset」で
    はじめから作り直します。事業者のプログラムの時計は、進めなくてかまいません。
    """
    desk = _desk(context)
    if to is not None and forward is not None:
        raise Trouble("--to と --forward は、どちらか1つだけ指定してください。", 2)
    stepped = SteppedClock(desk.settings.data_dir / CLOCK, desk.machine)
    told: list[str] = []
    if to is not None or forward is not None:
        tell = told.append if as_json else _tell
        moment = _moment(desk, to, tell) if to is not None else desk.now + duration(forward or "")
        try:
            desk.run(lambda database: step(desk.settings, database, stepped, moment, tell, feeds=feeds))
        except CannotStep as cannot:
            raise Trouble(str(cannot)) from None
    now, ahead = desk.now, stepped.ahead()
    if as_json:
        say_json({"now": now, "machine": now - ahead, "ahead_seconds": int(ahead.total_seconds()), "told": told})
        return
    say(f"見本の信用組合の時刻: {in_words(now)}")
    say(f"この機械の時計より {duration_in_words(ahead)} 進んでいます。" if ahead else "この機械の時計のとおりです。")


@app.command("play")
def play(
    context: typer.Context,
    event: Annotated[
        Play,
        typer.Argument(
            help="closing 受付の休み(第2条第1項)、suspension 一時的な停止(第7条第3項)、"
            "cancellation インターネットバンキングの解約(第5条第2項)、correction 訂正の明細(第6条第1項)、"
            "feed-late 連携の遅れ(第6条第1項)。",
            show_default=False,
        ),
    ],
    customer: Annotated[
        str | None,
        typer.Option(
            help="お客さま番号。suspension は、このお客さまのインターネットバンキングだけを停止します(なければ全体)。"
            "cancellation と correction は、なければ登録のある方を選びます。",
            metavar="NUMBER",
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="元に戻します。")] = False,
) -> None:
    """できごとを起こし、事業者とお客さまに何が見えるようになるかを説明します。--undo で元に戻します。

    本当のできごとと同じ手順(職員の操作、勘定系の連携ファイル)で起こします。同じできごとを重ねても、変わりません。
    """
    desk = _desk(context)
    if customer is not None and event in (Play.CLOSING, Play.FEED_LATE):
        raise Trouble(f"{event} は、お客さまごとには起こせません。--customer を付けずに実行してください。", 2)
    try:
        told = desk.run(
            lambda database: plays.play(
                event.value, desk.settings, database, desk.clock, _tell, customer, undo=undo
            )
        )
    except plays.CannotPlay as cannot:
        raise Trouble(str(cannot)) from None
    say(f"できごと: {told.happened}")
    say(f"事業者: {told.aggregator}")
    say(f"お客さま: {told.customer}")
    if told.undo:
        say(f"元に戻すには: {told.undo}")


@app.command("reset")
def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="確かめずに消します。")] = False,
) -> None:
    """見本の記録、連携ファイル、進めた時刻を消します。次の「make run」で、今の時刻から作り直されます。

    サーバーを止めてから実行します。鍵は残るので、見本のお客さまのパスワードは変わりません。登録と事業者は消えます。
    """
    desk = _desk(context)
    settings = desk.settings
    if not settings.is_sqlite:
        raise Trouble(
            "PostgreSQL の記録は、ここからは消せません。"
            "空のデータベースを作り、MADOGUCHI_DATABASE_URL に指定してください。"
        )
    with held(settings):
        if _is_there(settings) and not desk.reading(_is_sample):
            raise Trouble("見本の信用組合ではないので、消しません。")
        if not yes:
            typer.confirm(f"{settings.data_dir} の見本の記録を消しますか?", abort=True)
        gone = clear(settings)
    again = "「make run」か「madoguchi serve --sample」で、はじめから作り直します。"
    say(f"消しました。{again}" if gone else "消すものはありません。")


def _desk(context: typer.Context) -> Office:
    """The officer's desk. Raises Trouble in production."""
    desk = office(context)
    if not desk.settings.is_sandbox:
        raise Trouble("本番では、madoguchi sandbox を使えません(MADOGUCHI_MODE)。")
    return desk


def _is_there(settings: Settings) -> bool:
    return Path(settings.database_url.removeprefix(SQLITE)).exists()


def _is_sample(session: Session) -> bool:
    """Whether the records are the sample's; those of nobody yet may go too."""
    try:
        return institution(session).is_sample
    except NotFound:
        return True


def _moment(desk: Office, to: str, tell: Tell) -> datetime:
    """What `--to` names. Raises Trouble."""
    try:
        match to.strip():
            case "closing":
                return desk.writing(past_closing, desk.now, tell)
            case "expiry":
                return desk.reading(past_expiry, desk.now)
            case "month-end":
                return past_month_end(desk.now)
    except CannotStep as cannot:
        raise Trouble(str(cannot)) from None
    return typed_moment(to)


def duration(typed: str) -> timedelta:
    """`3h`, `1d`, `P1D`, `PT30M`, `P1DT2H`. Raises Trouble."""
    found = _DURATION.fullmatch(typed.strip())
    parts = {unit: int(number) for unit, number in found.groupdict().items() if number} if found else {}
    if not parts:
        raise Trouble(f"時間「{typed}」を読めません。「3h」「1d」「P1D」「PT30M」の形で指定してください。", 2)
    return timedelta(**parts)


def duration_in_words(length: timedelta) -> str:
    """10日と2時間3分, to the minute."""
    length = timedelta(minutes=round(length.total_seconds() / 60))
    hours, minutes = divmod(length.seconds // 60, 60)
    parts = [f"{length.days}日"] if length.days else []
    clock_parts = [f"{number}{unit}" for number, unit in ((hours, "時間"), (minutes, "分")) if number]
    return "と".join([*parts, *(["".join(clock_parts)] if clock_parts else [])]) or "1分未満"


def _tell(sentence: str) -> None:
    say(f"== {sentence}")
    sys.stdout.flush()

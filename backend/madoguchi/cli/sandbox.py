"""`madoguchi sandbox`: the sample's clock stepped forward, events played on it, and the sample made anew.

Sandbox only: production refuses each with a sentence and exit code 1. What they do is the package madoguchi/sandbox.
"""

from enum import StrEnum
from typing import Annotated

import typer

from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import Trouble

app = typer.Typer(
    help="見本の信用組合で試す: 時刻を進める、できごとを起こす、はじめから作り直す(試験環境だけ)。",
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
    _desk(context)


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
    _desk(context)


@app.command("reset")
def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="確かめずに消します。")] = False,
) -> None:
    """見本の記録、連携ファイル、進めた時刻を消します。次の「make run」で、今の時刻から作り直されます。

    サーバーを止めてから実行します。鍵は残るので、見本のお客さまのパスワードは変わりません。登録と事業者は消えます。
    """
    _desk(context)


def _desk(context: typer.Context) -> Office:
    """The officer's desk. Raises Trouble in production."""
    desk = office(context)
    if not desk.settings.is_sandbox:
        raise Trouble("本番では、madoguchi sandbox を使えません(MADOGUCHI_MODE)。")
    return desk

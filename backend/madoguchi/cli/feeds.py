"""`madoguchi feed`: taking in what the core-banking system sends, and writing sample files of the same shape.

What is in quarantine is feed_quarantine.py's, a watched folder feed_watching.py's.
"""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from madoguchi.cli import feed_quarantine, feed_schema, feed_watching
from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.feed_progress import progress
from madoguchi.cli.feed_words import particulars, report_as_json, summary
from madoguchi.cli.interrupting import told_when_interrupted
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import AsJson, day, say, say_json
from madoguchi.doors.core_banking.importing import Progress, import_file
from madoguchi.doors.core_banking.opening import open_regular
from madoguchi.doors.core_banking.sample_books import DEFAULT_MONTHS, DEFAULT_SEED, write_sample_files
from madoguchi.doors.core_banking.zengin_file import FileForm
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.installing import Database
from madoguchi.procedures.status_feed.reconciling import EndingBound

app = Commands("勘定系とインターネットバンキングからの連携ファイル。")
app.command("schema")(feed_schema.schema)
app.command("list")(feed_quarantine.list_)
app.command("show")(feed_quarantine.show)
app.command("retry")(feed_quarantine.retry)
app.command("set-aside")(feed_quarantine.set_aside_)
app.command("watch")(feed_watching.watch)


@app.command("import")
def import_(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(help="全銀 種別03・04 か、利用状況(JSON Lines)のファイル。", metavar="FILE...")
    ],
    as_of: Annotated[
        str | None,
        typer.Option(help="古いファイルのとき、それが新しかった日(作成日には元号がないため)。", metavar="DATE"),
    ] = None,
    as_json: AsJson = False,
    force: Annotated[
        bool, typer.Option("--force", help="全件照合で多くの契約や口座が外れても、番号が大きく飛んでも、取り込みます。")
    ] = False,
) -> None:
    """ファイルを順に取り込みます。

    ブロックごとに、全部か無しかです。受け付けないブロックは、記録番号・桁・見つかった値・あるべき値を示し、隔離に残します。
    同じファイルをもう一度取り込んでも、何も変わりません。途中で止まった取込は、同じファイルをもう一度取り込むと続きから終わります。
    前のファイルを待つファイルも、同じコマンドのあとのファイルで取り込めれば、すべて受け付けたことになります。
    """
    desk = office(context)
    new_on = None if as_of is None else day(as_of)
    bound = EndingBound(desk.settings.full_file_ends_percent, force)
    for path in files:
        open_regular(
            path, follow_links=True
        ).close()  # a name that is mistyped stops the command before anything is taken in
    reports = []
    with told_when_interrupted():
        for path in files:
            with progress(path.name, silent=as_json) as tell:
                report = desk.run(partial(_import, desk, path, new_on, bound, tell))
            reports.append(report)
            if not as_json:
                say(summary(report))
                for sentence in particulars(report):
                    say(f"  {sentence}")
    if as_json:
        say_json([report_as_json(report) for report in reports])
    came = {one.name for report in reports for one in report.followed if one.clean}
    if not all(report.clean or (report.is_waiting and report.name in came) for report in reports):
        raise typer.Exit(REFUSED)


@app.command("generate")
def generate(
    until: Annotated[str, typer.Option(help="帳簿の最後の日。", metavar="DATE")],
    seed: Annotated[int, typer.Option(help="乱数の種。同じ種なら、同じ日の明細はいつも同じです。")] = DEFAULT_SEED,
    months: Annotated[int, typer.Option(help="さかのぼる月数。", min=1)] = DEFAULT_MONTHS,
    out: Annotated[Path, typer.Option(help="書き出す先のフォルダー。", metavar="DIR")] = Path(),
) -> None:
    """見本のファイルを書き出します。同じ引数なら、いつも同じバイト列です。"""
    try:
        paths = write_sample_files(out, day(until), seed, months)
    except ValueError as unfit:
        raise Trouble(str(unfit), 2) from None
    for path in paths:
        say(str(path))


async def _import(
    desk: Office, path: Path, as_of: date | None, bound: EndingBound, tell: Progress, database: Database
) -> FileReport:
    form = FileForm.set_by(desk.settings)
    return await import_file(database, path, desk.settings.bank_code, desk.now, as_of, desk.actor, form, tell, bound)

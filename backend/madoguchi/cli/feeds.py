"""`madoguchi feed`: taking in what the core-banking system sends, and writing sample files of the same shape."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.words import day, say, say_json
from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.sample_books import DEFAULT_MONTHS, DEFAULT_SEED, write_sample_files
from madoguchi.procedures.feed_files import FileReport

app = typer.Typer(help="勘定系とインターネットバンキングからの連携ファイル。")

KINDS = {"03": "入出金取引明細", "04": "残高通知", "status": "利用状況"}


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
    as_json: Annotated[bool, typer.Option("--json", help="プログラムのための形で書き出します。")] = False,
) -> None:
    """ファイルを順に取り込みます。

    ブロックごとに、全部か無しかです。受け付けないブロックは、記録番号・桁・見つかった値・あるべき値を示します。
    同じファイルをもう一度取り込んでも、何も変わりません。1つでも受け付けないものがあれば、終了コードは 3 です。
    """
    desk = office(context)
    clean = True
    reports = []
    new_on = None if as_of is None else day(as_of)
    for path in files:
        report = _import(desk, path, new_on)
        clean = clean and report.clean
        reports.append(report)
        if not as_json:
            say(f"{path.name}({KINDS.get(report.kind, '種別不明')}): {report}")
            for sentence in report.details:
                say(f"  {sentence}")
    if as_json:
        say_json([_as_json(report) for report in reports])
    if not clean:
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


def _import(desk: Office, path: Path, as_of: date | None) -> FileReport:
    at: datetime = desk.now
    return desk.run(lambda database: import_file(database, path, desk.settings.bank_code, at, as_of, desk.actor))


def _as_json(report: FileReport) -> dict[str, Any]:
    def damage(refused: Any) -> dict[str, Any]:
        found = refused.damage
        return {
            "record": found.record,
            "column": found.column,
            "item": found.item,
            "found": found.found,
            "expected": found.expected,
        }

    return {
        "file": report.name,
        "kind": report.kind,
        "clean": report.clean,
        "known_before": report.known_before,
        "refused": damage(report.refused) if report.refused else None,
        "blocks_accepted": report.blocks_accepted,
        "blocks_unchanged": report.blocks_unchanged,
        "blocks_refused_count": report.refused_count,
        "blocks_refused": [
            {
                "first_record": block.first_record,
                "account": str(block.account) if block.account else None,
                **damage(block),
            }
            for block in report.blocks_refused
        ],
        "passed_over": dict(report.passed_over),
        "not_registered": report.not_registered,
        "rows_added": report.rows_added,
        "rows_removed": report.rows_removed,
        "balances_changed": report.balances_changed,
        "events_applied": report.events_applied,
        "events_known": report.events_known,
    }

"""`madoguchi feed list|show|retry|set-aside`: what came, what is in quarantine and why, and settling it.

Files have numbers (12), blocks in quarantine numbers with a q (q3).
"""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from madoguchi.cli import completing
from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import REFUSED, Trouble
from madoguchi.cli.feed_words import kind_in_words, particulars, report_as_json
from madoguchi.cli.words import AsJson, day_in_words, in_words, say, say_json, say_table
from madoguchi.doors.core_banking.retrying import judge_again
from madoguchi.doors.core_banking.zengin_file import FileForm
from madoguchi.procedures.feeds.files import REGISTERED_LATER, FileReport
from madoguchi.procedures.feeds.listing import (
    EntryLine,
    FileLine,
    count_entries,
    find_entry_line,
    find_file,
    list_entries,
    list_files,
)
from madoguchi.procedures.feeds.quarantine import open_ids, set_aside, set_file_aside
from madoguchi.procedures.status_feed.files import waits
from madoguchi.rules.vocabulary import Feed, Settlement

SHOWN = 20
"""How many files and blocks a list shows without --all."""

SETTLEMENTS = {
    Settlement.TAKEN_IN: "取り込みました",
    Settlement.SUPERSEDED: "同じ日の明細が、あとのファイルで入りました",
    Settlement.SET_ASIDE: "取り込まないことに決めました",
}


def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help=f"新しい{SHOWN}件に限らず、すべて。")] = False,
    as_json: AsJson = False,
) -> None:
    """届いたファイルと、隔離中のブロックを、新しい順に一覧にします。

    ファイルの番号は 12、隔離の番号は q3 のように書きます。--json のキーは files と quarantine です。
    """
    desk = office(context)
    limit = None if everything else SHOWN
    files, entries = desk.reading(list_files, limit), desk.reading(list_entries, limit)
    if as_json:
        say_json({"files": [asdict(one) for one in files], "quarantine": [_entry_json(one) for one in entries]})
        return
    if not files:
        say("ファイルは、まだ届いていません。")
        return
    say_table(
        ("番号", "取込日時", "種類", "ファイル", "状態", "したこと"),
        (
            (str(one.number), in_words(one.imported_at), kind_in_words(one.kind), one.name, _state(one), _done(one))
            for one in files
        ),
    )
    if not entries:
        say("隔離中のブロックはありません。")
        return
    say_table(
        ("隔離", "ファイル", "件目", "口座", "勘定日", "理由"),
        (
            (f"q{one.number}", str(one.file_number), _records(one), one.whose or "—", _days(one), one.damage.message)
            for one in entries
        ),
    )
    more = desk.reading(count_entries) - len(entries)
    if more > 0:
        say(f"隔離中のブロックは、ほかに {more:,}件あります(--all ですべて)。")
    say("くわしくは「madoguchi feed show q番号」、もう一度判定するには「madoguchi feed retry q番号」。")


def show(
    context: typer.Context,
    number: Annotated[
        str,
        typer.Argument(
            help="ファイルの番号(12)か、隔離の番号(q3)。",
            metavar="ID",
            show_default=False,
            autocompletion=completing.files_and_quarantined,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """ファイルか、隔離中のブロックを1つ、くわしく見ます。"""
    desk = office(context)
    if number.startswith("q"):
        entry = desk.reading(find_entry_line, _entry_number(number))
        say_json(_entry_json(entry)) if as_json else _say(_entry_lines(entry))
        return
    if not re.fullmatch(r"\d{1,18}", number, re.ASCII):
        raise Trouble("ファイルの番号(12)か、隔離の番号(q3)を指定してください。", 2)
    file = desk.reading(find_file, int(number))
    entries = desk.reading(list_entries, SHOWN, file.number)
    if as_json:
        say_json({**asdict(file), "quarantine": [_entry_json(one) for one in entries]})
        return
    _say(_file_lines(file, entries))


def retry(
    context: typer.Context,
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            help="隔離の番号(q3)。", metavar="[ID...]", show_default=False, autocompletion=completing.quarantined
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="隔離中のものすべて。")] = False,
    as_json: AsJson = False,
) -> None:
    """隔離中のブロックを、もう一度判定します。足りない日の明細が届いたあとに使います。登録のない口座の分は隔離にはなく、
    口座が登録されたあとで、同じファイルをもう一度取り込みます。

    受け付けたものは、隔離から出ます。1つでも残れば、終了コードは 3 です。
    """
    desk = office(context)
    if bool(numbers) == everything:
        raise Trouble("隔離の番号(q3)か --all の、どちらかを指定してください。", 2)
    chosen = desk.reading(open_ids) if everything else [_entry_number(typed) for typed in numbers or ()]
    if not chosen and not as_json:
        say("隔離中のブロックはありません。")
    stays, told = 0, []
    for number in chosen:
        report = _judge(desk, number)
        left = desk.reading(find_entry_line, number).settled_at is None
        stays += left
        if as_json:
            told.append({"quarantine": f"q{number}", "settled": not left, "report": report and report_as_json(report)})
        elif report is None:
            say(f"q{number}: すでに終わっています。「madoguchi feed show q{number}」で確かめられます。")
        else:
            say(f"q{number}({report.name}): {'隔離に残しました。' if left else f'取り込みました。{report}'}")
            for sentence in report.details if left else particulars(report):
                say(f"  {sentence}")
    if as_json:
        say_json(told)
    if stays:
        raise typer.Exit(REFUSED)


def set_aside_(
    context: typer.Context,
    number: Annotated[
        str,
        typer.Argument(
            help="隔離の番号(q3)。ファイルの番号(12)なら、その隔離中のものすべて。",
            metavar="ID",
            show_default=False,
            autocompletion=completing.quarantined,
        ),
    ],
    reason: Annotated[str, typer.Option(help="理由。記録に残ります。")] = "",
) -> None:
    """隔離中のブロックを、取り込まないことに決めます。元には戻せませんが、同じファイルを取り込めば、また判定します。"""
    desk = office(context)
    is_file = re.fullmatch(r"\d{1,18}", number, re.ASCII) is not None
    entry = 0 if is_file else _entry_number(number)
    if not reason.strip():
        raise Trouble("--reason で理由を指定してください。", 2)
    if is_file:
        file = desk.reading(find_file, int(number))
        count = desk.writing(set_file_aside, file.number, reason.strip(), desk.actor, desk.now)
        what = (
            f"の隔離中のブロック{count:,}件を、取り込まないことにしました"
            if count
            else "に、隔離中のブロックはありません"
        )
        say(f"ファイル {number} {what}。")
        return
    done = desk.writing(set_aside, entry, reason.strip(), desk.actor, desk.now)
    say(f"{number} を取り込まないことにしました。" if done else f"{number} は、すでに終わっています。")


def _judge(desk: Office, number: int) -> FileReport | None:
    form = FileForm.set_by(desk.settings)
    return desk.run(lambda database: judge_again(database, number, desk.settings.bank_code, desk.actor, desk.now, form))


def _entry_number(typed: str) -> int:
    match = re.fullmatch(r"q(\d{1,18})", typed, re.ASCII)
    if match is None:
        raise Trouble(f"「{typed}」は隔離の番号ではありません。「q3」の形で指定してください。", 2)
    return int(match[1])


def _say(lines: Iterator[str]) -> None:
    for line in lines:
        say(line)


def _file_lines(file: FileLine, entries: list[EntryLine]) -> Iterator[str]:
    yield f"ファイル {file.number}: {file.name}({kind_in_words(file.kind)})"
    yield f"取込日時: {in_words(file.imported_at)}"
    if file.created_on:
        yield f"作成日: {day_in_words(file.created_on)}"
    yield f"状態: {_state(file)}"
    if file.refusal is not None:
        yield f"理由: {file.refusal.message}"
    elif file.finished_at is None:
        yield "取込の途中です。今ほかで取り込んでいるのでなければ、中断されたものです。"
        yield "同じファイルをもう一度取り込むと、残りを取り込んで終わります(取込済みの分は変わりません)。"
    yield f"したこと: {_done(file)}"
    if file.accounts_unknown:
        yield f"インターネットバンキングに登録のない口座の分 {file.accounts_unknown:,}件は、取り込んでいません。"
        yield REGISTERED_LATER
    for entry in entries:
        settled = SETTLEMENTS[Settlement(entry.settled_as)] if entry.settled_as else "隔離中"
        yield f"q{entry.number} {_records(entry)}件目 {entry.whose}: {settled}。{entry.damage.message}"
    if file.in_quarantine > len(entries):
        yield f"隔離中のブロックは、全部で {file.in_quarantine:,}件です。"


def _entry_lines(entry: EntryLine) -> Iterator[str]:
    yield f"隔離 q{entry.number}: ファイル {entry.file_number} {entry.file_name}({kind_in_words(entry.kind)})"
    yield f"場所: {_records(entry)}件目"
    if entry.whose:
        yield f"口座: {entry.whose}"
    if entry.created_on:
        yield f"作成日: {day_in_words(entry.created_on)}"
    if entry.from_day and entry.to_day:
        yield f"勘定日: {day_in_words(entry.from_day)}から {day_in_words(entry.to_day)}まで"
    yield f"理由: {entry.damage.message}"
    yield f"判定した日時: {in_words(entry.refused_at)}"
    if entry.settled_at is None:
        yield from _advice(entry)
        return
    yield f"{in_words(entry.settled_at)} に、{SETTLEMENTS[Settlement(entry.settled_as or '')]}。"
    if entry.set_aside_because:
        yield f"取り込まない理由: {entry.set_aside_because}"


def _advice(entry: EntryLine) -> Iterator[str]:
    """What to do about a block that is in quarantine."""
    if not entry.has_content:
        yield "長いため、内容は残していません。もう一度判定するには、同じファイルを取り込んでください。"
    elif entry.kind == Feed.STATUS and waits(entry.damage):
        yield "抜けているファイルを取り込むと、このファイルも続けて取り込みます。"
    elif entry.from_day:
        yield "直したファイルが届いたら、取り込んでください。この勘定日の明細がすべて入れば、隔離は終わります。"
    else:
        yield "直したファイルが届いたら取り込み、そのあと、下の set-aside で隔離を終えてください。"
    if entry.has_content:
        yield f"足りないファイルがあとから届いたとき: madoguchi feed retry q{entry.number}"
    yield f"取り込まないとき: madoguchi feed set-aside q{entry.number} --reason 理由"


def _state(file: FileLine) -> str:
    if file.refusal is not None:
        return "前のファイル待ち" if file.in_quarantine and waits(file.refusal) else "受け付けません"
    if file.finished_at is None:
        return "中断(または取込中)"
    if file.in_quarantine:
        return f"隔離あり({file.in_quarantine:,}件)"
    return f"隔離は終わりました(取り込まないブロック {file.blocks_refused:,}件)" if file.blocks_refused else "取込済み"


def _done(file: FileLine) -> str:
    if file.refusal is not None:
        return "何も取り込んでいません"
    if file.reconciled is not None:
        return _reconciled(**file.reconciled)
    if file.kind == Feed.STATUS:
        return f"イベント{file.events_applied:,}件を反映"
    blocks = f"{file.blocks_accepted:,}ブロックを取込"
    if file.kind == Feed.BALANCES:
        return f"{blocks}(残高 {file.balances_changed:,}口座)"
    return f"{blocks}(明細 {file.rows_added:,}行を追加、{file.rows_removed:,}行を削除)"


def _reconciled(changed: int, ended: int, skipped: list[int] | None, **held: int) -> str:
    gap = "、届いていなかった sequence {}〜{} を埋めました".format(*skipped) if skipped else "しました"
    return f"全件照合: {changed:,}件を直し、利用登録を{ended:,}件終了{gap}"


def _records(entry: EntryLine) -> str:
    return f"{entry.first_record:,}〜{entry.last_record:,}"


def _days(entry: EntryLine) -> str:
    if entry.from_day is None or entry.to_day is None:
        return "—"
    return f"{entry.from_day.isoformat()}〜{entry.to_day.isoformat()}"


def _entry_json(entry: EntryLine) -> dict[str, Any]:
    return {**asdict(entry), "number": f"q{entry.number}"}

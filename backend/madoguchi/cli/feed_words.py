"""What a feed file did, in words and as JSON: for `feed import`, `feed retry` and `feed watch` alike."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from madoguchi.cli.words import FEEDS
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.values import Damage

REPORT_KEYS = (
    ("file, kind", "ファイル名と、種類(03、04、status、unknown)"),
    ("clean", "すべて受け付けたか(followed は別)"),
    ("known_before", "取込済みで、何もしなかったか"),
    ("refused", "ファイル全体を受け付けない理由: record、column、item、found、expected、told。なければ null"),
    ("waiting", "前のファイルを待っているか"),
    ("blocks_accepted, blocks_unchanged, blocks_refused_count", "ブロックの数"),
    ("blocks_refused", "はじめの20件: refused のキーと first_record、account"),
    ("passed_over", "読み飛ばしたブロックの数(預金種目ごと)"),
    ("not_registered, not_registered_accounts", "登録のない口座の分の数と、はじめの3口座"),
    ("rows_added, rows_removed, balances_changed", "明細の行と残高の数"),
    ("events_applied, events_known", "反映したイベントの数と、取込済みだった数"),
    ("events_covered", "events_known のうち、全件照合に含まれていたもの"),
    (
        "reconciled",
        "全件照合の結果。なければ null(ファイルの contracts、accounts、直した件数 changed、終了した利用登録 ended、"
        "埋めた番号 skipped)",
    ),
    ("followed", "待っていて、続けて取り込んだファイル"),
)
"""The keys of a report as JSON, as the help tells them."""


def kind_in_words(kind: str) -> str:
    """What sort of file it is."""
    return FEEDS.get(kind, "種別不明")


def summary(report: FileReport) -> str:
    """One line a file."""
    return f"{report.name}({kind_in_words(report.kind)}): {report}"


def particulars(report: FileReport) -> Iterator[str]:
    """What was refused and why, what was passed over, and what to do."""
    yield from report.details
    if report.is_waiting and not report.is_kept:
        yield "長いため、内容を隔離に残していません。抜けているファイルのあとで、もう一度取り込んでください。"
    elif report.is_waiting:
        yield "このファイルは隔離に残しました。抜けているファイルを取り込むと、続けて取り込みます。"
    elif report.refused is not None:
        yield "このファイルからは、何も取り込んでいません。直したファイルを、送り元から受け取ってください。"
    if report.refused_count:
        yield "受け付けないブロックは、隔離に残しました。「madoguchi feed list」で確かめられます。"


def report_as_json(report: FileReport) -> dict[str, Any]:
    """A report for programs; REPORT_KEYS tells its keys."""
    return {
        "file": report.name,
        "kind": report.kind,
        "clean": report.clean,
        "known_before": report.known_before,
        "refused": _as_json(report.refused.damage) if report.refused else None,
        "waiting": report.is_waiting,
        "blocks_accepted": report.blocks_accepted,
        "blocks_unchanged": report.blocks_unchanged,
        "blocks_refused_count": report.refused_count,
        "blocks_refused": [
            {
                "first_record": block.first_record,
                "account": str(block.account) if block.account else None,
                **_as_json(block.damage),
            }
            for block in report.blocks_refused
        ],
        "passed_over": dict(report.passed_over),
        "not_registered": report.not_registered,
        "not_registered_accounts": report.not_registered_accounts,
        "rows_added": report.rows_added,
        "rows_removed": report.rows_removed,
        "balances_changed": report.balances_changed,
        "events_applied": report.events_applied,
        "events_known": report.events_known,
        "events_covered": report.events_covered,
        "reconciled": report.reconciled.figures if report.reconciled else None,
        "followed": [report_as_json(one) for one in report.followed],
    }


def _as_json(damage: Damage) -> dict[str, Any]:
    """With the sentence that a person is told."""
    return {**asdict(damage), "told": damage.message}

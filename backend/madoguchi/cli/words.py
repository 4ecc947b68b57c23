"""Dates, names and tables of the command line, in Japanese; and reading of what an officer types."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from madoguchi.cli.failures import Trouble
from madoguchi.cli.screen import console
from madoguchi.rules import vocabulary
from madoguchi.rules.plain_text import is_unseen
from madoguchi.rules.vocabulary import JST, Feed

AsJson = Annotated[bool, typer.Option("--json", help="プログラムのための形(JSON)で書き出します。")]

STATES = {"pending": "登録中", "active": "有効", "ended": "終了"}
CAUSES = {
    "replaced": "新しい登録に替わった",
    "expired": "期間が終わった",
    "stopped_by_customer": "お客さまが停止した",
    "stopped_by_aggregator": "事業者が終えた",
    "stopped_by_credit_union": "当組合が停止した",
    "internet_banking_cancelled": "インターネットバンキングの解約",
    "no_account_left": "対象の口座がなくなった",
    "aggregator_removed": "事業者の契約が終わった",
    "abandoned": "登録が完了しなかった",
    "code_replayed": "認可コードが二度使われた",
}
TARGETS = {
    "all": "全体",
    "function": "機能",
    "aggregator": "事業者",
    "account_kind": "預金種目",
    "branch": "店",
    "customer": "お客さま",
    "registration": "登録",
}

FEEDS: dict[str, str] = {Feed.BALANCES: "残高通知", Feed.TRANSACTIONS: "入出金取引明細", Feed.STATUS: "利用状況"}


def visible(text: str) -> str:
    """The text with what nobody sees written out as JSON writes it: a terminal would obey it."""
    return "".join(json.dumps(sign)[1:-1] if is_unseen(sign) else sign for sign in text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay apart."""
    return "\n".join(map(visible, text.split("\n")))


def say(sentence: str = "") -> None:
    """One line of an answer."""
    typer.echo(visible(sentence))


def say_json(value: Any, one_line: bool = False) -> None:
    """An answer for programs; on one line where others follow."""
    text = json.dumps(value, ensure_ascii=False, indent=None if one_line else 2, default=_plain)
    typer.echo(visible_lines(text))


def say_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; what stands in its cells is text, never markup."""
    table = Table(*(Column(head, overflow="fold") for head in heads), header_style="bold")  # an id is never cut
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console(sys.stdout).print(table)


def in_words(at: datetime) -> str:
    """A moment on the wall clock of Japan."""
    wall = at.astimezone(JST)
    return f"{day_in_words(wall.date())} {wall.hour}:{wall.minute:02}"


def day_in_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def clause_in_words(clause: str) -> str:
    """`4-5-1` as 第4条第5項第1号; a stroke where no clause speaks."""
    return vocabulary.clause_in_words(clause) or "—"


def moment(typed: str) -> datetime:
    """A moment as an officer types it, in Japan: `2026-11-25 7:00`, `2026-11-25T07:00` or a day (its 0:00).

    Raises Trouble.
    """
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}):(\d{2}))?", typed.strip())
    try:
        if match:
            at = time(int(match[2] or 0), int(match[3] or 0))
            return datetime.combine(date.fromisoformat(match[1]), at, JST)
    except ValueError:
        pass
    raise Trouble(f"日時「{typed}」を読めません。「2026-11-25 7:00」か「2026-11-25」の形で指定してください。", 2)


def day(typed: str) -> date:
    """A day as an officer types it: `2026-11-25`. Raises Trouble."""
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise Trouble(f"日付「{typed}」を読めません。「2026-11-25」の形で指定してください。", 2) from None


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(JST).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)

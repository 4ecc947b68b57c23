"""The command line's manual: what a command's help says beside what the command itself declares.

A command declares what it does (its docstring), its arguments and options. A page adds when one uses it, examples,
what its exit codes mean, the clause it carries out, and the keys of its JSON. pages.py finds it by the command's words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Audience(StrEnum):
    """Who uses a command; the first help groups the commands by it."""

    OFFICER = "職員が使うコマンド"
    OPERATOR = "運用する人が使うコマンド"
    DEVELOPER = "開発する人が使うコマンド"


EXIT_CODES: Mapping[int, str] = {
    0: "できました。",
    1: "できませんでした。理由と、することを表示します。",
    2: "使い方が違います。何も変えていません。",
    130: "Ctrl+C で止めました。",
    143: "SIGTERM で止めました。",
}
"""What every command's exit codes mean, unless its page says it more exactly."""

REFUSED = "受け付けられない内容がありました。"
"""What 3 means; the pages of the commands that have it say of what."""


@dataclass(frozen=True, slots=True)
class Page:
    """One command's page.

    when      when one uses it; sentences in Japanese.
    examples  a command line as it is typed, and what it is good for.
    clauses   the clauses of the terms of use that it carries out (rules/terms.py); none where no clause speaks.
    codes     exit codes in other words than EXIT_CODES, or beside them.
    changes   whether it changes anything; what only shows something has `--json`.
    shape     what `--json` writes: an array or an object, of what.
    keys      the keys of its objects and what they hold.
    """

    when: str
    examples: tuple[tuple[str, str], ...]
    clauses: tuple[str, ...] = ()
    codes: Mapping[int, str] = field(default_factory=dict)
    changes: bool = False
    shape: str = ""
    keys: tuple[tuple[str, str], ...] = ()

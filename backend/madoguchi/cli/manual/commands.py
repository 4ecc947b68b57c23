"""How a command's help is laid out: sections with Japanese headings, columns that full-width characters do not shift.

Typer's own seam: every command is of `Command` and every group of `Group`, whose `format_help` writes the page; so
`--help` and `madoguchi help` say the same. Typer writes English headings, and counts a full-width character as one.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from rich.cells import cell_len
from typer._click.core import Context, Parameter
from typer._click.formatting import HelpFormatter
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from madoguchi.cli.manual import EXIT_CODES, REFUSED, Audience, Page
from madoguchi.cli.manual.pages import PAGES
from madoguchi.cli.screen import columns, is_plain, joined, padded, wrapped
from madoguchi.cli.words import clause_in_words

PROGRAM = "madoguchi"

INDENT = "  "
NAMES_AT_MOST = 30
"""Columns of the names beside which their meaning stands; a longer name stands on a line of its own."""

SHAPES = {
    "MOMENT": "日時。「2026-11-25 7:00」か、日付だけ(その日の 0:00)。日本の時刻です。",
    "DATE": "日付。2026-11-25 の形。日本の日付です。",
    "DURATION": "長さ。3h(3時間)、1d(1日)、PT30M(30分)の形。",
    "YEAR[-YEAR]": "年。2028、または 2028-2030 の形。",
    "FILE": "ファイルの名前。",
    "DIR": "フォルダーの名前。",
}
"""What the words in capitals stand for, told where they are used."""

HELP_OPTION = "この説明を表示します。"


class Commands(typer.Typer):
    """A group of commands, or all of them, whose help are pages of the manual."""

    def __init__(self, help: str, **given: Any) -> None:
        given = {"cls": Group, "rich_markup_mode": None, "add_completion": False} | given
        super().__init__(help=help, pretty_exceptions_enable=False, **given)

    def command(self, name: str | None = None, **given: Any) -> Callable[[Any], Any]:
        """Typer's own, with our help."""
        return super().command(name, **{"cls": Command} | given)


class Command(TyperCommand):
    """One command."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the page: what it does, when, how, arguments, options, examples, JSON, exit codes, clauses."""
        formatter.write("\n".join(_command_page(self, ctx)) + "\n")

    def page(self, ctx: Context) -> Page | None:
        """Its page of the manual."""
        return PAGES.get(words_of(ctx))


class Group(TyperGroup):
    """A group of commands, or all of them."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write what the commands are for; the first help groups them by who uses them."""
        formatter.write("\n".join(_group_page(self, ctx)) + "\n")


def words_of(context: Context) -> str:
    """The words by which a command is called: `feed import`; nothing for the program itself."""
    words: list[str] = []
    node: Context | None = context
    while node is not None and node.parent is not None:
        words.insert(0, node.info_name or "")
        node = node.parent
    return " ".join(words)


def _command_page(command: Command, context: Context) -> Iterator[str]:
    name = f"{PROGRAM} {words_of(context)}"
    page = command.page(context)
    first, *others = _paragraphs(command.help)
    yield from _titled(name, first)
    parameters = command.get_params(context)
    arguments = [one for one in parameters if isinstance(one, TyperArgument) and not one.hidden]
    options = [one for one in parameters if isinstance(one, TyperOption) and not one.hidden]
    usage = " ".join([name, *(_in_usage(one) for one in arguments), "[オプション]"])
    yield from _section("書き方", [usage])
    yield from _section("説明", _separated(others))
    if page:
        yield from _section("使うとき", _lines(page.when))
    yield from _section("引数", table((_argument_name(one), _meaning(one)) for one in arguments))
    yield from _section("オプション", table((_option_name(one), _meaning(one)) for one in options))
    used = {one.metavar for one in parameters} | {one.metavar.strip("[].") for one in parameters if one.metavar}
    yield from _section("値の形", table((word, told) for word, told in SHAPES.items() if word in used))
    if page:
        yield from _rest(page)


def _rest(page: Page) -> Iterator[str]:
    """What stands below the options."""
    yield from _section("例", _examples(page.examples))
    if page.shape:
        yield from _section("--json で書き出すもの", [*_lines(page.shape), *table(page.keys)])
    yield from _section("終了コード", _codes({**EXIT_CODES, **page.codes}))
    yield from _section("API利用規定", _lines("、".join(map(clause_in_words, page.clauses))))


def _group_page(group: Group, context: Context) -> Iterator[str]:
    words = words_of(context)
    name = f"{PROGRAM} {words}".rstrip()
    first, *others = _paragraphs(group.help)
    yield from _titled(name, first)
    yield from _section("書き方", [f"{name} コマンド [引数...] [オプション]"])
    yield from _section("説明", _separated(others))
    commands = [(one, command) for one, command in group.commands.items() if not command.hidden]
    if words:
        rows = [(one, _paragraphs(command.help)[0]) for one, command in commands]
        yield from _section("コマンド", table(rows))
    else:
        commands.sort(key=lambda pair: not isinstance(pair[1], TyperGroup))  # Typer has them the other way round
        for audience in Audience:
            rows = [
                (one, _paragraphs(command.help)[0])
                for one, command in commands
                if getattr(command, "rich_help_panel", None) == audience
            ]
            yield from _section(audience, table(rows))
        options = [one for one in group.get_params(context) if isinstance(one, TyperOption) and not one.hidden]
        yield from _section("オプション", table((_option_name(one), _meaning(one)) for one in options))
    yield from _section("さらに", _lines(f"「{name} コマンド --help」で、そのコマンドの使い方を表示します。"))
    if not words:
        yield from _section("終了コード", _codes({**EXIT_CODES, 3: REFUSED}))


def _paragraphs(help_text: str | None) -> list[str]:
    """A docstring's paragraphs, each on one line."""
    return [joined(one) for one in inspect.cleandoc(help_text or "").split("\n\n")]


def _titled(name: str, first: str) -> Iterator[str]:
    yield _bold(name)
    yield from (INDENT + line for line in _lines(first))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A heading with its lines; nothing of it when there are none."""
    held = list(lines)
    if any(held):
        yield ""
        yield _bold(title)
        yield from (f"{INDENT}{line}".rstrip() for line in held)


def _separated(paragraphs: list[str]) -> Iterator[str]:
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ""
        yield from _lines(paragraph)


def _lines(text: str, room: int = 0) -> list[str]:
    """Wrapped to what is beside `room` columns."""
    width = columns() - len(INDENT) - room
    return [line for part in text.splitlines() for line in wrapped(part, width)]


def table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Names and beside them what they mean."""
    held = list(rows)
    width = max((cell_len(name) for name, _ in held if cell_len(name) <= NAMES_AT_MOST), default=0) + len(INDENT)
    for name, meaning in held:
        first, *others = _lines(meaning, width) or [""]
        if cell_len(name) + len(INDENT) > width:
            yield name
            others, first = [first, *others], ""
        else:
            yield padded(name, width) + first
        yield from (" " * width + line for line in others)


def _codes(meanings: Mapping[int, str]) -> Iterator[str]:
    return table((str(code), meanings[code]) for code in sorted(meanings))


def _examples(examples: Iterable[tuple[str, str]]) -> Iterator[str]:
    for typed, purpose in examples:
        yield from _continued(re.split(r" (?=--|\|)", typed))
        yield from (INDENT * 2 + line for line in _lines(purpose, 2 * len(INDENT)))


def _continued(words: list[str]) -> Iterator[str]:
    """A command line that can be copied as it stands, in several lines when it is long."""
    line, *others = words
    for word in others:
        if cell_len(f"{line} {word}") > columns() - len(INDENT) - 2:
            yield f"{line} \\"
            line = INDENT + word
        else:
            line = f"{line} {word}"
    yield line


def _in_usage(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _argument_name(argument: TyperArgument) -> str:
    return (argument.metavar or argument.name.upper()).strip("[]")


def _option_name(option: TyperOption) -> str:
    names = ", ".join([*sorted(option.opts, key=len), *option.secondary_opts])
    return names if option.is_flag else f"{names} {_value_of(option)}"


def _value_of(option: TyperOption) -> str:
    kind = option.type_descriptor.annotation
    return option.metavar or ("N" if kind is int else "FILE" if kind is Path else "TEXT")


def _meaning(parameter: Parameter) -> str:
    """What a parameter is for, whether it is needed, its limits and what holds without it."""
    if parameter.name == "help":
        return HELP_OPTION
    told = joined(getattr(parameter, "help", "") or "")
    kind, limits = parameter.type_descriptor, parameter.type_descriptor.parameter_info  # type: ignore[attr-defined]
    notes = []
    if kind.is_choice and not all(str(getattr(one, "value", one)) in told for one in kind.choices):
        notes.append(" | ".join(str(getattr(one, "value", one)) for one in kind.choices))
    if limits.min is not None:
        notes.append(f"{limits.min} から {limits.max} まで" if limits.max is not None else f"{limits.min} 以上")
    if parameter.required:
        notes.append("必須")
    if getattr(parameter, "multiple", False) and "何度でも" not in told:
        notes.append("何度でも指定できます")
    default = parameter.default
    if isinstance(default, Enum | int | str) and not isinstance(default, bool) and default != "":
        notes.append(f"なければ {default}")
    return told + "".join(f" [{note}]" for note in notes)


def _bold(title: str) -> str:
    return title if is_plain(sys.stdout) else typer.style(title, bold=True)

"""The help is documentation: every command has a whole page, in Japanese, whose columns stand one below the other."""

import io
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from madoguchi.cli import app
from madoguchi.cli.manual import Audience
from madoguchi.cli.manual.commands import Command, Group, table
from madoguchi.cli.manual.pages import PAGES
from madoguchi.cli.screen import NEVER_FIRST, NEVER_LAST, console, wrapped
from madoguchi.rules import terms
from madoguchi.rules.decision import Clause
from tests.support.desk import Command as Run

ROOT = get_command(app)
HEADINGS = ["書き方", "説明", "使うとき", "引数", "オプション", "値の形", "例", "--json で書き出すもの", "終了コード",
            "API利用規定"]  # fmt: skip


def walk(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Command | Group]]:
    for name, command in group.commands.items():
        assert isinstance(command, Command | Group), f"{name} is no command of cli/manual/commands.py"
        yield " ".join((*words, name)), command
        if isinstance(command, Group):
            yield from walk(command, (*words, name))


assert isinstance(ROOT, Group)
EVERYTHING = dict(walk(ROOT))
COMMANDS = {words: command for words, command in EVERYTHING.items() if isinstance(command, Command)}


def options_of(command: Command) -> set[str]:
    own = {name for one in command.params for name in (*one.opts, *one.secondary_opts) if isinstance(one, TyperOption)}
    return own | {"--help"}


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert set(PAGES) == set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_page_says_what_when_with_which_arguments_and_what_the_exit_codes_mean(words: str) -> None:
    command, page = COMMANDS[words], PAGES[words]
    assert (command.help or "").split("\n\n")[0].endswith("。"), "what it does, in sentences"
    assert page.when.endswith("。")
    assert page.examples, "an example"
    for one in command.params:
        assert isinstance(one, TyperOption | TyperArgument)
        assert one.help, f"{one.name} is not explained"
    assert {Clause(clause) for clause in page.clauses} <= set(terms.IN_CODE) | set(terms.OUTSIDE_CODE)
    assert {0, 1, 2, 3, 130, 143} >= set(page.codes)
    assert ("--json" in options_of(command)) == bool(page.shape) or words == "feed schema"


@pytest.mark.parametrize("words", COMMANDS)
def test_its_examples_could_be_typed_as_they_stand(words: str) -> None:
    for typed, purpose in PAGES[words].examples:
        assert purpose.endswith(("。", "…")), typed
        told = shlex.split(re.split(r" [|>]", re.sub(r"^.*\$\(|\)$", "", typed))[0])
        at = told.index("madoguchi")
        assert " ".join(told[at + 1 :]).startswith(words), typed
        names = {word for word in told[at:] if word.startswith("--")}
        assert names <= options_of(COMMANDS[words]), typed


def test_the_pages_fit_80_columns_have_japanese_headings_in_one_order_and_no_word_of_typers(command: Run) -> None:
    for words in COMMANDS:
        said = command(*words.split(), "--help")
        assert (said.code, said.err) == (0, ""), words
        lines = said.out.splitlines()
        assert [line for line in lines if cell_len(line) > 80 and " \\" not in line and "://" not in line] == [], words
        headings = [line for line in lines if line and not line.startswith(" ")]
        assert headings[0] == f"madoguchi {words}"
        assert headings[1:] == [heading for heading in HEADINGS if heading in headings], words
        assert {"書き方", "使うとき", "オプション", "例", "終了コード"} <= set(headings)
        assert not re.search(r"Usage|Options|Commands|Arguments|default:|required|Show this", said.out), words


def test_meanings_stand_in_one_column_though_a_name_is_of_full_width_characters() -> None:
    assert list(table([("口座", "意味"), ("ab", "もの"), ("-" * 40, "下に")])) == [
        "口座  意味",
        "ab    もの",
        "-" * 40,
        "      下に",
    ]


def test_meanings_of_options_stand_in_one_column(command: Run) -> None:
    lines = command("institution", "holidays", "--help").out.splitlines()
    options = lines[lines.index("オプション") + 1 : lines.index("値の形") - 1]
    names = re.compile(r"  -\S+(?: [A-Z[\]-]+)? +")
    begins = {cell_len(match[0]) for line in options if (match := names.match(line))}
    assert len(begins) == 1
    (column,) = begins
    assert all(line[:column].isspace() for line in options if not line.startswith("  -"))


def test_the_first_help_groups_the_commands_by_who_uses_them(command: Run) -> None:
    said = command("--help").out
    parts = re.split(rf"^({'|'.join(Audience)})$", said, flags=re.MULTILINE)
    blocks = [part.split("\n\n")[0] for part in parts[2::2]]
    listed = {who: re.findall(r"^  ([a-z]+) ", block, re.M) for who, block in zip(parts[1::2], blocks, strict=True)}
    assert list(listed) == list(Audience)
    assert sorted(name for names in listed.values() for name in names) == sorted(
        name for name, one in EVERYTHING.items() if " " not in name and not one.hidden
    )
    assert "registration" in listed[Audience.OFFICER]
    assert {"doctor", "feed", "serve"} <= set(listed[Audience.OPERATOR])
    assert "sandbox" in listed[Audience.DEVELOPER]


def test_help_is_a_command_too_and_says_the_same(command: Run) -> None:
    assert command("help").out == command("--help").out
    assert command("help", "feed").out == command("feed", "--help").out
    assert command("help", "feed", "import").out == command("feed", "import", "--help").out
    unknown = command("help", "feed", "imprt")
    assert (unknown.code, unknown.out) == (2, "")
    assert "imprt というコマンドはありません。" in unknown.err


def test_limits_needs_and_defaults_are_told_in_japanese(command: Run) -> None:
    serve, generate = command("serve", "--help").out, command("feed", "generate", "--help").out
    assert "[1 から 65535 まで]" in serve
    assert "[なければ 127.0.0.1]" in serve
    assert re.search(r"--until DATE .*\[必須\]", generate)
    assert "DATE    日付" in generate or "DATE  日付" in generate, "what a word in capitals stands for"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO) -> str:
    console(stream).print("[bold red]x[/]" + "長" * 200)
    return stream.getvalue()


def test_only_a_terminal_gets_colour_and_none_that_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" in printed(Terminal())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert printed(io.StringIO()) == "x" + "長" * 200 + "\n", "a pipe: neither coloured nor cut nor folded"
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in printed(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in printed(Terminal())


@given(st.text("あ漢、。「」()a1-", max_size=60), st.integers(4, 30))
def test_japanese_lines_fit_and_none_begins_or_ends_with_a_sign_that_may_not(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join(lines) == text, "nothing is lost"
    for before, line in pairwise(lines):
        assert line[0] not in NEVER_FIRST
        assert before[-1] not in NEVER_LAST
    for line in lines:
        assert cell_len(line) <= width or len(wrapped(line, width)) == 1, "only what cannot be broken is longer"


def test_words_are_parted_at_spaces_only() -> None:
    assert wrapped("「madoguchi feed import FILE」で取り込みます。", 23) == [
        "「madoguchi feed import",
        "FILE」で取り込みます。",
    ]

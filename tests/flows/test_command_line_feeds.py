"""`madoguchi feed`: sample files are written and taken in; what is refused is told so that a person can find it."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from madoguchi.cli.feed_progress import progress
from madoguchi.cli.feed_words import REPORT_KEYS
from madoguchi.procedures.feeds import taking_in as feeds
from tests.feeds.books import ORDINARY
from tests.feeds.events import opened, registered, status_file
from tests.support.desk import Command

RECORD = 200


@pytest.fixture
def books(command: Command, tmp_path: Path) -> list[Path]:
    """Two months of the sample's files, and a database ready for them."""
    assert command("db", "upgrade").code == 0
    said = command("feed", "generate", "--until", "2026-11-24", "--months", "2", "--out", str(tmp_path / "out"))
    assert said.code == 0, said.err
    return [Path(line) for line in said.out.splitlines()]


def names(books: list[Path]) -> list[str]:
    return [str(path) for path in books]


def test_the_files_are_taken_in_and_the_same_files_again_change_nothing(command: Command, books: list[Path]) -> None:
    assert [path.name.split("-")[0] for path in books] == ["status", "zengin03", "zengin04"]
    first = command("feed", "import", *names(books), "--json")
    assert first.code == 0, first.err
    status, statements, balances = first.json
    assert [key for key in status if not re.search(rf"\b{key}\b", str(REPORT_KEYS))] == [], "the help tells every key"
    assert status["events_applied"] > 20
    assert (statements["blocks_accepted"], statements["rows_removed"]) == (33, 0)
    assert statements["rows_added"] > 100
    assert balances["balances_changed"] == 37
    again = command("feed", "import", *names(books), "--json")
    assert again.code == 0
    changes = ("events_applied", "blocks_accepted", "rows_added", "rows_removed", "balances_changed")
    assert [sum(report[name] for name in changes) for report in again.json] == [0, 0, 0]
    assert "取込済みのファイルです。何も変わりません。" in command("feed", "import", str(books[0])).out


def test_the_same_arguments_write_the_same_bytes_and_another_seed_others(
    command: Command, books: list[Path], tmp_path: Path
) -> None:
    def written(*more: str) -> list[bytes]:
        said = command(
            "feed", "generate", "--until", "2026-11-24", "--months", "2", "--out", str(tmp_path / "x"), *more
        )
        assert said.code == 0
        return [Path(line).read_bytes() for line in said.out.splitlines()]

    before = [path.read_bytes() for path in books]
    assert written() == before
    assert written("--seed", "2")[1] != before[1]


def with_a_wrong_digit(statements: Path) -> Path:
    """The same file with another last digit of the first 取引金額 (columns 25 to 36 of a data record)."""
    content = bytearray(statements.read_bytes())
    step = RECORD + (2 if content[RECORD : RECORD + 2] == b"\r\n" else 0)
    first = next(at for at in range(0, len(content), step) if content[at : at + 1] == b"2")
    content[first + 35] = ord("9") if content[first + 35] != ord("9") else ord("8")
    wrong = statements.with_name("wrong.txt")
    wrong.write_bytes(content)
    return wrong


def test_a_wrong_digit_refuses_its_block_only_and_names_record_column_found_and_expected(
    command: Command, books: list[Path]
) -> None:
    status, statements, _ = books
    command("feed", "import", str(status))
    statements = with_a_wrong_digit(statements)
    said = command("feed", "import", str(statements))
    assert said.code == 3
    assert "32ブロックを取込、変わりなし0、拒否1" in said.out
    assert "件目" in said.out
    assert "桁目" in said.out
    (block,) = command("feed", "import", str(statements), "--json").json[0]["blocks_refused"]
    assert block["record"] > block["first_record"] == 1
    assert block["found"] != block["expected"]


def test_a_file_that_was_cut_or_is_another_banks_is_refused_as_a_whole(
    command: Command, books: list[Path], tmp_path: Path
) -> None:
    status, statements, _ = books
    command("feed", "import", str(status))
    cut = tmp_path / "cut.txt"
    cut.write_bytes(statements.read_bytes()[:-1000])
    other = tmp_path / "other.txt"
    other.write_bytes(statements.read_bytes().replace(b"2999", b"2998"))
    said = command("feed", "import", str(cut), str(other), "--json")
    assert said.code == 3
    assert [(report["rows_added"], report["refused"] is None) for report in said.json] == [(0, False), (0, False)]
    assert command("feed", "import", str(other)).out.count("ファイルを受け付けません") == 1


def test_a_file_of_long_ago_needs_the_day_on_which_it_was_new(command: Command, tmp_path: Path) -> None:
    command("db", "upgrade")
    said = command("feed", "generate", "--until", "2025-02-03", "--months", "1", "--out", str(tmp_path))
    old = said.out.splitlines()
    refused = command("feed", "import", *old)
    assert refused.code == 3
    accepted = command("feed", "import", *old, "--as-of", "2025-02-03")
    assert accepted.code == 0, accepted.out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("feed", "import", "none.txt"), 1, "none.txt がありません"),
        (("feed", "import", "none.txt", "--as-of", "yesterday"), 2, "日付「yesterday」を読めません"),
        (("feed", "generate", "--until", "2020-01-01"), 2, "見本の帳簿は 2024-04-01 からです"),
        (("feed", "generate", "--until", "2026-02-30"), 2, "日付「2026-02-30」を読めません"),
        (("feed", "generate"), 2, "--until"),
    ],
)
def test_what_cannot_be_meant_is_told(command: Command, arguments: tuple[str, ...], code: int, sentence: str) -> None:
    command("db", "upgrade")
    said = command(*arguments)
    assert (said.code, sentence in said.err) == (code, True), said.err


def test_a_refused_block_is_listed_and_shown_until_the_mended_file_brings_its_days(
    command: Command, books: list[Path]
) -> None:
    status, statements, _ = books
    wrong = with_a_wrong_digit(statements)
    said = command("feed", "import", str(status), str(wrong))
    assert "受け付けないブロックは、隔離に残しました。" in said.out

    listed = command("feed", "list")
    assert listed.code == 0
    assert re.search(r"2 .* wrong.txt .* 隔離あり\(1件\) .* 32ブロックを取込", listed.out)
    assert re.search(r"q1 .* 2 .* 1〜30 .* 002-1-…4567 .* 30件目 27桁目: 出金額合計が合いません", listed.out)
    assert "1234567" not in listed.out, "the number is masked"
    shown = command("feed", "show", "q1").out
    assert "勘定日: 2026年9月24日から 2026年11月24日まで" in shown
    assert "madoguchi feed set-aside q1 --reason 理由" in shown
    again = command("feed", "retry", "q1")
    assert (again.code, "隔離に残しました" in again.out) == (3, True)

    assert command("feed", "import", str(statements)).code == 0
    assert "隔離中のブロックはありません。" in command("feed", "list").out
    assert "状態: 隔離は終わりました(取り込まないブロック 1件)" in command("feed", "show", "2").out
    assert "同じ日の明細が、あとのファイルで入りました。" in command("feed", "show", "q1").out
    settled = command("feed", "retry", "q1")
    assert (settled.code, "すでに終わっています" in settled.out) == (0, True)
    entries = command("feed", "show", "2", "--json").json["quarantine"]
    assert [(entry["number"], entry["settled_as"], "content" in entry) for entry in entries] == [
        ("q1", "superseded", False)
    ]


def test_an_officer_sets_a_block_aside_with_a_reason(command: Command, books: list[Path]) -> None:
    status, statements, _ = books
    command("feed", "import", str(status), str(with_a_wrong_digit(statements)))
    assert "隔離の番号ではありません" in command("feed", "set-aside", "x").err
    silent = command("feed", "set-aside", "q1")
    assert (silent.code, "--reason で理由を指定してください" in silent.err) == (2, True)
    assert (
        "q1 を取り込まないことにしました。" in command("feed", "set-aside", "q1", "--reason", "送り元が取り消した").out
    )
    assert "取り込まない理由: 送り元が取り消した" in command("feed", "show", "q1").out
    assert command("feed", "list", "--json").json["quarantine"] == []


def test_an_officer_sets_all_blocks_of_a_file_aside_at_once(command: Command, books: list[Path]) -> None:
    status, statements, _ = books
    command("feed", "import", str(status), str(with_a_wrong_digit(statements)))
    said = command("feed", "set-aside", "2", "--reason", "送り元が取り消した")
    assert (said.code, said.out) == (0, "ファイル 2 の隔離中のブロック1件を、取り込まないことにしました。\n")
    assert "取り込まない理由: 送り元が取り消した" in command("feed", "show", "q1").out
    again = command("feed", "set-aside", "2", "--reason", "もう一度")
    assert again.out == "ファイル 2 に、隔離中のブロックはありません。\n"
    unknown = command("feed", "set-aside", "99", "--reason", "ない")
    assert (unknown.code, "ファイル 99 はありません" in unknown.err) == (1, True)


def test_a_status_file_that_waits_is_told_and_comes_by_itself(command: Command, tmp_path: Path) -> None:
    command("db", "upgrade")
    files = []
    for name, events in {"1.jsonl": [opened(1)], "2.jsonl": [registered(2, ORDINARY)]}.items():
        (tmp_path / name).write_bytes(status_file(*events))
        files.append(str(tmp_path / name))
    early = command("feed", "import", files[1])
    assert early.code == 3
    assert "sequence 1 のイベントが届いていません" in early.out
    assert "このファイルは隔離に残しました。抜けているファイルを取り込むと、続けて取り込みます。" in early.out
    assert "前のファイル待ち" in command("feed", "list").out
    assert "続けて取り込みます" in command("feed", "show", "q1").out
    came = command("feed", "import", files[0])
    assert (came.code, "続けて取り込みました: 2.jsonl: イベント1件を反映" in came.out) == (0, True)
    assert "前のファイル待ち" not in command("feed", "list").out


def test_a_file_that_waited_and_does_not_fit_what_came_is_not_said_to_wait_any_more(
    command: Command, tmp_path: Path
) -> None:
    command("db", "upgrade")
    stranger = registered(2, ORDINARY, customer_number="99999999")
    for name, event in {"1.jsonl": opened(1), "2.jsonl": stranger}.items():
        (tmp_path / name).write_bytes(status_file(event))
    assert command("feed", "import", str(tmp_path / "2.jsonl")).code == 3
    assert command("feed", "import", str(tmp_path / "1.jsonl")).code == 0, "nothing is wrong with this one"
    assert re.search(r"2.jsonl .* 受け付けません .* 何も取り込んでいません", command("feed", "list").out)
    shown = command("feed", "show", "q1").out
    assert "続けて取り込みます" not in shown
    assert "直したファイルが届いたら取り込み、そのあと、下の set-aside で隔離を終えてください。" in shown


def test_an_import_that_was_killed_is_shown_and_ends_when_the_file_is_taken_in_again(
    command: Command, books: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, statements, _ = books
    command("feed", "import", str(status))
    take_in_block: Callable[..., None] = feeds.take_in_block
    taken = 0

    def killed(*args: Any) -> None:
        nonlocal taken
        taken += 1
        if taken > 3:
            raise KeyboardInterrupt
        take_in_block(*args)

    with monkeypatch.context() as patch:
        patch.setattr(feeds, "take_in_block", killed)
        assert command("feed", "import", str(statements)).code == 130, "Ctrl+C"
    assert re.search(r"中断\(または取込中\) .* 3ブロックを取込", command("feed", "list").out)
    assert "残りを取り込んで終わります" in command("feed", "show", "2").out
    whole = command("feed", "import", str(statements), "--json").json[0]
    assert (whole["blocks_accepted"], whole["blocks_unchanged"]) == (30, 3)
    file = command("feed", "show", "2", "--json").json
    assert (file["blocks_accepted"], file["finished_at"] is None) == (33, False)
    assert "中断" not in command("feed", "list").out


def test_a_name_that_is_mistyped_stops_the_command_before_anything_is_taken_in(
    command: Command, books: list[Path]
) -> None:
    said = command("feed", "import", str(books[0]), "none.txt")
    assert (said.code, "none.txt がありません" in said.err, said.out) == (1, True, "")
    assert "ファイルは、まだ届いていません。" in command("feed", "list").out


class Terminal(io.StringIO):
    """An error stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_import_shows_how_fast_it_is_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress("zengin03.txt") as tell:
        for done in range(0, 1001, 100):
            tell(done, 1000)
    drawn = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "zengin03.txt" in drawn
    assert re.search(r"100%.*行/秒.* 残り .*0:00:00", drawn)


@pytest.mark.parametrize("silent", [True, False])
def test_programs_and_pipes_get_no_progress(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal() if silent else io.StringIO())
    with progress("zengin03.txt", silent) as tell:
        tell(1, 2)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_what_is_not_there_is_told(command: Command) -> None:
    command("db", "upgrade")
    for arguments, code, sentence in (
        (("show", "q9"), 1, "隔離 q9 はありません"),
        (("show", "9"), 1, "ファイル 9 はありません"),
        (("show", "9" * 25), 2, "ファイルの番号(12)か、隔離の番号(q3)を指定してください"),
        (("show", "nine"), 2, "ファイルの番号(12)か、隔離の番号(q3)を指定してください"),
        (("retry",), 2, "隔離の番号(q3)か --all の、どちらかを指定してください"),
        (("retry", "q1", "--all"), 2, "隔離の番号(q3)か --all の、どちらかを指定してください"),
        (("retry", "3"), 2, "「3」は隔離の番号ではありません"),
        (("set-aside", "q9", "--reason", "x"), 1, "隔離 q9 はありません"),
    ):
        said = command("feed", *arguments)
        assert (said.code, sentence in said.err) == (code, True), said.err
    assert command("feed", "retry", "--all").out == "隔離中のブロックはありません。\n"
    assert command("feed", "retry", "--all", "--json").json == []

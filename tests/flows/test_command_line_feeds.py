"""`madoguchi feed`: sample files are written and taken in; what is refused is told so that a person can find it."""

from pathlib import Path

import pytest

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
    assert status["events_applied"] > 20
    assert (statements["blocks_accepted"], statements["rows_removed"]) == (17, 0)
    assert statements["rows_added"] > 100
    assert balances["balances_changed"] == 20
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


def test_a_wrong_digit_refuses_its_block_only_and_names_record_column_found_and_expected(
    command: Command, books: list[Path]
) -> None:
    status, statements, _ = books
    command("feed", "import", str(status))
    content = bytearray(statements.read_bytes())
    step = RECORD + (2 if content[RECORD : RECORD + 2] == b"\r\n" else 0)
    first = next(at for at in range(0, len(content), step) if content[at : at + 1] == b"2")
    digit = first + 35  # the last digit of 取引金額, columns 25 to 36 of a data record
    content[digit] = ord("9") if content[digit] != ord("9") else ord("8")
    statements.write_bytes(content)
    said = command("feed", "import", str(statements))
    assert said.code == 3
    assert "16ブロックを取込、変わりなし0、拒否1" in said.out
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

"""Exit codes, over all commands: 0 done, 1 not done, 2 not understood, 3 refused, 130 and 143 interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from madoguchi.cli import service
from madoguchi.cli.manual import EXIT_CODES
from madoguchi.cli.manual.pages import PAGES
from tests.flows.test_command_line_help import COMMANDS
from tests.support.desk import Command, Desk

NEEDED = {
    "aggregator add": "--name x --jwks {file} --redirect-uri https://a.example/cb --scope accounts",
    "aggregator stop": "agg_0",
    "backup": "{folder}/copy.db",
    "customer code": "10000001",
    "explain": "--last",
    "feed import": "{file}",
    "feed retry": "--all",
    "feed set-aside": "q1 --reason x",
    "feed show": "1",
    "feed watch": "{folder}",
    "institution set-up": "{file}",
    "institution holidays": "--years 2028",
    "registration stop": "reg_0",
    "sandbox play": "closing",
    "stop set": "all --reason x --review-on 2026-12-01",
    "stop lift": "1 --reason x",
    "terms load": "{file} --attach {file}",
}
"""What a command needs to be understood."""

WITHOUT_DATABASE = (
    "db upgrade", "feed generate", "feed schema", "help", "keys new", "restore", "sandbox clock", "sandbox play",
    "sandbox reset", "schema", "serve",
)  # fmt: skip
"""What works, or begins its work, before there is a database; some have tests of their own."""


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_ends_with_2_for_an_option_that_it_does_not_have_and_with_0_for_its_help(
    command: Command, words: str
) -> None:
    said = command(*words.split(), "--no-such-option")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("使い方が違います: --no-such-option という指定はありません。")
    told = command(*words.split(), "--help")
    assert (told.code, told.err) == (0, "")
    for code in {**EXIT_CODES, **PAGES[words].codes}:
        assert f"\n  {code} " in told.out, f"{code} is told"


@pytest.mark.parametrize("words", sorted(set(COMMANDS) - set(WITHOUT_DATABASE)))
def test_every_command_ends_with_1_and_a_sentence_before_there_is_an_installation(
    command: Command, tmp_path: Path, words: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_text('{"keys": []}')
    typed = NEEDED.get(words, "").format(file=file, folder=tmp_path).split()
    said = command(*words.split(), *typed)
    # A document is read before the database is opened, and this one is refused for what it says.
    assert said.code == (3 if words == "institution set-up" else 1), said.err
    if words != "doctor":
        assert said.out == ""
        assert re.search("[ぁ-ん]", said.err)
    assert not (command.data / "madoguchi.db").exists()


def test_what_was_handed_in_and_cannot_be_taken_ends_with_3(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("nothing = 1\n")
    jwks = tmp_path / "jwks.json"
    jwks.write_text('{"keys": []}')
    typed = {
        "aggregator add": NEEDED["aggregator add"].format(file=jwks).split(),
        "feed import": [str(file)],
        "institution feeds": [str(file)],
        "institution holidays": [str(file)],
        "institution hours": [str(file)],
        "institution set-up": [str(file)],
        "terms load": [str(file), "--attach", str(file)],
    }
    for words, arguments in typed.items():
        assert desk(*words.split(), *arguments).code == 3, words
    left = desk("feed", "retry", "--all")
    assert left.code == 0, "a file that was refused as a whole leaves nothing in quarantine"
    assert {words for words, page in PAGES.items() if 3 in page.codes} == {*typed, "feed retry"}


def test_ctrl_c_ends_any_command_with_130(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "feed_states", interrupted)
    assert desk("service", "status").code == 130


def test_sigterm_ends_a_command_with_143_as_the_shell_tells_it(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    os.mkfifo(tmp_path / "keys.json")  # aggregator add waits for somebody to write it
    madoguchi = Path(sys.executable).parent / "madoguchi"
    typed = NEEDED["aggregator add"].format(file=tmp_path / "keys.json").split()
    environment = {"MADOGUCHI_DATA_DIR": str(tmp_path / "data"), "PATH": os.environ["PATH"]}
    running = subprocess.Popen([madoguchi, "aggregator", "add", *typed], env=environment)
    writer = _opened_for_its_reader(tmp_path / "keys.json")
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == -signal.SIGTERM, "a shell says 143"
    os.close(writer)


def _opened_for_its_reader(pipe: Path) -> int:
    """Open a pipe for writing as soon as somebody reads it."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nobody read it")

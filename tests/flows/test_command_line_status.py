"""`madoguchi feed` and the status feed: what a full file did is told to programs, and late, and what waited counts."""

import signal
from pathlib import Path

import pytest

from madoguchi.cli.feed_words import REPORT_KEYS
from madoguchi.procedures.status_feed import files
from tests.feeds.books import ORDINARY
from tests.feeds.events import full_account, full_contract, full_file, opened, registered, status_file
from tests.support.desk import Command


def test_what_a_full_file_changed_is_told_to_a_program_and_when_it_is_looked_up(
    command: Command, tmp_path: Path
) -> None:
    command("db", "upgrade")
    (tmp_path / "1.jsonl").write_bytes(status_file(opened(1), registered(2, ORDINARY)))
    (tmp_path / "full.jsonl").write_bytes(full_file(4, full_contract(full_account(ORDINARY, label="貯金"))))
    said = command("feed", "import", str(tmp_path / "1.jsonl"), str(tmp_path / "full.jsonl"), "--json")
    events, full = said.json
    assert events["reconciled"] is None
    told = {"contracts": 1, "accounts": 1, "changed": 2, "ended": 0, "skipped": [3, 4]}
    assert full["reconciled"] == told
    assert all(key in str(REPORT_KEYS) for key in ("reconciled", "events_covered", *told))
    assert command("feed", "show", "2", "--json").json["reconciled"] == told
    assert command("feed", "show", "1", "--json").json["reconciled"] is None
    did = "全件照合: 2件を直し、利用登録を0件終了、届いていなかった sequence 3〜4 を埋めました"
    assert f"したこと: {did}" in command("feed", "show", "2").out
    assert did in command("feed", "list").out


def test_a_file_that_waited_only_for_another_one_of_the_same_command_is_no_refusal(
    command: Command, tmp_path: Path
) -> None:
    command("db", "upgrade")
    first, second, far = (tmp_path / f"{number}.jsonl" for number in (1, 2, 9))
    first.write_bytes(status_file(opened(1)))
    second.write_bytes(status_file(registered(2, ORDINARY)))
    far.write_bytes(status_file(registered(9, ORDINARY)))
    assert command("feed", "import", str(second), str(first)).code == 0, "in the end all was taken in"
    assert command("feed", "import", str(far), str(first)).code == 3


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_import_that_is_stopped_says_so_and_what_to_do(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, code: int
) -> None:
    command("db", "upgrade")
    (tmp_path / "1.jsonl").write_bytes(status_file(opened(1)))

    def stopped(*args: object) -> None:
        signal.raise_signal(sent)

    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
    with monkeypatch.context() as patch:
        patch.setattr(files, "apply_events", stopped)
        said = command("feed", "import", str(tmp_path / "1.jsonl"))
    signal.signal(signal.SIGINT, heeded)
    told = "中断しました。半端に残ったブロックはありません。同じファイルを、もう一度取り込んでください。\n"
    assert (said.code, said.err) == (code, told)
    assert command("feed", "import", str(tmp_path / "1.jsonl"), "--json").json[0]["events_applied"] == 1
    assert str(code) in command("feed", "import", "--help").out


def test_a_program_is_told_the_sentence_that_a_person_is_told(command: Command, tmp_path: Path) -> None:
    command("db", "upgrade")
    (tmp_path / "wrong.txt").write_bytes(b"x" * 400)
    refused = command("feed", "import", str(tmp_path / "wrong.txt"), "--json").json[0]["refused"]
    assert refused["told"]
    assert refused["told"] in command("feed", "import", str(tmp_path / "wrong.txt")).out

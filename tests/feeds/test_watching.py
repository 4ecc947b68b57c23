"""A folder that is watched: what is all there is taken and put away with a line each, and nothing ends the watch."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from madoguchi.cli import feed_watching
from madoguchi.cli.context import Office
from madoguchi.cli.feed_watching import Watch
from madoguchi.doors.core_banking.watching import Delivery, turn_of
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from tests.feeds.bank import NOW
from tests.feeds.books import BANK, ORDINARY, block, notice, notices, overwritten, row
from tests.feeds.events import opened, registered, status_file
from tests.feeds.watched import written
from tests.support.desk import Command


@pytest.fixture
def inbox(command: Command, tmp_path: Path) -> Path:
    """A folder to watch, and a database ready for what comes."""
    assert command("db", "upgrade").code == 0
    for name in ("inbox", "inbox/done", "inbox/refused"):
        (tmp_path / name).mkdir()
    return tmp_path / "inbox"


def watch_of(inbox: Path) -> Watch:
    return Watch(Office(lambda: NOW), inbox)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_came_is_taken_and_put_away_with_one_line_each(
    inbox: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "b-status.jsonl": status_file(opened(1), registered(2, ORDINARY)),
        "a-03.txt": write_statements(BANK, [block(row(1))]),
        "wrong.txt": overwritten(write_notices(BANK, [notices(notice())]), 3, 2, b"0000009"),
        "not-yet.txt": write_statements(BANK, [block(row(1))])[:-100],
    }
    for name, content in files.items():
        written(inbox / name, content, timedelta(minutes=2))
    watch = watch_of(inbox)
    watch.take_what_is_whole()
    assert (names(inbox / "done"), names(inbox / "refused")) == (["a-03.txt", "b-status.jsonl"], ["wrong.txt"])
    assert (inbox / "not-yet.txt").exists()
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "not-yet.txt: まだ終わりまで届いていません。届いたら取り込みます。"
    assert out[1] == "b-status.jsonl(利用状況): イベント2件を反映(取込済み0件) → done/b-status.jsonl"
    assert out[2].startswith("a-03.txt(入出金取引明細): 1ブロックを取込、変わりなし0、拒否0(明細 1行を追加")
    assert out[3].startswith("wrong.txt(残高通知): 0ブロックを取込、変わりなし0、拒否1")
    assert out[3].endswith(" → refused/wrong.txt")

    watch.take_what_is_whole()
    assert capsys.readouterr().out == "", "who waits is told of once"
    written(inbox / "not-yet.txt", write_statements(BANK, [block(row(1))]))
    watch.take_what_is_whole()
    assert "取込済みのファイルです。何も変わりません。 → done/not-yet.txt" in capsys.readouterr().out


def test_the_failure_of_one_file_ends_nothing_and_is_told_once(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real: Callable[..., Any] = feed_watching.import_file

    async def failing(database: object, path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "a.jsonl":
            raise OSError(5, "Input/output error", str(path))
        return await real(database, path, *args, **kwargs)

    monkeypatch.setattr(feed_watching, "import_file", failing)
    for name, content in {"a.jsonl": status_file(opened(1)), "b.jsonl": status_file(opened(1, phrase="雪"))}.items():
        written(inbox / name, content, timedelta(minutes=2))
    watch = watch_of(inbox)
    watch.take_what_is_whole()
    watch.take_what_is_whole()
    assert capsys.readouterr().err.count("a.jsonl を読み書きできません(Input/output error)") == 1
    assert (names(inbox / "done"), (inbox / "a.jsonl").exists()) == (["b.jsonl"], True)


def test_a_file_that_failed_is_not_whole_any_more_because_it_was_moved_in_once(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes under its name next may be half written."""

    async def failing(*args: object, **kwargs: object) -> object:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(feed_watching, "import_file", failing)
        written(inbox / "x.jsonl", status_file(opened(1)))
        watch = watch_of(inbox)
        watch.delivered["x.jsonl"] = Delivery.MOVED
        watch.take_what_is_whole()
    written(inbox / "x.jsonl", status_file(opened(1))[:-20])
    watch.take_what_is_whole()
    assert names(inbox / "refused") == []
    written(inbox / "x.jsonl", status_file(opened(1)), timedelta(minutes=2))
    watch.take_what_is_whole()
    assert names(inbox / "done") == ["x.jsonl"]


DEEP = b'{"kind":' + b"[" * 30_000


def test_a_line_as_deep_as_a_line_can_be_long_ends_nothing(inbox: Path) -> None:
    for name, content in {"deep.jsonl": DEEP, "fine.jsonl": status_file(opened(1))}.items():
        written(inbox / name, content, timedelta(minutes=2))
    watch_of(inbox).take_what_is_whole()
    assert (names(inbox / "done"), names(inbox / "refused")) == (["fine.jsonl"], ["deep.jsonl"])


def test_a_file_that_nobody_can_put_in_its_place_ends_nothing_either(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unforeseen(path: Path) -> object:
        if path.name == "odd.jsonl":
            raise ZeroDivisionError
        return turn_of(path)

    monkeypatch.setattr(feed_watching, "turn_of", unforeseen)
    for name in ("odd.jsonl", "fine.jsonl"):
        written(inbox / name, status_file(opened(1)), timedelta(minutes=2))
    watch_of(inbox).take_what_is_whole()
    assert (names(inbox / "done"), (inbox / "odd.jsonl").exists()) == (["fine.jsonl"], True)
    assert "odd.jsonl: 予期しない問題が起きました" in capsys.readouterr().err


def test_a_file_is_done_although_one_that_waited_for_it_does_not_fit(
    inbox: Path, command: Command, tmp_path: Path
) -> None:
    """Each file has its own verdict."""
    stranger = registered(2, ORDINARY, customer_number="99999999")
    written(inbox / "2.jsonl", status_file(stranger), timedelta(minutes=2))
    watch = watch_of(inbox)
    watch.take_what_is_whole()
    written(inbox / "1.jsonl", status_file(opened(1)), timedelta(minutes=2))
    watch.take_what_is_whole()
    assert (names(inbox / "done"), names(inbox / "refused")) == (["1.jsonl"], ["2.jsonl"])


def test_a_database_that_is_away_is_waited_for_longer_and_longer_and_told_once(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch, waited, tries = watch_of(inbox), list[float](), 0

    def away() -> str:
        nonlocal tries
        tries += 1
        if tries < 9:
            raise ConnectionRefusedError(111, "Connection refused")
        return "done"

    monkeypatch.setattr(watch, "wait_out", waited.append)
    assert watch._with_database(away) == "done"
    assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
    assert capsys.readouterr().out.splitlines() == [
        "データベースにつながりません。つながるのを待っています。",
        "データベースにつながりました。",
    ]


def test_programs_are_told_one_object_a_line(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(inbox / "good.jsonl", status_file(opened(1)), timedelta(minutes=2))
    written(inbox / "not-yet.txt", write_statements(BANK, [block(row(1))])[:-100], timedelta(minutes=2))
    watch = Watch(Office(lambda: NOW), inbox, as_json=True)
    watch.take_what_is_whole()

    async def failing(*args: object, **kwargs: object) -> object:
        raise OSError(5, "Input/output error", "x.jsonl")

    monkeypatch.setattr(feed_watching, "import_file", failing)
    written(inbox / "x.jsonl", status_file(opened(1, phrase="雪")), timedelta(minutes=2))
    watch.take_what_is_whole()
    out, err = capsys.readouterr()
    unfinished, taken, failed = [json.loads(line) for line in out.splitlines()]
    assert unfinished == {"event": "unfinished", "file": "not-yet.txt"}
    assert (taken["event"], taken["file"], taken["moved_to"]) == ("taken", "good.jsonl", "done/good.jsonl")
    assert (taken["clean"], taken["events_applied"]) == (True, 1), "and all that feed import --json tells"
    assert failed == {
        "event": "failed", "file": "x.jsonl", "reason": "x.jsonl を読み書きできません(Input/output error)。"
    }  # fmt: skip
    assert err == ""


def test_a_folder_is_watched_by_one_only(inbox: Path, command: Command) -> None:
    with (inbox / ".watch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = command("feed", "watch", str(inbox))
    assert (said.code, said.err) == (1, f"{inbox} は、ほかの「madoguchi feed watch」が見ています。\n")
    said = command("feed", "watch", str(inbox / "none"))
    assert (said.code, "none がありません" in said.err) == (1, True)


def test_a_file_that_is_moved_in_is_taken_at_once_and_sigterm_ends_with_zero(inbox: Path, tmp_path: Path) -> None:
    """The command as it runs: told by the kernel, stopped by a signal."""
    watching = subprocess.Popen(
        [sys.executable, "-c", "import sys; from madoguchi.cli import main; sys.exit(main())", "feed", "watch", inbox],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert watching.stdout is not None
        assert "を見ています" in watching.stdout.readline()
        began = monotonic()
        (tmp_path / "cut.jsonl").write_bytes(status_file(opened(1))[:-20])
        (tmp_path / "cut.jsonl").rename(inbox / "cut.jsonl")
        assert "→ refused/cut.jsonl" in watching.stdout.readline()
        assert monotonic() < began + 45, "before it counts as left alone"
        (inbox / "x.part").write_bytes(status_file(opened(1)))
        (inbox / "x.part").rename(inbox / "x.jsonl")
        while not (inbox / "done" / "x.jsonl").exists() and monotonic() < began + 45:
            sleep(0.05)
        watching.send_signal(signal.SIGTERM)
        out, _ = watching.communicate(timeout=30)
    finally:
        watching.kill()
    assert watching.returncode == 0
    assert "x.jsonl(利用状況): イベント1件を反映(取込済み0件) → done/x.jsonl" in out
    assert out.endswith("見るのをやめました。\n")

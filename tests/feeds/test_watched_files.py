"""Files in a watched folder: which are all there, which are never touched, in which order, and that none is lost."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from madoguchi.cli.failures import Trouble
from madoguchi.cli.feed_folder import alone_in
from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.watching import Delivery, candidates, is_whole, put_away, turn_of
from madoguchi.doors.core_banking.zengin_code import KANA_TABLES
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.records.database import Database
from tests.feeds.bank import NOW
from tests.feeds.books import BANK, ORDINARY, TODAY, block, notice, notices, row
from tests.feeds.events import opened, registered, status_file
from tests.feeds.watched import written

FULL = b'{"kind":"full.begin","as_of":"2026-11-24T03:00:00+09:00","sequence":3}\n'
FULL_END = b'{"kind":"full.end","contracts":0,"accounts":0}\n'


@pytest.mark.parametrize("separator", [b"\r\n", b"\n", b""])
@pytest.mark.parametrize("kind", ["03", "04", "EBCDIC"])
def test_a_zengin_file_is_whole_with_its_end_record_and_at_no_byte_before(
    tmp_path: Path, separator: bytes, kind: str
) -> None:
    records = (
        write_statements(BANK, [block(row(9))], b"") if kind == "03" else write_notices(BANK, [notices(notice())], b"")
    )
    records = records.translate(KANA_TABLES["cp290"].from_jis) if kind == "EBCDIC" else records
    parts = [records[at : at + 200] for at in range(0, len(records), 200)]
    file = separator.join(parts)
    for length in range(0, len(file), 23):
        assert not is_whole(written(tmp_path / "z", file[:length]), Delivery.CLOSED, NOW)
    assert not is_whole(written(tmp_path / "z", file[:-1]), Delivery.CLOSED, NOW)
    for end in (b"", separator, b"\x1a", separator + b"\x1a"):
        assert is_whole(written(tmp_path / "z", file + end), Delivery.UNKNOWN, NOW)


def test_what_was_moved_in_is_whole_whatever_it_holds(tmp_path: Path) -> None:
    for content in (b"", b"1", FULL, status_file(opened(1))):
        assert is_whole(written(tmp_path / "x.jsonl", content), Delivery.MOVED, NOW)


def test_a_file_of_events_is_whole_when_it_is_closed_or_left_alone_for_a_minute(tmp_path: Path) -> None:
    events = status_file(opened(1))
    assert not is_whole(written(tmp_path / "x.jsonl", events, timedelta(seconds=59)), Delivery.UNKNOWN, NOW)
    assert is_whole(written(tmp_path / "x.jsonl", events, timedelta(seconds=60)), Delivery.UNKNOWN, NOW)
    assert is_whole(written(tmp_path / "x.jsonl", events), Delivery.CLOSED, NOW)
    assert not is_whole(written(tmp_path / "x.jsonl", b""), Delivery.CLOSED, NOW), "just begun"


def test_a_full_file_is_whole_with_its_last_line(tmp_path: Path) -> None:
    assert not is_whole(written(tmp_path / "x.jsonl", FULL, timedelta(days=1)), Delivery.CLOSED, NOW)
    assert is_whole(written(tmp_path / "x.jsonl", FULL + FULL_END), Delivery.UNKNOWN, NOW)


def test_hidden_and_unfinished_names_folders_and_links_are_never_touched(tmp_path: Path) -> None:
    for name in (".a.txt", "a.tmp", "a.part", "a.FILEPART", "a.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "done").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    assert [path.name for path in candidates(tmp_path)] == ["a.txt"]


def test_files_of_one_moment_are_taken_in_the_order_in_which_they_build_on_each_other(tmp_path: Path) -> None:
    earlier = TODAY - timedelta(days=1)
    files = {
        "balances": write_notices(BANK, [notices(notice())]),
        "a-later-day": write_statements(BANK, [block(row(1), from_day=TODAY)]),
        "b-whole": write_statements(BANK, [block(row(1))]),
        "z-made-before": write_statements(BANK, [block(to_day=earlier, created_on=earlier)]),
        "events-10": status_file(registered(10, ORDINARY)),
        "events-9": status_file(registered(9, ORDINARY)),
    }
    turns = [turn_of(written(tmp_path / name, content)) for name, content in files.items()]
    assert [turn.name for turn in sorted(turns)] == [
        "events-9", "events-10", "z-made-before", "b-whole", "a-later-day", "balances"
    ]  # fmt: skip


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "done"
    there.mkdir()
    names = []
    for content in (b"1", b"2", b"3"):
        (tmp_path / "zengin.txt").write_bytes(content)
        names.append(put_away(tmp_path / "zengin.txt", there).name)
    assert names == ["zengin.txt", "zengin-2.txt", "zengin-3.txt"]
    assert [(there / name).read_bytes() for name in names] == [b"1", b"2", b"3"]
    assert not (tmp_path / "zengin.txt").exists()


@pytest.mark.parametrize("kind", ["pipe", "link"])
async def test_what_stands_for_a_file_only_since_it_was_looked_at_is_refused_at_once(
    tmp_path: Path, database: Database, kind: str
) -> None:
    """Reading a pipe would never end; a link leads to a file that is not its sender's."""
    path = tmp_path / "a.txt"
    (tmp_path / "theirs.txt").write_bytes(write_notices(BANK, [notices(notice())]))
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(tmp_path / "theirs.txt")
    with pytest.raises(OSError, match=r"a\.txt"):
        is_whole(path, Delivery.CLOSED, NOW)
    with pytest.raises(OSError, match=r"a\.txt"):
        turn_of(path)
    with pytest.raises(OSError, match=r"a\.txt"):
        await import_file(database, path, BANK.bank_code, NOW, follow_links=False)
    if kind == "link":
        assert (await import_file(database, path, BANK.bank_code, NOW)).kind == "04", "by hand a link may be named"


def test_nothing_is_put_away_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "done").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a.txt").write_bytes(b"x")
    with pytest.raises(OSError, match="done"):
        put_away(tmp_path / "a.txt", tmp_path / "done")
    assert (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("name", ["done", "refused", ".watch.lock"])
def test_a_folder_whose_own_names_are_links_is_not_watched(tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Trouble, match=f"{name} がリンクです"), alone_in(tmp_path / "inbox"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_no_folder_to_watch(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    with pytest.raises(Trouble, match="はファイルです"), alone_in(tmp_path / "a.txt"):
        pass

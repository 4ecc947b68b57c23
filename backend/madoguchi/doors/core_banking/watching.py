"""A folder in which feed files arrive: which are all there, in which order they are taken, where they go afterwards.

A file is all there when it was moved in under its name, or ends as its kind ends: Zengin with its end record, the full
file of the status feed with `full.end`. A file of events has no end of its own: it is all there when whoever wrote it
has closed it, or has left it alone for a while. Waiting and telling are the command's (cli/feed_watching.py).
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from madoguchi.doors.core_banking.era import read_wareki
from madoguchi.doors.core_banking.importing import UNKNOWN, kind_of
from madoguchi.doors.core_banking.opening import open_regular
from madoguchi.doors.core_banking.zengin_layout import RECORD_BYTES
from madoguchi.rules.vocabulary import Feed

DONE = "done"
REFUSED = "refused"

QUIET = timedelta(seconds=60)
"""A file that nobody has written to for so long counts as closed: before the watch began nobody told us."""

_TELLING_BYTES = 3
"""With fewer nothing says what a file is, and some programs make an empty file before they fill it."""

_UNFINISHED = (".tmp", ".part", ".filepart")
_LONGEST_LINE = 64 * 1024
_TWO_BYTES = (b"\r\n", b"\r\x25")
_ONE_BYTE = (b"\n", b"\x25", b"\x15")  # LF, and EBCDIC's LF and NL


class Delivery(IntEnum):
    """What is known about how a file came."""

    UNKNOWN = 0
    CLOSED = 1  # its writer closed it
    MOVED = 2  # renamed or moved in: whole by agreement


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """When a file is taken among others: the status feed first, since it names accounts; then by what is chained."""

    rank: int
    number: int  # status: the first line's sequence
    created_on: date  # 作成日
    from_day: date  # 03: 勘定日 自
    name: str


def candidates(folder: Path) -> Iterator[Path]:
    """Files that may be taken at some time: no folders, links or hidden names, nothing that is called unfinished."""
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
            continue
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
        except FileNotFoundError:  # taken away meanwhile
            continue


def is_whole(path: Path, delivery: Delivery, at: datetime) -> bool:
    """Whether a file is all there. Raises OSError when it cannot be read."""
    if delivery is Delivery.MOVED:
        return True
    with open_regular(path) as stream:
        kind = kind_of(path, stream)
        if kind not in (Feed.STATUS, UNKNOWN):
            return _has_end_record(stream)
        if kind == Feed.STATUS and _first_line(stream).get("kind") == "full.begin":
            return _last_line(stream).get("kind") == "full.end"
        written = os.fstat(stream.fileno())
    is_closed = delivery is Delivery.CLOSED or is_quiet(written, at)
    return is_closed and written.st_size >= _TELLING_BYTES


def is_quiet(written: os.stat_result, at: datetime) -> bool:
    """Whether nobody has written to a file for a while."""
    return datetime.fromtimestamp(written.st_mtime, at.tzinfo) <= at - QUIET


def turn_of(path: Path) -> Turn:
    """When a file is taken among those that are whole at one moment. Raises OSError."""
    with open_regular(path) as stream:
        kind = kind_of(path, stream)
        if kind == Feed.STATUS:
            sequence = _first_line(stream).get("sequence")
            return Turn(0, sequence if isinstance(sequence, int) else 0, date.min, date.min, path.name)
        stream.seek(0)
        header = bytes(0x30 | byte & 0x0F for byte in stream.read(RECORD_BYTES)).decode("ascii")
    if kind == "03":
        return Turn(1, 0, _day(header[4:10]), _day(header[10:16]), path.name)
    return Turn(2 if kind == "04" else 3, 0, _day(header[5:11]), date.min, path.name)


def put_away(path: Path, folder: Path) -> Path:
    """Move a file into a folder under its name, numbered where the name is taken. Raises OSError, also for a link."""
    into = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for number in range(1, 1_000_000):
            name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
            try:
                # Claims the name, so that nothing is ever overwritten.
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=into))
            except FileExistsError:
                continue
            try:
                os.replace(path, name, dst_dir_fd=into)
            except OSError:
                os.unlink(name, dir_fd=into)
                raise
            return folder / name
    finally:
        os.close(into)
    raise FileExistsError(17, "no name is left", str(folder / path.name))


def _has_end_record(stream: BinaryIO) -> bool:
    """Whether the last whole record is of type 9; a final separator may be missing, one byte may mark the end."""
    stream.seek(0)
    first = stream.read(RECORD_BYTES + 2)
    between = first[RECORD_BYTES:]
    length = RECORD_BYTES + (2 if between in _TWO_BYTES else 1 if between[:1] in _ONE_BYTE else 0)
    whole, rest = divmod(stream.seek(0, os.SEEK_END), length)
    last = whole if rest >= RECORD_BYTES else whole - 1
    stream.seek(max(last, 0) * length)
    return stream.read(1) == (b"\xf9" if first.startswith(b"\xf1") else b"9")


def _first_line(stream: BinaryIO) -> dict[str, object]:
    stream.seek(0)
    return _said(stream.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf"))


def _last_line(stream: BinaryIO) -> dict[str, object]:
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - _LONGEST_LINE))
    lines = stream.read().splitlines()
    return _said(lines[-1]) if lines else {}


def _said(line: bytes) -> dict[str, object]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, or deeper than any line of the feed
        return {}
    return read if isinstance(read, dict) else {}


def _day(digits: str) -> date:
    return read_wareki(digits, date.max) or date.min

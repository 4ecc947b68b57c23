"""What the machine gives: its clock, the disk of the data directory, how many files may be open, who serves.

Each judge takes what was seen; looking is done by `on_this_machine`. No other machine is asked.
"""

import ctypes
import fcntl
import os
import resource
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from madoguchi.cli.doctor.findings import Finding, error, ok, unchecked, warning
from madoguchi.cli.holding import LOCK_FILE
from madoguchi.cli.running import OTHER_FILES
from madoguchi.clock import Clock, ahead_of_others
from madoguchi.rules.vocabulary import JST
from madoguchi.settings import Settings

MUST_BE_FREE: Final = 200 * 1024**2
SHOULD_BE_FREE: Final = 2 * 1024**3
"""Octets: a night's files and the journal of their import fit into the first, some weeks into the second."""

TIME_ERROR: Final = 5
"""What adjtimex(2) answers while nothing keeps the machine's clock right."""

PROBE_SECONDS: Final = 0.5


def on_this_machine(settings: Settings | None, clock: Clock | None) -> Iterator[Finding]:
    """Everything that needs no database."""
    yield time_zone()
    yield synchronised(_kernel_clock())
    if settings is None or clock is None:
        yield from unchecked(("clock.step", "disk", "files", "server"), "設定を直してから、もう一度調べてください")
        return
    yield stepped(_ahead(clock))
    yield from disk(settings.data_dir, *_space(settings.data_dir))
    yield files(settings.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield serving(settings, _served_address(settings))


def time_zone() -> Finding:
    """Japan's time zone, as pages of other languages and the calendar of feeds may ask for it by name."""
    try:
        here = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    except ZoneInfoNotFoundError:
        return error(
            "clock.zone", "時間帯 Asia/Tokyo のデータがありません。", "Debian では「apt install tzdata」で入れます。"
        )
    if here.utcoffset() != JST.utcoffset(None):
        return error("clock.zone", "時間帯 Asia/Tokyo が +09:00 ではありません。", "tzdata を入れ直してください。")
    return ok("clock.zone", "日本の時刻は +09:00 です。")


def synchronised(state: int | None) -> Finding:
    """Whether something keeps the clock right, as the kernel knows it (adjtimex); None when it cannot be asked."""
    if state is None:
        return ok("clock.synchronised", "時計が合わされているかは、この機械では分かりません。")
    if state == TIME_ERROR:
        return warning(
            "clock.synchronised",
            "この機械の時計は、ネットワークの時刻に合わされていません。",
            "chrony か systemd-timesyncd を動かしてください。10秒ずれると、事業者の証明を受け付けられなくなります。",
        )
    return ok("clock.synchronised", "この機械の時計は、合わされています。")


def stepped(ahead: timedelta | None) -> Finding:
    """Whether a sandbox's clock was stepped; None: its file cannot be read."""
    if ahead is None:
        return error(
            "clock.step",
            "見本の時計のファイル clock を読めません。",
            "「madoguchi sandbox reset」で作り直してください。",
        )
    if ahead:
        return warning(
            "clock.step",
            f"見本の時計は、この機械より{_length(ahead)}進めてあります。",
            "今の時刻に戻すには「madoguchi sandbox reset」で作り直します。",
        )
    return ok("clock.step", "この機械の時刻で動きます。")


def disk(folder: Path, free: int | None, writable: bool) -> Iterator[Finding]:
    """The data directory's disk. `free` in octets; None: there is no such folder yet."""
    if free is None:
        yield warning(
            "disk", f"データの置き場所 {folder} は、まだありません。", "動かすとき(madoguchi serve など)に作られます。"
        )
        return
    if not writable:
        yield error("disk", f"データの置き場所 {folder} に書き込めません。", "持ち主と権限を確かめてください。")
        return
    told = f"データの置き場所 {folder} の空きは {free / 1024**3:,.1f} GiB です。"
    if free < MUST_BE_FREE:
        yield error("disk", told, "今すぐ空きを作ってください。なくなると、記録できず、答えられません。")
    elif free < SHOULD_BE_FREE:
        yield warning("disk", told, "空きを増やすか、MADOGUCHI_DATA_DIR を広い場所に移してください。")
    else:
        yield ok("disk", told)


def files(connections: int, limit: int) -> Finding:
    """Whether a process may have so many connections open; `limit` of this shell, -1 without any."""
    needed = connections + OTHER_FILES
    if limit != resource.RLIM_INFINITY and limit < needed:
        return error(
            "files",
            f"一度に開けるファイルは {limit:,} まで。MADOGUCHI_CONNECTIONS {connections:,} には {needed:,} 要ります。",
            "ulimit -n(systemd では LimitNOFILE=)を大きくするか、MADOGUCHI_CONNECTIONS を小さくしてください。",
        )
    return ok("files", f"接続 {connections:,} に要るファイル {needed:,} を開けます。")


def serving(settings: Settings, address: str | None) -> Finding:
    """Whether a server runs, as far as this machine shows it."""
    if address:
        return ok("server", f"窓口は動いています({address})。")
    if settings.is_sandbox:
        return ok("server", "窓口は動いていません。動かすには「madoguchi serve --sample」です。")
    if settings.operation_port is None:
        return ok("server", "窓口が動いているかは、MADOGUCHI_OPERATION_PORT がないので分かりません。")
    return warning("server", "窓口は、この機械では動いていません。", "動かすには「madoguchi serve」です。")


def _kernel_clock() -> int | None:
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    state: int = adjtimex(ctypes.create_string_buffer(512))  # zeros: nothing is set, only asked
    return None if state < 0 else state


def _ahead(clock: Clock) -> timedelta | None:
    try:
        return ahead_of_others(clock)
    except (ValueError, OSError):
        return None


def _space(folder: Path) -> tuple[int | None, bool]:
    try:
        return shutil.disk_usage(folder).free, os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except FileNotFoundError:
        return None, False


def _served_address(settings: Settings) -> str | None:
    """A sandbox's server holds a lock; production's answers at the operator's port."""
    if settings.is_sandbox:
        return _lock_holder(settings.data_dir / LOCK_FILE)
    if settings.operation_port is None:
        return None
    try:
        with socket.create_connection((settings.operation_host, settings.operation_port), PROBE_SECONDS):
            return settings.issuer
    except OSError:
        return None


def _lock_holder(file: Path) -> str | None:
    try:
        with file.open("r", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip()
    except OSError:
        pass
    return None


def _length(ahead: timedelta) -> str:
    hours, minutes = divmod(ahead.seconds // 60, 60)
    parts = ((ahead.days, "日"), (hours, "時間"), (minutes, "分"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "1分未満"

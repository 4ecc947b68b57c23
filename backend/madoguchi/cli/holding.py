"""Who holds what: a sandbox's data directory has one server at a time, an SQLite file is not exchanged under a server.

A second server would give a sandbox's records the second's address. Both locks are the kernel's (flock), so that
nothing is left to clear up however their holder ended.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from madoguchi.cli.failures import Trouble
from madoguchi.installation import open_in
from madoguchi.settings import Settings

LOCK_FILE = "serving.lock"
"""Holds the address of whoever serves, or served last."""


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """Hold the data directory, which is made if it is not there. Raises Trouble when another server holds it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_in(settings.data_dir, LOCK_FILE) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(
                f"この data はほかの madoguchi({lock.read().strip()})が使っています。"
                "止めてから始めるか、MADOGUCHI_DATA_DIR を別にしてください。"
            ) from None
        lock.truncate()
        lock.write(settings.issuer + "\n")
        lock.flush()
        yield


@contextmanager
def file_served(file: Path) -> Iterator[None]:
    """While this lasts the SQLite file at this path is being served. Raises Trouble while it is being exchanged."""
    with _locked(file, fcntl.LOCK_SH) as done:
        if not done:
            raise Trouble(f"{file} は復元(madoguchi restore)の途中です。終わってから、もう一度実行してください。")
        yield


@contextmanager
def file_exchanged(file: Path) -> Iterator[None]:
    """While this lasts no server begins with the SQLite file at this path. Raises Trouble while one serves it."""
    with _locked(file, fcntl.LOCK_EX) as done:
        if not done:
            raise Trouble(
                f"{file} はサーバー(madoguchi serve)が使っています。サーバーを止めてから、もう一度実行してください。"
            )
        yield


@contextmanager
def _locked(file: Path, how: int) -> Iterator[bool]:
    """A lock beside the file: one on SQLite's own file would come between SQLite's locks."""
    descriptor = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)

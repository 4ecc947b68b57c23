"""The folder that one watch holds: its lock, and where files go afterwards. None of it may be a link.

Others write into the folder: a link would lead what is written here to files that are not theirs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from madoguchi.cli.failures import Trouble
from madoguchi.doors.core_banking.watching import DONE, REFUSED
from madoguchi.installation import open_in

LOCK_FILE = ".watch.lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder, with done/ and refused/ in it. Raises Trouble when it is none, or another watch holds it."""
    if folder.is_file():
        raise Trouble(f"{folder} はファイルです。1つのファイルは「madoguchi feed import」で取り込んでください。")
    if not folder.is_dir():
        raise Trouble(f"フォルダー {folder} がありません。名前と場所を確かめてください。")
    for name in (LOCK_FILE, DONE, REFUSED):
        if (folder / name).is_symlink():
            raise Trouble(f"{folder / name} がリンクです。リンクを除いてください。")
    with open_in(folder, LOCK_FILE, os.O_NOFOLLOW) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(f"{folder} は、ほかの「madoguchi feed watch」が見ています。") from None
        for name in (DONE, REFUSED):
            (folder / name).mkdir(exist_ok=True)
        yield

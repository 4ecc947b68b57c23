"""One server at a time holds a sandbox's data directory: a second one would give the records the second's address.

The lock is the kernel's (flock), so that nothing is left to clear up however the first one ended.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

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

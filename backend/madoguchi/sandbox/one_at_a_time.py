"""One change at a time: a start, a step of the clock or a play waits until the one before it is done.

The lock is the kernel's (flock), so that nothing is left to clear up however the other one ended.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from madoguchi.installation import open_in
from madoguchi.settings import Settings

LOCK_FILE: Final = "sandbox.lock"


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Hold the sandbox while it is changed, once whoever holds it now has finished."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_in(settings.data_dir, LOCK_FILE) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

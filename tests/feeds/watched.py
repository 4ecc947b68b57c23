"""Files as they come into a folder that is watched."""

import os
from datetime import timedelta
from pathlib import Path

from tests.feeds.bank import NOW


def written(path: Path, content: bytes, age: timedelta = timedelta(0)) -> Path:
    """A file that was last written to `age` before the tests' moment."""
    path.write_bytes(content)
    at = (NOW - age).timestamp()
    os.utime(path, (at, at))
    return path

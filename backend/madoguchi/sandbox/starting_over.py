"""Making room for a new sample: what the sandbox has written goes, its keys and settings stay."""

import shutil
from pathlib import Path
from typing import Final

from madoguchi.installation import CLOCK
from madoguchi.sandbox.books import FEEDS
from madoguchi.sandbox.played import FILE as PLAYED
from madoguchi.settings import Settings

APPLICATIONS: Final = "*-aggregator*.db*"
"""Where the sandbox's own applications keep their tokens, which nothing answers any more."""


def clear(settings: Settings) -> list[Path]:
    """Remove records, feeds, what was played and the step of the clock; returns what was there.

    Raises ValueError in production, and for a database that is no file of ours.
    """
    if not settings.is_sandbox or not settings.is_sqlite:
        raise ValueError("only a sandbox with a file of its own can be cleared")
    database = Path(settings.database_url.partition("///")[2])
    data = settings.data_dir
    files = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))]
    files += [data / CLOCK, data / PLAYED, *data.glob(APPLICATIONS)]
    gone = [path for path in files if path.is_file()]
    for path in gone:
        path.unlink()
    if (data / FEEDS).is_dir():
        shutil.rmtree(data / FEEDS)
        gone.append(data / FEEDS)
    return gone

"""How one scrape tells of all workers: prometheus-client's multiprocess mode, with one set of files for each place.

Every worker counts in small files that it maps into its memory, in a folder of the parent's; whichever worker is asked
adds all of them up. What a worker has counted is in the file at once, so that a kill loses nothing of it. The library
would name the files after process ids, and each worker that dies would leave its own for ever; here they belong to
the worker's place among its kind, and who takes the place counts on from there.
"""

import os
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import values

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own switch; it is only ever set in a worker."""


def count_together(folder: str, place: int) -> None:
    """From now on this process counts in `folder`, as the worker at `place`. Before anything is counted."""
    os.environ[FOLDER] = folder
    # The library's documented way to name a process by something else than its id.
    values.ValueClass = values.MultiProcessValue(partial(int, place))  # type: ignore[no-untyped-call]


def shared_folder() -> Path | None:
    """Where the workers count together; None where one process is alone."""
    folder = os.environ.get(FOLDER)
    return Path(folder) if folder else None

"""The files of this clone that are, or are about to be, under version control."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON_FOLDERS = ("backend", "tests")


@cache
def tracked_files() -> tuple[Path, ...]:
    """All of them, absolute; git names them, so that nothing ignored is looked at.

    Root may test a clone that is somebody else's, which git would refuse.
    """
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file())


def python_files() -> tuple[Path, ...]:
    """Our own Python, code and tests."""
    return tuple(
        path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PYTHON_FOLDERS
    )

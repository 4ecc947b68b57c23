"""Backup and restore of a database in SQLite: each is done completely or not at all, and never over what is there.

What is restored is what was acknowledged up to the backup's moment: ends of registrations and token uses since then are
forgotten with it, so that after a restore the newest full status file has to be taken in (frontend/docs/operating.md).
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from madoguchi.records.copying import InUse, bring_to_rest, copy_into, faults_of, make_durable
from madoguchi.rules.vocabulary import JST

__all__ = ["BackupDamaged", "InUse", "back_up", "restore"]

BESIDE: Final = ("-wal", "-shm")
"""What SQLite keeps beside a file that is open, or was when its process was killed."""


class BackupDamaged(Exception):
    """A file is no whole database of ours; `faults` say why, in SQLite's words."""

    def __init__(self, file: Path, faults: list[str]) -> None:
        super().__init__(str(file))
        self.file = file
        self.faults = faults


def back_up(database: Path, file: Path) -> int:
    """Write the database's state of this moment to a new file (0600), looked over; returns its size in octets.

    It may go on being written. Raises FileExistsError where something stands already, BackupDamaged when the copy is
    not whole: then so is the database.
    """
    with _unfinished(file) as copy:
        copy_into(database, copy)
        _look_over(copy, database)
        os.link(copy, file)  # unlike a renaming this never replaces
    make_durable(file.parent)
    return file.stat().st_size


def restore(file: Path, database: Path, at: datetime) -> Path | None:
    """Put a backup in the database's place; returns where the database that was there is kept now, if there was one.

    Nobody may open the database meanwhile: raises InUse where somebody has. Raises BackupDamaged for a file that is no
    whole backup. Either way nothing has changed.
    """
    with _unfinished(database) as copy:
        shutil.copyfile(file, copy)
        _bring_to_rest(copy)
        _look_over(copy, file)
        make_durable(copy)
        kept = _kept_aside(database, at) if database.exists() else None
        os.replace(copy, database)
    make_durable(database.parent)
    return kept


def _look_over(copy: Path, named: Path) -> None:
    if faults := faults_of(copy):
        raise BackupDamaged(named, faults)


def _bring_to_rest(file: Path) -> bool:
    """Whether it could be: a damaged file cannot."""
    try:
        bring_to_rest(file)
    except sqlite3.DatabaseError:
        return False
    return True


def _kept_aside(database: Path, at: datetime) -> Path:
    """A second name for the database that is there; what lies beside a damaged one goes with it."""
    kept = database.with_name(f"{database.name}.before-{at.astimezone(JST):%Y%m%d-%H%M%S}")
    whole = _bring_to_rest(database)
    os.link(database, kept)
    for suffix in () if whole else BESIDE:
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    return kept


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """An empty file (0600) in the same folder, gone afterwards unless it has got another name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".unfinished", dir=file.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        for suffix in ("", "-journal", *BESIDE):
            Path(name + suffix).unlink(missing_ok=True)

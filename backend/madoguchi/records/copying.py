"""An SQLite database as one file: copied while others write, looked over, and brought to rest.

Source: SQLite's documentation of VACUUM INTO, of `integrity_check` and `foreign_key_check`, and of WAL. Plain sqlite3:
nothing here belongs to a transaction of ours. PostgreSQL has programs of its own for this (cli/backups.py names them).
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

GUARDS: Final = frozenset(
    f"{table}_no_{verb}" for table in ("fact", "access_record", "act") for verb in ("update", "delete")
) | {"registration_legal_change"}
"""The triggers that keep the trail as it was written (migration 0002): a file without them is no backup of ours."""

MOST_FAULTS: Final = 20


class InUse(Exception):
    """Another process has the database open."""


def copy_into(source: Path, empty: Path) -> None:
    """Write the state of one moment into an empty file, durably. Writers go on; what they commit later is not in it.

    Raises sqlite3.Error when the source cannot be read.
    """
    with closing(_opened(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(empty),))
    make_durable(empty)


def faults_of(file: Path) -> list[str]:
    """What is wrong with a file as a database of ours, in SQLite's words; nothing of any row. Empty: it is whole."""
    try:
        with closing(_opened(file)) as connection:
            found = [text for (text,) in connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})") if text != "ok"]
            broken = connection.execute("PRAGMA foreign_key_check").fetchmany(MOST_FAULTS)
            found += [f"a row of {table} points at no row of {parent}" for table, _, parent, _ in broken]
            triggers = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
            found += [f"the guard {name} is missing" for name in sorted(GUARDS - triggers)]
    except sqlite3.DatabaseError as failure:
        return [str(failure)]
    return found


def bring_to_rest(file: Path) -> None:
    """Put into the file what lies beside it, so that it is whole by itself. Raises InUse while anybody has it open.

    Raises sqlite3.DatabaseError for a file that is damaged, or no database.
    """
    try:
        with closing(_opened(file)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as failure:
        if failure.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InUse from None
        raise


def make_durable(path: Path) -> None:
    """Until this returns a power cut may undo what was done to the file, or to the names in the folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(file: Path) -> sqlite3.Connection:
    """It must be there; nobody is waited for."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)

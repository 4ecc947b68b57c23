"""What a database says of itself: how it keeps what was committed, how many it serves, and what time it has.

For `madoguchi doctor`; what is good or bad about the answers is judged there. The records' own state is
procedures/standing.py and the procedures of each subject.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

_POSTGRESQL = (
    "server_version_num",
    "server_encoding",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "max_connections",
    "superuser_reserved_connections",
)


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """`synchronous` is 2 for FULL: a commit has reached the disk before it is answered."""

    journal_mode: str
    synchronous: int
    foreign_keys: bool


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """`version` as 170004 for 17.4; `connections`: how many others may open; `others`: who is on this database now."""

    version: int
    encoding: str
    fsync: bool
    full_page_writes: bool
    synchronous_commit: str
    connections: int
    in_recovery: bool
    others: int
    now: datetime


def engine_facts(session: Session) -> SqliteFacts | PostgresFacts:
    """What the database at hand says of itself; nothing of ours has to be in it."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        mode, synchronous, keys = (
            _one(connection, f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")
        )
        return SqliteFacts(str(mode), int(synchronous), bool(keys))
    said = {name: str(_one(connection, f"SHOW {name}")) for name in _POSTGRESQL}
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return PostgresFacts(
        version=int(said["server_version_num"]),
        encoding=said["server_encoding"],
        fsync=said["fsync"] == "on",
        full_page_writes=said["full_page_writes"] == "on",
        synchronous_commit=said["synchronous_commit"],
        connections=int(said["max_connections"]) - int(said["superuser_reserved_connections"]),
        in_recovery=bool(_one(connection, "SELECT pg_is_in_recovery()")),
        others=int(_one(connection, others)),
        now=_one(connection, "SELECT clock_timestamp()"),
    )


def _one(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar_one()

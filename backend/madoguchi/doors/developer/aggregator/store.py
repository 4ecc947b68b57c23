"""What the sample aggregator keeps on its own side: tokens, flows under way, its proof key; none of it in a cookie.

A SQLite file for each application in the data directory, readable by its owner only: a visitor stays connected when the
server is started again, several workers share it, and a flow is claimed once (RFC 6749 section 10.12, RFC 9700 section
2.1). Each call opens and closes the file; visitors are named by the hash of their cookie.
"""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey

from madoguchi.rules.vocabulary import Scope

FLOW_LIFETIME: Final = timedelta(hours=1)
"""Longer than any request at the credit union lives."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS proof_key (one INTEGER PRIMARY KEY CHECK (one = 1), jwk TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS flow (
    state TEXT PRIMARY KEY, visitor TEXT NOT NULL, verifier TEXT NOT NULL, started_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS connection (
    visitor TEXT PRIMARY KEY, access_token TEXT NOT NULL, refresh_token TEXT NOT NULL, expires_at TEXT NOT NULL,
    scopes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notice (visitor TEXT PRIMARY KEY, notice TEXT NOT NULL, code TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `expires_at` (aware) is the access token's end."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: frozenset[Scope]


class SampleStore:
    """The file. Safe for concurrent use from any thread or process."""

    def __init__(self, data_dir: Path, file: str) -> None:
        self._path = data_dir / file

    def proof_key(self) -> ECKey:
        """The key that tokens are bound to (RFC 9449), made at its first use and never replaced."""
        fresh = json.dumps(ECKey.generate_key("P-256").as_dict(private=True))
        with self._open() as file:
            file.execute("INSERT OR IGNORE INTO proof_key VALUES (1, ?)", (fresh,))
            (kept,) = file.execute("SELECT jwk FROM proof_key").fetchone()
        return ECKey.import_key(json.loads(kept))

    def begin_flow(self, visitor: str, state: str, verifier: str, at: datetime) -> None:
        """Remember a flow until it comes back; those that never came back are forgotten."""
        with self._open() as file:
            file.execute("DELETE FROM flow WHERE started_at < ?", ((at - FLOW_LIFETIME).timestamp(),))
            file.execute("INSERT INTO flow VALUES (?, ?, ?, ?)", (state, visitor, verifier, at.timestamp()))

    def claim_flow(self, visitor: str, state: str, at: datetime) -> str | None:
        """The verifier of this visitor's flow; None when there is none, or no more. It can be claimed once."""
        with self._open() as file:
            found = file.execute(
                "DELETE FROM flow WHERE state = ? AND visitor = ? AND started_at >= ? RETURNING verifier",
                (state, visitor, (at - FLOW_LIFETIME).timestamp()),
            ).fetchone()
        return None if found is None else str(found[0])

    def knows(self, visitor: str) -> bool:
        """Whether this visitor has begun or made a connection here."""
        with self._open() as file:
            found = file.execute(
                "SELECT 1 FROM flow WHERE visitor = ? UNION SELECT 1 FROM connection WHERE visitor = ?",
                (visitor, visitor),
            ).fetchone()
        return found is not None

    def connect(self, visitor: str, renamed: str, tokens: Tokens) -> None:
        """Keep a new connection under the visitor's new name; what there was under the old one is forgotten.

        At the credit union it replaces the earlier connection too.
        """
        with self._open() as file:
            file.execute("DELETE FROM flow WHERE visitor = ?", (visitor,))
            file.execute("DELETE FROM connection WHERE visitor = ?", (visitor,))
            file.execute("DELETE FROM notice WHERE visitor = ?", (visitor,))
            file.execute("INSERT INTO connection VALUES (?, ?, ?, ?, ?)", (renamed, *_columns(tokens)))

    def renew(self, visitor: str, tokens: Tokens) -> None:
        """Keep refreshed tokens, unless the connection has been ended or replaced meanwhile."""
        access, refresh, expires, scopes = _columns(tokens)
        with self._open() as file:
            file.execute(
                "UPDATE connection SET access_token = ?, expires_at = ?, scopes = ? "
                "WHERE visitor = ? AND refresh_token = ?",
                (access, expires, scopes, visitor, refresh),
            )

    def connection(self, visitor: str) -> Tokens | None:
        """The tokens of this visitor's connection; None when there is none."""
        with self._open() as file:
            found = file.execute(
                "SELECT access_token, refresh_token, expires_at, scopes FROM connection WHERE visitor = ?", (visitor,)
            ).fetchone()
        if found is None:
            return None
        access, refresh, expires, scopes = found
        return Tokens(access, refresh, datetime.fromisoformat(expires), frozenset(map(Scope, scopes.split())))

    def disconnect(self, visitor: str, refresh_token: str) -> None:
        """Forget these tokens; a newer connection of the same visitor stays."""
        with self._open() as file:
            file.execute("DELETE FROM connection WHERE visitor = ? AND refresh_token = ?", (visitor, refresh_token))

    def leave_notice(self, visitor: str, notice: str, code: str = "") -> None:
        """Something to tell on the visitor's next page."""
        with self._open() as file:
            file.execute("INSERT OR REPLACE INTO notice VALUES (?, ?, ?)", (visitor, notice, code))

    def take_notice(self, visitor: str) -> tuple[str, str] | None:
        """The notice and its code, told once."""
        with self._open() as file:
            found = file.execute("DELETE FROM notice WHERE visitor = ? RETURNING notice, code", (visitor,)).fetchone()
        return None if found is None else (str(found[0]), str(found[1]))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            # Ours before SQLite writes: its own files take the mode of this one.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(self._path, timeout=5)) as file, file:
            file.executescript(_TABLES)
            yield file


def _columns(tokens: Tokens) -> tuple[str, str, str, str]:
    return tokens.access_token, tokens.refresh_token, tokens.expires_at.isoformat(), " ".join(sorted(tokens.scopes))

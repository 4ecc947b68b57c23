"""How much of its quotas each caller has used, as far as it is on disk (security.md 14).

Every worker process adds to rows of its own and reads everybody's, so that no worker ever waits for another's row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, literal_column, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel

from madoguchi.records.database import Moment, table_of
from madoguchi.records.registrations import UsedOnce

MOST_COUNTERS: Final = 4
"""Counters that one call is counted in, at most (rules/quotas.py)."""


class QuotaUse(SQLModel, table=True):
    """What one worker has counted for one counter in one window; `part` is a session, or empty."""

    __tablename__ = "quota_use"
    counter: str = Field(primary_key=True)
    part: str = Field(primary_key=True)
    worker: str = Field(primary_key=True)
    used: int = Field(sa_type=BigInteger)
    kept_until: datetime = Field(sa_type=Moment, index=True)


def used(session: Session, counters: Sequence[str], once: str) -> Sequence[Row[str, str, str, int]] | None:
    """Rows (counter, part, worker, used) of these counters, of all workers, in one statement.

    once  the key of a one-time thing (`UsedOnce`), looked up by the way: None when it was used before.
    """
    names = {f"counter_{n}": counters[n] if n < len(counters) else "" for n in range(MOST_COUNTERS)}
    rows = session.connection().execute(_USED, {**names, "once": once}).all()
    return None if any(row.worker == _NO_WORKER for row in rows) else rows


def adding(dialect: str) -> Any:
    """The statement that adds to rows of the caller's own worker, for many rows at once, each counter and part once."""
    return _ADDING[dialect]


# Built once, and with a fixed number of parameters: composing them at each request costs more than the database does.
_TABLE: Final = table_of(QuotaUse)
_ONCE: Final = table_of(UsedOnce)
_NO_WORKER: Final = ""
"""Stands where a worker's name would in the row that tells of a one-time thing."""

_USED: Final = union_all(
    select(_TABLE.c.counter, _TABLE.c.part, _TABLE.c.worker, _TABLE.c.used).where(
        _TABLE.c.counter.in_([bindparam(f"counter_{n}") for n in range(MOST_COUNTERS)])
    ),
    select(_ONCE.c.key, literal_column("''"), literal_column(f"'{_NO_WORKER}'"), literal_column("1")).where(
        _ONCE.c.key == bindparam("once")
    ),
)


def _add(dialect: Any) -> Any:
    statement = dialect.insert(_TABLE)
    more = {"used": _TABLE.c.used + statement.excluded.used}
    return statement.on_conflict_do_update(index_elements=["counter", "part", "worker"], set_=more)


_ADDING: Final = {"sqlite": _add(sqlite), "postgresql": _add(postgresql)}

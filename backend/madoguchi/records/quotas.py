"""How much of its quotas each caller has used, as far as it is on disk (security.md 14).

Every worker process adds to rows of its own and reads everybody's, so that no worker ever waits for another's row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel

from madoguchi.records.database import Moment, table_of

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


def used(session: Session, counters: Sequence[str]) -> Sequence[Row[str, str, str, int]]:
    """Rows (counter, part, worker, used) of these counters, of all workers, in one statement."""
    names = {f"counter_{n}": counters[n] if n < len(counters) else "" for n in range(MOST_COUNTERS)}
    return session.connection().execute(_USED, names).all()


def adding(dialect: str) -> Any:
    """The statement that adds to rows of the caller's own worker, for many rows at once, each counter and part once."""
    return _ADDING[dialect]


# Built once, and with a fixed number of parameters: composing them at each request costs more than the database does.
_TABLE: Final = table_of(QuotaUse)
_USED: Final = select(_TABLE.c.counter, _TABLE.c.part, _TABLE.c.worker, _TABLE.c.used).where(
    _TABLE.c.counter.in_([bindparam(f"counter_{n}") for n in range(MOST_COUNTERS)])
)


def _add(dialect: Any) -> Any:
    statement = dialect.insert(_TABLE)
    more = {"used": _TABLE.c.used + statement.excluded.used}
    return statement.on_conflict_do_update(index_elements=["counter", "part", "worker"], set_=more)


_ADDING: Final = {"sqlite": _add(sqlite), "postgresql": _add(postgresql)}

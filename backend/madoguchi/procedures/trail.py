"""The trail of acts: every change of current rows is written down in the same transaction.

Actors: `customer:ID` (by internet-banking log-in), `aggregator:ID` (by its key), `os-user:NAME` (an officer at the
command line, until officers have accounts), `system:JOB`.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from madoguchi.records.audit import Act
from madoguchi.rules.decision import Clause


def record_act(
    session: Session, at: datetime, actor: str, action: str, subject: str, clause: str, **detail: Any
) -> None:
    """Append one act. `detail` is JSON with ids and hashes only: no names, numbers or secrets."""
    session.add(Act(at=at, actor=actor, action=action, subject=subject, clause=Clause(clause), detail=detail))

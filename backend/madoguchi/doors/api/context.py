"""What the GraphQL door is given by the composition root, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from madoguchi.clock import Clock
from madoguchi.procedures.quotas import Quotas
from madoguchi.procedures.reading import Admission
from madoguchi.procedures.recording import Use
from madoguchi.procedures.transactions import Transactions
from madoguchi.rules.decision import Refusal
from madoguchi.settings import Settings


class Commits(Protocol):
    """The durable commits before an answer (procedures/recording.py): False or None when the proof was a replay."""

    async def commit(self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use) -> bool: ...

    async def commit_end(
        self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use
    ) -> tuple[Refusal, ...] | None: ...


@dataclass(frozen=True, slots=True)
class ApiContext:
    """master_key: the installation's secret from which the ids' keys are derived; it never changes."""

    settings: Settings
    clock: Clock
    database: Transactions
    recorder: Commits
    quotas: Quotas
    master_key: bytes

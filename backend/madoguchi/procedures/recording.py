"""The one durable commit that stands between a decision and its answer (4-2, 4-3; RFC 9449 section 11.1).

Access record, facts and the proof's `jti` become durable together. Requests that wait at the same moment share one
commit; a lone request commits at once. A proof that was used before refuses its request alone: nothing of it is
recorded, and nothing of its answer may leave. What a use takes of its quotas is counted in the same commit, a replay's
too: that it is one is found here only when both were under way at once, and by then it has cost what others cost.
An instruction to end a registration (5-1) is a commit of its own, with the end in it: no record tells of an end that
did not come.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Session

from madoguchi import opaque
from madoguchi.procedures.authorizing import Once, claim_once
from madoguchi.procedures.quotas import rows_of
from madoguchi.procedures.reading import Admission, admitted
from madoguchi.procedures.service import store_fact
from madoguchi.procedures.stopping import end_registration
from madoguchi.records import admission as facts_of
from madoguchi.records import quotas
from madoguchi.records.audit import AccessRecord, Fact
from madoguchi.records.database import Database, insert_new, table_of
from madoguchi.records.registrations import UsedOnce
from madoguchi.rules.decision import Refusal
from madoguchi.rules.quotas import Charge
from madoguchi.rules.vocabulary import Cause

LARGEST_COMMIT = 200
"""Requests in one commit at most; PostgreSQL takes 32,767 parameters a statement."""

Committed = Callable[[int, float, bool], None]
"""Is told of each shared commit: how many requests, the seconds it took, and whether it failed."""

ANSWERED = "answered"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Use:
    """What was asked and what became of it. Paths are response paths; `refusals` hold code, clause and path.

    `charges` are what it takes of its quotas (procedures/quotas.py): counted with it, and no part of its record.
    """

    request_id: str
    at: datetime
    action: str  # query, mutation, code, refresh
    outcome: str  # ANSWERED or REFUSED
    attended: bool
    operation_digest: str | None = None
    asked: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    refusals: tuple[dict[str, Any], ...] = ()
    as_of: dict[str, str] = field(default_factory=dict)
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    jti_key: str
    jti_expires_at: datetime
    admission: Admission
    use: Use
    done: "asyncio.Future[bool]"


class Recorder:
    """Groups the records of concurrent requests into shared commits. One for a process; it holds only a queue.

    `worker` names this process and no other, before or after: it counts uses in rows of its own.
    """

    def __init__(self, database: Database, release: str, committed: Committed = lambda *_: None) -> None:
        self.worker = opaque.new_id("wk_")
        self._committed = committed
        self._database = database
        self._release = release
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def commit(self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use) -> bool:
        """Returns True when record and `jti` are on disk, False when the proof was a replay.

        jti_key  the proof's key in UsedOnce, namespaced by the door. Raises what the database raises: then nothing is
        recorded and nothing may be answered. A caller that goes away does not stop the commit.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(jti_key, jti_expires_at, admission, use, done))
        if self._writer is None:
            # It writes for several requests: what it logs belongs to none of them.
            self._writer = asyncio.create_task(self._write_all(), context=contextvars.Context())
        return await done

    async def commit_end(
        self, jti_key: str, jti_expires_at: datetime, admission: Admission, use: Use
    ) -> tuple[Refusal, ...] | None:
        """End the registration of an admitted instruction, with its record and `jti`, or nothing of all (5-1).

        None when the proof was a replay: nothing has changed. Refusals when somebody else ended it a moment ago: that
        end stands, and what is on record is the refusal, with the facts it rests on.
        """
        return await self._database.writing(end_on_record, Once(jti_key, jti_expires_at), admission, use, self._release)

    async def finish(self) -> None:
        """Wait until every commit that was asked for is done; what fails is told to who asked."""
        while self._writer is not None:
            await asyncio.wait((self._writer,))

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_COMMIT], self._waiting[LARGEST_COMMIT:]
                await self._write(batch)
        finally:
            self._writer = None

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        begun = time.perf_counter()
        try:
            async with self._database.durable() as connection:
                fresh = await self._write_rows(connection, batch)
        except Exception as problem:  # handed to every waiting request, none of which may answer
            self._committed(len(batch), time.perf_counter() - begun, True)
            for entry in batch:
                if not entry.done.done():
                    entry.done.set_exception(problem)
            return
        self._committed(len(batch), time.perf_counter() - begun, False)
        for entry in batch:
            if not entry.done.done():
                entry.done.set_result(id(entry) in fresh)

    async def _write_rows(self, connection: AsyncConnection, batch: Sequence[_Waiting]) -> set[int]:
        # Sorted, so that two workers that claim the same proofs never wait for each other crosswise.
        proofs = {entry.jti_key: entry.jti_expires_at for entry in sorted(batch, key=lambda entry: entry.jti_key)}
        claims = [{"key": key, "expires_at": expires_at} for key, expires_at in proofs.items()]
        claimed = set((await connection.execute(insert_new(connection, UsedOnce, claims, "key"))).scalars())
        fresh = []
        for entry in batch:
            if entry.jti_key in claimed:  # of several with one proof in this batch, the first has it
                claimed.discard(entry.jti_key)
                fresh.append(entry)
        if fresh:
            bodies = sorted({body for entry in fresh for body in entry.admission.bodies})
            known = [{"digest": digest, "body": body} for digest, body in bodies]
            await connection.execute(insert_new(connection, Fact, known, "digest"))
            await connection.execute(insert(table_of(AccessRecord)), [self._record(entry) for entry in fresh])
        if counted := rows_of((charge for entry in batch for charge in entry.use.charges), self.worker):
            await connection.execute(quotas.adding(connection.dialect.name), counted)
        return {id(entry) for entry in fresh}

    def _record(self, entry: _Waiting) -> dict[str, Any]:
        return access_record(entry.admission, entry.use, self._release).model_dump()


def end_on_record(
    session: Session, proof: Once, admission: Admission, use: Use, release: str
) -> tuple[Refusal, ...] | None:
    """What `Recorder.commit_end` does, inside one transaction."""
    if not claim_once(session, proof):
        return None
    actor = f"aggregator:{admission.aggregator_id}"
    refusals: tuple[Refusal, ...] = ()
    if not end_registration(session, admission.registration_id, Cause.STOPPED_BY_AGGREGATOR, actor, use.at):
        bodies = facts_of.of_registration(session, admission.registration_id, use.at)
        if bodies is None:
            raise LookupError("an admitted token without its registration")
        admission = admitted(bodies, admission.jkt, admission.token_scopes, use.at)
        refusals = admission.access.denials
        told = tuple({"code": one.reason.code, "clause": one.clause, "path": ""} for one in refusals)
        use = replace(use, outcome=REFUSED, answered=(), refusals=told)
    record_use(session, admission, use, release)
    return refusals


def record_use(session: Session, admission: Admission, use: Use, release: str) -> None:
    """Record a use inside the procedure's own transaction (code and refresh at the token endpoint)."""
    for _, body in admission.bodies:
        store_fact(session, body)
    session.add(access_record(admission, use, release))


def access_record(admission: Admission, use: Use, release: str) -> AccessRecord:
    """The row that stands for one use of a registration."""
    return AccessRecord(
        request_id=use.request_id,
        at=use.at,
        action=use.action,
        registration_id=admission.registration_id,
        aggregator_id=admission.aggregator_id,
        customer_id=admission.customer_id,
        institution_digest=admission.institution_digest,
        registration_digest=admission.registration_digest,
        token_scopes=[scope.value for scope in admission.token_scopes],
        jkt=admission.jkt,
        attended=use.attended,
        outcome=use.outcome,
        operation_digest=use.operation_digest,
        asked=list(use.asked),
        answered=list(use.answered),
        refusals=list(use.refusals),
        as_of=use.as_of,
        release=release,
    )

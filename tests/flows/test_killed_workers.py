"""Two workers on PostgreSQL under load, killed with SIGKILL again and again: nothing acknowledged is lost.

An answer that came is acknowledged; a refusal is a refusal; a connection that broke is a third result, of which nobody
knows what became. No acknowledged answer is without its record, and no code is redeemed twice (4-2; RFC 6749 4.1.2).
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.records.audit import AccessRecord
from madoguchi.records.database import Database
from madoguchi.records.registrations import AuthorizationCode, RefreshToken
from tests import story
from tests.flows.load import Software, consented, customers, registered
from tests.support.postgres import Cluster
from tests.support.server import Server, free_port, running_server
from tests.support.tree import ROOT
from tests.support.whole import COMMAND, environment, group_of, workers

KILLS = 20
WHOLE_KILLS = 2
READERS = 4
CODES = 120


@dataclass
class Tally:
    """What the aggregator's software has seen."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    async def call(self, what: str, call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
        """Make a call; None when nobody knows what became of it. Where nobody listens, nothing was sent: once more."""
        while not self.over.is_set():
            try:
                answer = await call()
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
                continue
            except httpx.TransportError:
                self.outcomes[f"{what} unknown"] += 1
                return None
            self.outcomes[f"{what} {answer.status_code}"] += 1
            if answer.status_code == 200:
                self.acknowledged.append(answer.headers["x-request-id"])
            return answer
        return None


async def keep_reading(software: Software, tally: Tally, token: str) -> None:
    while not tally.over.is_set():
        await tally.call("query", partial(software.query, token))
        await asyncio.sleep(0.02)  # the workers have to start again on the same machine


async def keep_refreshing(software: Software, tally: Tally, refresh_token: str) -> None:
    while not tally.over.is_set():
        await tally.call("refresh", partial(software.refresh, refresh_token))
        await asyncio.sleep(0.05)


async def keep_redeeming(software: Software, tally: Tally, codes: list[str]) -> dict[str, int]:
    """Each code at two connections at once; returns how often each was redeemed, as far as it was told."""
    redeemed: dict[str, int] = {}
    while codes and not tally.over.is_set():
        code = codes.pop()
        answers = await asyncio.gather(*(tally.call("code", partial(software.redeem, code)) for _ in range(2)))
        redeemed[code] = sum(answer is not None and answer.status_code == 200 for answer in answers)
        await asyncio.sleep(0.1)
    return redeemed


async def until_two_serve(server: Server) -> set[int]:
    for _ in range(1200):
        if len(serving := workers(server)) == 2:
            return serving
        await asyncio.sleep(0.05)
    pytest.fail("the supervisor does not replace its workers")


async def until_gone(pid: int) -> None:
    """Or it would be counted among those that serve."""
    for _ in range(1000):
        if not group_of(pid):
            return
        await asyncio.sleep(0.01)
    pytest.fail("SIGKILL does not end it")


async def until_answers_come(tally: Tally) -> None:
    before = len(tally.acknowledged)
    for _ in range(1200):
        if len(tally.acknowledged) >= before + 5:
            return
        await asyncio.sleep(0.05)
    pytest.fail("nothing is answered any more")


async def test_nothing_acknowledged_is_lost_when_workers_are_killed_under_load(
    postgres: Cluster, postgres_template: str, new_postgres_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, port = postgres.url(new_postgres_database(postgres_template)), free_port()
    database = Database(url)
    told = await database.writing(story.tell, 0)
    who = await database.writing(customers, READERS + CODES)
    known = await database.writing(registered, told, who[:READERS])
    codes = await database.writing(consented, told, who[READERS:])
    settings = environment(port, url, tmp_path / "data", workers=2)
    software = Software(f"http://127.0.0.1:{port}", told)
    tally, kills = Tally(), 0
    with ExitStack() as running:

        def start() -> Server:
            return running.enter_context(running_server(settings, command=COMMAND, port=port, folder=ROOT))

        server = start()
        load = [asyncio.create_task(keep_reading(software, tally, one.access_token)) for one in known[:READERS]]
        load.append(asyncio.create_task(keep_refreshing(software, tally, known[0].refresh_token)))
        redeeming = asyncio.create_task(keep_redeeming(software, tally, list(codes)))
        for round_ in range(KILLS // 2):
            if round_ in range(3, 3 + WHOLE_KILLS):  # a power cut: parent and workers together
                server.kill()
                server = await asyncio.to_thread(start)
            for pid in sorted(await until_two_serve(server)):
                await until_answers_come(tally)
                os.kill(pid, signal.SIGKILL)
                await until_gone(pid)
                kills += 1
        await until_two_serve(server)
        assert (await software.query(known[0].access_token)).status_code == 200, "it still serves"
        tally.over.set()
        await asyncio.gather(*load)
        redeemed = await redeeming
        assert await asyncio.to_thread(server.terminate) == 0
    print(f"{kills} kills and {WHOLE_KILLS} of everything; {dict(sorted(tally.outcomes.items()))}")
    assert kills == KILLS
    assert {outcome for outcome in tally.outcomes if not outcome.endswith(("200", "unknown"))} <= {"code 400"}
    assert min(tally.outcomes[f"{what} 200"] for what in ("query", "refresh", "code")) > 0
    assert sum(count for outcome, count in tally.outcomes.items() if outcome.endswith("unknown")) > 0

    recorded = await database.reading(lambda session: set(session.exec(select(AccessRecord.request_id))))
    assert len(tally.acknowledged) == len(set(tally.acknowledged))
    assert set(tally.acknowledged) <= recorded
    assert max(redeemed.values()) == 1
    assert await database.reading(most_redeemed) == 1
    assert await database.reading(unused, [code for code, times in redeemed.items() if times]) == []
    await database.close()


def most_redeemed(session: Session) -> int:
    """How often a pending registration was opened, at most: by its records, and by its refresh tokens."""
    opened, issued = col(AccessRecord.registration_id), col(RefreshToken.registration_id)
    by_record = select(func.count(opened)).where(AccessRecord.action == "code").group_by(opened)
    by_token = select(func.count(issued)).group_by(issued)
    return max([*session.exec(by_record), *session.exec(by_token)])


def unused(session: Session, codes: list[str]) -> list[str]:
    """Which of the codes that were redeemed are not marked as used."""
    hashes = [opaque.stored(code) for code in codes]
    found = select(AuthorizationCode.code_hash).where(
        col(AuthorizationCode.code_hash).in_(hashes), col(AuthorizationCode.used_at).is_not(None)
    )
    return sorted(set(hashes) - set(session.exec(found)))

"""Two workers on PostgreSQL: one question tells of both, a kill loses no figure, and a drain is told to its end."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
from sqlalchemy import text

from madoguchi.records.database import Database
from tests import story
from tests.flows.load import Software
from tests.operation.port import OPENMETRICS, Figures, figure, figures
from tests.support.postgres import Cluster
from tests.support.server import free_port, running_server
from tests.support.tree import ROOT
from tests.support.whole import COMMAND, environment, workers

REQUESTS = {"door": "api", "route": "/graphql", "method": "POST", "status": "2xx"}


async def until(what: Callable[[], bool]) -> None:
    for _ in range(1200):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("in vain")


async def test_one_scrape_tells_of_all_workers_and_a_killed_one_takes_no_figure_with_it(
    postgres: Cluster, postgres_template: str, new_postgres_database: Callable[[str], str], tmp_path: Path
) -> None:
    url, port, own = postgres.url(new_postgres_database(postgres_template)), free_port(), free_port()
    database = Database(url)
    told = await database.writing(story.tell)
    known = await database.writing(story.register, told)
    given = environment(port, url, tmp_path / "data", workers=2, operation_port=own)
    with running_server(given, command=COMMAND, port=port, folder=ROOT) as server:

        async def scraped() -> Figures:
            async with httpx.AsyncClient() as machine:  # a connection of its own: either worker may answer
                answer = await machine.get(f"http://127.0.0.1:{own}/metrics", headers=OPENMETRICS)
            return figures(answer.text)

        async def ask(times: int) -> None:
            for _ in range(times):
                async with httpx.AsyncClient() as fresh:
                    assert (await Software(server.url, told, fresh).query(known.access_token)).status_code == 200

        async def counted(requests: int) -> None:
            """A request is counted when it is over, a moment after its answer has come."""
            for _ in range(200):
                if figure(await scraped(), "madoguchi_http_requests_total", **REQUESTS) == requests:
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("in vain")

        await until(lambda: len(workers(server)) == 2)
        await ask(10)
        await counted(10)
        for _ in range(5):
            found = await scraped()
            assert figure(found, "madoguchi_http_requests_total", **REQUESTS) == 10
            assert figure(found, "madoguchi_record_commit_uses_sum") == 10
            assert figure(found, "madoguchi_process_starts_total") == 2
            assert figure(found, "madoguchi_database_pool_size", pool="queries") == 2 * 9
        for requests, pid in enumerate(sorted(workers(server)), 11):
            os.kill(pid, signal.SIGKILL)
            await until(lambda: len(workers(server)) == 2 and pid not in workers(server))  # noqa: B023
            await ask(1)
            await counted(requests)
        found = await scraped()
        assert figure(found, "madoguchi_http_requests_total", **REQUESTS) == 12
        assert figure(found, "madoguchi_process_starts_total") == 4
        assert figure(found, "madoguchi_database_pool_size", pool="queries") == 2 * 9, "the dead are not counted twice"

        async with httpx.AsyncClient(timeout=60) as machine, database.durable() as held:
            await held.execute(text("LOCK TABLE access_record IN ACCESS EXCLUSIVE MODE"))
            assert (await machine.get(f"http://127.0.0.1:{own}/health/ready")).status_code == 200
            late = asyncio.create_task(ask(1))
            await asyncio.sleep(1)
            server.process.terminate()
            await asyncio.sleep(1)
            answer = await machine.get(f"http://127.0.0.1:{own}/health/ready")
            assert (answer.status_code, answer.json()["checks"]["accepting"]) == (503, "failed")
            assert (await machine.get(f"http://127.0.0.1:{own}/health/live")).status_code == 200
            assert not late.done()
        await late
        assert await asyncio.to_thread(server.process.wait, 30) == 0
    await database.close()

"""The benchmark and the profile run, whatever their figures: real servers, equal answers, results and table."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bench import profile, rounds, workloads
from tests.bench.load import WrongAnswer
from tests.bench.preparing import Size, prepare
from tests.bench.run import bench, write
from tests.bench.staged import STAGES
from tests.bench.table import NONE_YET, README, newest, page
from tests.support.postgres import Cluster

SMALLEST = Size(written=6, busy=1, small=1, large=2, months=2)
SHORTEST = rounds.Plan(rounds=1, seconds=0.05, connections=4, warm_up=4, lone_blocks=1, lone_requests=3, compared=4)


async def test_a_small_run_compares_answers_and_ends_with_results_a_table_and_a_profile(
    postgres: Cluster, tmp_path: Path
) -> None:
    signer = workloads.Signer()
    data = await prepare(postgres, SMALLEST, tmp_path, signer, _silent)
    result = await bench(postgres, data, signer, SHORTEST, tmp_path, _silent, alone=False)
    assert result["data"]["large"]["customer"] == 12
    assert result["compared"] > 20
    assert all(one["server_us"] > 0 and one["rate"] > 0 for one in result["summary"].values())
    readme = tmp_path / README.name
    readme.write_text(README.read_text("utf-8"), "utf-8")
    results = write(result, tmp_path / "results", readme)
    assert json.loads(results.read_text("utf-8")) == json.loads(json.dumps(result))
    assert "12 customers" in readme.read_text("utf-8")
    assert str(tmp_path) not in results.read_text("utf-8"), "no path of a machine is in the results"

    profiles = await profile.profile(postgres, data, tmp_path, signer, requests=4)
    assert [one.workload for one in profiles] == [workloads.A, workloads.B]
    assert all(one.stages[name] > 0 for one in profiles for name in STAGES), "every stage is passed by every query"
    assert all(0 < one.outside < one.total for one in profiles), "what is inside takes no longer than the whole"
    assert sum(line.startswith("  ") for line in profile.table(profiles)) == 2 * (len(STAGES) + 1)


async def test_a_server_that_answers_differently_or_refuses_ends_the_run() -> None:
    caller = workloads.Caller("registration", "token")
    true, other, refused = b'{"data": 1}', b'{"data": 2}', b'{"data": null, "errors": []}'
    async with _answering(true) as first, _answering(other) as second, _answering(refused) as third:
        variants = [
            rounds.Variant("A", name, workloads.peer(port, workloads.A, None), [caller], 0)
            for name, port in (("first", first), ("second", second), ("third", third))
        ]
        assert await rounds.compare([variants[0], variants[0]], SHORTEST) == 2
        with pytest.raises(AssertionError, match="A second answers differently"):
            await rounds.compare(variants[:2], SHORTEST)
        with pytest.raises(WrongAnswer, match="errors"):
            await rounds.compare(variants[2:], SHORTEST)


@asynccontextmanager
async def _answering(body: bytes) -> AsyncIterator[int]:
    """The port of a server that gives everybody this body."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def _silent(_: str) -> None:
    """Progress is for whoever waits."""


def test_the_table_in_the_readme_is_that_of_the_newest_results() -> None:
    text = README.read_text("utf-8")
    assert page(text) == text, "written by `make bench`, not by hand"
    assert (NONE_YET in text) == (newest() is None)

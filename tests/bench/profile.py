"""`make profile`: where the time of a query goes, stage by stage, for workloads A and B.

One connection asks one query after the other of a server whose stages carry a stopwatch (staged.py); medians over the
queries. What the client waits for beyond the stages is the network and uvicorn.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from madoguchi.clock import system_clock
from tests.bench import servers, workloads
from tests.bench.load import send_all
from tests.bench.preparing import LARGE, Data, Size, prepare
from tests.bench.run import cluster_of_its_own, durable
from tests.bench.staged import STAGES
from tests.support.postgres import Cluster

OUTSIDE: Final = "network and uvicorn"


@dataclass(frozen=True, slots=True)
class Profile:
    """One workload: microseconds by stage (medians, so they need not add up to the total), and the client's total."""

    workload: str
    stages: Mapping[str, float]
    outside: float
    total: float


async def profile(cluster: Cluster, data: Data, folder: Path, signer: workloads.Signer, requests: int) -> list[Profile]:
    """Ask each workload so often, after as many that only warm up. Raises WrongAnswer."""
    file = folder / "stages.json"
    command = (sys.executable, "-m", "tests.bench.staged", str(file), "serve", "--port", "{port}")
    chance, waited = random.Random(1), {}
    with servers.ours(servers.Installation(cluster, LARGE, folder / "data"), None, command) as running:
        for workload in (workloads.A, workloads.B):
            door = workloads.ours(running.port, workload, signer)
            for _ in ("to warm up", "to count"):
                at = int(system_clock().timestamp())
                asked = [door.request(chance.choice(data.callers[LARGE]["usual"]), at) for _ in range(requests)]
                waited[workload] = (await send_all(door.port, asked, 1)).each
    noted = json.loads(file.read_text("utf-8"))
    if len(noted) != 4 * requests:
        raise LookupError(f"{4 * requests} queries were asked and {len(noted)} were noted")
    parts = {workloads.A: noted[requests : 2 * requests], workloads.B: noted[3 * requests :]}
    return [_profile(workload, parts[workload], waited[workload]) for workload in parts]


def _profile(workload: str, noted: Sequence[Mapping[str, float]], waited: Sequence[float]) -> Profile:
    stages = {name: median(one.get(name, 0.0) for one in noted) for name in STAGES}
    outside = median(seconds * 1e6 - sum(one.values()) for one, seconds in zip(noted, waited, strict=True))
    return Profile(workload, stages, outside, median(waited) * 1e6)


def table(profiles: Sequence[Profile]) -> Iterator[str]:
    """Lines for a terminal."""
    for one in profiles:
        yield f"{one.workload}: {one.total:,.0f} microseconds as the client waits"
        for name, taken in (*one.stages.items(), (OUTSIDE, one.outside)):
            yield f"  {name:28}{taken:9,.0f}  {taken / one.total:6.1%}"


def main() -> None:
    def tell(sentence: str) -> None:
        print(f"== {sentence}", flush=True)

    asyncio.run(_run(tell, Size(written=20, busy=2, small=1, large=2), 300))


async def _run(tell: Callable[[str], None], size: Size, requests: int) -> None:
    signer = workloads.Signer()
    with cluster_of_its_own() as cluster, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        data = await prepare(cluster, size, Path(folder), signer, tell)
        durable(cluster)
        for line in table(await profile(cluster, data, Path(folder), signer, requests)):
            print(line)


if __name__ == "__main__":
    main()

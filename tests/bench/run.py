"""`make bench`: madoguchi beside the best endpoint written by hand, on the same data, in the same rounds.

    python -m tests.bench.run                                    20,000 customers, about 20 minutes
    python -m tests.bench.run --customers 2000 --small 200 --rounds 2 --seconds 2

Makes a PostgreSQL cluster of its own below /tmp and takes it away again. Prints how far it is; writes the results as
JSON and the table of tests/bench/README.md. Goals are told, never demanded; a wrong answer ends the run.
"""

import argparse
import asyncio
import json
import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvloop

from madoguchi.clock import system_clock
from madoguchi.main import RELEASE
from madoguchi.settings import Settings
from tests.bench import figures, machine, rounds, servers, workloads
from tests.bench.peer_security import Proofs
from tests.bench.preparing import LARGE, SMALL, Data, Size, prepare, show
from tests.bench.table import README, RESULTS, page
from tests.support.postgres import Cluster

POSTGRESQL: Final = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "effective_cache_size": "4GB",
    "fsync": "off",  # while the data come in; `durable` turns it on
}
TOLD: Final = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
Tell = Callable[[str], None]


@contextmanager
def cluster_of_its_own() -> Iterator[Cluster]:
    """A fresh cluster on the disk of /tmp, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="madoguchi-bench-", dir="/tmp"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(home, owner.pw_uid, owner.pw_gid)
    cluster = Cluster(home)
    try:
        cluster.start(**POSTGRESQL)
        yield cluster
    finally:
        if (home / "data" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(home)


def durable(cluster: Cluster) -> None:
    """From now on a commit is on the disk when it returns; so is all that has come in."""
    cluster.execute("ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()", "CHECKPOINT")
    os.sync()


async def bench(
    cluster: Cluster, data: Data, signer: workloads.Signer, plan: rounds.Plan, folder: Path, tell: Tell, *, alone: bool
) -> dict[str, Any]:
    """Measure on data that are there; returns the results. `alone`: on a cluster of the bench's own, pinned."""
    postmaster = int((cluster.home / "data" / "postmaster.pid").read_text().split()[0])
    cores = machine.cores() if alone else None
    if cores is not None:
        machine.pin([os.getpid(), *machine.family(postmaster)], cores[1])
    database = await show(cluster, LARGE, TOLD)
    tell(f"PostgreSQL {database['version']}: {database['settings']}")
    core = cores[0] if cores is not None else None
    where = {name: servers.Installation(cluster, name, folder / "data") for name in (SMALL, LARGE)}
    with ExitStack() as stack:
        large, small = (stack.enter_context(servers.ours(where[name], core)) for name in (LARGE, SMALL))
        other = stack.enter_context(servers.peer(where[LARGE], core))
        tell(f"the servers answer; madoguchi started in {large.start_seconds:.2f} s")
        variants = _variants(data, signer, large, small, other)
        compared = await rounds.compare(variants, plan)
        tell(f"{compared} answers are equal")
        found = await rounds.all_rounds(variants, plan, postmaster, tell)
        lone = await rounds.lone([one for one in variants if one.name in _COMPARED], plan)
        asked = sum(rounds.asked(found, key) for key in found[0] if key.split()[1] in _ON_LARGE)
        memory = {"mb": round(machine.memory_mb(large.pid), 1), "requests": int(asked)}
        started = large.start_seconds
    result: dict[str, Any] = {
        "at": f"{system_clock():%Y-%m-%dT%H:%MZ}",
        "release": RELEASE,
        "machine": machine.words(),
        "postgresql": database,
        "settings": _settings(plan, where[LARGE].settings, pinned=cores is not None),
        "data": {
            **data.counted,
            "gigabytes": round(data.gigabytes, 2),
            "months": data.size.months,
            "customers_written": data.size.written,
        },
        "compared": compared,
        "start_seconds": round(started, 2),
        "memory": memory,
        "fsync_us": _fsync_us(folder),
        "proof_us": _proof_us(signer),
        "summary": figures.summary(found),
        "flatness": figures.flatness(found),
        "lone": {key: figures.spread(seconds) for key, seconds in sorted(lone.items())},
        "rounds": found,
    }
    return result | {"goals": figures.goals(result)}


_COMPARED: Final = (figures.OURS, figures.L2_SEC, figures.L2)
_ON_LARGE: Final = (figures.OURS, figures.SHORT, figures.LONG)


def _variants(
    data: Data, signer: workloads.Signer, large: servers.Running, small: servers.Running, other: servers.Running
) -> list[rounds.Variant]:
    everybody = data.callers[LARGE]
    found = []
    for workload in (workloads.A, workloads.B):
        usual = everybody["usual"]
        ours = workloads.ours(large.port, workload, signer)
        found += [
            rounds.Variant(workload, figures.OURS, ours, usual, large.pid),
            rounds.Variant(workload, figures.L2_SEC, workloads.peer(other.port, workload, signer), usual, other.pid),
            rounds.Variant(workload, figures.L2, workloads.peer(other.port, workload, None), usual, other.pid),
        ]
        if workload == workloads.A:
            fewer = workloads.ours(small.port, workload, signer)
            found += [
                rounds.Variant(workload, figures.SMALL, fewer, data.callers[SMALL]["usual"], small.pid),
                rounds.Variant(workload, figures.SHORT, ours, everybody["short"], large.pid),
                rounds.Variant(workload, figures.LONG, ours, everybody["long"], large.pid),
            ]
    return found


def _settings(plan: rounds.Plan, ours: Settings, *, pinned: bool) -> dict[str, Any]:
    return {
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "connections": plan.connections,
        "seed": plan.seed,
        "pinned": pinned,
        "mode": ours.mode,
        "workers": ours.workers,
        "at_work": ours.at_work,
    }


def _fsync_us(folder: Path) -> float:
    """What the disk takes to keep 8 kB: the median of many."""
    taken = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(200):
            begun = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return round(median(taken) * 1e6, 1)


def _proof_us(signer: workloads.Signer) -> float:
    """What the peer takes to verify a proof."""
    proofs, at, taken = Proofs(), system_clock(), []
    for _ in range(200):
        proof = signer.proof("GET", workloads.ISSUER, "token", int(at.timestamp()))
        begun = time.perf_counter()
        proofs.verify(proof, "GET", workloads.ISSUER, "token", at)
        taken.append(time.perf_counter() - begun)
    return round(median(taken) * 1e6, 1)


async def _whole(size: Size, plan: rounds.Plan, tell: Tell) -> dict[str, Any]:
    signer = workloads.Signer()
    with cluster_of_its_own() as cluster, tempfile.TemporaryDirectory(dir="/tmp") as folder:
        data = await prepare(cluster, size, Path(folder), signer, tell)
        durable(cluster)
        return await bench(cluster, data, signer, plan, Path(folder), tell, alone=True)


def write(result: dict[str, Any], results: Path, readme: Path) -> Path:
    """Results and table; returns where the results are."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{result['at'].replace(':', '')}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    readme.write_text(page(readme.read_text("utf-8"), results), "utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000, help="in the larger database; hundreds")
    parser.add_argument("--small", type=int, default=2_000, help="in the smaller one; hundreds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each variant in each round, about")
    parser.add_argument("--results", type=Path, help="another folder for results and README (a trial)")
    asked = parser.parse_args()
    begun = time.perf_counter()

    def tell(sentence: str) -> None:
        print(f"{time.perf_counter() - begun:7.1f} s  {sentence}", flush=True)

    written = Size().written
    size = Size(small=asked.small // written, large=asked.customers // written)
    plan = rounds.Plan(rounds=asked.rounds, seconds=asked.seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_whole(size, plan, tell))
    results, readme = RESULTS, README
    if asked.results is not None:
        results, readme = asked.results, asked.results / README.name
        results.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(README, readme)
    tell(f"results: {write(result, results, readme).name}")
    for goal in result["goals"]:
        met = {True: "met", False: "NOT met", None: "not measured here"}[goal["met"]]
        tell(f"{goal['goal']}: {goal['value']} (at most {goal['limit']}): {met}")


if __name__ == "__main__":
    main()

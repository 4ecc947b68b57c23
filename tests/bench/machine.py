"""What the machine tells of processes, from /proc: CPU time, memory, cores; and its own words, without any name."""

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "madoguchi", "asyncpg", "cryptography", "graphql-core", "joserfc", "orjson", "sqlalchemy", "starlette",
    "strawberry-graphql", "uvicorn", "uvloop",
)  # fmt: skip


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """CPU time that each process has had so far, all its threads together, to the nanosecond."""
    return {pid: sum(_of_threads(pid)) / 1e9 for pid in pids}


def _of_threads(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            yield int(thread.read_text().split()[0])
        except OSError:  # it has just ended
            continue


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """CPU seconds between two looks, of the processes that are there at the second."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def family(pid: int) -> list[int]:
    """A process and its children, as PostgreSQL's are."""
    found = [pid]
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(status.parent.name))
    return found


def memory_mb(pid: int) -> float:
    """Resident memory now, in MB of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def cores() -> tuple[int, int] | None:
    """One core for the server and one for all else; None where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else None


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started here runs on that core alone."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin(pids: Iterable[int], core: int) -> None:
    """From now on these processes, with what they start, run on that core alone."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def words() -> dict[str, Any]:
    """The machine and the versions, without a host's name or a path."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory * 1024 / 1e9),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()

"""The measurement itself: all variants in every round, in an order drawn anew, each warmed up first.

The machine's mood moves slowly; within a round all variants have the same, and only ratios inside a round are compared.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from madoguchi.clock import system_clock
from tests.bench.load import Measured, send_all
from tests.bench.machine import cpu_seconds, family, spent
from tests.bench.workloads import Caller, Door

MOST_REQUESTS: Final = 20_000
CALIBRATION: Final = 64
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to have a workload answered: by which server, for whom."""

    workload: str
    name: str
    door: Door
    callers: Sequence[Caller]
    pid: int

    @property
    def key(self) -> str:
        return f"{self.workload} {self.name}"

    def requests(self, count: int, chance: random.Random) -> list[bytes]:
        """Requests of customers drawn by chance, with proofs of this moment."""
        at = int(system_clock().timestamp())
        return [self.door.request(chance.choice(self.callers), at) for _ in range(count)]

    async def send(self, count: int, chance: random.Random, connections: int, keep: bool = False) -> Measured:
        return await send_all(self.door.port, self.requests(count, chance), connections, keep)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often. `seconds`: of one variant in one round, about."""

    rounds: int = 5
    seconds: float = 6.0
    connections: int = 32
    warm_up: int = 100
    lone_blocks: int = 6
    lone_requests: int = 60
    compared: int = 10
    seed: int = 1


async def compare(variants: Sequence[Variant], plan: Plan) -> int:
    """Ask all variants of a workload and group for the same customers; returns how many answers were compared.

    Raises AssertionError where the data differ by a single value.
    """
    compared = 0
    told: dict[tuple[str, int], Any] = {}
    for variant in variants:
        for number in range(min(plan.compared, len(variant.callers))):
            caller = variant.callers[number]
            request = variant.door.request(caller, int(system_clock().timestamp()))
            body = (await send_all(variant.door.port, [request], 1, keep=True)).bodies[0]
            data = orjson.loads(body)["data"]
            first = told.setdefault((variant.workload, hash(caller.token)), data)
            if data != first:
                raise AssertionError(f"{variant.key} answers differently")
            compared += 1
    return compared


async def all_rounds(
    variants: Sequence[Variant], plan: Plan, postmaster: int, tell: Tell
) -> list[dict[str, dict[str, float]]]:
    """Round by round: variant -> what it took."""
    counts = {variant.key: await _calibrated(variant, plan) for variant in variants}
    rounds = []
    for number in range(plan.rounds):
        chance = random.Random(f"{plan.seed} {number}")
        order = list(variants)
        chance.shuffle(order)
        found = {}
        for variant in order:
            found[variant.key] = await _measure(variant, counts[variant.key], plan, number, postmaster)
            tell(f"round {number + 1} of {plan.rounds}: {variant.key:18} {_words(found[variant.key])}")
        rounds.append(found)
    return rounds


def asked(rounds: Sequence[Mapping[str, Mapping[str, float]]], variant: str) -> int:
    """How many requests of a variant were measured."""
    return sum(int(one[variant]["requests"]) for one in rounds)


async def lone(variants: Sequence[Variant], plan: Plan) -> dict[str, list[float]]:
    """Variant -> seconds of each request when one connection asks one by one; blocks of all variants in turn."""
    found: dict[str, list[float]] = {variant.key: [] for variant in variants}
    for block in range(plan.lone_blocks):
        chance = random.Random(f"{plan.seed} lone {block}")
        order = list(variants)
        chance.shuffle(order)
        for variant in order:
            await variant.send(10, chance, 1)
            found[variant.key] += (await variant.send(plan.lone_requests, chance, 1)).each
    return found


async def _calibrated(variant: Variant, plan: Plan) -> int:
    """How many requests fill the time; the server has seen the workload afterwards."""
    chance = random.Random(plan.seed)
    await variant.send(plan.warm_up, chance, plan.connections)
    trial = await variant.send(CALIBRATION, chance, plan.connections)
    return max(plan.connections, min(MOST_REQUESTS, round(CALIBRATION / trial.seconds * plan.seconds)))


async def _measure(variant: Variant, count: int, plan: Plan, number: int, postmaster: int) -> dict[str, float]:
    chance = random.Random(f"{plan.seed} {number} {variant.workload}")  # the same customers for all of a workload
    await variant.send(plan.warm_up, chance, plan.connections)
    requests = variant.requests(count, chance)
    server, database = cpu_seconds([variant.pid]), cpu_seconds(family(postmaster))
    measured = await send_all(variant.door.port, requests, plan.connections)
    server_spent = spent(server, cpu_seconds([variant.pid]))
    database_spent = spent(database, cpu_seconds(family(postmaster)))
    return {
        "requests": count,
        "seconds": round(measured.seconds, 3),
        "rate": round(count / measured.seconds, 1),
        "server_us": round(server_spent / count * 1e6, 1),
        "database_us": round(database_spent / count * 1e6, 1),
        "octets": measured.octets,
    }


def _words(figures: Mapping[str, float]) -> str:
    return (
        f"{figures['rate']:7.0f} a second, server {figures['server_us']:6.0f} µs, "
        f"database {figures['database_us']:5.0f} µs"
    )

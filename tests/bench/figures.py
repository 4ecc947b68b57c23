"""From the rounds to the figures that are told: medians, ratios inside a round with their range, and the goals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

OURS, L2_SEC, L2 = "ours", "l2_sec", "l2"
SMALL, SHORT, LONG = "ours_small", "ours_short", "ours_long"

MERCURIUS: Final = 1.30
"""Server CPU of bare mercurius / L2 on workload A, measured with the design; it is not run here."""

FLAT: Final = 1.05
"""What counts as not growing: less than rounds differ among themselves."""

Round = Mapping[str, Mapping[str, float]]
Of = Callable[[Mapping[str, float]], float]


def server(figures: Mapping[str, float]) -> float:
    return figures["server_us"]


def both(figures: Mapping[str, float]) -> float:
    return figures["server_us"] + figures["database_us"]


def rate(figures: Mapping[str, float]) -> float:
    return figures["rate"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median of the ratios inside each round, with the smallest and the largest."""

    median: float
    low: float
    high: float


def ratio(rounds: Sequence[Round], of: str, to: str, what: Of) -> Ratio:
    """How variant `of` stands to variant `to`."""
    found = [what(one[of]) / what(one[to]) for one in rounds]
    return Ratio(*(round(value, 3) for value in (median(found), min(found), max(found))))


def middle(rounds: Sequence[Round], variant: str, what: str) -> float:
    """The median of a variant's figure over the rounds."""
    return round(median(one[variant][what] for one in rounds), 1)


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    """Variant -> medians, and its ratios to L2 + sec of the same workload."""
    found: dict[str, Any] = {}
    for variant in sorted(rounds[0]):
        base = f"{variant[0]} {L2_SEC}"
        found[variant] = {
            **{what: middle(rounds, variant, what) for what in ("rate", "server_us", "database_us", "octets")},
            "to_l2_sec": {
                name: asdict(ratio(rounds, variant, base, what))
                for name, what in (("server", server), ("both", both), ("rate", rate))
            },
        }
    return found


def flatness(rounds: Sequence[Round]) -> dict[str, Any]:
    """What more customers and more months cost workload A."""
    pairs = {"customers": (f"A {OURS}", f"A {SMALL}"), "months": (f"A {LONG}", f"A {SHORT}")}
    return {
        name: {kind: asdict(ratio(rounds, *pair, what)) for kind, what in (("server", server), ("both", both))}
        for name, pair in pairs.items()
    }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds: the middle one and the 95th of a hundred."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {"p50_ms": round(ordered[last // 2] * 1e3, 3), "p95_ms": round(ordered[round(last * 0.95)] * 1e3, 3)}


def goals(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The goals of the design beside what came out; `met` is None where this bench does not measure it."""
    rounds, lone = result["rounds"], result["lone"]
    flat = result["flatness"]
    found = [
        _at_most("A: server CPU / (L2 + sec)", 0.75, ratio(rounds, f"A {OURS}", f"A {L2_SEC}", server).median),
        _at_most("A: server + database CPU / (L2 + sec)", 0.75, ratio(rounds, f"A {OURS}", f"A {L2_SEC}", both).median),
        _at_most("B: server CPU / (L2 + sec)", 0.75, ratio(rounds, f"B {OURS}", f"B {L2_SEC}", server).median),
        _at_most(
            "A: server CPU / L2, not above bare mercurius (its ratio is the design's)",
            MERCURIUS,
            ratio(rounds, f"A {OURS}", f"A {L2}", server).median,
        ),
    ]
    for workload in "AB":
        allowed = lone[f"{workload} {L2}"]["p50_ms"] + (result["proof_us"] + result["fsync_us"]) / 1e3
        name = f"{workload}: a lone request, ms, at most L2 + proof + one fsync"
        found.append(_at_most(name, round(allowed, 2), round(lone[f"{workload} {OURS}"]["p50_ms"], 2)))
    found += [
        _at_most("A: flat in customers (server + database)", FLAT, flat["customers"]["both"]["median"]),
        _at_most("A: flat in months (server + database)", FLAT, flat["months"]["both"]["median"]),
        _at_most(
            f"memory of a worker, MB, after {result['memory']['requests']:,} requests (the goal is after a million)",
            120,
            round(result["memory"]["mb"]),
        ),
        _at_most("start, s, from the command to the first answer", 1.0, round(result["start_seconds"], 2)),
        {"goal": "S costs less than a third of A", "limit": None, "value": None, "met": None},
        {"goal": "C under 60 ms of server CPU", "limit": None, "value": None, "met": None},
    ]
    return found


def _at_most(goal: str, limit: float, value: float) -> dict[str, Any]:
    return {"goal": goal, "limit": limit, "value": value, "met": value <= limit}

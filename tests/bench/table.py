"""The table of tests/bench/README.md, written from the newest results; what stands around it is written by hand."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import L2, L2_SEC, LONG, OURS, SHORT, SMALL

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results"
README: Final = HERE / "README.md"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of results -->"
NONE_YET: Final = "There are no results yet: run `make bench`."


def newest(folder: Path = RESULTS) -> Path | None:
    """The newest results; their names begin with their moment."""
    return max(folder.glob("*.json"), default=None)


def page(text: str, folder: Path = RESULTS) -> str:
    """The README with the table of the newest results between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path = newest(folder)
    table = NONE_YET if path is None else "\n".join(written(json.loads(path.read_text("utf-8"))))
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def written(result: Mapping[str, Any]) -> Iterator[str]:
    """The table's lines."""
    data, settings, machine = result["data"], result["settings"], result["machine"]
    names = _names(data)
    yield (
        f"{result['at']}, madoguchi {result['release']}: {data['large']['customer']:,} customers, "
        f"{data['months']} months, {data['large']['ledger_row']:,} rows; {settings['rounds']} rounds of about "
        f"{settings['seconds']:g} s each, {settings['connections']} connections, one worker process. "
        f"{result['compared']} answers were compared and equal before."
    )
    yield ""
    yield "Medians over the rounds; ratios are taken inside a round: median (lowest to highest)."
    yield ""
    yield (
        "| workload | who answers | octets | requests a second | server CPU, µs | database CPU, µs | "
        "server CPU / L2 + sec | server + database / L2 + sec | requests a second / L2 + sec |"
    )
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    for workload in "AB":
        for variant in (OURS, L2_SEC, L2):
            figures = result["summary"][f"{workload} {variant}"]
            ratios = (_ratio(figures["to_l2_sec"][name]) for name in ("server", "both", "rate"))
            yield (
                f"| {workload} | {names[variant]} | {figures['octets']:,.0f} | {figures['rate']:,.0f} | "
                f"{figures['server_us']:,.0f} | {figures['database_us']:,.0f} | {' | '.join(ratios)} |"
            )
    yield ""
    yield "| is A flat? | server CPU | server + database |"
    yield "|---|--:|--:|"
    for name, pair in (("customers", (OURS, SMALL)), ("months", (LONG, SHORT))):
        told = result["flatness"][name]
        both = " / ".join(names[variant] for variant in pair)
        yield f"| {both} | {_ratio(told['server'])} | {_ratio(told['both'])} |"
    yield ""
    yield "| one connection, one request after the other | median, ms | 95 of 100 within, ms |"
    yield "|---|--:|--:|"
    for key, told in result["lone"].items():
        workload, _, variant = key.partition(" ")
        yield f"| {workload}, {names[variant]} | {told['p50_ms']:.2f} | {told['p95_ms']:.2f} |"
    yield ""
    yield "| goal (design) | at most | measured | met |"
    yield "|---|--:|--:|---|"
    for goal in result["goals"]:
        if goal["met"] is None:
            yield f"| {goal['goal']} | | not measured here | |"
        else:
            yield f"| {goal['goal']} | {goal['limit']:g} | {goal['value']:g} | {'yes' if goal['met'] else 'no'} |"
    yield ""
    database = result["postgresql"]
    kept = ", ".join(f"{name} {value}" for name, value in database["settings"].items())
    pins = "the server on a core of its own" if settings["pinned"] else "nothing pinned to a core"
    yield (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; {pins}. "
        f"PostgreSQL {database['version']} ({kept}). Python {machine['python']}. One write of 8 kB made durable takes "
        f"{result['fsync_us']:,.0f} µs here, one proof {result['proof_us']:,.0f} µs (cryptography alone)."
    )


def _names(data: Mapping[str, Any]) -> dict[str, str]:
    return {
        OURS: "madoguchi",
        L2_SEC: "L2 + sec",
        L2: "L2",
        SMALL: f"madoguchi, {data['small']['customer']:,} customers",
        LONG: f"madoguchi, {data['months']} months of history",
        SHORT: "madoguchi, 1 month",
    }


def _ratio(told: Mapping[str, float]) -> str:
    return f"{told['median']:.2f} ({told['low']:.2f} to {told['high']:.2f})"

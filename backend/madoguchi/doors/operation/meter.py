"""The meter: what is counted and timed while requests are served, by names that Prometheus' conventions ask for.

Nobody's data and no id is in a label: every label's values are a closed list of ours (routes, doors, codes, clauses,
lanes). Doors do not know the meter. What they told a client stands in the request's scope (doors/http.py), main.py
hands the rest to it: commits, sweeps, and what there is to look at once a second.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""Up to the longest that a request may take (doors/deadlines.py)."""
USES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 200)
"""Up to the largest shared commit (procedures/recording.py)."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
NOWHERE: Final = ("none", "none")
"""Door and route of a path that leads to no door."""


class Waiting(Protocol):
    """A lane (doors/overload.py)."""

    @property
    def at_work(self) -> int: ...
    @property
    def waiting(self) -> int: ...


class Serving(Protocol):
    """The server that calls the application (cli/running.py)."""

    @property
    def open_connections(self) -> int: ...
    @property
    def is_draining(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at once a second: lanes by name; database pools by name, each with its size and what is in use."""

    lanes: Mapping[str, Waiting] = field(default_factory=dict)
    pools: Mapping[str, tuple[int, Callable[[], int]]] = field(default_factory=dict)


class Meter:
    """What one process counts. With several workers the figures of all are added up when they are told (sharing)."""

    def __init__(self, watched: Watched) -> None:
        self.registry = registry = CollectorRegistry()
        self._watched = watched
        self._answered: dict[tuple[str | None, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "madoguchi_http_requests_total",
            "Requests answered, by door, route, method and class of status.",
            ("door", "route", "method", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            "madoguchi_http_request_duration_seconds",
            "From a request's head to the end of its answer.",
            ("door", "route"),
            buckets=SECONDS,
            registry=registry,
        )
        self._refusals = Counter(
            "madoguchi_refusals_total",
            "Requests that were refused something, by the code and clause they were told.",
            ("door", "code", "clause"),
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "madoguchi_record_commit_duration_seconds",
            "Until the access records of one shared commit were durable.",
            buckets=SECONDS,
            registry=registry,
        )
        self._commit_uses = Histogram(
            "madoguchi_record_commit_uses",
            "Requests that shared one commit of access records.",
            buckets=USES,
            registry=registry,
        )
        self._commit_failures = Counter(
            "madoguchi_record_commit_failures_total",
            "Shared commits that failed; none of their requests was answered with data.",
            registry=registry,
        )
        self._sweeps = Counter(
            "madoguchi_sweeps_total", "Sweeps of what is due, by outcome.", ("outcome",), registry=registry
        )
        self._overflows = Counter(
            "madoguchi_lane_refusals_total", "Requests refused because a lane was full.", ("lane",), registry=registry
        )
        self._at_work = _gauge("madoguchi_lane_at_work", "Requests at work in a lane.", registry, "lane")
        self._waiting = _gauge("madoguchi_lane_waiting", "Requests waiting in a lane.", registry, "lane")
        self._connections = _gauge("madoguchi_open_connections", "Open connections of clients.", registry)
        self._pool_size = _gauge("madoguchi_database_pool_size", "Connections a pool may have.", registry, "pool")
        self._pool_used = _gauge("madoguchi_database_pool_in_use", "Connections of a pool in use.", registry, "pool")
        starts = Counter("madoguchi_process_starts_total", "Server processes that have begun.", registry=registry)
        starts.inc()
        for outcome in ("done", "failed"):
            self._sweeps.labels(outcome)
        for lane in watched.lanes:
            self._overflows.labels(lane)
        self.server: Serving | None = None
        self.look()

    def answered(self, scope: Mapping[str, Any], seconds: float, doors: Mapping[str, str]) -> None:
        """Count a request that is over. Its status and refusals are what the doors left in its scope.

        doors  the door of each route, by the route's template (`doors_of`).
        """
        state = scope.get("state", {})
        template = getattr(scope.get("route"), "path", None)
        if template is None and scope["path"] in doors:  # it was refused before it came to its door
            template = scope["path"]
        key = (template, scope["method"], state.get("status", 500) // 100)
        found = self._answered.get(key)
        if found is None:
            found = self._children(*key, doors)
        count, durations = found
        count.inc()
        durations.observe(seconds)
        if "refusals" in state:
            door, _ = _place(template, doors)
            for code, clause in state["refusals"]:
                self._refusals.labels(door, code, clause).inc()

    def committed(self, uses: int, seconds: float, failed: bool) -> None:
        """Count a shared commit of access records."""
        if failed:
            self._commit_failures.inc()
        else:
            self._commit_seconds.observe(seconds)
            self._commit_uses.observe(uses)

    def swept(self, done: bool) -> None:
        """Count a sweep."""
        self._sweeps.labels("done" if done else "failed").inc()

    def overflowed(self, lane: str) -> None:
        """Count a request that found its lane full."""
        self._overflows.labels(lane).inc()

    def look(self) -> None:
        """Look at lanes, connections and pools as they are now."""
        for name, lane in self._watched.lanes.items():
            self._at_work.labels(name).set(lane.at_work)
            self._waiting.labels(name).set(lane.waiting)
        self._connections.set(self.server.open_connections if self.server else 0)
        for name, (size, in_use) in self._watched.pools.items():
            self._pool_size.labels(name).set(size)
            self._pool_used.labels(name).set(in_use())

    def _children(
        self, template: str | None, method: str, status: int, doors: Mapping[str, str]
    ) -> tuple[Counter, Histogram]:
        door, route = _place(template, doors)
        known = method if method in METHODS else OTHER
        found = (self._requests.labels(door, route, known, f"{status}xx"), self._durations.labels(door, route))
        if known == method:  # a made-up method is not remembered
            self._answered[template, method, status] = found
        return found


def _place(template: str | None, doors: Mapping[str, str]) -> tuple[str, str]:
    return (doors.get(template, OTHER), template) if template else NOWHERE


def _gauge(name: str, documentation: str, registry: CollectorRegistry, *labels: str) -> Gauge:
    return Gauge(name, documentation, labels, registry=registry, multiprocess_mode="livesum")


def doors_of(routes: Mapping[str, Iterable[Any]]) -> dict[str, str]:
    """The door of each route's template, from the routes of each door."""
    return {route.path: door for door, several in routes.items() for route in several}

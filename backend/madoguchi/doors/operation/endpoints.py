"""What an operator's machines ask: /health/live, /health/ready and /metrics (OpenMetrics, Prometheus' text format).

Nothing about a customer, and nothing of a failure but its name, is told here. A question never waits for the doors: it
has a database connection of its own and three seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from platform import python_version
from typing import Final, TypeVar

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from madoguchi.clock import Clock
from madoguchi.doors.http import NO_STORE
from madoguchi.doors.operation.meter import Meter
from madoguchi.doors.operation.sharing import shared_folder
from madoguchi.procedures.standing import Figures, Readiness, figures
from madoguchi.procedures.transactions import Transactions

ANSWER_SECONDS: Final = 3.0
"""For the database; a probe that waits longer has its answer already."""

Value = TypeVar("Value")
_log = structlog.get_logger("madoguchi.operation")


@dataclass(frozen=True, slots=True)
class OperationContext:
    """database: of this door's own. readiness: what the installation needs before it can answer. release: this
    software's version."""

    clock: Clock
    database: Transactions
    readiness: Callable[[Session, datetime], Readiness]
    meter: Meter
    release: str


def operation_app(context: OperationContext) -> ASGIApp:
    """The door as an application of its own."""

    async def live(_: Request) -> Response:
        return _answer(200, {"status": "live"})

    async def ready(_: Request) -> Response:
        checks = await _checks(context)
        is_ready = all(checks.values())
        told = {name: "ok" if good else "failed" for name, good in checks.items()}
        return _answer(200 if is_ready else 503, {"status": "ready" if is_ready else "not ready", "checks": told})

    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(",".join(request.headers.getlist("accept")))
        context.meter.look()
        facts = await _within(context.database.reading(figures, context.clock()))
        registry = _whole(context, facts)
        return Response(await asyncio.to_thread(encode, registry), headers={**NO_STORE, "Content-Type": media_type})

    return Starlette(routes=[
        Route("/health/live", live, methods=["GET"]),
        Route("/health/ready", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ])  # fmt: skip


async def _checks(context: OperationContext) -> dict[str, bool]:
    """What an answer needs, in the order in which it would fail; what cannot be known counts as not there."""
    server = context.meter.server
    there = await _within(context.database.reading(context.readiness, context.clock()))
    return {
        "accepting": server is None or not server.is_draining,
        "database": there is not None,
        "migrations": there is not None and there.is_migrated,
        "institution": there is not None and there.has_institution,
        "terms": there is not None and there.has_terms,
    }


async def _within(reading: Awaitable[Value]) -> Value | None:
    """What the database says, or None when it does not answer in time or at all; why is in the log, by its kind."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reading
    except Exception as failure:
        _log.warning("the database does not answer the operator", kind=type(failure).__name__)
        return None


def _whole(context: OperationContext, facts: Figures | None) -> CollectorRegistry:
    """All that is told: what the processes have counted, and what the database says now."""
    registry = CollectorRegistry()
    folder = shared_folder()
    if folder is None:
        registry.register(context.meter.registry)
    else:
        MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(_Now(context.release, facts, context.clock()))
    return registry


class _Now(Collector):
    """What is looked up when it is asked for."""

    def __init__(self, release: str, facts: Figures | None, at: datetime) -> None:
        self._build = {"version": release, "python": python_version()}
        self._facts = facts
        self._at = at

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("madoguchi_build", "This software.", value=self._build)
        is_up = float(self._facts is not None)
        yield GaugeMetricFamily("madoguchi_database_up", "Whether the database answered just now.", value=is_up)
        if self._facts is not None:
            yield from self._of_feeds(self._facts)

    def _of_feeds(self, facts: Figures) -> Iterable[Metric]:
        age = GaugeMetricFamily("madoguchi_feed_age_seconds", "Since the as-of of its newest data.", None, ["feed"])
        late = GaugeMetricFamily("madoguchi_feed_late_seconds", "Since what was due has not come.", None, ["feed"])
        withheld = GaugeMetricFamily("madoguchi_feed_withheld", "1: too late, its data is not given.", None, ["feed"])
        for feed, state in facts.feeds.items():
            if state.arrival is not None:
                age.add_metric([feed.value], self._since(state.arrival.as_of))
            since = state.lateness.late_since
            late.add_metric([feed.value], self._since(since) if since is not None else 0.0)
            withheld.add_metric([feed.value], float(state.lateness.unavailable))
        yield from (age, late, withheld)
        yield GaugeMetricFamily("madoguchi_quarantined_blocks", "Refused blocks that wait.", value=facts.quarantined)
        yield GaugeMetricFamily("madoguchi_status_files_waiting", "For one before them.", value=facts.waiting)

    def _since(self, moment: datetime) -> float:
        return max(0.0, (self._at - moment).total_seconds())


def _answer(status: int, body: dict[str, object]) -> Response:
    return JSONResponse(body, status, NO_STORE)

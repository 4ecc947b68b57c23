"""`madoguchi` with a stopwatch around the stages of a query: for `make profile`, started as a process of its own.

    python -m tests.bench.staged FILE serve --port PORT

The stages are functions of the product, wrapped here from outside; the product knows nothing of it. One request at a
time is understood (a stage that waits keeps its watch running). At the end FILE holds, for each query in its order, the
microseconds that each stage took without the stages inside it.
"""

import functools
import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import orjson

from madoguchi import cli
from madoguchi.doors.api import endpoint, gate
from madoguchi.doors.api.answer import Answer
from madoguchi.doors.api.operation import Operations
from madoguchi.doors.api.plan import Planner
from madoguchi.doors.http import RESOURCE, RequestIds
from madoguchi.procedures.quotas import Quotas
from madoguchi.records.database import Database

HTTP, DOOR, PROOF = "HTTP layers", "the door", "proof"
TRANSACTION, ADMIT, QUOTAS = "transaction", "admit: token, facts, rules", "quotas"
DOCUMENT, PLAN, LEDGER = "parse and validate", "plan", "statements on the ledger"
VALUES, EXECUTE, SERIALISE, RECORD = "values", "execute", "serialise", "record (commit)"
STAGES: Final = (
    HTTP, DOOR, PROOF, TRANSACTION, ADMIT, QUOTAS, DOCUMENT, PLAN, LEDGER, VALUES, EXECUTE, RECORD, SERIALISE,
)  # fmt: skip


class Watch:
    """Time by stage; what a stage inside another takes is the inner one's."""

    def __init__(self) -> None:
        self.requests: list[dict[str, float]] = []
        self._running: list[list[float]] = []  # for each stage that runs: what the stages inside it took

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if not self.requests:  # before the first query
            yield
            return
        self._running.append([0.0])
        begun = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - begun
            (inside,) = self._running.pop()
            found = self.requests[-1]
            found[name] = found.get(name, 0.0) + (taken - inside) * 1e6
            if self._running:
                self._running[-1][0] += taken

    def around(self, name: str, called: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, with its time noted."""
        if inspect.iscoroutinefunction(called):

            @functools.wraps(called)
            async def waited(*args: Any, **kwargs: Any) -> Any:
                with self.stage(name):
                    return await called(*args, **kwargs)

            return waited

        @functools.wraps(called)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return called(*args, **kwargs)

        return run


def wrap(watch: Watch) -> None:
    """Put the watch around every stage. Raises AttributeError when one of them is somewhere else by now."""
    for holder, attribute, name in (
        (endpoint, "verify_proof", PROOF),
        (endpoint, "execute", EXECUTE),
        (endpoint.Endpoint, "answer", DOOR),
        (endpoint.Endpoint, "_record", RECORD),
        (Database, "reading", TRANSACTION),
        (gate, "admit", ADMIT),
        (gate, "read_ledger", LEDGER),
        (Quotas, "standing", QUOTAS),
        (Operations, "prepare", DOCUMENT),
        (Planner, "plan", PLAN),
        (Answer, "root", VALUES),
    ):
        setattr(holder, attribute, watch.around(name, getattr(holder, attribute)))
    endpoint.orjson = SimpleNamespace(dumps=watch.around(SERIALISE, orjson.dumps))  # type: ignore[assignment]
    _begin_requests(watch)


def _begin_requests(watch: Watch) -> None:
    served = RequestIds.__call__

    async def noted(self: RequestIds, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != RESOURCE:
            await served(self, scope, receive, send)
            return
        watch.requests.append({})
        with watch.stage(HTTP):
            await served(self, scope, receive, send)

    RequestIds.__call__ = noted  # type: ignore[method-assign]


def main() -> int:
    watch = Watch()
    wrap(watch)
    try:
        return cli.main(sys.argv[2:])
    finally:
        Path(sys.argv[1]).write_text(json.dumps(watch.requests), "utf-8")


if __name__ == "__main__":
    sys.exit(main())

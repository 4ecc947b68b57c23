"""The server's processes, from the first signal that ends them to the last: uvicorn, with what it leaves open.

The first SIGTERM or SIGINT ends gently: no new connection is taken, accepted requests are finished within
`MADOGUCHI_DRAIN`, then what is left is cut. A second one ends at once, as SIGKILL would; nothing that was acknowledged
needs a gentle end. With several workers the parent listens no more itself, or new clients would wait for nobody, and
workers end when their parent is killed, or they would hold its port.
"""

import asyncio
import copy
import multiprocessing
import os
import resource
import signal
import socket
import tempfile
import threading
import time
from multiprocessing.connection import wait
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn._subprocess import subprocess_started
from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.server import ServerState
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from madoguchi.doors.connections import IDLE_SECONDS, BoundedHttp
from madoguchi.doors.http import BY_OPERATOR, SERVER
from madoguchi.settings import Settings

BACKLOG: Final = 256
WORKER_STARTS_WITHIN: Final = 60
"""Seconds. uvicorn ends and replaces a worker that answers no ping for so long, and a starting one answers none."""

AFTER_DRAIN_SECONDS: Final = 5.0
"""What a process may take beyond its drain, for the last commits and for closing the database."""

SIGNALS_WITHIN: Final = 0.2
"""Seconds after which a parent that waits for a worker's answer looks whether a signal has come."""

SOCKET_OCTETS: Final = 64 * 1024
"""What our kernel takes of an answer that nobody reads, and of a request that we do not read yet (it doubles them)."""

OPERATORS_CONNECTIONS: Final = 32
"""At the operator's port, which is no part of `MADOGUCHI_CONNECTIONS`."""

OTHER_FILES: Final = BACKLOG + 100 + 2 * OPERATORS_CONNECTIONS
"""What a process opens besides its connections: databases, logs, and connections that are accepted and shut at once."""


def run(
    settings: Settings, app: ASGIApp | str, listener: socket.socket, operators: socket.socket | None = None
) -> None:
    """Serve until a signal ends it. `app`: the application, or where workers find the function that makes it.

    operators  listens for /health and /metrics, if anything does.
    """
    # uvicorn sends itself the signal again when all is done, which would make a good end look like a kill.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    config = Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http=BoundedHttp,
        limit_concurrency=settings.connections,
        timeout_keep_alive=IDLE_SECONDS,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_worker_healthcheck=WORKER_STARTS_WITHIN,
        timeout_graceful_shutdown=int(settings.drain.total_seconds()),
        reset_contextvars=True,  # a request knows nothing of the one before it on its connection, nor do its log lines
    )
    listeners = [listener] if operators is None else [listener, operators]
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, SOCKET_OCTETS)  # connections inherit it
    if isinstance(app, str):
        with tempfile.TemporaryDirectory(prefix="madoguchi-") as counted:
            _Workers(config, listeners, counted).run()
    else:
        _Alone(config).run(listeners)


def can_open(connections: int) -> bool:
    """Whether this process may have so many connections open; its limit of files is raised as far as it may be."""
    needed = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            return False
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return True


def end_with_parent() -> None:
    """For a worker: end gently when its parent is there no more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: "multiprocessing.process.BaseProcess") -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(uvicorn.Server):
    """uvicorn's server with a second listener, the operator's: open from the first moment of serving to its very end.

    What comes in there is marked in its state. It has connections of its own, which no crowd at the public port takes,
    and answers while the server drains, too.
    """

    _operators: asyncio.Server | None = None

    @property
    def open_connections(self) -> int:
        return len(self.server_state.connections)

    @property
    def is_draining(self) -> bool:
        return self.should_exit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        public, operators = (sockets or [])[:1], (sockets or [])[1:]
        self.lifespan.state[SERVER] = self
        await super().startup(public)
        config = copy.copy(self.config)
        config.limit_concurrency = OPERATORS_CONNECTIONS
        state, marked = ServerState(), {**self.lifespan.state, BY_OPERATOR: True}
        for listener in operators:
            self._operators = await asyncio.get_running_loop().create_server(
                lambda: BoundedHttp(config, server_state=state, app_state=marked), sock=listener
            )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown((sockets or [])[:1])
        if self._operators is not None:
            self._operators.close()


class _Alone(_Server):
    """One process that is server and command."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)


class _Worker(Process):
    """A worker as its parent sees it: forked from a process that has imported everything and does nothing else.

    One that replaces a killed one serves after a tenth of a second; uvicorn's own would import for seconds first.
    It counts in the folder `counted` where the worker before it at this place counted.
    """

    def __init__(
        self, config: Config, sockets: list[socket.socket], signals: list[int], counted: str, place: int
    ) -> None:
        super().__init__(config, sockets)
        self._signals = signals
        self._counted = counted
        self._place = place
        forking = multiprocessing.get_context("forkserver")
        forking.set_forkserver_preload(["madoguchi.cli.serving", "madoguchi.main"])
        started = {"config": config, "target": self.target, "sockets": sockets, "stdin_fileno": None}
        self.process = forking.Process(target=subprocess_started, kwargs=started)  # type: ignore[assignment]

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """In the worker's own process."""
        from madoguchi.doors.operation.sharing import count_together  # here: no command needs it

        count_together(self._counted, self._place)
        super().target(sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = _Server(self.config)
        return self._server

    def ping(self, timeout: float = 5) -> bool:
        """Whether it answers in time. That it dies, or that its parent is told to end, is noticed at once."""
        until = time.monotonic() + timeout
        try:
            self.parent_conn.send(b"ping")
            while not self._signals and time.monotonic() < until:
                ready = wait((self.parent_conn, self.process.sentinel), SIGNALS_WITHIN)
                if self.parent_conn in ready:
                    self.parent_conn.recv()
                    return True
                if ready:
                    return False
        except (OSError, EOFError):
            pass
        return False


class _Workers(Multiprocess):
    """The parent of several workers, who replaces those that died or hang."""

    _at_once = False

    def __init__(self, config: Config, sockets: list[socket.socket], counted: str) -> None:
        super().__init__(config, sockets)
        self._counted = counted

    def init_processes(self) -> None:
        self.processes = [self._started(place) for place in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set() or worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            if self.signal_queue:  # it may only have been asked too briefly
                return
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:  # the next one would fail too
                self.should_exit.set()
                return
            self.processes[place] = self._started(place)

    def handle_int(self) -> None:
        self._end()

    def handle_term(self) -> None:
        self._end()

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def join_all(self) -> None:
        drain = self.config.timeout_graceful_shutdown or 0
        last = time.monotonic() + drain + AFTER_DRAIN_SECONDS
        while any(worker.process.is_alive() for worker in self.processes):
            self.handle_signals()
            if self._at_once or time.monotonic() > last:
                for worker in self.processes:
                    worker.kill()
            time.sleep(0.05)
        super().join_all()

    def _started(self, place: int) -> Process:
        worker = _Worker(self.config, self.sockets, self.signal_queue, self._counted, place)
        worker.start()
        return worker

    def _end(self) -> None:
        self._at_once = self.should_exit.is_set()
        self.should_exit.set()

"""All doors in processes of their own, run as `madoguchi serve` runs them, at the story's moment.

    python -m tests.support.whole PORT

Everything but the clock is the real thing, so that a test needs no opening hours. Settings come from the environment;
`environment` makes one for a database in which the story stands.
"""

import os
import re
import socket
import sys
from pathlib import Path

from starlette.types import ASGIApp

from madoguchi.cli import running
from madoguchi.cli.listening import operators_listener
from madoguchi.cli.log import RequestLog, write_log
from madoguchi.installation import load_keys, make_keys
from madoguchi.main import build_app
from madoguchi.settings import Settings
from tests import story
from tests.support.server import Server

COMMAND = (sys.executable, "-m", "tests.support.whole", "{port}")
"""For `tests.support.server.running_server`, with ROOT as its folder."""

READY = "ready:"
"""What a process says, with its id, when it has made its application."""


def environment(port: int, database_url: str, data_dir: Path, **settings: object) -> dict[str, str]:
    """Settings for a server on this port; quotas are out of the way unless they are given."""
    given = {
        "issuer": f"http://127.0.0.1:{port}",
        "database_url": database_url,
        "data_dir": data_dir,
        "bank_code": "2999",
        "attended_calls_per_second": 10**6,
        "aggregator_attended_calls_per_second": 10**6,
        "unattended_sessions_per_day": 10**6,
        "unattended_calls_per_session": 10**6,
        "registration_cost_per_minute": 10**9,
        "aggregator_cost_per_minute": 10**9,
        **settings,
    }
    return {f"MADOGUCHI_{key.upper()}": str(value) for key, value in given.items()}


def worker() -> ASGIApp:
    """The application of one process."""
    running.end_with_parent()
    settings = Settings()
    write_log(lambda: story.NOW)
    app = RequestLog(build_app(settings, load_keys(settings), lambda: story.NOW))
    print(f"{READY} {os.getpid()}", flush=True)
    return app


def main(port: str) -> None:
    """Serve until somebody ends the process."""
    settings = Settings()
    make_keys(settings)
    with socket.create_server(("127.0.0.1", int(port)), backlog=running.BACKLOG) as listener:
        listener.set_inheritable(True)
        app = worker() if settings.workers == 1 else "tests.support.whole:worker"
        running.run(settings, app, listener, operators_listener(settings))
    print("ended", flush=True)


def workers(server: Server) -> set[int]:
    """The workers that are alive and have said that they are ready."""
    ready = {int(pid) for pid in re.findall(rf"{READY} (\d+)", server.log)}
    return {pid for pid in ready if group_of(pid) == server.process.pid}


def group_of(pid: int) -> int:
    """The process group of a process that is alive, else 0."""
    try:
        state, _, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return 0
    return 0 if state == "Z" else int(group)


if __name__ == "__main__":
    main(*sys.argv[1:])

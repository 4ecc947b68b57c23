"""The real command `madoguchi serve` in a process of its own, on a free loopback port, for tests over a real socket.

    with running_server({"MADOGUCHI_DATABASE_URL": url}, "--sample") as server:
        httpx.get(server.url)

It may be stopped in the middle (`terminate`, `kill`) and started again on the same port. The environment's own
MADOGUCHI_ keys are not passed on, so that a developer's settings never decide a test.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

COMMAND = (str(Path(sys.executable).parent / "madoguchi"), "serve", "--port", "{port}")
STARTING_SECONDS = 60.0
STOPPING_SECONDS = 30.0


class ServerDidNotStart(RuntimeError):
    """It ended, or did not answer in time; the message holds its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `process` is the command itself, and all its children are in a process group of their own."""

    port: int
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has written so far, to both streams."""
        # Read beside the position, which the server's own writing shares with us.
        descriptor = self.output.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")

    def terminate(self) -> int:
        """Ask it to end, as an operator does (SIGTERM), wait, and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOPPING_SECONDS)

    def kill(self) -> None:
        """End it and its children at once (SIGKILL), as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOPPING_SECONDS)


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(
    environment: Mapping[str, str],
    *arguments: str,
    command: tuple[str, ...] = COMMAND,
    port: int | None = None,
    answers_at: str = "/",
    folder: Path | None = None,
) -> Iterator[Server]:
    """Start it, wait until `answers_at` gets any HTTP answer, and end it afterwards; after a failure print its log.

    `command` may be another one that serves, with {port} where its port belongs; `folder` is where it runs.
    """
    port = port or free_port()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*(part.format(port=port) for part in command), *arguments],
            cwd=folder,
            env={**inherited, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        server = Server(port, process, output)
        try:
            _wait_for_answer(server, answers_at)
            yield server
            if process.poll() is None:
                server.terminate()
        except BaseException:
            print(f"--- log of the server on port {port}\n{server.log}")
            raise
        finally:
            if process.poll() is None:
                server.kill()


def _wait_for_answer(server: Server, path: str) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerDidNotStart(f"ended with {server.process.returncode}:\n{server.log}")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=STARTING_SECONDS)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
    raise ServerDidNotStart(f"no answer within {STARTING_SECONDS} seconds:\n{server.log}")

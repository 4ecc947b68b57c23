"""The aggregator's side of a measurement: prepared requests over many connections at once, as cheaply as can be.

Bytes go out and come in on plain asyncio protocols; an answer is read only as far as to tell that it is whole, that
it is 200 and that it holds no errors. Anything else fails the run.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
LONGEST_SECONDS: Final = 55.0
"""Proofs live for 60 s, and some of them pass while they are signed."""


class WrongAnswer(RuntimeError):
    """A server refused, failed, hung up or was too slow: what was measured so far counts for nothing."""


@dataclass(slots=True)
class Measured:
    """What came of the requests: how long all took together, each one's seconds, the octets of a body, the bodies."""

    seconds: float = 0.0
    each: list[float] = field(default_factory=list)
    octets: int = 0
    bodies: list[bytes] = field(default_factory=list)


async def send_all(port: int, requests: Sequence[bytes], connections: int, keep: bool = False) -> Measured:
    """Send every request, each connection the next one as soon as it has its answer. Raises WrongAnswer.

    keep  whether bodies are wanted: in the order of the requests, if there is one connection.
    """
    loop = asyncio.get_running_loop()
    run = _Run(requests, keep, loop.create_future())
    clients = [_Client(run) for _ in range(min(connections, len(requests)))]
    try:
        for client in clients:
            await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
        begun = time.perf_counter()
        for client in clients:
            client.next()
        await asyncio.wait_for(run.done, LONGEST_SECONDS)
        run.measured.seconds = time.perf_counter() - begun
    except TimeoutError:
        raise WrongAnswer(f"{len(requests)} requests were not answered in {LONGEST_SECONDS:.0f} seconds") from None
    finally:
        for client in clients:
            client.close()
    return run.measured


class _Run:
    """What the connections share."""

    def __init__(self, requests: Sequence[bytes], keep: bool, done: "asyncio.Future[None]") -> None:
        self.waiting, self.wanted = iter(requests), len(requests)
        self.keep, self.done = keep, done
        self.measured = Measured()

    def answered(self, seconds: float, came: bytearray, head: int) -> None:
        self.measured.each.append(seconds)
        self.measured.octets = len(came) - head
        if self.keep:
            self.measured.bodies.append(bytes(came[head:]))
        if len(self.measured.each) == self.wanted and not self.done.done():
            self.done.set_result(None)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(WrongAnswer(why))


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._head = self._whole = 0  # octets of the head, and of head and body together, once the head is there
        self._sent_at = 0.0
        self._owed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def next(self) -> None:
        """Send the next request, or rest when there is none."""
        request = next(self._run.waiting, None)
        self._owed = request is not None
        if request is not None and self._transport is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        if not self._whole and not self._measure():
            return
        if len(self._came) < self._whole:
            return
        now = time.perf_counter()
        if not self._came.startswith(b"HTTP/1.1 200 ") or self._came.find(b'"errors"', self._head) >= 0:
            self._run.fail(self._came[:2000].decode(errors="replace"))
            return
        self._run.answered(now - self._sent_at, self._came, self._head)
        self._came.clear()
        self._whole = 0
        self.next()

    def connection_lost(self, _: Exception | None) -> None:
        if self._owed:
            self._run.fail("the server hung up")

    def close(self) -> None:
        self._owed = False
        if self._transport is not None:
            self._transport.close()

    def _measure(self) -> bool:
        """Whether the head is there; then how long the whole answer is."""
        end = self._came.find(b"\r\n\r\n")
        length = LENGTH.search(self._came, 0, end + 2) if end >= 0 else None
        if end >= 0 and length is None:
            self._run.fail("an answer without a length")
        if length is None:
            return False
        self._head = end + 4
        self._whole = self._head + int(length[1])
        return True

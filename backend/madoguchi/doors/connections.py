"""One connection as uvicorn's HTTP protocol sees it, bounded: who dribbles, idles or does not read is not kept long.

What comes before the application is called and what leaves after it has limits here (security.md 1), as a bare uvicorn
waits for ever: for a head, for the rest of a body that was answered before it had come, for a reader. RFC 9112's rules
against smuggling (sections 3.2.2, 6.1, 6.3, 7.1.2) are the parser's and, where it is lenient, ours. The body's deadline
and the whole request's are doors/deadlines.py; sizes of bodies are doors/overload.py and their readers.
"""

import asyncio
import socket
import struct
from typing import Any, Final

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 5.0
HEAD_OCTETS: Final = 16 * 1024
HEAD_FIELDS: Final = 100
WRITE_SECONDS: Final = 10.0
"""For what our kernel does not take of the answers, until it has taken it; less than a request has, so that a client
that does not read is given up before its next request is found to be slow."""

IDLE_SECONDS: Final = 30
"""Between two requests on one connection; uvicorn's `timeout_keep_alive`."""

REST_SECONDS: Final = 2.0
"""For the rest of a body whose request has been answered already, as one that is too large is."""

PIPELINED: Final = 8
"""Requests that wait on one connection for the answer before theirs. Who sends more at once gets so many answered, then
the connection ends, and what was not answered may be sent again (RFC 9112 section 9.3.2)."""

MESSAGE_OCTETS: Final = 1024 * 1024
"""One request as it stands on the wire, with what chunks, their extensions and trailers add to its body."""

CONNECTIONS: Final = 700
"""Open at once in one process, unless the settings say otherwise; far below the usual limit of 1,024 files."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol with deadlines for head, rest and writing, and caps on heads, messages and connections.

    When all connections are taken, the one whose client has kept us waiting longest makes room for the new one: whoever
    holds hundreds open loses them, and a good client, who speaks at once, is served. There is no cap for each peer:
    behind the proxy that ends TLS all peers are one, and that proxy is where such a cap belongs.
    """

    head_seconds = HEAD_SECONDS
    write_seconds = WRITE_SECONDS
    rest_seconds = REST_SECONDS
    _head_deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None
    _rest_deadline: asyncio.TimerHandle | None = None
    _answering: RequestResponseCycle | None = None
    _octets = 0
    _their_turn = 0.0
    """Since when the client is to send something (a head, a body, another request)."""

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        # uvicorn itself would answer 503 to the newest and keep the idle.
        self._most, self.limit_concurrency = config.limit_concurrency or CONNECTIONS, None

    @property
    def kept_waiting_since(self) -> float | None:
        """Since when the client owes us something: its request, or to read our answers; None while it is our turn."""
        if self.flow.write_paused:
            return self._their_turn
        at_work = self._answering
        ours = at_work is not None and not at_work.response_complete and not at_work.more_body
        return None if ours else self._their_turn

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._most and not self._make_room():
            transport.abort()
            return
        transport.set_write_buffer_limits(high=0)  # writing is paused exactly while something is left to write
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        self._forget_write()
        self._forget_rest()
        self._unset_keepalive_if_required()
        if self._answering is not None:  # uvicorn itself tells only the last request of a pipeline
            self._answering.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:  # even an empty line, which the parser passes over
            self._await_head()
        self._octets += len(data)
        super().data_received(data)
        if self._head_deadline is None and self._octets > MESSAGE_OCTETS:
            self._give_up()
        elif self._head_deadline is not None and self._octets > HEAD_OCTETS and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests at once")  # the parser stops; the last one that waits ends all
        super().on_message_begin()
        if self._head_deadline is None:  # a further request on this connection
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_deadline is None:
            return  # a trailer: nobody asked for it, and it must not be taken for a header (RFC 9110 section 6.5.1)
        if len(self.headers) >= HEAD_FIELDS:
            raise ValueError("too many header fields")  # the parser stops, and 400 is answered
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._forget_head()
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_OCTETS:
            raise ValueError("request head too large")
        version = self.parser.get_http_version()
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if version not in ("1.0", "1.1") or (codings and (codings != [b"chunked"] or version == "1.0")):
            raise ValueError("a version or a transfer coding that is not served")
        if not self.url.startswith(b"/"):
            self._take_authority()
        self._their_turn = self.loop.time()
        super().on_headers_complete()
        if self.parser.should_upgrade():  # to nothing that we speak; what follows is not HTTP
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._forget_rest()
        self.cycle.more_body = False  # uvicorn leaves it when the answer came first

    def on_response_complete(self) -> None:
        self._their_turn = self.loop.time()
        answered = self._answering
        super().on_response_complete()
        if answered is not None and answered.more_body and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._rest_deadline = self.loop.call_later(self.rest_seconds, self._give_up)

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read: never ahead of an answer that is due, nor after the same request's answer."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.more_body and cycle.response_started:
            self.transport.close()
        elif cycle is None or cycle.response_complete or (cycle.more_body and cycle is self._answering):
            super().send_400_response(msg)
        else:
            cycle.keep_alive = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._their_turn = self.loop.time()
        self._forget_write()
        self._write_deadline = self.loop.call_later(self.write_seconds, self._cut_off)

    def resume_writing(self) -> None:
        self._forget_write()
        self._their_turn = self.loop.time()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _take_authority(self) -> None:
        """A target in absolute form names the host, whatever Host says (RFC 9112 section 3.2.2)."""
        target = httptools.parse_url(self.url)
        if target.host:
            authority = target.host + (b":%d" % target.port if target.port else b"")
            self.headers[:] = [(b"host", authority), *(field for field in self.headers if field[0] != b"host")]

    def _make_room(self) -> bool:
        """End the connection whose client has kept us waiting longest; False when none does."""
        others = [one for one in self.connections if one is not self and not one.transport.is_closing()]
        waited = [(since, one) for one in others if (since := one.kept_waiting_since) is not None]  # type: ignore[union-attr]
        if not waited:
            return False
        min(waited, key=lambda entry: entry[0])[1]._cut_off()  # type: ignore[union-attr]
        return True

    def _await_head(self) -> None:
        self._octets = 0
        self._their_turn = self.loop.time()
        self._forget_head()
        self._head_deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _forget_head(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _forget_write(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _forget_rest(self) -> None:
        if self._rest_deadline is not None:
            self._rest_deadline.cancel()
            self._rest_deadline = None

    def _cut_off(self) -> None:
        # Closing does not help against a client that does not read: a transport first waits until all is written. And
        # without a reset the kernel goes on offering what it has already taken.
        at_once = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.transport.abort()

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

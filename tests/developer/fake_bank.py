"""A credit union that is only a socket: the endpoints a client speaks to, with answers that a test sets.

It decides nothing and remembers everything it was sent, so that a test can look at the client from the other side. It
serves from a thread of its own: whoever asks it does so over the network.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Sent:
    """A request as it arrived. `form` of an urlencoded body, `json` of the API's."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]
    json: dict[str, Any]

    @property
    def proof(self) -> dict[str, Any]:
        """The claims of its DPoP proof, unverified."""
        return claims(self.headers["dpop"])


@dataclass
class FakeBank:
    issuer: str
    sent: list[Sent] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "token_endpoint": f"{self.issuer}/token",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "protected_resources": [f"{self.issuer}/graphql"],
        }

    def answer(self, path: str, status: int, body: Any) -> None:
        """What `path` answers next; the last answer set goes on for ever."""
        self.answers.setdefault(path, []).append((status, body))

    def to(self, path: str) -> list[Sent]:
        return [one for one in self.sent if one.path == path]

    def _next(self, path: str) -> tuple[int, Any]:
        if path == "/.well-known/oauth-authorization-server":
            return 200, self.metadata
        waiting = self.answers.get(path, [(404, {})])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def fake_bank() -> Iterator[FakeBank]:
    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])).decode())

        def _answer(self, body: str) -> None:
            is_form = "urlencoded" in self.headers.get("content-type", "")
            form = dict(parse_qsl(body, strict_parsing=True)) if body and is_form else {}
            parsed = json.loads(body) if body and not is_form else {}
            bank.sent.append(Sent(self.path, {k.lower(): v for k, v in self.headers.items()}, form, parsed))
            status, answer = bank._next(self.path)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        bank = FakeBank(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield bank
        server.shutdown()


def claims(token: str) -> dict[str, Any]:
    """The payload of a compact JWS, unverified."""
    return _part(token, 1)


def header(token: str) -> dict[str, Any]:
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


def s256(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")

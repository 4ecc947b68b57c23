"""A connection to a running server, on which anything may be sent, and the first lines of what is sent there."""

import http.client
import socket
from contextlib import suppress

from tests.support.server import Server

JWKS = b"GET /jwks HTTP/1.1\r\n"
POST = b"POST /token HTTP/1.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"


class Wire:
    """One connection, on which anything may be sent."""

    def __init__(self, server: Server) -> None:
        self.host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)

    def send(self, octets: bytes) -> None:
        with suppress(ConnectionError):  # it has been shut: what came before is to be read
            self.socket.sendall(octets)

    def answers(self) -> list[tuple[int, bytes]]:
        """All that comes until the other side closes: status and whole text of each answer."""
        came = b""
        with suppress(ConnectionError):
            while chunk := self.socket.recv(65_536):
                came += chunk
        self.socket.close()
        return [(int(text[:3]), text) for text in came.split(b"HTTP/1.1 ")[1:]]

    def answer(self) -> http.client.HTTPResponse:
        """The next answer, read by its length; the connection stays."""
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        self.text = answer.read()
        return answer

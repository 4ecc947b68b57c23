"""What stands on the wire and is no plain request, before `madoguchi serve` over a real socket.

Smuggling (RFC 9112 sections 6.1, 6.3, 7.1, 11.2), targets and Host (3.2), upgrades, pipelines, and floods inside one
request (Starlette CVE-2025-62727, CVE-2024-47874, CVE-2026-48710). How slow ones fare is test_slow_crowds.py.
"""

import asyncio
import http.client
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from madoguchi.doors.connections import HEAD_FIELDS, HEAD_SECONDS, MESSAGE_OCTETS
from madoguchi.records.database import Database
from tests import story
from tests.support.databases import sqlite_url
from tests.support.server import Server, running_server

JWKS = b"GET /jwks HTTP/1.1\r\n"
POST = b"POST /token HTTP/1.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /terms HTTP/1.1\r\n\r\n"
END = b"\r\n"


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wire")
    shutil.copyfile(sqlite_template, folder / "madoguchi.db")
    url = sqlite_url(folder / "madoguchi.db")
    asyncio.run(_told(url))
    with running_server({"MADOGUCHI_DATABASE_URL": url, "MADOGUCHI_DATA_DIR": str(folder / "data")}) as running:
        yield running


async def _told(url: str) -> None:
    database = Database(url, 1)
    await database.writing(story.tell, 0)
    await database.close()


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


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    one = Wire(server)
    yield one
    one.socket.close()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED),
        (CHUNKED + b"Content-Length: 40\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Content-Length: 3\r\nContent-Length: 40\r\n", b"a=b" + SMUGGLED),
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"a=b"),
        (b"Content-Length: 3, 3\r\n", b"a=b"),
        (b"Content-Length: +3\r\n", b"a=b"),
        (b"Content-Length: 0x3\r\n", b"a=b"),
        (b"Content-Length: -1\r\n", b"a=b"),
        (b"Content-Length: 99999999999999999999999\r\n", b"a=b"),
        (b"Content-Length : 3\r\n", b"a=b"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (CHUNKED + CHUNKED, b"0\r\n\r\n"),
        (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"),
        (b"X: y\r\n Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"X: y\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"X: y\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"X: y\x00z\r\n", b""),
        (b"X y: z\r\n", b""),
        (b": z\r\n", b""),
        (CHUNKED, b"-3\r\na=b\r\n0\r\n\r\n"),
        (CHUNKED, b"0x3\r\na=b\r\n0\r\n\r\n"),
        (CHUNKED, b"fffffffffffffffff\r\na=b\r\n0\r\n\r\n"),
        (CHUNKED, b"3\r\na=bX\r\n0\r\n\r\n"),
        (CHUNKED, b"3\na=b\n0\n\n"),
        (CHUNKED, b"3;a\nb\r\na=b\r\n0\r\n\r\n"),
    ],
)
def test_a_message_whose_end_two_readers_could_see_differently_is_refused_alone(
    wire: Wire, head: bytes, body: bytes
) -> None:
    """RFC 9112 section 6.3: one 400, and the connection ends, so that nothing behind it is taken for a request."""
    wire.send(POST + wire.host + FORM + head + END + body + JWKS + wire.host + END)
    assert [status for status, _ in wire.answers()] == [400]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /jwks HTTP/2.0\r\n",
        b"GET /jwks HTTP/1.2\r\n",
        b"GET /jwks HTTP/0.9\r\n",
        b"GET /jwks\r\n",
        b"GET /jwks HTTP/1.1\n",
        b"GET  /jwks HTTP/1.1 x\r\n",
        b"GET /jw ks HTTP/1.1\r\n",
        b"GET /jwks\x00 HTTP/1.1\r\n",
        b"GET /jwks\xff HTTP/1.1\r\n",
        b"GET jwks HTTP/1.1\r\n",
        b"get /jwks HTTP/1.1\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
    ],
)
def test_a_request_line_that_is_none_is_refused(wire: Wire, line: bytes) -> None:
    wire.send(line + wire.host + END)
    assert [status for status, _ in wire.answers()] == [400]


@pytest.mark.parametrize(("fields", "status"), [(HEAD_FIELDS, 200), (HEAD_FIELDS + 1, 400)])
def test_a_head_has_at_most_a_hundred_fields(wire: Wire, fields: int, status: int) -> None:
    more = b"".join(b"X-%d: y\r\n" % number for number in range(fields - 2))
    wire.send(JWKS + wire.host + b"Connection: close\r\n" + more + END)
    assert [given for given, _ in wire.answers()] == [status]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"Host: evil.example\r\n",
        b"Host: 127.0.0.1\r\n",
        b"{host}Host: evil.example\r\n",
        b"Host: evil.example\r\n{host}",
        b"Host: evil.example\r\nX-Forwarded-Host: {name}\r\n",
        b"Host: {name}.evil.example\r\n",
        b"Host: {name}@evil.example\r\n",
        b"Host:\r\n",
    ],
)
def test_any_host_but_ours_is_misdirected(server: Server, wire: Wire, head: bytes) -> None:
    """RFC 9110 section 15.5.20; Starlette CVE-2026-48710."""
    name = f"127.0.0.1:{server.port}".encode()
    wire.send(JWKS + head.replace(b"{host}", wire.host).replace(b"{name}", name) + b"Connection: close\r\n\r\n")
    ((status, text),) = wire.answers()
    assert status in (400, 421)
    assert b"evil" not in text


def test_a_target_in_absolute_form_names_the_host_whatever_host_says(server: Server) -> None:
    """RFC 9112 section 3.2.2."""
    for target, host, status in (("evil.example", "", 421), ("", "evil.example", 200), ("", "", 200)):
        wire = Wire(server)
        ours = f"127.0.0.1:{server.port}"
        line = f"GET http://{target or ours}/jwks HTTP/1.1\r\nHost: {host or ours}\r\nConnection: close\r\n\r\n"
        wire.send(line.encode())
        assert [given for given, _ in wire.answers()] == [status], (target, host)


def test_forwarded_headers_change_nothing_that_is_told(server: Server, wire: Wire) -> None:
    path = b"GET /.well-known/oauth-authorization-server HTTP/1.1\r\n"
    forwarded = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n"
    forwarded += b"X-Forwarded-Prefix: /evil\r\nX-Original-URL: /evil\r\nX-Forwarded-For: 203.0.113.1\r\n"
    wire.send(path + wire.host + forwarded + END)
    assert wire.answer().status == 200
    assert json.loads(wire.text)["issuer"] == server.url
    assert b"evil" not in wire.text
    wire.send(b"GET /authorize?client_id=a&request_uri=b HTTP/1.1\r\n" + wire.host + forwarded + END)
    answer = wire.answer()
    assert answer.status == 400
    assert answer.getheader("location") is None
    assert b"evil" not in wire.text


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"TLS/1.0"])
@pytest.mark.parametrize("path", [b"/graphql", b"/jwks"])
def test_nothing_is_upgraded_and_what_follows_is_not_answered(wire: Wire, path: bytes, protocol: bytes) -> None:
    """Strawberry CVE-2026-35523; RFC 9110 section 7.8."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    wire.send(b"GET " + path + b" HTTP/1.1\r\n" + wire.host + upgrade + END + JWKS + wire.host + END)
    ((status, text),) = wire.answers()
    assert status == (401 if path == b"/graphql" else 200)
    assert b"connection: close" in text


def test_a_trailer_is_no_header(wire: Wire) -> None:
    """RFC 9110 section 6.5.1: a media type that comes behind the body came too late."""
    trailer = b"Content-Type: application/x-www-form-urlencoded\r\n"
    wire.send(POST + wire.host + CHUNKED + b"\r\n3\r\na=b\r\n0\r\n" + trailer + END)
    assert wire.answer().status == 415


@pytest.mark.parametrize(
    "flood",
    [
        b"3;" + b"x" * 2 * MESSAGE_OCTETS + b"\r\na=b\r\n",
        b"1;" + b"y" * 500 + b"\r\na\r\n",
        b"0\r\nX: " + b"x" * 2 * MESSAGE_OCTETS,
        b"0\r\n" + b"X: y\r\n" * (MESSAGE_OCTETS // 2),
    ],
    ids=["one extension", "many extensions", "one trailer", "many trailers"],
)
def test_what_chunks_and_trailers_add_is_bounded(wire: Wire, flood: bytes) -> None:
    wire.send(POST + wire.host + FORM + CHUNKED + END + flood * (1 if len(flood) > 1000 else 5000))
    assert {status for status, _ in wire.answers()} <= {400, 408, 413}, "it ends, and it is no answer to a form"


def test_http_1_0_is_answered_and_closed_and_has_no_chunks(server: Server) -> None:
    wire = Wire(server)
    wire.send(b"GET /jwks HTTP/1.0\r\n" + wire.host + END)
    assert [status for status, _ in wire.answers()] == [200]
    wire = Wire(server)
    wire.send(b"POST /token HTTP/1.0\r\n" + wire.host + FORM + CHUNKED + b"\r\n3\r\na=b\r\n0\r\n\r\n")
    assert [status for status, _ in wire.answers()] == [400]


def test_a_pipeline_is_answered_in_its_order_and_a_bad_request_in_it_ends_it(wire: Wire) -> None:
    nowhere = b"GET /nowhere HTTP/1.1\r\n"
    wire.send(JWKS + wire.host + END + nowhere + wire.host + END + JWKS + wire.host + END + b"BAD\r\n\r\n" + JWKS)
    assert [status for status, _ in wire.answers()] in ([200, 404, 200], [200, 404, 200, 400])


def test_a_body_is_asked_for_with_100_continue_only_where_it_is_wanted(wire: Wire) -> None:
    """RFC 9110 section 10.1.1."""
    expect = b"Expect: 100-continue\r\n"
    wire.send(POST + wire.host + FORM + expect + b"Content-Length: 3\r\n\r\n")
    assert wire.socket.recv(4096).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.send(b"a=b")
    assert wire.answer().status == 401
    wire.send(POST + wire.host + FORM + expect + b"Content-Length: 10000000\r\n\r\n")
    assert wire.answers()[0][0] == 413


def test_the_rest_of_a_body_that_was_answered_early_holds_no_connection(wire: Wire) -> None:
    wire.send(b"POST /nowhere HTTP/1.1\r\n" + wire.host + b"Content-Length: 10000000\r\n\r\n")
    assert wire.answer().status == 413
    wire.send(b"x")
    assert wire.answers() == []


def test_an_empty_line_after_an_answer_holds_no_connection(wire: Wire) -> None:
    wire.socket.settimeout(HEAD_SECONDS * 4)
    wire.send(JWKS + wire.host + END)
    assert wire.answer().status == 200
    wire.send(END)
    assert wire.answers() == []


def test_ten_thousand_ranges_cost_what_one_does(server: Server, wire: Wire) -> None:
    """Starlette CVE-2025-62727."""
    wire.send(b"GET / HTTP/1.1\r\n" + wire.host + END)
    wire.answer()
    style = wire.text.partition(b'href="/static/css/')[2].partition(b'"')[0]
    get = b"GET /static/css/" + style + b" HTTP/1.1\r\n" + wire.host
    wire.send(get + END)
    assert wire.answer().status == 200
    whole = wire.text
    wire.send(get + b"Range: bytes=" + b",".join(b"%d-" % number for number in range(2000)) + b"\r\n\r\n")
    assert (wire.answer().status, wire.text) == (200, whole), "a range is ignored (RFC 9110 section 14.2)"
    wire.send(get + b"Range: bytes=" + b",".join(b"%d-" % number for number in range(10_000)) + b"\r\n\r\n")
    assert [status for status, _ in wire.answers()] == [400]


@pytest.mark.parametrize("path", [b"/token", b"/par", b"/revoke", b"/login", b"/consent"])
@pytest.mark.parametrize(
    ("media_type", "body", "statuses"),
    [
        (FORM, b"&".join(b"a%d=" % number for number in range(10_000)), {413}),
        (FORM, b"&".join(b"a%d=" % number for number in range(4_000)), {400}),
        (FORM, b"&" * 32_000, {400}),
        (FORM, b"a=" + b"x" * 10_000_000, {413}),
        (
            b"Content-Type: multipart/form-data; boundary=x\r\n",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 30_000,
            {415},
        ),
    ],
    ids=["10,000 fields", "4,000 fields", "only separators", "a field of 10 MB", "multipart"],
)
def test_a_flood_inside_a_form_is_refused(
    wire: Wire, path: bytes, media_type: bytes, body: bytes, statuses: set[int]
) -> None:
    """Starlette CVE-2024-47874."""
    wire.send(b"POST " + path + b" HTTP/1.1\r\n" + wire.host + media_type + b"Content-Length: %d\r\n\r\n" % len(body))
    wire.send(body)
    assert wire.answer().status in statuses

"""What stands on the wire and is no plain request, before `madoguchi serve` over a real socket.

Smuggling (RFC 9112 6.1, 6.3, 7.1, 11.2), targets and Host (3.2; Starlette CVE-2026-48710), upgrades, pipelines;
floods inside one request are test_http_floods.py.
"""

import json

import pytest

from tests.flows.wire import CHUNKED, END, FORM, JWKS, POST, Wire
from tests.support.server import Server

SMUGGLED = b"GET /terms HTTP/1.1\r\n\r\n"


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
def test_any_host_but_ours_is_misdirected(plain_server: Server, wire: Wire, head: bytes) -> None:
    """RFC 9110 section 15.5.20; Starlette CVE-2026-48710."""
    name = f"127.0.0.1:{plain_server.port}".encode()
    wire.send(JWKS + head.replace(b"{host}", wire.host).replace(b"{name}", name) + b"Connection: close\r\n\r\n")
    ((status, text),) = wire.answers()
    assert status in (400, 421)
    assert b"evil" not in text


def test_a_target_in_absolute_form_names_the_host_whatever_host_says(plain_server: Server) -> None:
    """RFC 9112 section 3.2.2."""
    for target, host, status in (("evil.example", "", 421), ("", "evil.example", 200), ("", "", 200)):
        wire = Wire(plain_server)
        ours = f"127.0.0.1:{plain_server.port}"
        line = f"GET http://{target or ours}/jwks HTTP/1.1\r\nHost: {host or ours}\r\nConnection: close\r\n\r\n"
        wire.send(line.encode())
        assert [given for given, _ in wire.answers()] == [status], (target, host)


def test_forwarded_headers_change_nothing_that_is_told(plain_server: Server, wire: Wire) -> None:
    path = b"GET /.well-known/oauth-authorization-server HTTP/1.1\r\n"
    forwarded = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n"
    forwarded += b"X-Forwarded-Prefix: /evil\r\nX-Original-URL: /evil\r\nX-Forwarded-For: 203.0.113.1\r\n"
    wire.send(path + wire.host + forwarded + END)
    assert wire.answer().status == 200
    assert json.loads(wire.text)["issuer"] == plain_server.url
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


def test_http_1_0_is_answered_and_closed_and_has_no_chunks(plain_server: Server) -> None:
    wire = Wire(plain_server)
    wire.send(b"GET /jwks HTTP/1.0\r\n" + wire.host + END)
    assert [status for status, _ in wire.answers()] == [200]
    wire = Wire(plain_server)
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

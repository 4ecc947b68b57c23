"""Floods inside one request, and requests that would hold their connection for ever, before `madoguchi serve`.

Security.md 1; Starlette CVE-2025-62727, CVE-2024-47874. Many connections at once are test_slow_crowds.py.
"""


import pytest

from madoguchi.doors.connections import HEAD_FIELDS, HEAD_SECONDS, MESSAGE_OCTETS, PIPELINED
from tests.flows.wire import CHUNKED, END, FORM, JWKS, POST, Wire


@pytest.mark.parametrize(("fields", "status"), [(HEAD_FIELDS, 200), (HEAD_FIELDS + 1, 400)])
def test_a_head_has_at_most_a_hundred_fields(wire: Wire, fields: int, status: int) -> None:
    more = b"".join(b"X-%d: y\r\n" % number for number in range(fields - 2))
    wire.send(JWKS + wire.host + b"Connection: close\r\n" + more + END)
    assert [given for given, _ in wire.answers()] == [status]


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


def test_of_ten_thousand_requests_sent_at_once_nine_are_answered_and_no_more_are_held(wire: Wire) -> None:
    wire.send((JWKS + wire.host + END) * 10_000)
    assert [status for status, _ in wire.answers()] == [200] * (1 + PIPELINED)


def test_nine_requests_sent_at_once_leave_the_connection_open(wire: Wire) -> None:
    wire.send((JWKS + wire.host + END) * (1 + PIPELINED))
    came = b""
    while came.count(b"HTTP/1.1 200") < 1 + PIPELINED:
        came += wire.socket.recv(65_536)
    wire.send(JWKS + wire.host + b"Connection: close\r\n" + END)
    assert [status for status, _ in wire.answers()] == [200]


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


def test_ten_thousand_ranges_cost_what_one_does(wire: Wire) -> None:
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

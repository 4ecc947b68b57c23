"""Proof of possession (DPoP): does the sender hold the key, for this request, now?

Source: RFC 9449 sections 4.2, 4.3, 7 and 11; FAPI 2.0 Security Profile 5.3.2.1-13 (clocks) and 5.4.1. Pure: the
moment and the configured URL come in as arguments, never from the system or the Host header. Burning the proof's
`jti` in the shared database is the caller's, in the same commit as what the proof opened (`Proof.once`). Nonces are a
later, per-client choice.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from madoguchi import opaque
from madoguchi.clock import NO_STEP
from madoguchi.doors import jose
from madoguchi.doors.http import ProtocolError

AGE: Final = timedelta(seconds=60)
SKEW: Final = timedelta(seconds=10)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class ProofRejected(ProtocolError):
    """The DPoP proof does not fit this request (RFC 9449 section 4.3).

    `why` goes to our log only; the client gets the registered code and no hint for a forger. The authorization server
    answers 400 (the default); the resource sets 401 and a challenge itself.
    """

    def __init__(self, why: str) -> None:
        super().__init__("invalid_dpop_proof", why)


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof: the key's thumbprint (RFC 7638), and what has to be burnt so that it serves once.

    `once` names the key and the `jti` in a namespace of its own, whatever URL it was made for; it must be kept until
    `once_until`, the end of the proof's own validity plus the skew we allow.
    """

    jkt: str
    iat: datetime
    once: str
    once_until: datetime


def verify_proof(
    headers: Sequence[str],
    method: str,
    url: str,
    at: datetime,
    access_token: str | None = None,
    ahead: timedelta = NO_STEP,
) -> Proof:
    """Verify the values of the request's DPoP header fields; exactly one must be there.

    method        of the request, as sent.
    url           of the endpoint, from configuration, without query.
    at            now, aware; `iat` may lie up to 60 s before it and up to 10 s after it.
    access_token  at the resource: the token that the proof must name by `ath`. None elsewhere.
    ahead         how far our clock was stepped ahead of the client's (clock.py; nothing in production): `iat` is moved
                  by it before it is judged, and `Proof` holds moments of ours.
    Raises ProofRejected.
    """
    if len(headers) != 1:
        raise ProofRejected("not exactly one proof")
    try:
        proof = jose.take_apart(headers[0])
        if proof.header.get("typ") != "dpop+jwt":
            raise ProofRejected("typ is not dpop+jwt")
        key = jose.usable_key(proof.header.get("jwk"))
        jose.verify(proof, [key])
        jti = jose.token_id(proof.claims)
        iat = jose.moment(proof.claims, "iat", ahead)
    except jose.JwtRejected as error:
        raise ProofRejected(str(error)) from None
    if iat is None or not -AGE <= iat - at <= SKEW:
        raise ProofRejected("iat is missing or outside the window")
    if proof.claims.get("htm") != method:
        raise ProofRejected("htm is another method")
    if not _same_target(proof.claims.get("htu"), url):
        raise ProofRejected("htu is another URL")
    if access_token is not None and not _names_token(proof.claims.get("ath"), access_token):
        raise ProofRejected("ath does not name the token")
    jkt = key.thumbprint()
    return Proof(jkt, iat, f"dpop:{opaque.stored(f'{jkt} {jti}')}", iat + AGE + SKEW)


def _names_token(ath: object, access_token: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()
    return isinstance(ath, str) and ath.isascii() and opaque.same(ath, digest)


def _same_target(htu: object, url: str) -> bool:
    """Whether `htu` names the endpoint, query and fragment ignored, both normalised (RFC 3986 6.2.2 and 6.2.3)."""
    if not isinstance(htu, str) or not re.fullmatch(r"[!-~]{1,2048}", htu):
        return False
    try:
        return _normalised(htu) == _normalised(url)
    except ValueError:  # an impossible port or a broken IPv6 address
        return False


def _normalised(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc or not parts.hostname:
        raise ValueError("no host, or one with user information")
    port = parts.port
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port in (None, default) else f"{host}:{port}"
    path = re.sub(r"%([0-9A-Fa-f]{2})", _unescaped, parts.path) or "/"
    return urlunsplit((parts.scheme, authority, _without_dot_segments(path), "", ""))


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    if path.endswith(("/.", "/..")):
        kept.append("")
    return "/" + "/".join(kept)


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()

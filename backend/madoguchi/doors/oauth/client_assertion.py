"""private_key_jwt: which aggregator is speaking, proven by a signature with one of its registered keys.

Source: RFC 7521 section 4.2, RFC 7523 section 3; FAPI 2.0 Security Profile 5.3.2.1-6 (method), -8 (`aud` is the
issuer as one string), -13 (clocks), 5.4.1 (algorithms). Stricter by our own choice: `exp` at most 5 minutes ahead,
`jti` used once, one method of authentication in a request. Pure; burning the `jti` and asking the contract belong to
the transaction.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from madoguchi import opaque
from madoguchi.clock import NO_STEP
from madoguchi.doors import jose
from madoguchi.doors.http import ProtocolError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=10)
_TYPES: Final = (None, "JWT", "jwt", "client-authentication+jwt")
"""`typ` of an assertion: absent, general, or its own. A JWT made for something else (a proof, say) names itself."""


ASKED: Final = (
    "private_key_jwt is asked for: signed with a registered key, iss and sub the client_id, "
    "aud the issuer as one string, exp at most 5 minutes ahead, jti used once"
)
"""The same words for every cause, so that they tell a developer what to check and a forger nothing."""


class ClientRejected(ProtocolError):
    """Client authentication failed (RFC 6749 section 5.2). Every cause looks the same from outside: what is asked."""

    def __init__(self, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("invalid_client", why, status=401, description=ASKED, headers=headers)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An assertion taken apart: whom it claims to be from. Good for looking keys up, for nothing else."""

    client_id: str
    token: jose.Jwt


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A verified assertion. `once` has to be burnt, and kept until `once_until`, in the transaction it opens."""

    client_id: str
    once: str
    once_until: datetime


def read_assertion(form: Mapping[str, str], authorization: str | None) -> Claimed:
    """Take the assertion of a request apart; `authorization` is the request's Authorization header, if any.

    Raises ClientRejected when there is none or another method, ProtocolError when there are two methods at once.
    """
    token = form.get("client_assertion")
    others = authorization is not None or "client_secret" in form
    if token is not None and others:
        raise ProtocolError(
            "invalid_request", "two methods of authentication", description="use one method of client authentication"
        )
    if token is None:
        # RFC 6749 section 5.2: whoever tried the Authorization header gets a challenge in the same scheme.
        challenge = {"WWW-Authenticate": 'Basic realm="private_key_jwt only"'} if authorization is not None else None
        raise ClientRejected("no client assertion", challenge)
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise ClientRejected("unknown client_assertion_type")
    try:
        jwt = jose.take_apart(token)
    except jose.JwtRejected as error:
        raise ClientRejected(str(error)) from None
    subject = jwt.claims.get("sub")
    if not isinstance(subject, str) or not re.fullmatch(r"[!-~]{1,128}", subject):
        raise ClientRejected("sub is missing")
    if form.get("client_id", subject) != subject:
        raise ClientRejected("client_id is not sub")
    return Claimed(subject, jwt)


def verify_assertion(
    claimed: Claimed, jwks: Mapping[str, Any], issuer: str, at: datetime, ahead: timedelta = NO_STEP
) -> Authenticated:
    """Verify it with the registered keys of the client it names. Raises ClientRejected.

    ahead  how far our clock was stepped ahead of the client's (clock.py; nothing in production): its times are moved by
           it before they are judged, and `once_until` is a moment of ours.
    """
    header, claims = claimed.token.header, claimed.token.claims
    try:
        jose.verify(claimed.token, jose.matching_keys(jwks, header))
        if header.get("typ") not in _TYPES:
            raise jose.JwtRejected("typ is of another kind of JWT")
        if claims.get("iss") != claimed.client_id:
            raise jose.JwtRejected("iss is not sub")
        if claims.get("aud") != issuer:
            raise jose.JwtRejected("aud is not our issuer as one string")
        expires = _expiry(claims, at, ahead)
        jti = jose.token_id(claims)
    except jose.JwtRejected as error:
        raise ClientRejected(str(error)) from None
    once = f"assertion:{opaque.stored(f'{claimed.client_id} {jti}')}"
    return Authenticated(claimed.client_id, once, expires + SKEW)


def _expiry(claims: Mapping[str, Any], at: datetime, ahead: timedelta) -> datetime:
    """`exp`, once all three times fit: it lies ahead, at most 5 minutes (and skew); `iat`, `nbf` at most 10 s ahead."""
    expires = jose.moment(claims, "exp", ahead)
    if expires is None or not at < expires <= at + LIFETIME + SKEW:
        raise jose.JwtRejected("exp is missing, past or too far ahead")
    for name in ("iat", "nbf"):
        begins = jose.moment(claims, name, ahead)
        if begins is not None and begins > at + SKEW:
            raise jose.JwtRejected(f"{name} is in the future")
    return expires

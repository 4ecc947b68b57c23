"""Signed JWTs under our limits: which keys and algorithms count, and a verification that cannot be led astray.

Source: RFC 7515, 7517, 8725; FAPI 2.0 Security Profile 5.4.1 (ES256, PS256, EdDSA with Ed25519) and 5.4.3 (keys with
the same `kid`). Which keys count is procedures/clients.py. Built on joserfc, of which we use decoding and signatures
only: times and claims are judged by the callers, with our clock. Symmetric keys, `none`, `crit`, `b64`, `zip` and
keys or addresses from a token's own header never count here; DPoP, whose key is in the header by design, says so
itself (`dpop.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key

from madoguchi.clock import NO_STEP
from madoguchi.procedures import clients

ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")
"""What we say we accept, in the profile's names."""

ACCEPTED: Final = (*ALGORITHMS, "Ed25519")
"""RFC 9864 gives EdDSA with Ed25519 this second name, and clients of today send it: same algorithm, same keys."""

TOKEN_CHARACTERS: Final = 8 * 1024
JTI_CHARACTERS: Final = 512
REFUSED_HEADERS: Final = frozenset({"crit", "b64", "zip", "enc"})


class JwtRejected(Exception):
    """This token or key counts for nothing. The text is ours and fixed: for the log, never for the sender."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JWT taken apart. Its claims are only claims until `verify` has returned."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    parts: jws.CompactSignature


class _Registry(jws.JWSRegistry):
    """Our algorithms and sizes. Unknown header members are ignored (RFC 7515 section 4)."""

    max_header_length = 3 * 1024
    max_payload_length = 4 * 1024
    max_signature_length = 1024

    def __init__(self) -> None:
        super().__init__(algorithms=ACCEPTED, strict_check_header=False)

    def get_alg(self, name: str) -> JWSAlgModel:
        # joserfc's own look-up warns about "EdDSA", which FAPI 2.0 prescribes under this name.
        if name not in ACCEPTED:
            raise JwtRejected("algorithm not allowed")
        return self.algorithms[name]


_REGISTRY: Final = _Registry()


def take_apart(token: str) -> Jwt:
    """Decode a compact JWT without believing it. Raises JwtRejected for anything but one well-formed JWT."""
    if len(token) > TOKEN_CHARACTERS or token.count(".") != 2:
        raise JwtRejected("not a compact JWT of allowed size")
    try:
        parts = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        claims = json.loads(parts.payload, object_pairs_hook=_once)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise JwtRejected("not a well-formed JWT") from None
    header: object = parts.headers()  # whatever JSON stood there
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise JwtRejected("header or claims are no JSON object")
    if header.get("alg") not in ACCEPTED:
        raise JwtRejected("algorithm not allowed")
    if REFUSED_HEADERS & header.keys():
        raise JwtRejected("a header member that changes the processing")
    return Jwt(header, claims, parts)


def verify(token: Jwt, keys: Iterable[Key]) -> None:
    """Check the signature against these keys alone, each only for what it is meant for. Raises JwtRejected."""
    for key in keys:
        try:
            if jws.validate_compact(token.parts, key, registry=_REGISTRY):
                return
        except (JoseError, ValueError, TypeError):
            continue
    raise JwtRejected("no key verifies the signature")


def usable_key(jwk: object) -> Key:
    """The public key of a JWK, if it counts (procedures/clients.py). Raises JwtRejected otherwise."""
    try:
        return clients.usable_key(jwk)
    except clients.KeyRefused as refused:
        raise JwtRejected(str(refused)) from None


def matching_keys(jwks: Mapping[str, Any], header: Mapping[str, Any]) -> list[Key]:
    """The keys of a registered set that may have made this signature: by `kid`, if the header has one.

    Twins under one `kid` are told apart by `kty`, `alg`, `use` and `key_ops` (FAPI 2.0 5.4.3), to which `verify` holds
    each key. A key that does not count is passed over.
    """
    kid = header.get("kid")
    found = []
    for jwk in jwks.get("keys", []):
        if kid in (None, jwk.get("kid")):
            try:
                found.append(usable_key(jwk))
            except JwtRejected:
                continue
    return found


def moment(claims: Mapping[str, Any], name: str, ahead: timedelta = NO_STEP) -> datetime | None:
    """The NumericDate (RFC 7519 section 2) in a claim, in UTC; None when absent. Raises JwtRejected for others.

    ahead  how far our clock was stepped ahead of the sender's (clock.py); the moment is given on our clock.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JwtRejected(f"{name} is no number of seconds")
    try:
        return datetime.fromtimestamp(value, UTC) + ahead
    except (OverflowError, ValueError, OSError):
        raise JwtRejected(f"{name} is no moment") from None


def token_id(claims: Mapping[str, Any]) -> str:
    """The `jti`. Raises JwtRejected when it is absent, empty, no text, or longer than 512 characters."""
    value = claims.get("jti")
    if not isinstance(value, str) or not 0 < len(value) <= JTI_CHARACTERS or not _is_text(value):
        raise JwtRejected("jti is missing or too long")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _is_text(value: str) -> bool:
    """Whether it can be encoded at all: JSON can smuggle in lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)

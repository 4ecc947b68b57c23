"""What may be registered of an OAuth client: its addresses and public keys. The doors ask the same two functions again.

Source: FAPI 2.0 Security Profile 5.3.2.2-8 (addresses), 5.4.1 (ES256, PS256, EdDSA with Ed25519; RSA of 2048 bits or
more); RFC 7517 section 4 (what a key is for), RFC 7518 section 6, RFC 8037. Pure; the contract is aggregators.py.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

RSA_BITS: Final = range(2048, 4097)
"""Below it is forbidden (FAPI 2.0 5.4.1-2); above it a forger could make us compute for long."""

PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_ALGORITHMS: Final = {"EC": ("ES256",), "OKP": ("EdDSA", "Ed25519"), "RSA": ("PS256",)}
_AUTHORITY: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"


class KeyRefused(ValueError):
    """This key counts for nothing. The text is ours and fixed: for the log, never for the sender."""


def is_acceptable_redirect_uri(uri: str) -> bool:
    """Whether a redirect URI may be registered at all: https, or http on the loopback address (FAPI 2.0 5.3.2.2-8).

    No fragment, no user information, printable ASCII only, so that two that look alike are alike; a host and port that
    exist, without what would end a directive of the consent page's policy.
    """
    if not re.fullmatch(r"[!-~]+", uri) or re.search(r'["#<>\\^`{|}]', uri):
        return False
    try:
        parts = urlsplit(uri)
        loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
        fits = re.fullmatch(_AUTHORITY, parts.netloc) is not None and parts.port != 0
        return fits and (parts.scheme == "https" or loopback)
    except ValueError:  # a broken IPv6 address, a port above 65535
        return False


def usable_key(jwk: object) -> Key:
    """The public key of a JWK, if it is of a kind and size that counts and meant for signatures. Raises KeyRefused.

    Coordinates and moduli must have their one canonical form, so that a key has one thumbprint (RFC 7638).
    """
    if not isinstance(jwk, dict) or PRIVATE_MEMBERS & jwk.keys():
        raise KeyRefused("no JWK, or one with a private part")
    try:
        key = _key(jwk)
        if not _is_for_signatures(jwk):
            raise KeyRefused("a key that is meant for something else")
        _ = key.public_key  # a point that is not on the curve is found only here
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise problem if isinstance(problem, KeyRefused) else KeyRefused("not a well-formed JWK") from None
    return key


def thumbprints(jwks: Mapping[str, Any]) -> frozenset[str]:
    """The keys of a set that counts, as RFC 7638 names them, whatever stands beside them. Raises KeyRefused."""
    return frozenset(usable_key(jwk).thumbprint() for jwk in jwks["keys"])


def _key(jwk: dict[str, Any]) -> ECKey | OKPKey | RSAKey:
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256" if len(_octets(jwk["x"])) == 32 and len(_octets(jwk["y"])) == 32:
            return ECKey.import_key(jwk)
        case "OKP", "Ed25519" if len(_octets(jwk["x"])) == 32:
            return OKPKey.import_key(jwk)
        case "RSA", None if _bits(jwk["n"]) in RSA_BITS and 1 < _bits(jwk["e"]) <= 32:
            return RSAKey.import_key(jwk)
    raise KeyRefused("a kind or size of key that does not count")


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    """RFC 7517 sections 4.2 to 4.4: each of the three members, where it is there, allows what we use the key for."""
    return (
        jwk.get("use", "sig") == "sig"
        and "verify" in jwk.get("key_ops", ["verify"])
        and jwk.get("alg", _ALGORITHMS[jwk["kty"]][0]) in _ALGORITHMS[jwk["kty"]]
    )


def _octets(text: str) -> bytes:
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(octets).decode().rstrip("=") != text:
        raise ValueError("not the canonical base64url")
    return octets


def _bits(text: str) -> int:
    octets = _octets(text)
    return int.from_bytes(octets).bit_length() if octets[:1] != b"\x00" else 0

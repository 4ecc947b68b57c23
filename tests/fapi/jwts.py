"""What an aggregator signs: client assertions and DPoP proofs, right by default and wrong wherever a test asks."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey


class _Absent:
    def __repr__(self) -> str:
        return "absent"  # in a test's name, which is the same in every process of a run


ABSENT: Any = _Absent()
"""As an override: leave this member out."""

SIGNING = ["ES256", "PS256", "EdDSA", "Ed25519", "RS256", "HS256", "ES384", "Ed448", "none"]
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
ALG_OF = {"EC": "ES256", "RSA": "PS256", "OKP": "EdDSA"}


def ec_key(**members: str) -> ECKey:
    return ECKey.generate_key("P-256", parameters=members or None)  # type: ignore[arg-type]


def rsa_key(bits: int = 2048, **members: str) -> RSAKey:
    return RSAKey.generate_key(bits, parameters=members or None)  # type: ignore[arg-type]


def ed_key(**members: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", parameters=members or None)  # type: ignore[arg-type]


def sign(header: Mapping[str, Any], claims: object, key: Any) -> str:
    """A compact JWS of whatever is asked, without joserfc's checks of the header."""
    registry = jws.JWSRegistry(algorithms=SIGNING, strict_check_header=False)
    registry.max_header_length = 10**6
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signing_input = b64(json.dumps(header).encode()) + "." + b64(payload)
    if isinstance(key, bytes):  # HMAC with a key that joserfc would not take: the bytes of a public key
        signature = hmac.digest(key, signing_input.encode(), "sha256")
    else:
        algorithm = registry.algorithms[header.get("alg", "ES256")]
        signature = b"" if algorithm.name == "none" else algorithm.sign(signing_input.encode(), key)
    return f"{signing_input}.{b64(signature)}"


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def digest(text: str) -> str:
    """base64url of SHA-256: `ath`, and the S256 challenge of a verifier."""
    return b64(hashlib.sha256(text.encode()).digest())


def without_absent(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def proof(
    key: Key,
    method: str,
    url: str,
    at: datetime,
    token: str | None = None,
    header: Mapping[str, Any] | None = None,
    signed_by: Any = None,
    **claims: Any,
) -> str:
    """A DPoP proof; `header` and `claims` override or, with ABSENT, drop members."""
    heading = {"typ": "dpop+jwt", "alg": ALG_OF[key.key_type], "jwk": key.as_dict(private=False), **(header or {})}
    content = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(at.timestamp())}
    if token is not None:
        content["ath"] = digest(token)
    return sign(without_absent(heading), without_absent({**content, **claims}), signed_by or key)


@dataclass(frozen=True)
class Assertions:
    """An aggregator's way of authenticating."""

    client_id: str
    key: Key
    issuer: str

    def assertion(
        self, at: datetime, header: Mapping[str, Any] | None = None, signed_by: Any = None, **claims: Any
    ) -> str:
        heading = {"typ": "JWT", "alg": ALG_OF[self.key.key_type], "kid": self.key.kid or ABSENT, **(header or {})}
        content = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "iat": int(at.timestamp()),
            "exp": int((at + timedelta(seconds=60)).timestamp()),
            "jti": uuid.uuid4().hex,
            **claims,
        }
        return sign(without_absent(heading), without_absent(content), signed_by or self.key)

    def form(self, at: datetime, **changes: Any) -> dict[str, str]:
        """The form fields of client authentication."""
        return {
            "client_id": self.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion(at, **changes),
        }

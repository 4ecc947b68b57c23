"""What is asked: workloads A and B (2 accounts with balances, and 50 rows of history each or none), on the wire.

A variant is a server and how it is asked; all variants of a workload answer with the same `data`.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from madoguchi import opaque

ISSUER: Final = "https://api.mihon.example"
"""As in production: TLS ends at a proxy, and what arrives over loopback says this Host."""

A: Final = "A"
B: Final = "B"

_BALANCE: Final = "balance { current available previousDay uncleared freshness { asOf asOfPrecision completeness } }"
QUERIES: Final[Mapping[str, str]] = {
    A: f"""
query Nightly {{
  accounts {{
    id type number branch {{ code name }}
    {_BALANCE}
    transactions(first: 50) {{
      nodes {{
        id bookedOn orderInDay valueOn direction kind amount description descriptionRaw counterparty balanceAfter
        corrects {{ id }}
      }}
      pageInfo {{ hasNextPage endCursor }}
      freshness {{ asOf asOfPrecision completeness }}
    }}
  }}
}}
""",
    B: f"query Balances {{ accounts {{ id {_BALANCE} }} }}",
}


class Signer:
    """An aggregator's proof key (RFC 9449): one key for all its customers. Proofs live 60 s; each has a `jti` of its
    own."""

    def __init__(self) -> None:
        key = ECKey.generate_key("P-256")
        self.thumbprint = key.thumbprint()
        private = key.private_key
        assert isinstance(private, EllipticCurvePrivateKey)
        self._private = private
        public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
        self._header = _b64(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}).encode())

    def proof(self, method: str, url: str, token: str, at: int) -> str:
        """A proof for one request. `at`: seconds since 1970."""
        ath = _b64(hashlib.sha256(token.encode()).digest())
        claims = {"jti": opaque.new_id(), "htm": method, "htu": url, "iat": at, "ath": ath}
        signed = f"{self._header}.{_b64(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ECDSA(SHA256())))
        return f"{signed}.{_b64(r.to_bytes(32) + s.to_bytes(32))}"


@dataclass(frozen=True, slots=True)
class Door:
    """How one server is asked for one workload. `signer` is None where no security is paid."""

    port: int
    path: str
    signer: Signer | None
    query: str | None = None

    def request(self, caller: "Caller", at: int) -> bytes:
        """The whole request, ready to be written to a socket."""
        method = "GET" if self.query is None else "POST"
        head = [f"{method} {self.path} HTTP/1.1", f"Host: {ISSUER.removeprefix('https://')}"]
        if self.signer is None:
            head.append(f"X-Registration: {caller.registration_id}")
        else:
            proof = self.signer.proof(method, ISSUER + self.path, caller.token, at)
            head += [f"Authorization: DPoP {caller.token}", f"DPoP: {proof}"]
        body = b""
        if self.query is not None:
            body = orjson.dumps({"query": self.query})
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Caller:
    """One customer's registration, as the aggregator knows it."""

    registration_id: str
    token: str


def ours(port: int, workload: str, signer: Signer) -> Door:
    """madoguchi itself."""
    return Door(port, "/graphql", signer, QUERIES[workload])


def peer(port: int, workload: str, signer: Signer | None) -> Door:
    """The hand-written endpoint, with everything that is paid for security or without."""
    return Door(port, f"/{'open' if signer is None else 'secure'}/{workload.lower()}", signer)


def _b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

"""What "+ sec" adds to the hand-written endpoint: token row, DPoP proof, `jti` burnt and a durable access record.

Written as somebody would who wants it fast: ES256 by `cryptography` itself (joserfc costs half as much again), the key
object kept by the very text of the proof's header, orjson for the claims, one statement for the token, and one for
`jti` and record together, committed by itself, so that PostgreSQL groups what waits at the same moment.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

TABLES: Final = (
    "CREATE SCHEMA IF NOT EXISTS peer",
    "CREATE TABLE IF NOT EXISTS peer.used (key text PRIMARY KEY, expires_at timestamptz NOT NULL)",
    "CREATE INDEX IF NOT EXISTS used_expires_at ON peer.used (expires_at)",
    "CREATE TABLE IF NOT EXISTS peer.access (request_id text PRIMARY KEY, at timestamptz NOT NULL, "
    "registration_id text NOT NULL, aggregator_id text NOT NULL, customer_id bigint NOT NULL, jkt text NOT NULL, "
    "operation text NOT NULL, asked text[] NOT NULL, as_of jsonb NOT NULL)",
    "CREATE INDEX IF NOT EXISTS access_registration ON peer.access (registration_id)",
    "CREATE INDEX IF NOT EXISTS access_customer ON peer.access (customer_id)",
)
TOKEN: Final = """
SELECT t.jkt, t.scopes, r.registration_id, r.aggregator_id, r.customer_id
FROM access_token t JOIN registration r ON r.registration_id = t.registration_id
WHERE t.token_hash = $1 AND t.expires_at > $2 AND t.revoked_at IS NULL AND r.state = 'active' AND r.until > $2
"""
RECORD: Final = """
WITH fresh AS (INSERT INTO peer.used VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key)
INSERT INTO peer.access SELECT $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM fresh RETURNING request_id
"""
WINDOW: Final = (timedelta(seconds=-60), timedelta(seconds=10))
NEEDED: Final = {"a": {"accounts", "balances", "transactions"}, "b": {"accounts", "balances"}}
ASKED: Final = {
    "a": ["accounts.balance", "accounts.transactions"],
    "b": ["accounts.balance"],
}


class Refused(Exception):
    """This request is not answered."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof: the key's thumbprint, the `jti`, and until when it has to be remembered."""

    jkt: str
    jti: str
    until: datetime


class Proofs:
    """Verifies proofs for one endpoint; keeps the keys it has seen."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[EllipticCurvePublicKey, str]] = {}

    def verify(self, proof: str, method: str, url: str, token: str, at: datetime) -> Proof:
        """RFC 9449 section 4.3. Raises Refused."""
        try:
            header, payload, signature = proof.split(".")
            key, jkt = self._keys.get(header) or self._remember(header)
            raw = _octets(signature)
            der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
            key.verify(der, f"{header}.{payload}".encode(), ECDSA(SHA256()))
            claims = orjson.loads(_octets(payload))
            issued = datetime.fromtimestamp(claims["iat"], at.tzinfo)
            ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
            fits = (
                claims["htm"] == method
                and claims["htu"] == url
                and WINDOW[0] <= issued - at <= WINDOW[1]
                and hmac.compare_digest(claims["ath"], ath)
            )
            if not fits or len(raw) != 64:
                raise Refused
            return Proof(jkt, claims["jti"], issued + WINDOW[1] - WINDOW[0])
        except (ValueError, KeyError, TypeError, InvalidSignature):
            raise Refused from None

    def _remember(self, text: str) -> tuple[EllipticCurvePublicKey, str]:
        header = orjson.loads(_octets(text))
        jwk = header["jwk"]
        if header["typ"] != "dpop+jwt" or header["alg"] != "ES256" or jwk["crv"] != "P-256" or "d" in jwk:
            raise Refused
        x, y = (int.from_bytes(_octets(jwk[name])) for name in ("x", "y"))
        canonical = orjson.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")})
        jkt = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
        self._keys[text] = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key(), jkt
        return self._keys[text]


async def admit(connection: asyncpg.Connection, token: str, proof: Proof, operation: str, at: datetime) -> Any:
    """The token's row, when it may answer this operation to this key. Raises Refused."""
    row = await connection.fetchrow(TOKEN, hashlib.sha256(token.encode()).hexdigest(), at)
    if row is None or not hmac.compare_digest(row["jkt"], proof.jkt):
        raise Refused
    if not NEEDED[operation] <= set(orjson.loads(row["scopes"])):
        raise Refused
    return row


async def record(
    connection: asyncpg.Connection, row: Any, proof: Proof, operation: str, request_id: str, as_of: bytes, at: datetime
) -> None:
    """Burn the `jti` and keep the record, durably, before the answer leaves. Raises Refused for a replay."""
    once = hashlib.sha256(f"{proof.jkt} {proof.jti}".encode()).hexdigest()
    kept = await connection.fetchval(
        RECORD, once, proof.until, request_id, at, row["registration_id"], row["aggregator_id"], row["customer_id"],
        row["jkt"], operation, ASKED[operation], as_of.decode(),
    )  # fmt: skip
    if kept is None:
        raise Refused


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

"""The one place where randomness enters: opaque values, their stored hashes, comparison in constant time.

Access tokens, refresh tokens, codes and request URIs are 256 random bits with a prefix that secret scanners know;
only their SHA-256 is stored (a random 256-bit value needs no salt and no slow hash).
Pairwise ids for GraphQL are in `doors/api/ids.py`, built on `derive_key`.
"""

import hashlib
import hmac
import secrets

ACCESS_TOKEN = "mdg_at_"
REFRESH_TOKEN = "mdg_rt_"
AUTHORIZATION_CODE = "mdg_ac_"
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
SESSION = "mdg_bs_"


def new_secret(prefix: str) -> str:
    """A fresh unguessable value: `prefix` and 256 random bits in base64url (43 characters)."""
    return prefix + secrets.token_urlsafe(32)


def new_id(prefix: str = "") -> str:
    """A fresh internal identifier of 120 random bits; it is no secret and opens nothing."""
    return prefix + secrets.token_hex(15)


def stored(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare in constant time (for one length)."""
    return hmac.compare_digest(one.encode(), other.encode())


def derive_key(master: bytes, *purpose: str) -> bytes:
    """A 256-bit key for one purpose, derived from the installation's master key; unlike purposes never share a key."""
    label = b"\x00".join(part.encode() for part in ("madoguchi", *purpose))
    return hmac.new(master, label, hashlib.sha256).digest()

"""What the sample aggregator signs with its own keys: client assertions (RFC 7523), proofs of possession (RFC 9449).

Every call makes a new `jti`, so that two requests never share a proof or an assertion.
"""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from madoguchi import opaque

ALGORITHM: Final = "ES256"
ASSERTION_LIFETIME: Final = timedelta(seconds=60)


def client_assertion(key: ECKey, client_id: str, issuer: str, at: datetime) -> str:
    """private_key_jwt: we are `client_id`, said to this issuer alone, good for a minute."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "iat": int(at.timestamp()),
        "exp": int((at + ASSERTION_LIFETIME).timestamp()),
        "jti": opaque.new_id(),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid or key.thumbprint()}, claims, key, [ALGORITHM])


def proof(key: ECKey, method: str, url: str, at: datetime, access_token: str | None = None) -> str:
    """A DPoP proof for one request; with `ath` where it goes along with an access token."""
    header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": key.as_dict(private=False)}
    claims = {"jti": opaque.new_id(), "htm": method, "htu": url, "iat": int(at.timestamp())}
    if access_token is not None:
        claims["ath"] = s256(access_token)
    return jwt.encode(header, claims, key, [ALGORITHM])


def s256(text: str) -> str:
    """base64url of the SHA-256: a PKCE challenge (RFC 7636 section 4.2), and `ath`."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

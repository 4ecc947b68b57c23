"""A request to the API as a Python program: complete with httpx and joserfc, once token and key are put in.

They come from the environment, so that nobody writes a secret into a program. Source: RFC 9449 sections 4.2 and 7.1.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_PROGRAM: Final = '''\
"""One request to the credit union's API, as an aggregator's server sends it (RFC 9449).

Needs `pip install httpx joserfc`, and in the environment
ACCESS_TOKEN  the access token, as the token endpoint gave it; it lives for minutes
PROOF_KEY     a file with the private key (JWK, P-256) that the token is bound to; it never leaves your server
"""

import base64
import hashlib
import json
import os
import secrets
import time
from pathlib import Path

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

URL = @url@
ACCESS_TOKEN = os.environ["ACCESS_TOKEN"]
KEY = ECKey.import_key(json.loads(Path(os.environ["PROOF_KEY"]).read_text()))

QUERY = @query@
REQUEST = @request@


def proof(method: str, url: str) -> str:
    """A DPoP proof: for one request, signed with the key that the token is bound to, never sent twice."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    digest = hashlib.sha256(ACCESS_TOKEN.encode()).digest()
    claims = {
        "jti": secrets.token_urlsafe(24),
        "htm": method,
        "htu": url,
        "iat": int(time.time()),
        "ath": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }
    return jwt.encode(header, claims, KEY, ["ES256"])


answer = httpx.post(
    URL,
    json=REQUEST,
    headers={
        "Accept": "application/graphql-response+json",
        "Authorization": f"DPoP {ACCESS_TOKEN}",
        "DPoP": proof("POST", URL),
        # The customer's own address, when the customer is there; leave it out otherwise.
        "X-FAPI-Customer-IP-Address": @address@,
    },
)
print(answer.status_code, answer.headers["X-Request-Id"])
print(json.dumps(answer.json(), ensure_ascii=False, indent=2))
'''


def as_python(url: str, asked: Mapping[str, Any], address: str) -> str:
    """The program. `asked` holds `query` and what is sent beside it, all of it JSON; `address` is the customer's."""
    beside = [f', "{name}": {value!r}' for name, value in asked.items() if name != "query"]
    values = {
        "@url@": repr(url),
        "@query@": _literal(asked["query"]),
        "@request@": f'{{"query": QUERY{"".join(beside)}}}',
        "@address@": repr(address),
    }
    program = _PROGRAM
    parts = []
    for mark, value in values.items():  # in their order in the program, so that no value is searched for marks
        before, _, program = program.partition(mark)
        parts += [before, value]
    return "".join([*parts, program])


def _literal(text: str) -> str:
    """A string literal over several lines that means exactly this text."""
    escaped = re.sub(r'"(?="|\Z)', r'\"', text.replace("\\", "\\\\"))
    shown = "".join(sign if sign in "\n\t" or sign.isprintable() else _escape(sign) for sign in escaped)
    return f'"""\\\n{shown}"""'


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()

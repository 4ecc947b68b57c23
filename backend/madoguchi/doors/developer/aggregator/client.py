"""The sample aggregator as an OAuth client: it speaks to the credit union over the network, as anybody else must.

Source: RFC 8414 (discovery), RFC 9126 (PAR), RFC 7636 (PKCE S256), RFC 7523 (private_key_jwt), RFC 9449 (DPoP),
RFC 6749 sections 4.1.3 and 6, RFC 7009. Everything is awaited and nothing is shared, so that a server that asks itself
over loopback answers itself. What an answer means for the visitor is each application's.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from joserfc.jwk import ECKey

from madoguchi.clock import Clock, machines
from madoguchi.doors.developer.aggregator import signing
from madoguchi.doors.developer.aggregator.store import Tokens
from madoguchi.rules.vocabulary import Scope

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METADATA: Final = "/.well-known/oauth-authorization-server"
TIMEOUT: Final = 20.0
UNREACHABLE: Final = "server_error"
ENDPOINTS: Final = (
    "authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "token_endpoint",
    "revocation_endpoint",
)


class ExchangeFailed(Exception):
    """The credit union refused, or its answer makes no sense. `error` is a registered code and safe to show."""

    def __init__(self, error: str = UNREACHABLE) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Server:
    """The endpoints that discovery found; `api` is the protected resource."""

    endpoints: Mapping[str, str]
    api: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API: HTTP status, the body's two parts, and the id it gave the request ("" when none)."""

    status: int
    data: Mapping[str, Any] | None
    errors: tuple[Mapping[str, Any], ...]
    request_id: str = ""

    @classmethod
    def of(cls, response: httpx.Response) -> "Answer":
        """Read an answer, whatever its status. Raises ExchangeFailed for one that makes no sense."""
        try:
            body = response.json()
        except ValueError:
            raise ExchangeFailed from None
        if not isinstance(body, dict) or not isinstance(body.get("errors", []), list):
            raise ExchangeFailed
        beside = body.get("extensions")
        named = beside.get("requestId") if isinstance(beside, dict) else None
        request_id = named if isinstance(named, str) else ""
        return cls(response.status_code, body.get("data"), tuple(body.get("errors", [])), request_id)


@dataclass(frozen=True, slots=True)
class Client:
    """One client at one issuer, for one visit. `key` authenticates it, `proof_key` is what its tokens are bound to.

    What it signs it dates by its machine's time, as anybody outside must; a sandbox's clock may have been stepped.
    """

    http: httpx.AsyncClient
    issuer: str
    client_id: str
    key: ECKey
    proof_key: ECKey
    clock: Clock

    async def discover(self) -> Server:
        """Read the server's metadata. All it names must lie under the issuer we were told (RFC 8414 section 6.2)."""
        found = await self._json(self.http.build_request("GET", self.issuer + METADATA))
        endpoints = {name: found.get(name) for name in ENDPOINTS}
        apis = found.get("protected_resources")
        api = apis[0] if isinstance(apis, list) and apis else None
        named = [*endpoints.values(), api]
        if found.get("issuer") != self.issuer or not all(
            isinstance(url, str) and url.startswith(f"{self.issuer}/") for url in named
        ):
            raise ExchangeFailed
        return Server({name: str(url) for name, url in endpoints.items()}, str(api))

    async def push(self, redirect_uri: str, scopes: tuple[Scope, ...], state: str, verifier: str) -> str:
        """Push an authorization request; returns the address to send the visitor to."""
        server = await self.discover()
        answer = await self._post(
            server.endpoints["pushed_authorization_request_endpoint"],
            {
                "response_type": "code",
                "redirect_uri": redirect_uri,
                "scope": " ".join(scopes),
                "state": state,
                "code_challenge": signing.s256(verifier),
                "code_challenge_method": "S256",
            },
        )
        request_uri = answer.get("request_uri")
        if not isinstance(request_uri, str):
            raise ExchangeFailed
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri})
        return f"{server.endpoints['authorization_endpoint']}?{query}"

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Redeem a code (RFC 6749 section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        return await self._tokens(form)

    async def refresh(self, tokens: Tokens) -> Tokens:
        """A new access token for the same registration (RFC 6749 section 6)."""
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return await self._tokens(form, tokens)

    async def revoke(self, refresh_token: str) -> None:
        """End the registration by its refresh token (RFC 7009)."""
        server = await self.discover()
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        await self._send(self._request(server.endpoints["revocation_endpoint"], form))

    async def query(self, access_token: str, asked: Mapping[str, Any], visitor_address: str) -> httpx.Response:
        """Send a GraphQL request for a visitor who is there (`visitor_address`); the answer as it came.

        asked  `query` and, where needed, `variables`, `operationName`.
        Raises ExchangeFailed when no answer came.
        """
        url = (await self.discover()).api
        headers = {
            "Accept": "application/graphql-response+json",
            "Authorization": f"DPoP {access_token}",
            "DPoP": signing.proof(self.proof_key, "POST", url, machines(self.clock)(), access_token),
            "X-FAPI-Customer-IP-Address": visitor_address,
        }
        try:
            return await self.http.post(url, headers=headers, json=dict(asked))
        except httpx.HTTPError:
            raise ExchangeFailed from None

    async def _tokens(self, form: Mapping[str, str], before: Tokens | None = None) -> Tokens:
        url = (await self.discover()).endpoints["token_endpoint"]
        answer = await self._post(url, form)
        if str(answer.get("token_type")).lower() != "dpop":
            raise ExchangeFailed  # a token that anybody could use (RFC 9449 section 5)
        try:
            expires_at: datetime = self.clock() + timedelta(seconds=int(answer["expires_in"]))
            # A refresh token that is not rotated need not come again, nor a scope that is the one asked for.
            refresh_token = answer.get("refresh_token") or (before and before.refresh_token)
            words = answer.get("scope") or (before and " ".join(before.scopes))
            if not refresh_token or not words:
                raise ExchangeFailed
            scopes = frozenset(map(Scope, str(words).split()))
            return Tokens(str(answer["access_token"]), str(refresh_token), expires_at, scopes)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise ExchangeFailed from None

    async def _post(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        return await self._json(self._request(url, form))

    def _request(self, url: str, form: Mapping[str, str]) -> httpx.Request:
        """A request to an endpoint of the authorization server, authenticated and with a proof of its own."""
        at = machines(self.clock)()
        authentication = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signing.client_assertion(self.key, self.client_id, self.issuer, at),
        }
        headers = {"DPoP": signing.proof(self.proof_key, "POST", url, at), "Accept": "application/json"}
        return self.http.build_request("POST", url, data={**form, **authentication}, headers=headers)

    async def _json(self, request: httpx.Request) -> Mapping[str, Any]:
        try:
            body = (await self._send(request)).json()
        except ValueError:
            raise ExchangeFailed from None
        if not isinstance(body, dict):
            raise ExchangeFailed
        return body

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request that succeeded. Raises ExchangeFailed with the server's code otherwise."""
        try:
            response = await self.http.send(request)
        except httpx.HTTPError:
            raise ExchangeFailed from None
        if response.is_success:
            return response
        try:
            error = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = None
        raise ExchangeFailed(error_code(error))


def error_code(error: object) -> str:
    """An error code that may be shown: letters and underscores as registered codes have, else ours."""
    known = isinstance(error, str) and len(error) <= 40 and error.replace("_", "").isalpha() and error.isascii()
    return str(error) if known else UNREACHABLE


@asynccontextmanager
async def network(trust: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    """Connections for one visit. No proxy, no redirect: a token goes to no third place."""
    async with httpx.AsyncClient(verify=trust, timeout=TIMEOUT, trust_env=False, follow_redirects=False) as http:
        yield http

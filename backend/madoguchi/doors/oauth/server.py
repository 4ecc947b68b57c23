"""Authlib's authorization server, wired to our procedures: which grant is asked, and how answers and errors are shaped.

Source: RFC 6749 sections 4.1, 5 and 6, RFC 7009. Authlib dispatches by grant type and keeps to the RFC's order of
checks; whatever it lacks or does otherwise stands in our procedures: the atomic claim and its replays, PKCE for
confidential clients too, keys and proofs, the rules of the terms. Client authentication has been done before
(client_assertion.py). A server is built for each call inside the transaction, so nothing is shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    InvalidRequestError,
    OAuth2Error,
    OAuth2Request,
    TokenMixin,
    UnsupportedGrantTypeError,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from sqlmodel import Session

from madoguchi.procedures.authorizing import Caller, OAuthRefusal, recognise
from madoguchi.procedures.redeeming import Redemption, redeem_code
from madoguchi.procedures.tokens import Occasion, Tokens, refresh, revoke

GRANTS: Final = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request at the token or revocation endpoint: its sender, fields and circumstances."""

    caller: Caller
    form: Mapping[str, str] = field(repr=False)
    at: datetime
    request_id: str
    release: str
    access_token_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer before it becomes HTTP."""

    status: int
    body: Mapping[str, Any] = field(repr=False)


def answer_token(session: Session, asked: Asked) -> Answer | OAuthRefusal:
    """The token endpoint in one transaction: recognise the client, then the grant. A refusal is a value: it commits."""
    aggregator = recognise(session, asked.caller)
    if isinstance(aggregator, OAuthRefusal):
        return aggregator
    if asked.caller.jkt is None:
        return OAuthRefusal("invalid_dpop_proof", "no proof")
    if "grant_type" not in asked.form:
        return OAuthRefusal("invalid_request", "no grant_type", description="grant_type is missing")
    on = Occasion(aggregator, asked.caller.jkt, asked.at, asked.request_id, asked.release, asked.access_token_lifetime)
    answer: Answer | OAuthRefusal = _TokenServer(session, on).create_token_response(_Request(asked))
    return answer


def answer_revocation(session: Session, asked: Asked) -> Answer | OAuthRefusal:
    """The revocation endpoint (RFC 7009) in one transaction; also for a client whose contract has ended."""
    aggregator = recognise(session, asked.caller)
    if isinstance(aggregator, OAuthRefusal):
        return aggregator
    server = _RevocationServer(lambda token: revoke(session, token, aggregator, asked.at))
    answer: Answer | OAuthRefusal = server.create_endpoint_response("revocation", _Request(asked))
    return answer


class _Refused(OAuth2Error):  # type: ignore[misc]
    """A refusal of our procedures, for Authlib to answer with."""

    def __init__(self, refusal: OAuthRefusal) -> None:
        super().__init__(refusal.description or None, status_code=refusal.status, error=refusal.error)
        self.refusal = refusal


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, asked: Asked) -> None:
        super().__init__("POST", "https://localhost/")  # Authlib wants one; nothing here depends on it
        self.payload = BasicOAuth2Payload(dict(asked.form))

    @property
    def form(self) -> dict[str, str]:
        fields: dict[str, str] = self.payload.data
        return fields


class _Client(ClientMixin):  # type: ignore[misc]
    """An aggregator's client as Authlib asks for it; every one of them has our two grants."""

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANTS


class _Server(AuthorizationServer):  # type: ignore[misc]
    """What Authlib asks of any integration. The client is authenticated already."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def authenticate_client(self, request: _Request, methods: list[str], endpoint: str = "token") -> _Client:
        return _Client()

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        return None

    def handle_response(self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body)

    def handle_error_response(self, request: _Request, error: OAuth2Error) -> Answer | OAuthRefusal:
        if isinstance(error, _Refused):
            return error.refusal
        # Authlib would repeat what was sent.
        echo = isinstance(error, UnsupportedGrantTypeError)
        description = "grant_type is not offered" if echo else error.get_error_description()
        return OAuthRefusal(error.error, error.error, error.status_code, description)


class _TokenServer(_Server):
    def __init__(self, session: Session, on: Occasion) -> None:
        super().__init__()
        self.session = session
        self.on = on
        self.register_grant(_CodeGrant)
        self.register_grant(_RefreshGrant)
        self.register_token_generator("default", _worded)

    def save_token(self, token: Mapping[str, Any], request: _Request) -> None:
        """The procedures have stored it, in the same transaction."""


class _Issued(AuthorizationCodeMixin, TokenMixin):  # type: ignore[misc]
    """What a code or a refresh token has been exchanged for, in the place where Authlib expects code or token."""

    def __init__(self, tokens: Tokens, redirect_uri: str | None = None) -> None:
        self.tokens = tokens
        self.redirect_uri = redirect_uri

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.tokens.scopes)

    def check_client(self, client: _Client) -> bool:
        return True  # asked by the procedure, with the client it recognised


class _Hidden(dict[str, Any]):
    """The token response. Authlib writes it to its debug log: nothing of it may be seen there."""

    def __repr__(self) -> str:
        return "<tokens>"


def _worded(user: _Issued, **_: Any) -> _Hidden:
    """The token response (RFC 6749 section 5.1, RFC 9449 section 5). It says nothing of the customer."""
    tokens = user.tokens
    told = _Hidden(
        access_token=tokens.access_token,
        token_type="DPoP",  # noqa: S106 - the name of a kind of token
        expires_in=int(tokens.lifetime.total_seconds()),
        scope=user.get_scope(),
    )
    if tokens.refresh_token is not None:
        told["refresh_token"] = tokens.refresh_token
    return told


def _accepted(outcome: Tokens | OAuthRefusal, redirect_uri: str | None = None) -> _Issued:
    if isinstance(outcome, OAuthRefusal):
        raise _Refused(outcome)
    return _Issued(outcome, redirect_uri)


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    def query_authorization_code(self, code: str, client: _Client) -> _Issued:
        form = self.request.form
        sent = Redemption(code, form.get("redirect_uri"), form.get("code_verifier"))
        return _accepted(redeem_code(self.server.session, sent, self.server.on), sent.redirect_uri)

    def authenticate_user(self, authorization_code: _Issued) -> _Issued:
        return authorization_code

    def delete_authorization_code(self, authorization_code: _Issued) -> None:
        """A claimed code stays, so that its replay is known."""


class _RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    INCLUDE_NEW_REFRESH_TOKEN = False

    def authenticate_refresh_token(self, refresh_token: str) -> _Issued:
        return _accepted(refresh(self.server.session, refresh_token, self.request.payload.scope, self.server.on))

    def authenticate_user(self, refresh_token: _Issued) -> _Issued:
        return refresh_token

    def revoke_old_credential(self, refresh_token: _Issued) -> None:
        """It does not rotate (FAPI 2.0 5.3.2.1-9)."""


class _RevocationServer(_Server):
    def __init__(self, revoking: Any) -> None:
        super().__init__()
        self.revoking = revoking
        self.register_endpoint(_Revocation)


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    def authenticate_token(self, request: _Request, client: _Client) -> None:
        """Revokes at once. `token_type_hint` is ignored, a bad one too: a token is found by its hash (2.1, 2.2)."""
        if "token" not in request.form:
            raise InvalidRequestError("token is missing")
        refusal = self.server.revoking(request.form["token"])
        if refusal is not None:
            raise _Refused(refusal)

"""One visitor's dealings with the credit union through the sample aggregator: connect, read, end.

A flow comes back to the visitor who began it (`state`, RFC 6749 section 10.12) and from the issuer it was begun at
(`iss`, RFC 9207 section 2.4); whatever comes back, it is spent. An access token that has lapsed is renewed once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from madoguchi import opaque
from madoguchi.doors.developer.aggregator.client import Answer, Client, ExchangeFailed, error_code
from madoguchi.doors.developer.aggregator.store import SampleStore, Tokens
from madoguchi.rules.vocabulary import Scope

EARLY: Final = timedelta(seconds=10)
"""An access token is renewed this long before its end, so that it does not lapse on the way."""

OVER: Final = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})
"""Refusals of a refresh after which asking again is of no use."""

END_REGISTRATION: Final = "mutation End { endRegistration { endedAt } }"


class Over(Exception):
    """The credit union says that this registration serves no more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """`visitor` names the cookie's owner in the store; `address` is where the visitor is, for attended calls."""

    client: Client
    store: SampleStore
    visitor: str
    address: str

    async def begin(self, redirect_uri: str) -> str:
        """Begin a flow; returns the credit union's address to send the visitor to. Raises ExchangeFailed."""
        state, verifier = opaque.new_secret(""), opaque.new_secret("")
        address = await self.client.push(redirect_uri, tuple(Scope), state, verifier)
        self.store.begin_flow(self.visitor, state, verifier, self.client.clock())
        return address

    async def complete(self, answer: Mapping[str, str], redirect_uri: str, renamed: str) -> None:
        """Take the authorization response (RFC 6749 section 4.1.2) and keep the tokens under the visitor's new name.

        Raises ExchangeFailed: nothing has changed.
        """
        verifier = self.store.claim_flow(self.visitor, answer.get("state", ""), self.client.clock())
        if verifier is None:
            raise ExchangeFailed("state_mismatch")
        if answer.get("iss") != self.client.issuer:
            raise ExchangeFailed("issuer_mismatch")
        if "error" in answer:
            raise ExchangeFailed(error_code(answer["error"]))
        if "code" not in answer:
            raise ExchangeFailed
        self.store.connect(self.visitor, renamed, await self.client.exchange(answer["code"], verifier, redirect_uri))

    async def query(self, tokens: Tokens, asked: Mapping[str, Any]) -> httpx.Response:
        """The API's answer as it came, whatever its status. Raises Over when no new access token is given any more,
        else ExchangeFailed."""
        if tokens.expires_at - EARLY <= self.client.clock():
            tokens = await self._renewed(tokens)
        response = await self.client.query(tokens.access_token, asked, self.address)
        if _codes(Answer.of(response)) == {"INVALID_TOKEN"}:
            tokens = await self._renewed(tokens)
            response = await self.client.query(tokens.access_token, asked, self.address)
        return response

    async def ask(self, tokens: Tokens, document: str, variables: Mapping[str, Any]) -> Answer:
        """An answer that came with 200. Raises Over when the registration serves no more, else ExchangeFailed."""
        answer = Answer.of(await self.query(tokens, {"query": document, "variables": dict(variables)}))
        if is_over(answer):
            raise Over
        if answer.status != 200:
            raise ExchangeFailed
        return answer

    async def end(self, tokens: Tokens) -> None:
        """End the registration and forget its tokens (5-1); one that is over already is forgotten too.

        Where the API cannot be asked, its refresh token is revoked instead. Raises ExchangeFailed: nothing has ended.
        """
        try:
            await self._ended(tokens)
        except Over:
            pass
        except ExchangeFailed:
            await self.client.revoke(tokens.refresh_token)
        self.store.disconnect(self.visitor, tokens.refresh_token)

    async def _ended(self, tokens: Tokens) -> None:
        answer = await self.ask(tokens, END_REGISTRATION, {})
        if answer.errors:
            raise ExchangeFailed

    async def _renewed(self, tokens: Tokens) -> Tokens:
        try:
            renewed = await self.client.refresh(tokens)
        except ExchangeFailed as refusal:
            if refusal.error in OVER:
                raise Over from None
            raise
        self.store.renew(self.visitor, renewed)
        return renewed


def is_over(answer: Answer) -> bool:
    """Whether the API says that this registration serves no more."""
    return answer.status == 401 and "INVALID_PROOF" not in _codes(answer)


def _codes(answer: Answer) -> set[str]:
    """Why a request was refused as a whole; empty where it was answered."""
    if answer.status == 200:
        return set()
    return {str(error.get("extensions", {}).get("code")) for error in answer.errors}

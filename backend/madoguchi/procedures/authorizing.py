"""The aggregator's side of an authorization: recognising the client, keeping what it pushed, finding it again.

Source: RFC 9126 sections 2 and 4; RFC 9449 section 11.1 and RFC 7523 section 3 (one-time things); terms 1-2-2, 7-3.
The customer's side is consenting; codes and tokens are procedures/tokens.py. Signatures have been checked by the door
before the transaction begins; what is claimed here (`jti`) stays claimed whatever the answer is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import aggregator_facts, find_client
from madoguchi.procedures.service import institution_facts, stops_for
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.database import insert_new
from madoguchi.records.registrations import PushedRequest, UsedOnce
from madoguchi.rules.decision import Effect, Refusal
from madoguchi.rules.eligibility import is_designated
from madoguchi.rules.registering import may_approach
from madoguchi.rules.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class OAuthRefusal:
    """A refusal in the protocol's words. `why` is for our log; `description` for the client's developer (ASCII)."""

    error: str
    why: str
    status: int = 400
    description: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """A one-time thing: its name in its own namespace, and until when it must be remembered."""

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, its signatures already verified. `proof` and `jkt` are None where no proof came."""

    client_id: str
    assertion: Once
    proof: Once | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """What is registered of an aggregator's client and needed before a transaction."""

    jwks: Mapping[str, Any]
    redirect_uris: tuple[str, ...]
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class Push:
    """A validated authorization request. `dpop_jkt` None: the code will be bound to the key that redeems it."""

    redirect_uri: str
    scopes: tuple[Scope, ...]
    state: str | None
    code_challenge: str
    dpop_jkt: str | None


class Closed(Enum):
    """Why a request_uri leads nowhere, in the words of the pages' states."""

    NOT_VERIFIED = "NOT_VERIFIED"  # unknown client or request, another client's, or no contract: nobody is named
    REQUEST_EXPIRED = "REQUEST_EXPIRED"
    ALREADY_DECIDED = "ALREADY_DECIDED"


@dataclass(frozen=True, slots=True)
class NotOpened:
    """A request_uri that leads nowhere. `aggregator`: its name, where it is verified."""

    why: Closed
    aggregator: str = ""


def client(session: Session, client_id: str) -> Client | None:
    """The registered client, its contract in force or not; None when there is none."""
    row = find_client(session, client_id)
    if row is None:
        return None
    return Client(row.jwks, tuple(row.redirect_uris), tuple(Scope(scope) for scope in row.scopes))


def claim_once(session: Session, once: Once) -> bool:
    """Claim a one-time thing; False when it was used before, by whatever worker."""
    row = {"key": once.key, "expires_at": once.until}
    return bool(session.execute(insert_new(session, UsedOnce, [row], "key")).scalars().all())


def recognise(session: Session, caller: Caller) -> Aggregator | OAuthRefusal:
    """Claim the assertion and the proof of a request, and give the aggregator they are from.

    Both stay claimed whatever becomes of the request, so that a refused one cannot be sent again either.
    """
    if not claim_once(session, caller.assertion):
        return OAuthRefusal("invalid_client", "assertion used before", 401)
    if caller.proof is not None and not claim_once(session, caller.proof):
        return OAuthRefusal("invalid_dpop_proof", "proof used before")
    row = find_client(session, caller.client_id)
    return row if row is not None else OAuthRefusal("invalid_client", "unknown client", 401)


def push_request(session: Session, caller: Caller, push: Push, lifetime: timedelta, at: datetime) -> str | OAuthRefusal:
    """Keep an authorization request and return its request_uri, which opens until `at` + `lifetime`.

    Refused while the aggregator's contract is not in force (1-2-2) or the service is stopped for it (7-3).
    """
    aggregator = recognise(session, caller)
    if isinstance(aggregator, OAuthRefusal):
        return aggregator
    stops = stops_for(session, aggregator_id=aggregator.aggregator_id)
    for refusal in may_approach(aggregator_facts(aggregator), institution_facts(session), stops, at):
        return refused(refusal, "unauthorized_client")
    request_uri = opaque.new_secret(opaque.REQUEST_URI)
    session.add(
        PushedRequest(
            request_id=opaque.new_id("pr_"),
            request_uri_hash=opaque.stored(request_uri),
            aggregator_id=aggregator.aggregator_id,
            redirect_uri=push.redirect_uri,
            scopes=[scope.value for scope in push.scopes],
            state=push.state,
            code_challenge=push.code_challenge,
            dpop_jkt=push.dpop_jkt,
            pushed_at=at,
            expires_at=at + lifetime,
        )
    )
    return request_uri


def find_pushed_request(session: Session, client_id: str, request_uri: str, at: datetime) -> str | NotOpened:
    """The id of the request that a browser may go on with; whether it is this browser's is asked where it is bound.

    It is opened first before its `expires_at`, and spent by the customer's decision, not by looking (RFC 9126 4; FAPI
    2.0 5.3.2.2 note 3). How long an opened one lives is the consent page's (procedures/proceeding.py).
    """
    found = session.exec(
        select(PushedRequest, Aggregator)
        .join(Aggregator, col(Aggregator.aggregator_id) == col(PushedRequest.aggregator_id))
        .where(PushedRequest.request_uri_hash == opaque.stored(request_uri), Aggregator.client_id == client_id)
    ).first()
    if found is None or is_designated(at, aggregator_facts(found[1])) is not None:
        return NotOpened(Closed.NOT_VERIFIED)
    pushed, aggregator = found
    if pushed.decided_at is not None:
        return NotOpened(Closed.ALREADY_DECIDED, aggregator.name)
    if pushed.opened_at is None and at >= pushed.expires_at:
        return NotOpened(Closed.REQUEST_EXPIRED, aggregator.name)
    return pushed.request_id


def refused(refusal: Refusal, denied: str) -> OAuthRefusal:
    """A rule's refusal in the protocol's words: `denied` when nothing will help, 503 when asking later makes sense."""
    reason, description = refusal.reason, worded(refusal)
    if reason.effect is Effect.DENIED:
        return OAuthRefusal(denied, reason.code, 400, description)
    return OAuthRefusal("temporarily_unavailable", reason.code, 503, description, refusal.retry_at)


def worded(refusal: Refusal) -> str:
    """A rule's refusal for the client's developer: stable code, clause, what to do."""
    return f"{refusal.reason.code} (clause {refusal.clause}): {refusal.reason.message}"

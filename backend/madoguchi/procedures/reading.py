"""Admitting a read: who this token is, and what the rules say of it, decided once (architecture, flow 1).

Fetching what is permitted is procedures/ledger_reading.py; recording the use is procedures/recording.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.states import FeedState, feed_state
from madoguchi.records import admission
from madoguchi.rules import facts
from madoguchi.rules.access import Access, access
from madoguchi.rules.facts import InstitutionFacts, RegistrationFacts
from madoguchi.rules.vocabulary import Feed, Scope


@dataclass(frozen=True, slots=True)
class Admission:
    """A known, live token with the decision on what it may read. `bodies`: (digest, canonical JSON) of both facts.

    feeds  how the feeds stand that values come from (6-1). No part of the decision, for they come and go without one:
           lateness withholds values and never a request, and the record has it as `as_of` and DATA_UNAVAILABLE.
    The door compares `jkt` with the proof's key before it uses anything else of this.
    """

    registration_id: str
    aggregator_id: str
    customer_id: int
    contract_id: int
    jkt: str
    token_scopes: tuple[Scope, ...]
    institution: InstitutionFacts
    registration: RegistrationFacts
    institution_digest: str
    registration_digest: str
    bodies: tuple[tuple[str, str], ...]
    access: Access
    feeds: Mapping[Feed, FeedState] = field(default_factory=dict)


def admit(session: Session, token_hash: str, at: datetime) -> Admission | None:
    """One statement, then the rules. None: the token is unknown, expired or revoked, and nothing else is told apart.

    token_hash  `opaque.stored(token)`.
    at          aware; the moment of the whole request.
    """
    found = admission.of_token(session, token_hash, at)
    if found is None:
        return None
    institution = found.bodies.institution
    feeds = {feed: feed_state(institution, feed, arrival, at) for feed, arrival in found.arrivals.items()}
    return replace(admitted(found.bodies, found.jkt, found.scopes, at), feeds=feeds)


def admitted(bodies: admission.Bodies, jkt: str, scopes: tuple[Scope, ...], at: datetime) -> Admission:
    """The decision on facts already read; the refresh at the token endpoint asks it too."""
    registration_body = facts.canonical(bodies.registration)
    registration_digest = facts.digest(registration_body)
    return Admission(
        registration_id=bodies.registration.registration_id,
        aggregator_id=bodies.registration.aggregator.aggregator_id,
        customer_id=bodies.customer_id,
        contract_id=bodies.contract_id,
        jkt=jkt,
        token_scopes=scopes,
        institution=bodies.institution,
        registration=bodies.registration,
        institution_digest=bodies.institution_digest,
        registration_digest=registration_digest,
        bodies=((bodies.institution_digest, bodies.institution_body), (registration_digest, registration_body)),
        access=access(bodies.institution, bodies.registration, scopes, at),
    )

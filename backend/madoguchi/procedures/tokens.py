"""Tokens: issuing, renewing, revoking (4-1, 4-3, 5-1).

Source: RFC 6749 section 6, RFC 7009 section 2.1, RFC 9449 section 5; FAPI 2.0 Security Profile 5.3.2.1-9. The client
has been recognised before (procedures/authorizing.py); the first tokens come from a code (procedures/redeeming.py).
After closing time refresh tokens still serve, as they carry no data; every other rule is asked again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.authorizing import OAuthRefusal, refused, worded
from madoguchi.procedures.reading import Admission, admitted
from madoguchi.procedures.recording import ANSWERED, REFUSED, Use, record_use
from madoguchi.procedures.stopping import end_registration
from madoguchi.procedures.trail import record_act
from madoguchi.records import admission
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.registrations import AccessToken, RefreshToken, Registration
from madoguchi.rules.asking import NOT_ASKED, Action
from madoguchi.rules.decision import Effect, Reason, Refusal
from madoguchi.rules.vocabulary import Cause, Scope


@dataclass(frozen=True, slots=True)
class Occasion:
    """The request in which tokens are asked for: by whom, with which key, when; its id names the record of it."""

    aggregator: Aggregator
    jkt: str
    at: datetime
    request_id: str
    release: str
    access_token_lifetime: timedelta

    @property
    def actor(self) -> str:
        return f"aggregator:{self.aggregator.aggregator_id}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Fresh tokens in clear, told once. `refresh_token` is None at a renewal: it does not rotate."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    scopes: tuple[Scope, ...]
    lifetime: timedelta


def refresh(session: Session, refresh_token: str, scope: str | None, on: Occasion) -> Tokens | OAuthRefusal:
    """A new access token of the same registration, for the key of this request; the refresh token stays as it is.

    scope  as sent: a part of what the customer granted; None for all of it.
    The use is recorded as an instruction of the aggregator, a refused one too (4-3).
    """
    found = _renewable(session, opaque.stored(refresh_token))
    if found is None or found.aggregator_id != on.aggregator.aggregator_id:
        return invalid_grant("unknown refresh token, or another client's")
    asked = admission_of(session, found.registration_id, on)
    refusals = asked_rules(asked, Action.REFRESH)
    if refusals:
        _record(session, asked, "refresh", refusals, on)
        return _told(refusals[0])
    wanted = set(scope.split(" ")) if scope is not None else set(asked.registration.scopes)
    if not wanted <= set(asked.registration.scopes):
        _record(session, asked, "refresh", (Refusal(Reason.SCOPE_NOT_GRANTED),), on)
        return OAuthRefusal("invalid_scope", "wider than granted", description="scope exceeds what was granted")
    scopes = tuple(one for one in asked.registration.scopes if one in wanted)
    return issue(session, asked, scopes, None, "refresh", on)


def revoke(session: Session, token: str, aggregator: Aggregator, at: datetime) -> OAuthRefusal | None:
    """End what a token stands for: a refresh token its registration (5-1), an access token itself alone.

    An unknown token is no error; another client's is refused and lives on (RFC 7009 section 2.1).
    """
    hashed = opaque.stored(token)
    found = _renewable(session, hashed)
    if found is not None:
        if found.aggregator_id != aggregator.aggregator_id:
            return invalid_grant("another client's token")
        actor = f"aggregator:{aggregator.aggregator_id}"
        end_registration(session, found.registration_id, Cause.STOPPED_BY_AGGREGATOR, actor, at)
        return None
    return _revoke_access_token(session, hashed, aggregator, at)


def admission_of(session: Session, registration_id: str, on: Occasion) -> Admission:
    """The facts of a registration that exists, and the decision on a read with all its scopes."""
    session.flush()
    bodies = admission.of_registration(session, registration_id, on.at)
    if bodies is None:
        raise LookupError("a token or code without its registration")
    return admitted(bodies, on.jkt, bodies.registration.scopes, on.at)


def asked_rules(asked: Admission, action: Action) -> tuple[Refusal, ...]:
    """What refuses tokens, those first that no waiting helps."""
    refusals = (refusal for refusal in asked.access.refusals if refusal.reason not in NOT_ASKED[action])
    return tuple(sorted(refusals, key=lambda refusal: refusal.reason.effect is not Effect.DENIED))


def issue(
    session: Session, asked: Admission, scopes: tuple[Scope, ...], refresh_token: str | None, action: str, on: Occasion
) -> Tokens:
    """A new access token bound to the key of this request, never longer than the registration; the use is recorded."""
    access_token = opaque.new_secret(opaque.ACCESS_TOKEN)
    expires_at = min(on.at + on.access_token_lifetime, asked.registration.until)
    session.add(
        AccessToken(
            token_hash=opaque.stored(access_token),
            registration_id=asked.registration_id,
            scopes=[scope.value for scope in scopes],
            jkt=on.jkt,
            issued_at=on.at,
            expires_at=expires_at,
        )
    )
    _record(session, asked, action, (), on)
    return Tokens(access_token, refresh_token, scopes, expires_at - on.at)


def invalid_grant(why: str, description: str = "") -> OAuthRefusal:
    """RFC 6749 section 5.2: the code or token serves nothing. Why is told only where a rule of ours speaks."""
    return OAuthRefusal("invalid_grant", why, description=description)


def _renewable(session: Session, token_hash: str) -> Registration | None:
    """The registration, in any state, that a refresh token belongs to."""
    return session.exec(
        select(Registration)
        .join(RefreshToken, col(RefreshToken.registration_id) == col(Registration.registration_id))
        .where(RefreshToken.token_hash == token_hash)
    ).first()


def _record(session: Session, asked: Admission, action: str, refusals: tuple[Refusal, ...], on: Occasion) -> None:
    told = tuple({"code": one.reason.code, "clause": one.clause, "path": ""} for one in refusals)
    use = Use(on.request_id, on.at, action, REFUSED if refusals else ANSWERED, attended=False, refusals=told)
    record_use(session, asked, use, on.release)


def _revoke_access_token(session: Session, hashed: str, aggregator: Aggregator, at: datetime) -> OAuthRefusal | None:
    found = session.get(AccessToken, hashed, with_for_update=True)
    if found is None:
        return None
    if session.get_one(Registration, found.registration_id).aggregator_id != aggregator.aggregator_id:
        return invalid_grant("another client's token")
    if found.revoked_at is None:
        found.revoked_at = at
        session.add(found)
        actor, subject = f"aggregator:{aggregator.aggregator_id}", f"registration:{found.registration_id}"
        record_act(session, at, actor, "token.revoked", subject, "4-3")
    return None


def _told(refusal: Refusal) -> OAuthRefusal:
    """A refusal of a renewal. New terms are agreed to in a new authorization only, so waiting helps nobody (9-1)."""
    if refusal.reason is Reason.TERMS_NOT_AGREED:
        return invalid_grant(refusal.reason.code, worded(refusal))
    return refused(refusal, "invalid_grant")

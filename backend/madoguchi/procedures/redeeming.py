"""Redeeming a code: the pending registration becomes active, the former is replaced, first tokens are issued (4-1).

Source: RFC 6749 sections 4.1.2 and 4.1.3, RFC 7636 sections 4.1 and 4.6, RFC 9449 section 10; FAPI 2.0 Security
Profile 5.3.2.1-11, 5.3.2.2-5, -9. The client has been recognised before (procedures/authorizing.py). After closing
time codes still serve, as they carry no data; every other rule is asked again.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.authorizing import OAuthRefusal, worded
from madoguchi.procedures.stopping import end_registration
from madoguchi.procedures.tokens import Occasion, Tokens, admission_of, asked_rules, invalid_grant, issue
from madoguchi.procedures.trail import record_act
from madoguchi.records.registrations import AuthorizationCode, RefreshToken, Registration
from madoguchi.rules.asking import Action
from madoguchi.rules.vocabulary import Cause, RegistrationState


@dataclass(frozen=True, slots=True)
class Redemption:
    """What was sent to redeem a code; None where a field was not sent."""

    code: str = field(repr=False)
    redirect_uri: str | None
    code_verifier: str | None = field(repr=False)


def redeem_code(session: Session, sent: Redemption, on: Occasion) -> Tokens | OAuthRefusal:
    """Claim a code and open the registration it stands for: the pending one becomes active, the old one is replaced.

    The first to present a code kills it, with or without success; a failure abandons the pending registration, and the
    old one serves on. A code that had opened a registration and comes again ends that registration with its tokens.
    """
    code = _claim(session, sent.code, on.at)
    if code is None:
        return _not_claimed(session, sent.code, on)
    refusal = _misfit(code, sent, on) or _rules_at_code(session, code, on)
    if refusal is not None:
        end_registration(session, code.registration_id, Cause.ABANDONED, on.actor, on.at)
        return refusal
    if not _activate(session, code.registration_id, on):
        return invalid_grant("the registration is not pending any more")
    asked = admission_of(session, code.registration_id, on)
    refresh_token = opaque.new_secret(opaque.REFRESH_TOKEN)
    session.add(
        RefreshToken(token_hash=opaque.stored(refresh_token), registration_id=code.registration_id, issued_at=on.at)
    )
    return issue(session, asked, asked.registration.scopes, refresh_token, "code", on)


def end_abandoned(session: Session, at: datetime) -> list[str]:
    """End every pending registration whose codes are all used or past; returns their ids.

    Idempotent: any worker may do it at any time. A new consent ends the same customer's older ones by itself.
    """
    redeemable = (
        select(AuthorizationCode.registration_id)
        .where(
            col(AuthorizationCode.registration_id) == col(Registration.registration_id),
            col(AuthorizationCode.used_at).is_(None),
            col(AuthorizationCode.expires_at) > at,
        )
        .exists()
    )
    pending = session.exec(
        select(Registration.registration_id)
        .where(Registration.state == RegistrationState.PENDING, ~redeemable)
        .order_by(col(Registration.registration_id))
    ).all()
    return [one for one in pending if end_registration(session, one, Cause.ABANDONED, "system:codes", at)]


def _claim(session: Session, code: str, at: datetime) -> AuthorizationCode | None:
    return session.scalars(
        update(AuthorizationCode)
        .where(col(AuthorizationCode.code_hash) == opaque.stored(code), col(AuthorizationCode.used_at).is_(None))
        .values(used_at=at)
        .returning(AuthorizationCode)
    ).one_or_none()


def _not_claimed(session: Session, code: str, on: Occasion) -> OAuthRefusal:
    """An unknown code, or one that was used: then somebody else holds it too, and what that use opened ends.

    A use that failed has ended its registration already; a code that a double click replaced is gone, hence unknown.
    """
    used = session.get(AuthorizationCode, opaque.stored(code))
    if used is None:
        return invalid_grant("unknown code")
    end_registration(session, used.registration_id, Cause.CODE_REPLAYED, on.actor, on.at)
    return invalid_grant("code used before")


def _misfit(code: AuthorizationCode, sent: Redemption, on: Occasion) -> OAuthRefusal | None:
    """What of the redemption does not fit the code: client, time, address, verifier, key."""
    if code.aggregator_id != on.aggregator.aggregator_id:
        return invalid_grant("another client's code")
    if on.at >= code.expires_at:
        return invalid_grant("code expired")
    if sent.redirect_uri != code.redirect_uri:
        return invalid_grant("redirect_uri is not the pushed one")
    if not _verifies(sent.code_verifier, code.code_challenge):
        return invalid_grant("code_verifier does not fit")
    if code.dpop_jkt is not None and code.dpop_jkt != on.jkt:
        return invalid_grant("the code is bound to another key")
    return None


def _verifies(verifier: str | None, challenge: str) -> bool:
    """RFC 7636 sections 4.1 and 4.6, S256."""
    if verifier is None or not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return opaque.same(digest.decode(), challenge)


def _rules_at_code(session: Session, code: AuthorizationCode, on: Occasion) -> OAuthRefusal | None:
    asked = admission_of(session, code.registration_id, on)
    if asked.registration.state is not RegistrationState.PENDING:
        return invalid_grant("the registration is not pending any more")
    for refusal in asked_rules(asked, Action.CODE):
        return invalid_grant(refusal.reason.code, worded(refusal))
    return None


def _activate(session: Session, registration_id: str, on: Occasion) -> bool:
    """Pending to active, the customer's former registration with this aggregator to replaced: one transaction (4-1)."""
    pending = session.get_one(Registration, registration_id)
    former = session.exec(
        select(Registration.registration_id).where(
            Registration.customer_id == pending.customer_id,
            Registration.aggregator_id == pending.aggregator_id,
            Registration.state == RegistrationState.ACTIVE,
        )
    ).all()
    for one in former:
        end_registration(session, one, Cause.REPLACED, f"customer:{pending.customer_id}", on.at)
    activated = session.execute(
        update(Registration)
        .where(col(Registration.registration_id) == registration_id)
        .where(col(Registration.state) == RegistrationState.PENDING)
        .values(state=RegistrationState.ACTIVE, activated_at=on.at)
        .returning(col(Registration.registration_id))
        .execution_options(synchronize_session="fetch")
    ).all()
    if activated:
        record_act(session, on.at, on.actor, "registration.activated", f"registration:{registration_id}", "4-1")
    return bool(activated)

"""What time brings to registrations and one-time things: ends are marked, and what can serve no more is forgotten.

No decision waits for a sweep: what has lapsed is refused whether or not one has run (4-1). Idempotent conditional
statements that any worker may run at any time. The trail, the records of use and registrations are never touched by
forgetting.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from madoguchi.procedures.redeeming import end_abandoned
from madoguchi.procedures.stopping import end_registration
from madoguchi.records.bank import RemovedTransaction
from madoguchi.records.login import BrowserSession, LoginTries
from madoguchi.records.quotas import QuotaUse
from madoguchi.records.registrations import AccessToken, AuthorizationCode, PushedRequest, Registration, UsedOnce
from madoguchi.records.service import Institution
from madoguchi.rules.data_window import months_before
from madoguchi.rules.vocabulary import JST, Cause, RegistrationState

ACTOR: Final = "system:sweep"
KEPT: Final = timedelta(days=1)
"""How long what serves no more stays, for whoever has to find out what happened; as long a replayed code is known."""
WITHDRAWALS_KEPT: Final = timedelta(days=31)
"""How long after its day has left the window (2-4) it is still known that a row of the history was withdrawn."""


def sweep(session: Session, at: datetime) -> None:
    """Mark registrations whose period or code is over as ended; forget one-time things that could serve no more."""
    end_abandoned(session, at)
    end_expired(session, at)
    forget_withdrawals(session, at)
    for over in (
        delete(UsedOnce).where(col(UsedOnce.expires_at) <= at),
        delete(QuotaUse).where(col(QuotaUse.kept_until) <= at),
        delete(AccessToken).where(col(AccessToken.expires_at) <= at - KEPT),
        delete(AuthorizationCode).where(col(AuthorizationCode.expires_at) <= at - KEPT),
        delete(BrowserSession).where(col(BrowserSession.expires_at) <= at - KEPT),
        delete(LoginTries).where(
            col(LoginTries.last_at) <= at - KEPT,
            or_(col(LoginTries.locked_until).is_(None), col(LoginTries.locked_until) <= at),
        ),
        delete(PushedRequest).where(col(PushedRequest.pushed_at) <= at - KEPT, col(PushedRequest.decided_at).is_(None)),
    ):
        session.execute(over.execution_options(synchronize_session=False))


def end_expired(session: Session, at: datetime) -> list[str]:
    """第4条第1項: end every registration whose `until` has come; returns their ids."""
    over = session.exec(
        select(Registration.registration_id)
        .where(Registration.until <= at, Registration.state == RegistrationState.ACTIVE)
        .order_by(col(Registration.registration_id))
    ).all()
    return [one for one in over if end_registration(session, one, Cause.EXPIRED, ACTOR, at)]


def forget_withdrawals(session: Session, at: datetime) -> None:
    """Forget withdrawn rows whose day no aggregator may see any more, nor could a month ago (2-4)."""
    history_months = session.exec(select(Institution.history_months)).first()
    if history_months is not None:
        window_begins = months_before(at.astimezone(JST).date(), history_months)
        over = col(RemovedTransaction.booked_on) < window_begins - WITHDRAWALS_KEPT
        session.execute(delete(RemovedTransaction).where(over).execution_options(synchronize_session=False))

"""手続きの進行: one pushed request on its way through one browser, and whether it may take the next step.

Source: terms 4-1 with `rules.registering`; RFC 9126 (a request is opened once), FAPI 2.0 attacker model (only the
browser that opened a request goes on with it). Every step asks `proceed` again, so that whatever changed between two
steps stops the next one. The log-in itself is logging_in.py; the decision is consenting.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import aggregator_facts
from madoguchi.procedures.logging_in import Identified, IdentityMethod
from madoguchi.procedures.service import institution_facts, stops_for
from madoguchi.procedures.trail import record_act
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Contract, Customer
from madoguchi.records.login import BrowserSession
from madoguchi.records.registrations import PushedRequest, Registration
from madoguchi.rules import eligibility, registering, service_hours
from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.vocabulary import ContractState, Product, RegistrationState
from madoguchi.settings import Settings

SESSION_LIFETIME = timedelta(hours=2)
"""Longer than login page and consent page together; a browser session by itself opens nothing."""


class Obstacle(Enum):
    """Why a step is not taken; the pages' E states. The order is the order in which they are told."""

    REQUEST_UNKNOWN = auto()
    NOT_VERIFIED = auto()  # the aggregator's contract is not in force: no way back to it (1-2-2)
    OTHER_BROWSER = auto()
    ALREADY_DECIDED = auto()
    REQUEST_EXPIRED = auto()
    NOT_LOGGED_IN = auto()
    LOGGED_OUT = auto()  # the log-in has grown too old before the consent page was shown (4-1)
    LOCKED = auto()
    NO_INTERNET_BANKING = auto()  # 1-2-1
    INTERNET_BANKING_SUSPENDED = auto()  # 7-3: the customer's own
    SUSPENDED = auto()  # 7-3
    CLOSED = auto()  # 2-1, 4-1
    NO_ELIGIBLE_ACCOUNT = auto()  # 2-2


OBSTACLE_OF = {
    Reason.AGGREGATOR_NOT_CONTRACTED: Obstacle.NOT_VERIFIED,
    Reason.INTERNET_BANKING_ENDED: Obstacle.NO_INTERNET_BANKING,
    Reason.INTERNET_BANKING_SUSPENDED: Obstacle.INTERNET_BANKING_SUSPENDED,
    Reason.SERVICE_STOPPED: Obstacle.SUSPENDED,
    Reason.OUTSIDE_SERVICE_HOURS: Obstacle.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One step that a browser takes on a request: which request, in which browser session, when, and in which house.

    session_hash  `opaque.stored` of the cookie; None when the browser brought none.
    """

    request_id: str
    session_hash: str | None
    at: datetime
    identity: IdentityMethod
    settings: Settings


@dataclass(frozen=True, slots=True)
class Proceeding:
    """A request that may go on, with what its pages tell. Customer and contract are None before the log-in.

    is_again  it was logged in already, and this browser holds the id from before (`proceed_to_login`).
    """

    request: PushedRequest
    aggregator: Aggregator
    facts: InstitutionFacts
    customer: Customer | None
    contract: Contract | None
    login_method: str
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Halt:
    """A step refused, with what may be told: to the request's own browser all of it, to any other nothing.

    opens_at  when to come again, where it is known: the next opening, or the end of a lock.
    serving   the customer's registration that goes on meanwhile.
    """

    obstacle: Obstacle
    request: PushedRequest | None = None
    aggregator: Aggregator | None = None
    opens_at: datetime | None = None
    serving: Registration | None = None


def open_request(session: Session, visit: Visit, new_hash: str) -> Proceeding | Halt:
    """Open a pushed request in a browser: the first within its 90 s has it, and only that one may come again.

    A browser without a living session gets one under `new_hash`.
    """
    at, session_hash = visit.at, visit.session_hash
    request = session.get(PushedRequest, visit.request_id, with_for_update=True)
    if request is None:
        return Halt(Obstacle.REQUEST_UNKNOWN)
    if request.opened_at is None and request.decided_at is None:
        if at >= request.expires_at:
            return _expired(session, request, at)
        session_hash = _session_for(session, session_hash, new_hash, at)
        session.execute(
            update(PushedRequest)
            .where(col(PushedRequest.request_id) == visit.request_id, col(PushedRequest.opened_at).is_(None))
            .values(opened_at=at, session_hash=session_hash, page_expires_at=at + visit.settings.consent_page_lifetime)
            .execution_options(synchronize_session=False)
        )
        session.refresh(request)
    return proceed_to_login(session, replace(visit, session_hash=session_hash))


def proceed(session: Session, visit: Visit) -> Proceeding | Halt:
    """Whether this browser may take the next step: the request is its own, undecided and alive, and all rules agree."""
    at = visit.at
    request = session.get(PushedRequest, visit.request_id)
    if request is None:
        return Halt(Obstacle.REQUEST_UNKNOWN)
    browser = _live_session(session, visit.session_hash, at)
    if browser is None or request.session_hash is None or not opaque.same(request.session_hash, browser.session_hash):
        return Halt(Obstacle.OTHER_BROWSER)
    aggregator = session.get_one(Aggregator, request.aggregator_id)
    if request.decided_at is not None:
        return halt(session, Obstacle.ALREADY_DECIDED, request, aggregator, at)
    if request.page_expires_at is None or at >= request.page_expires_at:
        return _expired(session, request, at)
    return ask_rules(session, visit, request, browser)


def proceed_to_login(session: Session, visit: Visit) -> Proceeding | Halt:
    """Like `proceed`, and open besides to the id from before the log-in, until the consent page has been shown.

    When one form is sent twice, the browser may drop the first answer and the new id with it. The old id must not lead
    to what the log-in opened: it may have been planted (session fixation), and one code logs in once (RFC 6238 section
    5.2). But whoever holds it opened this request and may prove an identity again, with another code; the request then
    starts over and is lost to the first log-in. Of that one nothing is told: every refusal is OTHER_BROWSER.
    """
    found = proceed(session, visit)
    if not isinstance(found, Halt) or found.obstacle is not Obstacle.OTHER_BROWSER or visit.session_hash is None:
        return found
    request = session.get_one(PushedRequest, visit.request_id)
    browser = _live_session(session, request.session_hash, visit.at)
    before = browser.before_login if browser is not None and request.shown_at is None else None
    if before is None or not opaque.same(before, visit.session_hash):
        return found
    logged_in = proceed(session, replace(visit, session_hash=request.session_hash))
    if isinstance(logged_in, Halt):
        return found
    return replace(logged_in, customer=None, contract=None, login_method="", is_again=True)


def may_end(session: Session, visit: Visit, request: PushedRequest) -> bool:
    """Whose request it is may end it; one that nobody opened is nobody's until it is too late to open it."""
    if request.session_hash is None:
        return visit.at >= request.expires_at
    return request.session_hash == visit.session_hash or isinstance(proceed_to_login(session, visit), Proceeding)


def ask_rules(session: Session, visit: Visit, request: PushedRequest, browser: BrowserSession) -> Proceeding | Halt:
    """The rules of registering for this request's aggregator and, once logged in, its customer (security.md 11)."""
    at = visit.at
    aggregator = session.get_one(Aggregator, request.aggregator_id)
    facts = institution_facts(session)
    customer = session.get(Customer, request.customer_id) if request.customer_id is not None else None
    contract = session.get(Contract, request.contract_id) if request.contract_id is not None else None
    stops = stops_for(session, aggregator.aggregator_id, request.customer_id)
    if contract is None:
        refusals = registering.may_approach(aggregator_facts(aggregator), facts, stops, at)
        refusals += _closed_for_everybody(facts, at)
    else:
        standing = (ContractState(contract.state), Product(contract.product))
        refusals = registering.may_register(aggregator_facts(aggregator), facts, standing, stops, at)
    reasons = [(OBSTACLE_OF[refusal.reason], refusal.retry_at) for refusal in refusals]
    if customer is not None and (until := visit.identity.locked_until(session, customer.customer_id or 0, at)):
        reasons.append((Obstacle.LOCKED, until))
    if customer is None and not visit.identity.is_available:
        reasons.append((Obstacle.SUSPENDED, None))
    if customer is not None and contract is None:
        reasons.append((Obstacle.NO_INTERNET_BANKING, None))
    if reasons:
        obstacle, opens_at = min(reasons, key=lambda reason: reason[0].value)
        return halt(session, obstacle, request, aggregator, at, opens_at)
    return Proceeding(request, aggregator, facts, customer, contract, browser.login_method)


def bind_login(session: Session, visit: Visit, who: Identified, new_hash: str) -> Proceeding | Halt:
    """Let a proof of identity belong to this request (4-1), and change the browser's session id to `new_hash`.

    The other requests of the same browser move to the new id with it. Nothing changes when the request may not go on or
    its consent page was shown already.
    """
    at = visit.at
    session.get(PushedRequest, visit.request_id, with_for_update=True)  # one log-in after the other
    found = proceed_to_login(session, visit)
    if isinstance(found, Halt) or found.request.shown_at is not None:
        return found
    session.add(
        BrowserSession(
            session_hash=new_hash,
            created_at=at,
            expires_at=at + SESSION_LIFETIME,
            before_login=visit.session_hash,
            login_method=who.method,
        )
    )
    session.execute(
        update(PushedRequest)
        .where(
            or_(
                col(PushedRequest.session_hash) == visit.session_hash,
                col(PushedRequest.request_id) == visit.request_id,
            )
        )
        .values(session_hash=new_hash)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(BrowserSession).where(col(BrowserSession.session_hash) == visit.session_hash))
    session.refresh(found.request)
    found.request.logged_in_at = at
    found.request.customer_id = who.customer_id
    found.request.contract_id = who.contract_id
    session.add(found.request)
    actor = f"customer:{who.customer_id}"
    record_act(session, at, actor, "identity.proved", f"request:{visit.request_id}", "4-1", method=who.method)
    session.flush()
    return proceed(session, replace(visit, session_hash=new_hash))


def serving_registration(session: Session, customer_id: int, aggregator_id: str, at: datetime) -> Registration | None:
    """The customer's registration with this aggregator that serves now, if any."""
    return session.exec(
        select(Registration).where(
            Registration.customer_id == customer_id,
            Registration.aggregator_id == aggregator_id,
            Registration.state == RegistrationState.ACTIVE,
            Registration.until > at,
        )
    ).first()


def halt(
    session: Session,
    obstacle: Obstacle,
    request: PushedRequest,
    aggregator: Aggregator,
    at: datetime,
    opens_at: datetime | None = None,
) -> Halt:
    """The refusal of a step, with what may be told to the request's own browser."""  # fmt: skip
    if eligibility.is_designated(at, aggregator_facts(aggregator)) is not None:
        # Whatever else holds: whoever is no longer designated is not linked to, nor redirected to.
        return Halt(Obstacle.NOT_VERIFIED)
    serving = None
    if request.customer_id is not None:
        serving = serving_registration(session, request.customer_id, request.aggregator_id, at)
    return Halt(obstacle, request, aggregator, opens_at, serving)


def _expired(session: Session, request: PushedRequest, at: datetime) -> Halt:
    return halt(session, Obstacle.REQUEST_EXPIRED, request, session.get_one(Aggregator, request.aggregator_id), at)


def _closed_for_everybody(facts: InstitutionFacts, at: datetime) -> tuple[Refusal, ...]:
    """Before the log-in nobody knows whose hours count; but when all are closed, asking for a password is in vain."""
    answers = [service_hours.within_service_hours(at, product, facts) for product in Product]
    closed = [answer for answer in answers if answer is not None]
    if len(closed) < len(answers):
        return ()
    return tuple(sorted(closed, key=lambda answer: (answer.retry_at is None, answer.retry_at or at))[:1])


def _live_session(session: Session, session_hash: str | None, at: datetime) -> BrowserSession | None:
    browser = session.get(BrowserSession, session_hash) if session_hash is not None else None
    return browser if browser is not None and at < browser.expires_at else None


def _session_for(session: Session, session_hash: str | None, new_hash: str, at: datetime) -> str:
    browser = _live_session(session, session_hash, at)
    if browser is None:
        browser = BrowserSession(session_hash=new_hash, created_at=at, expires_at=at)
    browser.expires_at = at + SESSION_LIFETIME
    session.add(browser)
    session.flush()
    return browser.session_hash

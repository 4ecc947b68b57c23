"""同意 (4-1, 1-3, 2-3, 4-7): the customer's choice and the decision, made once.

`give_consent` completes the registration (利用登録): it is pending until its code is redeemed, which activates it
(procedures/redeeming.py). Everything is checked again here whatever the page allowed; what a step has to pass is
proceeding.py, what the page states is consent_page.py. Source besides the terms: RFC 6749 sections 4.1.2 and 4.1.2.1,
RFC 9207 section 2.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import aggregator_facts
from madoguchi.procedures.consent_page import ConsentView, view_of
from madoguchi.procedures.proceeding import (
    Halt,
    Obstacle,
    Visit,
    ask_rules,
    halt,
    may_end,
    proceed,
    serving_registration,
)
from madoguchi.procedures.stopping import end_registration
from madoguchi.procedures.trail import record_act
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Customer
from madoguchi.records.login import BrowserSession
from madoguchi.records.registrations import AuthorizationCode, PushedRequest, Registration, RegistrationAccount
from madoguchi.rules import eligibility, registering
from madoguchi.rules.vocabulary import Cause, RegistrationState, Scope

FUNCTIONS: Final = frozenset({Scope.BALANCES, Scope.TRANSACTIONS})
"""The two functions of 2-1; at least one has to be chosen."""

ACCESS_DENIED: Final = "access_denied"
TEMPORARILY_UNAVAILABLE: Final = "temporarily_unavailable"
ERRORS: Final = (ACCESS_DENIED, TEMPORARILY_UNAVAILABLE)
"""What an aggregator can be told of a registration that did not come about (RFC 6749 section 4.1.2.1)."""

APPROVED: Final = "approved"
"""A request's decision; of one that was denied, the error that the aggregator was told."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the customer posted.

    accounts, scopes  as posted, not trusted
    confirmed         clauses of the checks that were made (`rules.registering.CONFIRMATIONS`)
    terms_digest      of the terms that the page showed
    last_day          that the page stated
    """

    accounts: frozenset[str]
    scopes: frozenset[str]
    confirmed: frozenset[str]
    terms_digest: str
    last_day: date


class Mistake(Enum):
    """What keeps a choice from completing a registration; the customer mends it on the same page."""

    NO_ACCOUNT = auto()
    ACCOUNT_NOT_OFFERED = auto()  # somebody else's, a time deposit, one taken out of internet banking, or none at all
    NO_INFORMATION = auto()
    SCOPE_NOT_OFFERED = auto()
    NO_CONTRACT = auto()  # 1-2-2
    NO_TERMS = auto()  # 1-3
    NO_RISKS = auto()  # 4-7
    TERMS_CHANGED = auto()  # 9-1: another version came into force while the page was open
    LAST_DAY_CHANGED = auto()  # midnight passed: the registration would end on another day than the page stated


_MISTAKE_OF_CHECK: Final = {"1-2-2": Mistake.NO_CONTRACT, "1-3": Mistake.NO_TERMS, "4-7": Mistake.NO_RISKS}


@dataclass(frozen=True, slots=True)
class Mistakes:
    """All of them at once, with the page to show again."""

    mistakes: tuple[Mistake, ...]
    view: ConsentView


@dataclass(frozen=True, slots=True)
class Redirect:
    """Back to the aggregator, at the redirect URI that was registered and pushed."""

    url: str


def give_consent(session: Session, visit: Visit, choice: Choice) -> Redirect | Mistakes | Halt:
    """第4条第1項: complete the registration, and return the redirect that carries its code.

    Afterwards there is one pending registration of this customer and aggregator, with its accounts, its code and its
    act in the trail, and the request is decided. The same choice again, while its code is unredeemed, burns that code
    and gives another for the same registration (a double click); later the request is over.
    Mistakes and Halt: nothing was registered.
    """
    # Two posts of one page come one after the other (a row lock; SQLite has one writer anyway).
    request = session.get(PushedRequest, visit.request_id, with_for_update=True)
    found = proceed(session, visit)
    if isinstance(found, Halt):
        if request is not None and found.obstacle is Obstacle.ALREADY_DECIDED:
            return _code_again(session, visit, request, choice) or found
        return found
    if found.request.shown_at is None:
        return Halt(Obstacle.NOT_LOGGED_IN, found.request, found.aggregator)
    view = view_of(session, visit, found, found.request.shown_at)
    if isinstance(view, Halt):
        return view
    if mistakes := _mistakes(view, choice):
        found.request.terms_shown = view.terms.version
        session.add(found.request)
        return Mistakes(mistakes, view)
    if not _claim(session, found.request, APPROVED, visit.at):
        raise RuntimeError("a locked and undecided request could not be claimed")
    registration = _register(session, view, choice, visit.at)
    found.request.registration_id = registration.registration_id
    session.add(found.request)
    return _with_code(session, visit, found.request, registration)


def deny_consent(session: Session, visit: Visit, error: str) -> Redirect | Halt:
    """End the request without a registration; the aggregator is told `error` (one of ERRORS) and nothing else.

    Works at any hour, under any stop, before the log-in and after the page's end. A repeat tells the first error again,
    whichever it asks for. Only an aggregator that is no longer designated is not redirected to.
    """
    if error not in ERRORS:
        raise ValueError("not an error that an aggregator can be told")
    at = visit.at
    request = session.get(PushedRequest, visit.request_id, with_for_update=True)
    if request is None:
        return Halt(Obstacle.REQUEST_UNKNOWN)
    aggregator = session.get_one(Aggregator, request.aggregator_id)
    if eligibility.is_designated(at, aggregator_facts(aggregator)) is not None:
        return Halt(Obstacle.NOT_VERIFIED)
    if not may_end(session, visit, request):
        return Halt(Obstacle.OTHER_BROWSER)
    if request.decision == APPROVED:
        return halt(session, Obstacle.ALREADY_DECIDED, request, aggregator, at)
    if _claim(session, request, error, at) and request.customer_id is not None:
        actor = f"customer:{request.customer_id}"
        record_act(session, at, actor, "consent.denied", f"request:{visit.request_id}", "4-1", error=error)
    return _redirect(request, visit.settings.issuer, error=request.decision or error)


def _mistakes(view: ConsentView, choice: Choice) -> tuple[Mistake, ...]:
    eligible = {str(line.account.account_id) for line in view.accounts if line.eligible}
    found = {
        Mistake.NO_ACCOUNT: not choice.accounts,
        Mistake.ACCOUNT_NOT_OFFERED: not choice.accounts <= eligible,
        Mistake.NO_INFORMATION: not choice.scopes & FUNCTIONS,
        Mistake.SCOPE_NOT_OFFERED: not choice.scopes <= set(view.offered),
        Mistake.TERMS_CHANGED: choice.terms_digest != view.terms.digest,
        Mistake.LAST_DAY_CHANGED: choice.last_day != view.last_day,
    }
    unconfirmed = [_MISTAKE_OF_CHECK[clause] for clause in registering.missing_confirmations(choice.confirmed)]
    return tuple(mistake for mistake in Mistake if found.get(mistake, mistake in unconfirmed))


def _granted(view: ConsentView, choice: Choice) -> list[str]:
    """口座情報 comes with every registration that was asked for it; the two functions are the customer's choice."""
    return [scope.value for scope in view.offered if scope is Scope.ACCOUNTS or scope in choice.scopes]


def _claim(session: Session, request: PushedRequest, decision: str, at: datetime) -> bool:
    """The decision of a request is made once: whoever comes first (security.md 5)."""
    claimed = session.execute(
        update(PushedRequest)
        .where(col(PushedRequest.request_id) == request.request_id, col(PushedRequest.decided_at).is_(None))
        .values(decided_at=at, decision=decision)
        .returning(col(PushedRequest.request_id))
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(request)
    return bool(claimed)


def _register(session: Session, view: ConsentView, choice: Choice, at: datetime) -> Registration:
    request, aggregator = view.proceeding.request, view.proceeding.aggregator
    customer_id, contract_id, logged_in_at = request.customer_id, request.contract_id, request.logged_in_at
    if customer_id is None or contract_id is None or logged_in_at is None:
        raise RuntimeError("a consent page was shown without a log-in")
    session.get_one(Customer, customer_id, with_for_update=True)  # two pages of one customer: one after the other
    actor = f"customer:{customer_id}"
    older = select(Registration).where(
        Registration.customer_id == customer_id,
        Registration.aggregator_id == aggregator.aggregator_id,
        Registration.state == RegistrationState.PENDING,
    )
    for pending in session.exec(older).all():
        end_registration(session, pending.registration_id, Cause.ABANDONED, actor, at)
    serving = serving_registration(session, customer_id, aggregator.aggregator_id, at)
    registration = Registration(
        registration_id=opaque.new_id("reg_"),
        grant_id=serving.grant_id if serving is not None else opaque.new_id("gr_"),
        aggregator_id=aggregator.aggregator_id,
        customer_id=customer_id,
        contract_id=contract_id,
        state=RegistrationState.PENDING,
        scopes=_granted(view, choice),
        identifiers=list(aggregator.identifiers),
        terms_version=view.terms.version,
        terms_digest=view.terms.digest,
        confirmed=list(registering.CONFIRMATIONS),
        logged_in_at=logged_in_at,
        login_method=view.proceeding.login_method,
        registered_at=at,
        until=view.until,
    )
    session.add(registration)
    session.flush()
    accounts = sorted(int(account) for account in choice.accounts)
    for account_id in accounts:
        session.add(RegistrationAccount(registration_id=registration.registration_id, account_id=account_id))
    record_act(
        session, at, actor, "registration.completed", f"registration:{registration.registration_id}", "4-1",
        request=request.request_id, grant=registration.grant_id, aggregator=aggregator.aggregator_id,
        accounts=accounts, scopes=registration.scopes, until=registration.until.isoformat(),
        terms=registration.terms_version.isoformat(), terms_digest=registration.terms_digest,
        confirmed=registration.confirmed, login=registration.login_method, logged_in_at=logged_in_at.isoformat(),
    )  # fmt: skip
    return registration


def _with_code(session: Session, visit: Visit, request: PushedRequest, registration: Registration) -> Redirect:
    code = opaque.new_secret(opaque.AUTHORIZATION_CODE)
    session.add(
        AuthorizationCode(
            code_hash=opaque.stored(code),
            registration_id=registration.registration_id,
            aggregator_id=registration.aggregator_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            dpop_jkt=request.dpop_jkt,
            issued_at=visit.at,
            expires_at=visit.at + visit.settings.code_lifetime,
        )
    )
    return _redirect(request, visit.settings.issuer, code=code)


def _code_again(session: Session, visit: Visit, request: PushedRequest, choice: Choice) -> Redirect | Halt | None:
    """A double click: the same choice again, in the same browser, while the code lives and was not redeemed."""
    registration = session.get(Registration, request.registration_id) if request.registration_id is not None else None
    browser = session.get(BrowserSession, request.session_hash) if request.session_hash is not None else None
    if registration is None or browser is None or not _same_choice(session, registration, choice):
        return None
    if isinstance(found := ask_rules(session, visit, request, browser), Halt):
        return found
    # A burnt code is gone, not used: presenting it later is an unknown code, never a replay that ends the registration.
    burnt = session.execute(
        delete(AuthorizationCode)
        .where(
            col(AuthorizationCode.registration_id) == registration.registration_id,
            col(AuthorizationCode.used_at).is_(None),
            col(AuthorizationCode.expires_at) > visit.at,
        )
        .returning(col(AuthorizationCode.code_hash))
        .execution_options(synchronize_session=False)
    ).all()
    if registration.state != RegistrationState.PENDING or not burnt:
        return None
    actor, subject = f"customer:{registration.customer_id}", f"registration:{registration.registration_id}"
    record_act(session, visit.at, actor, "registration.code_renewed", subject, "4-1")
    return _with_code(session, visit, request, registration)


def _same_choice(session: Session, registration: Registration, choice: Choice) -> bool:
    chosen = session.exec(
        select(RegistrationAccount.account_id).where(
            RegistrationAccount.registration_id == registration.registration_id
        )
    ).all()
    return (
        choice.accounts == {str(account_id) for account_id in chosen}
        and choice.scopes | {Scope.ACCOUNTS} == {*registration.scopes, Scope.ACCOUNTS}
        and not registering.missing_confirmations(choice.confirmed)
    )


def _redirect(request: PushedRequest, issuer: str, **answer: str) -> Redirect:
    """The authorization response (RFC 6749 section 4.1.2, RFC 9207): the answer, `state` if there was one, `iss`."""
    parameters = {**answer, **({"state": request.state} if request.state is not None else {}), "iss": issuer}
    uri = request.redirect_uri
    joint = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return Redirect(f"{uri}{joint}{urlencode(parameters)}")

"""同意画面 (4-1): what the consent page states, who may see it, and for how long it lives.

Source: terms 4-1 (fresh proof of identity), 1-3 (the version in force), 2-2 (which accounts), 4-3 (what is offered is
what was asked within the contract). What the customer answers is consenting.py; `is_registered` tells what came of it.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from madoguchi.procedures.proceeding import Halt, Obstacle, Proceeding, Visit, halt, proceed
from madoguchi.procedures.service import institution
from madoguchi.procedures.terms import TermsText, terms_now, terms_text
from madoguchi.records.bank import Account, Branch
from madoguchi.records.registrations import AuthorizationCode, PushedRequest, Registration
from madoguchi.rules import registering
from madoguchi.rules.data_window import DataWindow, data_window
from madoguchi.rules.eligible_accounts import is_eligible
from madoguchi.rules.facts import AccountFacts
from madoguchi.rules.registration_period import last_day, registration_until
from madoguchi.rules.vocabulary import AccountKind, AccountState, RegistrationState, Scope
from madoguchi.settings import Settings


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account of the contract; `eligible` is 2-2."""

    account: Account
    branch_name: str
    eligible: bool


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What the consent page states, and `until`, the exclusive end of a registration completed now.

    offered       what was asked for, within the aggregator's contract
    window        the history that would be given now (2-4)
    terms_before  the version shown earlier, where another is in force now
    """

    proceeding: Proceeding
    institution_name: str
    accounts: tuple[AccountLine, ...]
    offered: tuple[Scope, ...]
    window: DataWindow
    until: datetime
    terms: TermsText
    terms_before: TermsText | None

    @property
    def last_day(self) -> date:
        """The day (JST, included) that the customer is told."""
        return last_day(self.until)


def show_consent(session: Session, visit: Visit) -> ConsentView | Halt:
    """What the consent page states now. The first showing starts the page's 30 minutes and needs a fresh log-in."""
    at = visit.at
    found = proceed(session, visit)
    if isinstance(found, Halt):
        return found
    view = view_of(session, visit, found, found.request.shown_at or at)
    if isinstance(view, Halt):
        return view
    request = found.request
    if request.shown_at is None:
        request.shown_at = at
        request.page_expires_at = at + visit.settings.consent_page_lifetime
    request.terms_shown = view.terms.version
    session.add(request)
    return view


def extend_page(session: Session, visit: Visit) -> ConsentView | Halt:
    """Let a living consent page live until 60 minutes after it was first shown (WCAG 2.2.1); again: nothing changes."""
    view = show_consent(session, visit)
    if isinstance(view, ConsentView):
        request = view.proceeding.request
        request.page_expires_at = _ceiling(request, visit.settings)
        session.add(request)
    return view


def is_extendable(request: PushedRequest, settings: Settings) -> bool:
    """Whether the page can live longer than it does."""
    expires = request.page_expires_at
    return expires is not None and request.shown_at is not None and expires < _ceiling(request, settings)


def view_of(session: Session, visit: Visit, found: Proceeding, shown_at: datetime) -> ConsentView | Halt:
    """The page of a request that may go on, if its log-in is fresh for `shown_at` and there is an account to choose."""
    request, aggregator = found.request, found.aggregator
    if found.contract is None or request.logged_in_at is None:
        return halt(session, Obstacle.NOT_LOGGED_IN, request, aggregator, visit.at)
    if not registering.is_fresh(request.logged_in_at, shown_at, visit.settings.fresh_login):
        return halt(session, Obstacle.LOGGED_OUT, request, aggregator, visit.at)
    accounts = _accounts(session, found)
    if not any(line.eligible for line in accounts):
        return halt(session, Obstacle.NO_ELIGIBLE_ACCOUNT, request, aggregator, visit.at)
    terms, house = terms_now(session, visit.at), institution(session)
    before = request.terms_shown
    return ConsentView(
        proceeding=found,
        institution_name=house.name,
        accounts=accounts,
        offered=tuple(scope for scope in Scope if scope in request.scopes and scope in aggregator.scopes),
        window=data_window(visit.at, found.facts.history_months, aggregator.history_days),
        until=registration_until(visit.at, house.registration_days),
        terms=terms,
        terms_before=terms_text(session, before) if before is not None and before != terms.version else None,
    )


def is_registered(session: Session, request: PushedRequest, at: datetime) -> bool:
    """Whether the registration of an approved request stands: it serves, or its code can still be redeemed."""
    registration = session.get(Registration, request.registration_id) if request.registration_id is not None else None
    if registration is None or at >= registration.until:
        return False
    if registration.state != RegistrationState.PENDING:
        return registration.state == RegistrationState.ACTIVE
    codes = select(AuthorizationCode).where(
        AuthorizationCode.registration_id == registration.registration_id,
        col(AuthorizationCode.used_at).is_(None),
        AuthorizationCode.expires_at > at,
    )
    return session.exec(codes).first() is not None


def _accounts(session: Session, found: Proceeding) -> tuple[AccountLine, ...]:
    rows = session.exec(
        select(Account, Branch)
        .join(Branch, col(Branch.branch_code) == col(Account.branch_code))
        .where(Account.contract_id == found.request.contract_id, Account.state != AccountState.CLOSED)
        .order_by(col(Account.kind), col(Account.account_id))
    ).all()
    return tuple(
        AccountLine(account, branch.name, is_eligible(_facts(account), found.facts.excluded_products))
        for account, branch in rows
    )


def _facts(account: Account) -> AccountFacts:
    return AccountFacts(
        account.account_id or 0,
        account.branch_code,
        AccountKind(account.kind),
        account.product_code,
        AccountState(account.state),
    )


def _ceiling(request: PushedRequest, settings: Settings) -> datetime:
    if request.shown_at is None:
        raise ValueError("the consent page was not shown yet")
    return request.shown_at + settings.consent_page_ceiling

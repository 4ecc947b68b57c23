"""The ordered list of all rules for a read, asked once per request.

`answers` is every rule's answer, which `madoguchi explain` prints; `Access` is the decision the API carries. Every
refusal is returned, not only the first: an aggregator mends all of them at once, an examiner sees all of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from madoguchi.rules import (
    agreed_terms,
    data_window,
    disclosure,
    eligibility,
    eligible_accounts,
    registration_period,
    service_hours,
    suspension,
)
from madoguchi.rules.data_window import DataWindow
from madoguchi.rules.decision import Clause, Effect, Refusal
from madoguchi.rules.facts import InstitutionFacts, RegistrationFacts
from madoguchi.rules.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule said. `subject`: empty for the whole request, else a scope, an identifying item or `account N`.

    asked  False where what was done does not depend on the rule (asking.py).
    """

    rule: str
    clause: Clause
    subject: str
    refusals: tuple[Refusal, ...]
    asked: bool = True


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """One eligible account and what withholds its functions."""

    account_id: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """The decision on a read: `refusals` for the whole request, then per function, identifying item and account."""

    refusals: tuple[Refusal, ...]
    functions: tuple[tuple[Scope, tuple[Refusal, ...]], ...]
    identifiers: tuple[tuple[str, tuple[Refusal, ...]], ...]
    accounts: tuple[AccountAccess, ...]
    window: DataWindow

    @property
    def denied(self) -> bool:
        """The token serves nothing any more (401), not even `registration`."""
        return bool(self.denials)

    @property
    def denials(self) -> tuple[Refusal, ...]:
        """The refusals that no waiting helps."""
        return tuple(refusal for refusal in self.refusals if refusal.reason.effect is Effect.DENIED)

    def function_refusals(self, scope: Scope) -> tuple[Refusal, ...]:
        """What withholds one function for every account."""
        return dict(self.functions)[scope]

    def identifier_refusals(self, item: str) -> tuple[Refusal, ...]:
        """What withholds the account number or the holder's name."""
        return dict(self.identifiers)[item]


def access(
    institution: InstitutionFacts, registration: RegistrationFacts, token_scopes: Collection[Scope], at: datetime
) -> Access:
    """Decide a read at `at` (aware) with a token of `token_scopes`. Pure: the same facts, the same decision."""
    return _decide(answers(institution, registration, token_scopes, at), institution, registration, at)


def answers(
    institution: InstitutionFacts, registration: RegistrationFacts, token_scopes: Collection[Scope], at: datetime
) -> tuple[Answer, ...]:
    """Every rule's answer, in the order of the terms."""
    stops = institution.stops + registration.stops
    whole = (
        _answer("has_internet_banking", "1-2-1", "", eligibility.has_internet_banking(registration.contract_state)),
        _answer("is_designated", "1-2-2", "", eligibility.is_designated(at, registration.aggregator)),
        _answer(
            "within_service_hours", "2-1", "", service_hours.within_service_hours(at, registration.product, institution)
        ),
        _answer("within_registration", "4-1", "", *registration_period.within_registration(at, registration)),
        _answer("service_stopped", "7-3", "", suspension.service_stopped(at, stops)),
        _answer("has_agreed", "9-1", "", agreed_terms.has_agreed(at, registration.terms_version, institution.terms)),
    )
    functions = tuple(
        answer
        for scope in Scope
        for answer in (
            _answer("is_granted", "4-3", scope, disclosure.is_granted(scope, token_scopes, registration)),
            _answer("function_stopped", "7-3", scope, suspension.function_stopped(at, scope, stops)),
        )
    )
    identifiers = tuple(
        _answer("may_identify", "4-3", item, disclosure.may_identify(item, registration))
        for item in disclosure.IDENTIFIERS
    )
    accounts = tuple(
        _answer(
            "account_stopped", "7-3", f"account {account.account_id}", suspension.account_stopped(at, account, stops)
        )
        for account in registration.accounts
        if eligible_accounts.is_eligible(account, institution.excluded_products)
    )
    return whole + functions + identifiers + accounts


def _answer(rule: str, clause: str, subject: str, *refusals: Refusal | None) -> Answer:
    return Answer(rule, Clause(clause), subject, tuple(refusal for refusal in refusals if refusal is not None))


def _decide(
    given: tuple[Answer, ...], institution: InstitutionFacts, registration: RegistrationFacts, at: datetime
) -> Access:
    def of(subject: str) -> tuple[Refusal, ...]:
        return tuple(refusal for answer in given if answer.subject == subject for refusal in answer.refusals)

    return Access(
        refusals=of(""),
        functions=tuple((scope, of(scope)) for scope in Scope),
        identifiers=tuple((item, of(item)) for item in disclosure.IDENTIFIERS),
        accounts=tuple(
            AccountAccess(account.account_id, of(f"account {account.account_id}"))
            for account in registration.accounts
            if eligible_accounts.is_eligible(account, institution.excluded_products)
        ),
        window=data_window.data_window(at, institution.history_months, registration.aggregator.history_days),
    )

"""第4条第1項 API連携認証(利用登録): what a registration has to pass, asked at every step and again at its completion.

Source: terms 4-1 with 1-2-1, 1-2-2, 2-1, 7-3 and 1-2-3; the declared list of preconditions is `PRECONDITIONS`.
Which accounts can be chosen is eligible_accounts.py (2-2); how long it lasts is registration_period.py.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from madoguchi.rules import eligibility, service_hours, suspension
from madoguchi.rules.decision import Clause, Refusal
from madoguchi.rules.facts import AggregatorFacts, InstitutionFacts, Stop
from madoguchi.rules.vocabulary import ContractState, Product

CONFIRMATIONS = (Clause("1-2-2"), Clause("1-3"), Clause("4-7"))
"""The three checks on the consent page, by clause: contract with the aggregator, terms, risks."""

PRECONDITIONS = ("has_internet_banking", "is_designated", "within_service_hours", "service_stopped", "confirmations")
"""1-2-3: with any one of these not met, nothing is registered and no token is issued."""


def may_approach(
    aggregator: AggregatorFacts, institution: InstitutionFacts, stops: tuple[Stop, ...], at: datetime
) -> tuple[Refusal, ...]:
    """Before anybody has logged in: whether this aggregator's customers can register now, whatever their product.

    stops  those of this aggregator; those of the institution are added here.
    """
    answers = (
        eligibility.is_designated(at, aggregator),
        suspension.service_stopped(at, institution.stops + stops),
    )
    return tuple(refusal for refusal in answers if refusal is not None)


def may_register(
    aggregator: AggregatorFacts,
    institution: InstitutionFacts,
    contract: tuple[ContractState, Product],
    stops: tuple[Stop, ...],
    at: datetime,
) -> tuple[Refusal, ...]:
    """Whether this customer can complete a registration at `at` (aware): every refusal, in the order of the terms.

    contract  state and product of the internet-banking contract.
    stops     those of this aggregator and customer; those of the institution are added here.
    """
    state, product = contract
    answers = (
        eligibility.has_internet_banking(state),
        eligibility.is_designated(at, aggregator),
        service_hours.within_service_hours(at, product, institution),
        suspension.service_stopped(at, institution.stops + stops),
    )
    return tuple(refusal for refusal in answers if refusal is not None)


def missing_confirmations(confirmed: Collection[str]) -> tuple[Clause, ...]:
    """1-2-3: which of the three checks are not made."""
    return tuple(clause for clause in CONFIRMATIONS if clause not in confirmed)


def is_fresh(logged_in_at: datetime, shown_at: datetime, limit: timedelta) -> bool:
    """4-1: the proof of identity was at most `limit` old when the consent page was first shown."""
    return timedelta(0) <= shown_at - logged_in_at <= limit

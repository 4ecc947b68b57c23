"""What a rule answers: nothing, or a refusal that names its clause.

A refusal is a value and is recorded; an exception is a bug. The catalogue of reasons is the public error catalogue.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

Clause = NewType("Clause", str)
"""A clause of the terms, `4-5-1` for 第4条第5項第1号; `-` where no clause but a protocol or house rule speaks."""


class Effect(Enum):
    """How far a refusal reaches, and so how the API answers it."""

    DENIED = "denied"  # the token serves nothing any more: 401
    PAUSED = "paused"  # the data is withheld for now: 200 with null fields, `service` and `registration` still answer
    FIELD = "field"  # one field or account is withheld, the rest is served


class Reason(Enum):
    """Every reason a rule can refuse for: stable code, clause, reach, and what it tells an aggregator's developer."""

    REGISTRATION_NOT_ACTIVE = (
        "REGISTRATION_NOT_ACTIVE",
        "4-1",
        Effect.DENIED,
        "The registration is not active. Ask the customer to register again.",
    )
    REGISTRATION_EXPIRED = (
        "REGISTRATION_EXPIRED",
        "4-1",
        Effect.DENIED,
        "The registration period is over. Ask the customer to register again.",
    )
    INTERNET_BANKING_ENDED = (
        "INTERNET_BANKING_ENDED",
        "1-2-1",
        Effect.DENIED,
        "The customer's internet-banking contract has ended.",
    )
    AGGREGATOR_NOT_CONTRACTED = (
        "AGGREGATOR_NOT_CONTRACTED",
        "1-2-2",
        Effect.DENIED,
        "The aggregator's contract with the credit union is not in force.",
    )
    INTERNET_BANKING_SUSPENDED = (
        "INTERNET_BANKING_SUSPENDED",
        "7-3",
        Effect.PAUSED,
        "The customer's internet banking is suspended for now. Keep the token and try again later.",
    )
    OUTSIDE_SERVICE_HOURS = (
        "OUTSIDE_SERVICE_HOURS",
        "2-1",
        Effect.PAUSED,
        "Outside the service hours of internet banking. Try again at `retryAt`.",
    )
    SERVICE_STOPPED = (
        "SERVICE_STOPPED",
        "7-3",
        Effect.PAUSED,
        "The service is stopped for now. Keep the token and try again later.",
    )
    TERMS_NOT_AGREED = (
        "TERMS_NOT_AGREED",
        "9-1",
        Effect.PAUSED,
        "The customer has to agree to the terms now in force (house rule beyond 9-1). Start a new authorization.",
    )
    FUNCTION_STOPPED = (
        "FUNCTION_STOPPED",
        "7-3",
        Effect.FIELD,
        "This part of the service is stopped for now. Try again later.",
    )
    ACCOUNT_STOPPED = (
        "ACCOUNT_STOPPED",
        "7-3",
        Effect.FIELD,
        "This account is stopped for now. Try again later.",
    )
    ACCOUNT_NOT_ELIGIBLE = (
        "ACCOUNT_NOT_ELIGIBLE",
        "2-2",
        Effect.FIELD,
        "Only ordinary and current accounts registered in internet banking are available.",
    )
    SCOPE_NOT_GRANTED = (
        "SCOPE_NOT_GRANTED",
        "4-3",
        Effect.FIELD,
        "The customer's registration or this token does not include the scope that this field needs.",
    )
    IDENTIFIER_NOT_CONTRACTED = (
        "IDENTIFIER_NOT_CONTRACTED",
        "4-3",
        Effect.FIELD,
        "The aggregator's contract does not list this identifying item, or the consent page did not show it.",
    )

    def __init__(self, code: str, clause: str, effect: Effect, message: str) -> None:
        self.code = code
        self.clause = Clause(clause)
        self.effect = effect
        self.message = message


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule's no. `retry_at` (aware) is when asking again makes sense; None when nobody can know."""

    reason: Reason
    retry_at: datetime | None = None

    @property
    def clause(self) -> Clause:
        return self.reason.clause

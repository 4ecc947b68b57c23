"""Which rules are asked before what an aggregator does with a code or a token: a read asks all, the others fewer.

Source: 2-1 and 4-1 (a code and a renewal carry no data, so closing time does not hold them up; who redeems a code opens
the registration by it), 5-1 (an end is possible at any hour; only a token that serves nothing any more ends nothing).
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from madoguchi.rules.access import Answer
from madoguchi.rules.decision import Effect, Reason


class Action(StrEnum):
    """What is recorded as one use of a registration."""

    QUERY = "query"
    MUTATION = "mutation"  # endRegistration, the only one there is
    CODE = "code"
    REFRESH = "refresh"


REASONS: Final[Mapping[str, frozenset[Reason]]] = MappingProxyType({
    "has_internet_banking": frozenset({Reason.INTERNET_BANKING_ENDED, Reason.INTERNET_BANKING_SUSPENDED}),
    "is_designated": frozenset({Reason.AGGREGATOR_NOT_CONTRACTED}),
    "within_service_hours": frozenset({Reason.OUTSIDE_SERVICE_HOURS}),
    "within_registration": frozenset({Reason.REGISTRATION_NOT_ACTIVE, Reason.REGISTRATION_EXPIRED}),
    "service_stopped": frozenset({Reason.SERVICE_STOPPED}),
    "has_agreed": frozenset({Reason.TERMS_NOT_AGREED}),
    "is_granted": frozenset({Reason.SCOPE_NOT_GRANTED}),
    "function_stopped": frozenset({Reason.FUNCTION_STOPPED}),
    "may_identify": frozenset({Reason.IDENTIFIER_NOT_CONTRACTED}),
    "account_stopped": frozenset({Reason.ACCOUNT_STOPPED}),
})  # fmt: skip
"""What each rule of a read can refuse for."""

_OF_FIELDS: Final = frozenset(reason for reason in Reason if reason.effect is Effect.FIELD)

NOT_ASKED: Final[Mapping[Action, frozenset[Reason]]] = MappingProxyType({
    Action.QUERY: frozenset(),
    Action.MUTATION: frozenset(reason for reason in Reason if reason.effect is not Effect.DENIED),
    Action.CODE: _OF_FIELDS | {Reason.OUTSIDE_SERVICE_HOURS, Reason.REGISTRATION_NOT_ACTIVE},
    Action.REFRESH: _OF_FIELDS | {Reason.OUTSIDE_SERVICE_HOURS},
})  # fmt: skip
"""The reasons that refuse nothing before an action."""


def as_asked(action: Action, answer: Answer) -> Answer:
    """A rule's answer as far as the action asks for it; `asked` is False where none of its reasons counts."""
    counted = REASONS[answer.rule] - NOT_ASKED[action]
    refusals = tuple(refusal for refusal in answer.refusals if refusal.reason in counted)
    return replace(answer, asked=bool(counted), refusals=refusals)

"""第1条第2項 利用資格: the conditions without which nothing is registered and nothing is read.

Source: terms 1-2-1 (internet-banking contract), 1-2-2 (designated aggregator), 5-2 (their loss ends the service).
1-2-3 (consent and registration) is procedures/consenting.py with the database's own constraints.
"""

from datetime import datetime

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import AggregatorFacts
from madoguchi.rules.vocabulary import ContractState


def has_internet_banking(state: ContractState) -> Refusal | None:
    """第1条第2項第1号, 第5条第2項: a cancelled contract ends everything; a suspended one pauses it (7-3)."""
    if state is ContractState.CANCELLED:
        return Refusal(Reason.INTERNET_BANKING_ENDED)
    if state is ContractState.SUSPENDED:
        return Refusal(Reason.INTERNET_BANKING_SUSPENDED)
    return None


def is_designated(at: datetime, aggregator: AggregatorFacts) -> Refusal | None:
    """第1条第2項第2号: the aggregator's contract has begun and has not ended (`contract_until` excluded)."""
    ended = aggregator.contract_until is not None and at >= aggregator.contract_until
    if at < aggregator.contract_from or ended:
        return Refusal(Reason.AGGREGATOR_NOT_CONTRACTED)
    return None

"""第9条第1項 規約の変更: which terms apply, and whether the customer has to agree anew.

Source: terms 9-1. AGREE_AGAIN is our own rule, stricter than 9-1 (clauses.md, readings 8).
"""

from datetime import date, datetime

from madoguchi.rules.decision import Reason, Refusal
from madoguchi.rules.facts import Terms
from madoguchi.rules.vocabulary import TermsChange


def terms_in_force(at: datetime, versions: tuple[Terms, ...]) -> Terms:
    """The version with the latest effective moment not after `at`. Raises LookupError when none is in force."""
    effective = [terms for terms in versions if terms.effective_from <= at]
    if not effective:
        raise LookupError("no terms are in force: load them before serving")
    return max(effective, key=lambda terms: (terms.effective_from, terms.version))


def has_agreed(at: datetime, agreed: date, versions: tuple[Terms, ...]) -> Refusal | None:
    """Refuses when a version that demands renewed consent came into force after the version agreed to."""
    demanding = (
        terms.version > agreed and terms.change is TermsChange.AGREE_AGAIN and terms.effective_from <= at
        for terms in versions
    )
    return Refusal(Reason.TERMS_NOT_AGREED) if any(demanding) else None

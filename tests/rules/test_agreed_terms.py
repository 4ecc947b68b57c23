"""第9条第1項: which version of the terms applies, and when a customer has to agree anew."""

from datetime import date, timedelta

import pytest

from madoguchi.rules.agreed_terms import has_agreed, terms_in_force
from madoguchi.rules.decision import Effect, Reason
from madoguchi.rules.facts import Terms
from madoguchi.rules.vocabulary import TermsChange
from tests.rules.given import NOON, SINCE, TERMS, jst

NEW = date(2026, 12, 1)
FROM = jst("2026-12-01 00:00")
MOMENT = timedelta(microseconds=1)


def new_version(change: TermsChange = TermsChange.NOTICE) -> Terms:
    return Terms(NEW, FROM, change)


@pytest.mark.clause("9-1")
@pytest.mark.clause("1-3")
def test_the_changed_terms_hold_from_the_change_date_and_not_a_moment_earlier() -> None:
    versions = (new_version(), TERMS)
    assert terms_in_force(FROM - MOMENT, versions).version == SINCE
    assert terms_in_force(FROM, versions).version == NEW


@pytest.mark.clause("9-1")
def test_of_two_versions_from_the_same_moment_the_later_one_holds() -> None:
    corrected = Terms(date(2026, 12, 2), FROM, TermsChange.NONE)
    assert terms_in_force(FROM, (corrected, new_version(), TERMS)) == corrected


def test_a_service_without_any_terms_in_force_is_a_bug_and_serves_nobody() -> None:
    with pytest.raises(LookupError):
        terms_in_force(FROM - MOMENT, (new_version(),))


@pytest.mark.clause("9-1")
@pytest.mark.parametrize("change", [TermsChange.NONE, TermsChange.NOTICE])
def test_existing_registrations_follow_an_ordinary_change(change: TermsChange) -> None:
    assert has_agreed(FROM, SINCE, (TERMS, new_version(change))) is None


@pytest.mark.clause("9-1")
def test_a_change_that_widens_the_data_pauses_those_who_agreed_to_the_old_version_from_its_first_moment() -> None:
    versions = (TERMS, new_version(TermsChange.AGREE_AGAIN))
    assert has_agreed(FROM - MOMENT, SINCE, versions) is None
    refusal = has_agreed(FROM, SINCE, versions)
    assert refusal is not None
    assert (refusal.reason, refusal.reason.effect) == (Reason.TERMS_NOT_AGREED, Effect.PAUSED)
    assert has_agreed(FROM, NEW, versions) is None


@pytest.mark.clause("9-1")
def test_a_later_ordinary_version_does_not_heal_a_consent_that_was_missing_before_it() -> None:
    later = Terms(date(2027, 4, 1), jst("2027-04-01 00:00"), TermsChange.NOTICE)
    versions = (TERMS, new_version(TermsChange.AGREE_AGAIN), later)
    assert has_agreed(jst("2027-04-02 00:00"), SINCE, versions) is not None
    assert has_agreed(jst("2027-04-02 00:00"), NEW, versions) is None


def test_the_first_version_asks_nobody_to_agree_again_to_itself() -> None:
    first = Terms(SINCE, TERMS.effective_from, TermsChange.AGREE_AGAIN)
    assert has_agreed(NOON, SINCE, (first,)) is None

"""The facts of a decision are kept as one text under its digest, and come back from it as they were."""

from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.rules.facts import (
    AccountFacts,
    AggregatorFacts,
    Closure,
    FeedDue,
    Hours,
    InstitutionFacts,
    RegistrationFacts,
    Stop,
    Terms,
    canonical,
    digest,
    load,
)
from tests.rules.given import NOON, closure, institution, jst, registration

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=zones)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that a type hint of the facts allows."""
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is UnionType:
        return st.one_of(*map(values, get_args(hint)))
    if isinstance(hint, type) and is_dataclass(hint):
        return st.builds(hint, **{name: values(inner) for name, inner in get_type_hints(hint).items()})
    return moments if hint is datetime else st.from_type(hint)


KINDS = (AccountFacts, AggregatorFacts, Closure, FeedDue, Hours, InstitutionFacts, RegistrationFacts, Stop, Terms)


@given(st.data(), st.sampled_from(KINDS))
def test_whatever_is_written_is_read_again_as_the_same_facts(data: st.DataObject, kind: type) -> None:
    body = data.draw(values(kind))
    text = canonical(body)
    assert load(kind, text) == body
    assert canonical(load(kind, text)) == text


def test_the_same_moment_in_another_zone_makes_no_second_body() -> None:
    shut = closure("2026-12-31 17:00", "2027-01-04 08:00")
    abroad = Closure(shut.starts_at.astimezone(UTC), shut.ends_at.astimezone(UTC))
    assert shut == abroad
    assert digest(canonical(institution(closures=(shut,)))) == digest(canonical(institution(closures=(abroad,))))


def test_the_text_of_a_body_is_fixed_for_all_time() -> None:
    """An examiner recomputes the digest years later: neither order of keys nor spelling may ever change."""
    body = Closure(jst("2026-12-31 17:00"), jst("2027-01-04 08:00"))
    assert canonical(body) == '{"ends_at":"2027-01-03T23:00:00+00:00","starts_at":"2026-12-31T08:00:00+00:00"}'
    assert digest(canonical(body)) == "c797579795a5534b6d212ea93b6f1dd53aa5f38c7a38fb904cc938102eebe7ea"


def test_one_changed_fact_is_another_body() -> None:
    ours = registration()
    assert digest(canonical(ours)) != digest(canonical(replace(ours, terms_version=date(2026, 10, 1))))


def test_a_moment_without_a_zone_is_never_written_down() -> None:
    with pytest.raises(ValueError, match="aware"):
        canonical(Closure(datetime(2026, 12, 31), NOON))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"starts_at":"yesterday","ends_at":"2027-01-04T08:00:00"}'])
def test_a_text_that_holds_no_body_is_refused(text: str) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        load(Closure, text)


BEFORE_TIMETABLES = (
    '{"closures":[],"excluded_products":["0099"],"history_months":13,"holidays":["2026-11-23"],"hours":[{"closes":1380,'
    '"day_type":"weekday","opens":420,"product":"personal","valid_from":"2020-06-17","valid_until":null}],"stops":[],'
    '"terms":[{"change":"notice","effective_from":"2020-06-16T15:00:00+00:00","version":"2020-06-17"}]}'
)
"""An institution's body as it was written before feeds had a timetable (6-1)."""


@pytest.mark.clause("4-3")
def test_a_body_from_before_feeds_had_a_timetable_is_read_as_one_without() -> None:
    body = load(InstitutionFacts, BEFORE_TIMETABLES)
    assert body.feeds == ()
    assert (body.excluded_products, body.holidays) == (("0099",), (date(2026, 11, 23),))


def test_a_body_that_lacks_a_fact_it_always_had_is_refused() -> None:
    with pytest.raises(KeyError):
        load(InstitutionFacts, BEFORE_TIMETABLES.replace('"history_months":13,', ""))

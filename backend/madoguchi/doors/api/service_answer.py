"""What `service` and `registration` answer, at any hour: made from the facts of the admission alone.

Source: 2-1 (hours), 6-1 (feeds), 7-3 (stops), 9-1 (terms), 4-1 (registration), 2-4 (window). No statement.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from madoguchi.doors.api import feeds
from madoguchi.doors.api.service_types import (
    CALENDAR_DAYS,
    DataWindow,
    OpenHours,
    PlannedClosure,
    Registration,
    Service,
    ServiceDay,
    ServiceStop,
    TermsVersion,
)
from madoguchi.doors.api.types import Institution
from madoguchi.doors.api.words import AccountType, Scope, StopReach, WindowLimit
from madoguchi.procedures.reading import Admission
from madoguchi.rules import service_hours
from madoguchi.rules.agreed_terms import terms_in_force
from madoguchi.rules.facts import Stop, Terms
from madoguchi.rules.registration_period import last_day
from madoguchi.rules.vocabulary import JST, StopTarget

ACCOUNT_TYPES = {kind.value: kind for kind in AccountType}


def service(admission: Admission, institution: Institution, at: datetime) -> Service:
    """The service as this registration's internet-banking product meets it at `at`."""
    facts, product = admission.institution, admission.registration.product
    is_open = service_hours.is_open(at, product, facts)
    change = service_hours.next_closing if is_open else service_hours.next_opening
    today = at.astimezone(JST).date()
    calendar = []
    for offset in range(CALENDAR_DAYS):
        midnight = datetime.combine(today + timedelta(days=offset), time(), JST)
        hours = [
            OpenHours(
                opens=midnight + timedelta(minutes=minutes.start), closes=midnight + timedelta(minutes=minutes.stop)
            )
            for minutes in service_hours.hours_on(midnight.date(), product, facts)
        ]
        calendar.append(ServiceDay(day=midnight.date(), hours=hours))
    return Service(
        institution=institution,
        open=is_open,
        next_change_at=change(at, product, facts),
        calendar=calendar,
        closures=[
            PlannedClosure(starts_at=each.starts_at, ends_at=each.ends_at)
            for each in facts.closures
            if each.ends_at > at
        ],
        stops=[_stop(each) for each in (*facts.stops, *admission.registration.stops) if _is_not_over(each, at)],
        terms=_terms(terms_in_force(at, facts.terms)),
        coming_terms=[_terms(each) for each in facts.terms if each.effective_from > at],
        feeds=feeds.shown(admission),
    )


def registration(admission: Admission, accounts: Mapping[str, Any], at: datetime) -> Registration:
    """What the token may do. `accounts` are prepared by response key."""
    facts, window = admission.registration, admission.access.window
    granted = [scope for scope in facts.scopes if scope in admission.token_scopes]
    return Registration(
        prepared=accounts,
        scopes=[Scope(scope.value) for scope in granted],
        since=facts.registered_at,
        until=facts.until,
        last_day=last_day(facts.until),
        # A new consent may be asked for at any time; the registration serves on until it replaces it (5-1).
        renewable_from=facts.registered_at,
        terms_agreed=facts.terms_version,
        terms_in_force=terms_in_force(at, admission.institution.terms).version,
        data_window=DataWindow(from_=window.first, to=window.last, limit=WindowLimit(window.limit.value)),
    )


def _stop(stop: Stop) -> ServiceStop:
    return ServiceStop(
        reach=StopReach(stop.kind.value),
        scope=Scope(stop.target) if stop.kind is StopTarget.FUNCTION else None,
        account_type=ACCOUNT_TYPES.get(stop.target) if stop.kind is StopTarget.ACCOUNT_KIND else None,
        branch_code=stop.target if stop.kind is StopTarget.BRANCH else None,
        starts_at=stop.starts_at,
        ends_at=stop.ends_at,
    )


def _is_not_over(stop: Stop, at: datetime) -> bool:
    return stop.ends_at is None or at < stop.ends_at


def _terms(terms: Terms) -> TermsVersion:
    return TermsVersion(version=terms.version, effective_from=terms.effective_from)

"""目次: every clause of the terms of use, and where it is done; or why it is no software; or that it is not done yet.

Source: API利用規定, articles 1 to 9. A clause stands in exactly one of IN_CODE, OUTSIDE_CODE and NOT_YET; what is still
missing of a clause that is in code is said in PARTLY. Procedures and types are named by text, as rules import neither.
`tests/house/test_terms_index.py` holds that the list is complete, that every name leads to code, that every rule is in
it, and that every clause in code has a test marked with it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from madoguchi.rules import (
    access,
    agreed_terms,
    data_window,
    disclosure,
    eligibility,
    eligible_accounts,
    feed_lateness,
    registering,
    registration_period,
    service_hours,
    suspension,
)
from madoguchi.rules.decision import Clause

Doer = Callable[..., Any] | str
"""A rule itself, or the dotted name of a procedure or of a type of the API."""

IN_CODE: Final[Mapping[Clause, tuple[Doer, ...]]] = MappingProxyType({
    Clause("1-1"): (access.access, access.answers, "madoguchi.procedures.reading.admit"),
    Clause("1-2-1"): (eligibility.has_internet_banking,),
    Clause("1-2-2"): (
        eligibility.is_designated,
        registering.may_approach,
        "madoguchi.procedures.aggregators.add_aggregator",
    ),
    Clause("1-2-3"): (
        registering.may_register,
        registering.missing_confirmations,
        "madoguchi.procedures.consenting.give_consent",
    ),
    Clause("1-3"): (agreed_terms.terms_in_force, "madoguchi.procedures.terms.terms_now"),
    Clause("2-1-1"): ("madoguchi.doors.api.types.Balance",),
    Clause("2-1-2"): ("madoguchi.doors.api.types.Transaction",),
    Clause("2-1"): (
        service_hours.within_service_hours,
        service_hours.next_opening,
        service_hours.next_closing,
        "madoguchi.procedures.service.set_hours",
        "madoguchi.procedures.service.close_service",
    ),
    Clause("2-2"): (eligible_accounts.is_eligible,),
    Clause("2-4"): (data_window.data_window, data_window.effective_period),
    Clause("4-1"): (
        registering.may_register,
        registering.is_fresh,
        registration_period.registration_until,
        registration_period.last_day,
        registration_period.within_registration,
        "madoguchi.procedures.proceeding.proceed",
        "madoguchi.procedures.consenting.give_consent",
        "madoguchi.procedures.redeeming.redeem_code",
    ),
    Clause("4-2"): (
        "madoguchi.procedures.redeeming.redeem_code",
        "madoguchi.procedures.tokens.refresh",
        "madoguchi.procedures.recording.Recorder",
    ),
    Clause("4-3"): (disclosure.is_granted, disclosure.may_identify, "madoguchi.procedures.explaining.explain"),
    Clause("4-7"): (registering.missing_confirmations, "madoguchi.procedures.consenting.give_consent"),
    Clause("5-1"): (
        "madoguchi.procedures.stopping.end_registration",
        "madoguchi.procedures.tokens.revoke",
        "madoguchi.doors.api.schema.Mutation.end_registration",
    ),
    Clause("5-2"): (
        eligibility.has_internet_banking,
        eligibility.is_designated,
        "madoguchi.procedures.stopping.stop_registrations",
        "madoguchi.procedures.stopping.end_without_accounts",
        "madoguchi.procedures.stopping.end_without_ground",
        "madoguchi.procedures.status_feed.acting.apply_events",
        "madoguchi.procedures.status_feed.reconciling.reconcile",
        "madoguchi.procedures.aggregators.end_contract",
    ),
    Clause("6-1"): (
        feed_lateness.feed_lateness,
        "madoguchi.procedures.service.set_feeds",
        "madoguchi.doors.api.types.Freshness",
        "madoguchi.procedures.ledger_reading.read_ledger",
    ),
    Clause("7-3"): (
        suspension.in_force,
        suspension.service_stopped,
        suspension.function_stopped,
        suspension.account_stopped,
        "madoguchi.procedures.service.set_stop",
        "madoguchi.procedures.service.lift_stop",
    ),
    Clause("8-1"): ("madoguchi.procedures.terms.load_terms",),
    Clause("9-1"): (agreed_terms.has_agreed, agreed_terms.terms_in_force),
})
"""Clause -> what does it."""

PARTLY: Final[Mapping[Clause, str]] = MappingProxyType({
    Clause("4-1"): "the period counts from registration only; counting from the first or the last use, which the "
    "clause allows too, is no setting yet",
    Clause("4-3"): "each use can be explained, but the evidence of one registration is not exported as one package, "
    "and a report of misuse is not recorded with its times",
    Clause("5-1"): "an application for change or stop is no case of its own yet (requested, done here, completed, "
    "closed by an officer when the aggregator never answers); the customer's own page for 利用停止 and a change that "
    "shows the earlier choice come later",
    Clause("7-3"): "no lifting by a second officer or alarm without one, and no milder limits (lower quota, shorter "
    "window, attended calls only)",
    Clause("9-1"): "no prior notice to customers with its delivery, no diff between versions, no urgent publication "
    "with a second officer",
})
"""Clause in code -> what of it is not there yet."""

NOT_YET: Final[Mapping[Clause, str]] = MappingProxyType({
    Clause("4-5"): "disclosure to an aggregator upon leak or misuse: incident, ground and purpose, affected "
    "registrations, approval by a second officer, export",
})
"""Clause -> what is missing: all of it."""

OUTSIDE_CODE: Final[Mapping[Clause, str]] = MappingProxyType({
    Clause("2-3"): "the customer's own contract with the aggregator, on own responsibility: the consent page says so, "
    "and the customer's declaration is recorded under 1-2-2",
    Clause("3-1"): "nothing is charged, so there is nothing to compute: the consent page says which fees may arise",
    Clause("4-4"): "care of the customer's own credentials at the aggregator: shown at consent",
    Clause("4-6"): "liability of the aggregator for what was disclosed to it: its evidence comes with 4-5",
    Clause("5-3"): "liability for damage from change or stop: shown at consent, nothing to compute",
    Clause("7-1"): "no warranty: shown at consent, nothing to compute",
    Clause("7-2"): "liability for the aggregator's service: shown at consent, nothing to compute",
    Clause("7-4"): "liability under the three clauses before it: shown at consent, nothing to compute",
})
"""Clause -> why it is no software."""

"""Pages for everybody: home, service hours, terms, designated aggregators, forged sites; in the sandbox the customers.

Source: terms 2-1, 1-3, 8-1, 1-2-2. Nothing here needs or sets a session.
"""

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.doors.pages.consent_filling import KIND_WORDS, LEGAL_KIND
from madoguchi.doors.pages.context import PagesContext
from madoguchi.doors.pages.csp_reports import csp_report
from madoguchi.doors.pages.login import SAMPLE_CUSTOMERS
from madoguchi.doors.pages.models.frame import Part
from madoguchi.doors.pages.models.public import (
    AggregatorsPage,
    ContractedAggregator,
    HomePage,
    HoursPage,
    PhishingPage,
    SampleCustomer,
    SampleCustomersPage,
    TermsPage,
)
from madoguchi.doors.pages.models.terms import TermsDocument
from madoguchi.doors.pages.noticing import service_of
from madoguchi.doors.templating.environment import Model
from madoguchi.procedures import sample_logins
from madoguchi.procedures.announcing import announcement, designated_aggregators
from madoguchi.procedures.terms import terms_now
from madoguchi.rules.vocabulary import JST

SAMPLE_AGGREGATOR: Final = "みほん家計簿"
"""The service name of the sandbox's own aggregator (`doors/developer`)."""


def public_routes(context: PagesContext) -> list[Route]:
    routes = [
        Route("/", partial(home, context), methods=["GET"]),
        Route("/hours", partial(hours, context), methods=["GET"]),
        Route("/terms", partial(terms, context), methods=["GET"]),
        Route("/aggregators", partial(aggregators, context), methods=["GET"]),
        Route("/help/phishing", partial(phishing, context), methods=["GET"]),
        Route("/csp-report", csp_report, methods=["POST"]),
    ]
    if context.settings.is_sandbox and context.settings.sample_login:
        routes.append(Route(SAMPLE_CUSTOMERS, partial(customers, context), methods=["GET"]))
    return routes


async def home(context: PagesContext, request: Request) -> Response:
    """GET /"""
    at = context.clock()
    service = service_of(await context.database.reading(announcement, at), at)
    sample = SAMPLE_AGGREGATOR if context.settings.is_sandbox else None
    return await _public(context, request, HomePage(service, sample_aggregator=sample))


async def hours(context: PagesContext, request: Request) -> Response:
    """GET /hours (2-1)"""
    at = context.clock()
    return await _public(context, request, HoursPage(service_of(await context.database.reading(announcement, at), at)))


async def terms(context: PagesContext, request: Request) -> Response:
    """GET /terms (1-3, 8-1)"""
    text = await context.database.reading(terms_now, context.clock())
    attached = tuple(TermsDocument.parse(document) for document in text.attached)
    return await _public(context, request, TermsPage(TermsDocument.parse(text.document), attached))


async def aggregators(context: PagesContext, request: Request) -> Response:
    """GET /aggregators (1-2-2)"""
    at = context.clock()
    told = await context.database.reading(announcement, at)
    rows = await context.database.reading(designated_aggregators, at)
    page = AggregatorsPage(
        tuple(
            ContractedAggregator(
                name=row.name,
                company=row.company,
                registration=f"{LEGAL_KIND} {row.registration_number}",
                contracting_party=told.institution.name,
                contact=row.complaint_contact,
                since=row.contract_from.astimezone(JST).date(),
            )
            for row in rows
        ),
        at.astimezone(JST).date(),
    )
    return await _public(context, request, page)


async def phishing(context: PagesContext, request: Request) -> Response:
    """GET /help/phishing"""
    return await _public(context, request, PhishingPage())


async def customers(context: PagesContext, request: Request) -> Response:
    """GET /sample/customers: everything it takes to log in to the sample, invented from end to end."""
    at = context.clock()
    rows = await context.database.reading(sample_logins.sample_customers, context.keys.master, at)
    page = SampleCustomersPage(
        tuple(
            SampleCustomer(
                row.name,
                row.customer_number,
                row.password,
                row.code,
                tuple(f"{KIND_WORDS[account.kind]} …{account.last_digits}" for account in row.accounts),
                row.note,
            )
            for row in rows
        ),
        sample_logins.code_changes_in(at),
        SAMPLE_AGGREGATOR,
    )
    return await _public(context, request, page)


async def _public(context: PagesContext, request: Request, page: Model) -> Response:
    return context.show(request, page, await context.frame(request, part=Part.COUNTER, strip=False))

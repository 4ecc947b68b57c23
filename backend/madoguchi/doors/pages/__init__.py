"""The customer's door: public pages, log-in, consent, and what the other doors need shown."""

from starlette.routing import Route

from madoguchi.doors.pages.consent import consent_routes
from madoguchi.doors.pages.context import PagesContext
from madoguchi.doors.pages.failing import error_page, exception_handlers, refuse
from madoguchi.doors.pages.login import login_routes
from madoguchi.doors.pages.public import public_routes

__all__ = ["PagesContext", "error_page", "exception_handlers", "refuse", "routes"]


def routes(context: PagesContext) -> list[Route]:
    """All pages of this door."""
    return [*public_routes(context), *login_routes(context), *consent_routes(context)]

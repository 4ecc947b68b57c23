"""C2: the consent page and the decision (4-1, 1-3, 2-3, 4-7).

GET shows what would be registered, POST decides, POST /consent/extend gives the page more time. The form's token says
which last day the page stated, so that nobody agrees to another one. Everything is checked again by the procedures.
"""

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.doors.http import FormRefused, json_answer, read_pairs
from madoguchi.doors.pages.consent_filling import Stated, consent_page, errors_of, ticks_kept
from madoguchi.doors.pages.context import PagesContext, go_to, step
from madoguchi.doors.pages.halting import CONSENT, EXTEND, LOGIN, address, halt_page
from madoguchi.doors.pages.login import asked_request
from madoguchi.doors.pages.models.consent import ConsentError, Ticked
from madoguchi.doors.pages.session import form_token, is_same_origin, stated_in
from madoguchi.procedures.consent_page import ConsentView, extend_page, is_extendable, show_consent
from madoguchi.procedures.consenting import ACCESS_DENIED, Choice, Mistake, Mistakes, deny_consent, give_consent
from madoguchi.procedures.proceeding import Halt, Obstacle, Visit

FORM: Final = "consent"
MOST_FIELDS: Final = 300
"""A business customer may have many accounts; the size of the form is capped besides."""

ONCE: Final = ("form_token", "terms", "confirm_contract", "agree_terms", "accept_risks", "decision")
CHECKS: Final = {"confirm_contract": "1-2-2", "agree_terms": "1-3", "accept_risks": "4-7"}


def consent_routes(context: PagesContext) -> list[Route]:
    return [
        step(CONSENT, partial(show, context)),
        Route(CONSENT, partial(decide, context), methods=["POST"]),
        step(EXTEND, partial(back_to_page, context)),
        Route(EXTEND, partial(extend, context), methods=["POST"]),
    ]


async def show(context: PagesContext, request: Request) -> Response:
    """GET /consent: the page; without a log-in, the log-in first."""
    visit = context.visit(request, asked_request(request), context.clock())
    return await _shown(context, request, visit, await context.database.writing(show_consent, visit))


async def decide(context: PagesContext, request: Request) -> Response:
    """POST /consent: approve or deny, and return to the aggregator; with mistakes, the page again."""
    visit = context.visit(request, asked_request(request), context.clock())
    form = Form(await read_pairs(request, MOST_FIELDS))
    if not is_same_origin(request, context.settings):
        return await halt_page(context, request, Halt(Obstacle.OTHER_BROWSER))
    stated = form.last_day(context, visit)
    if stated is None:
        # Not from our page as it is in this browser: show the page itself, with nothing ticked.
        view = await context.database.writing(show_consent, visit)
        return await _shown(context, request, visit, view, status=403)
    if form.single("decision") == "deny":
        denied = await context.database.writing(deny_consent, visit, ACCESS_DENIED)
        return await halt_page(context, request, denied) if isinstance(denied, Halt) else go_to(denied.url)
    if form.single("decision") != "approve":
        raise FormRefused("no decision")
    found = await context.database.writing(give_consent, visit, form.choice(stated))
    if isinstance(found, Mistakes):
        ticked, errors = ticks_kept(form.ticked(), found), errors_of(found)
        status = 409 if Mistake.TERMS_CHANGED in found.mistakes else 400
        return await _shown(context, request, visit, found.view, ticked, errors, status)
    return await _shown(context, request, visit, found) if isinstance(found, Halt) else go_to(found.url)


async def extend(context: PagesContext, request: Request) -> Response:
    """POST /consent/extend: more time (WCAG 2.2.1). For the script the seconds left, else the page with its ticks."""
    visit = context.visit(request, asked_request(request), context.clock())
    form = Form(await read_pairs(request, MOST_FIELDS))
    if not is_same_origin(request, context.settings):
        return await halt_page(context, request, Halt(Obstacle.OTHER_BROWSER))
    if form.last_day(context, visit) is None:
        view = await context.database.writing(show_consent, visit)
        return await _shown(context, request, visit, view, status=403)
    view = await context.database.writing(extend_page, visit)
    if isinstance(view, ConsentView) and request.headers.get("accept") == "application/json":
        return json_answer({"seconds_left": _stated(context, visit, view).seconds_left})
    return await _shown(context, request, visit, view, form.ticked())


async def back_to_page(context: PagesContext, request: Request) -> Response:
    """GET /consent/extend: somebody reloads what came of the POST."""
    return go_to(address(CONSENT, asked_request(request)))


class Form:
    """The posted form: repeated fields `account` and `scope`, the others at most once. Raises FormRefused."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name, value) for name, value in pairs if value]
        if any(len(self.all(name)) > 1 for name in ONCE):
            raise FormRefused("a parameter was sent more than once")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def single(self, name: str) -> str:
        return next((value for key, value in self._pairs if key == name), "")

    def last_day(self, context: PagesContext, visit: Visit) -> date | None:
        """The last day that the page with this token stated; None when the token is not of our page here."""
        token = self.single("form_token")
        stated = stated_in(token, context.keys.master, visit.session_hash, visit.request_id, FORM)
        return None if stated is None else date.fromisoformat(stated)

    def choice(self, last_day: date) -> Choice:
        return Choice(
            accounts=frozenset(self.all("account")),
            scopes=frozenset(self.all("scope")),
            confirmed=frozenset(clause for name, clause in CHECKS.items() if self.single(name) == "yes"),
            terms_digest=self.single("terms"),
            last_day=last_day,
        )

    def ticked(self) -> Ticked:
        """What to tick again on the page that comes back."""
        made = {name: self.single(name) == "yes" for name in CHECKS}
        return Ticked(
            accounts=frozenset(self.all("account")),
            scopes=frozenset(self.all("scope")),
            contract=made["confirm_contract"],
            terms=made["agree_terms"],
            risks=made["accept_risks"],
        )


async def _shown(
    context: PagesContext,
    request: Request,
    visit: Visit,
    view: ConsentView | Halt,
    ticked: Ticked | None = None,
    errors: tuple[ConsentError, ...] = (),
    status: int | None = None,
) -> Response:
    if isinstance(view, Halt):
        if view.obstacle is Obstacle.NOT_LOGGED_IN:
            return go_to(address(LOGIN, visit.request_id))
        return await halt_page(context, request, view)
    found = view.proceeding
    page = consent_page(view, _stated(context, visit, view), ticked or Ticked(), errors)
    phrase = found.customer.phrase if found.customer is not None else None
    frame = await context.frame(request, phrase=phrase, here=address(CONSENT, visit.request_id))
    origins = (found.request.redirect_uri, *found.aggregator.return_origins)
    return context.show(request, page, frame, status=status, form_origins=origins)


def _stated(context: PagesContext, visit: Visit, view: ConsentView) -> Stated:
    request = view.proceeding.request
    expires_at = request.page_expires_at or visit.at
    token = form_token(context.keys.master, visit.session_hash or "", visit.request_id, FORM, view.last_day.isoformat())
    return Stated(
        action=address(CONSENT, visit.request_id),
        extend_action=address(EXTEND, visit.request_id),
        form_token=token,
        expires_at=expires_at,
        seconds_left=max(0, int((expires_at - visit.at).total_seconds())),
        extendable=is_extendable(request, context.settings),
        is_sample_aggregator=context.settings.is_sandbox
        and request.redirect_uri.startswith(f"{context.settings.issuer}/sample"),
    )

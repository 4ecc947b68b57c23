"""Between any two steps of a registration anything may change: the next step asks again (security.md 11; 4-1, 7-3)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.consent_page import ConsentView, extend_page, show_consent
from madoguchi.procedures.consenting import Redirect, deny_consent, give_consent
from madoguchi.procedures.logging_in import METHOD, Identified
from madoguchi.procedures.proceeding import Halt, Obstacle, Proceeding, Visit, bind_login, open_request, proceed
from madoguchi.procedures.service import close_service, set_stop
from madoguchi.records.bank import Contract
from madoguchi.records.database import Database
from madoguchi.records.login import BrowserSession
from madoguchi.records.registrations import PushedRequest, Registration
from madoguchi.rules.vocabulary import StopTarget
from tests.flows.visits import MINUTE, SECOND, NobodyLocked, logged_in, opened, push, shown, visit
from tests.story import NOW, WHO, Story, register

Change = Callable[[Session, Story, NobodyLocked], object]


def contract_is(state: str) -> Change:
    def change(session: Session, story: Story, _: NobodyLocked) -> None:
        session.get_one(Contract, story.hanako_contract).state = state
        session.flush()

    return change


def stopped(kind: StopTarget, target: Callable[[Story], str]) -> Change:
    def change(session: Session, story: Story, _: NobodyLocked) -> None:
        set_stop(session, kind, target(story), NOW, None, date(2026, 12, 1), "test", WHO, NOW)

    return change


LOCK: Change = lambda _, story, identity: identity.locked.add(story.hanako)  # noqa: E731
CLOSE: Change = lambda session, *_: close_service(session, NOW + timedelta(hours=9), "test", WHO, NOW)  # noqa: E731
END: Change = lambda session, story, _: end_contract(session, story.kakeibo, WHO, NOW)  # noqa: E731

CHANGES: dict[str, tuple[Change, Obstacle, int]] = {
    # what changes, what the next step says, and from which step on the customer is known to be concerned
    "customer locked": (LOCK, Obstacle.LOCKED, 1),
    "internet banking cancelled": (contract_is("cancelled"), Obstacle.NO_INTERNET_BANKING, 1),
    "internet banking suspended": (contract_is("suspended"), Obstacle.INTERNET_BANKING_SUSPENDED, 1),
    "customer stopped": (stopped(StopTarget.CUSTOMER, lambda s: str(s.hanako)), Obstacle.SUSPENDED, 1),
    "aggregator stopped": (stopped(StopTarget.AGGREGATOR, lambda s: s.kakeibo), Obstacle.SUSPENDED, 0),
    "service stopped": (stopped(StopTarget.ALL, lambda _: ""), Obstacle.SUSPENDED, 0),
    "service closed": (CLOSE, Obstacle.CLOSED, 0),
    "aggregator's contract ended": (END, Obstacle.NOT_VERIFIED, 0),
}
STEPS = ("open", "log in", "show", "extend", "consent", "second click")


def take(session: Session, story: Story, step: str, change: Callable[[Visit], Visit]) -> object:
    """Come as far as the step before, let `change` happen, and take the step."""
    request_id = push(session, story.kakeibo)
    if step == "open":
        return open_request(session, change(visit(request_id)), opaque.stored("browser-1"))
    if step == "log in":
        who = Identified(story.hanako, story.hanako_contract, METHOD)
        return bind_login(session, change(opened(session, request_id)), who, opaque.stored("browser-2"))
    if step == "show":
        return show_consent(session, change(logged_in(session, story, request_id)))
    page = shown(session, story, request_id)
    if step == "extend":
        return extend_page(session, change(page.visit))
    if step == "second click":
        assert isinstance(give_consent(session, page.visit, page.choice(story.ordinary)), Redirect)
    return give_consent(session, change(page.visit), page.choice(story.ordinary))


@pytest.mark.fault("lock checked at one step only")
@pytest.mark.clause("4-1")
@pytest.mark.clause("7-3")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", CHANGES)
async def test_what_changed_before_a_step_stops_the_step(
    database: Database, story: Story, name: str, step: str
) -> None:
    what, obstacle, concerned_from = CHANGES[name]

    def run(session: Session) -> object:
        def change(before: Visit) -> Visit:
            identity = NobodyLocked()
            what(session, story, identity)
            session.flush()
            return replace(before, identity=identity)

        return take(session, story, step, change)

    found = await database.writing(run)
    if STEPS.index(step) < concerned_from:
        assert isinstance(found, Proceeding), "nobody knows yet whose request this is"
        return
    assert isinstance(found, Halt), found
    assert found.obstacle is obstacle
    if obstacle is Obstacle.NOT_VERIFIED:
        assert (found.request, found.aggregator) == (None, None), "nothing that could be linked to"


@pytest.mark.parametrize("step", STEPS)
async def test_without_a_change_every_step_is_taken(database: Database, story: Story, step: str) -> None:
    """The negative control of the table above."""
    found = await database.writing(lambda session: take(session, story, step, lambda same: same))
    assert isinstance(found, Proceeding | ConsentView | Redirect), found


@pytest.mark.clause("2-1")
async def test_a_closed_service_says_when_it_opens_next(database: Database, story: Story) -> None:
    def run(session: Session) -> object:
        page = shown(session, story, push(session, story.kakeibo))
        close_service(session, NOW + timedelta(hours=9), "test", WHO, NOW)
        return give_consent(session, page.visit, page.choice(story.ordinary))

    found = await database.writing(run)
    assert isinstance(found, Halt)
    assert found.opens_at == NOW + timedelta(hours=9)


async def test_a_denial_works_at_any_hour_and_under_any_stop_but_never_leads_to_one_not_designated(
    database: Database, story: Story
) -> None:
    def run(session: Session) -> tuple[object, object]:
        first, second = (logged_in(session, story, push(session, story.kakeibo)) for _ in range(2))
        CLOSE(session, story, NobodyLocked())
        CHANGES["service stopped"][0](session, story, NobodyLocked())
        contract_is("cancelled")(session, story, NobodyLocked())
        denied = deny_consent(session, first, "access_denied")
        END(session, story, NobodyLocked())
        return denied, deny_consent(session, second, "access_denied")

    denied, refused = await database.writing(run)
    assert isinstance(denied, Redirect)
    assert isinstance(refused, Halt)
    assert refused.obstacle is Obstacle.NOT_VERIFIED


@pytest.mark.parametrize(("age", "opens"), [(timedelta(seconds=90) - SECOND, True), (timedelta(seconds=90), False)])
async def test_a_pushed_request_opens_within_ninety_seconds(
    database: Database, story: Story, age: timedelta, opens: bool
) -> None:
    """RFC 9126 section 2.2; FAPI 2.0 Security Profile 5.3.2.2."""

    def run(session: Session) -> object:
        return open_request(session, visit(push(session, story.kakeibo), NOW + age), opaque.stored("browser-1"))

    found = await database.writing(run)
    assert isinstance(found, Proceeding) is opens
    if isinstance(found, Halt):
        assert found.obstacle is Obstacle.REQUEST_EXPIRED


@pytest.mark.fault("consent finished in another browser")
async def test_a_request_belongs_to_the_browser_that_opened_it_first(database: Database, story: Story) -> None:
    def run(session: Session) -> list[object]:
        request_id = push(session, story.kakeibo)
        opened(session, request_id)
        opened(session, push(session, story.kaikei), browser="browser-2")  # it has a session, for another request
        later = NOW + 10 * MINUTE
        return [
            open_request(session, visit(request_id, browser="browser-2"), opaque.stored("browser-2")),
            open_request(session, visit(request_id, later, "browser-1"), opaque.stored("browser-3")),
            proceed(session, visit(request_id, browser="browser-2")),
            proceed(session, replace(visit(request_id), session_hash=None)),
        ]

    second, same, step, nobody = await database.writing(run)
    assert isinstance(same, Proceeding), "the same browser may come again while the page lives"
    for refused in (second, step, nobody):
        assert isinstance(refused, Halt)
        assert refused.obstacle is Obstacle.OTHER_BROWSER


async def test_a_browser_session_that_is_over_goes_on_with_nothing(database: Database, story: Story) -> None:
    def run(session: Session) -> object:
        there = opened(session, push(session, story.kakeibo))
        session.exec(select(BrowserSession)).one().expires_at = NOW
        session.flush()
        return proceed(session, there)

    found = await database.writing(run)
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.OTHER_BROWSER


@pytest.mark.fault("consent finished in another browser")
async def test_the_session_id_changes_at_login_and_the_browsers_other_requests_go_with_it(
    database: Database, story: Story
) -> None:
    def run(session: Session) -> None:
        one, other = push(session, story.kakeibo), push(session, story.kaikei, "https://kaikei.mihon.example/callback")
        first = opened(session, one)
        opened(session, other)
        who = Identified(story.hanako, story.hanako_contract, METHOD)
        bind_login(session, first, who, opaque.stored("browser-after"))

        fixed = proceed(session, first)
        assert isinstance(fixed, Halt)
        assert fixed.obstacle is Obstacle.OTHER_BROWSER, "who planted the former cookie holds nothing"
        there = proceed(session, visit(other, browser="browser-after"))
        assert isinstance(there, Proceeding)
        assert there.customer is None, "a log-in belongs to one request only (4-1)"
        assert len(session.exec(select(BrowserSession)).all()) == 1

    await database.writing(run)


@pytest.mark.clause("4-1")
@pytest.mark.parametrize(("age", "fresh"), [(5 * MINUTE, True), (5 * MINUTE + SECOND, False)])
async def test_the_login_is_at_most_five_minutes_old_when_the_page_is_first_shown(
    database: Database, story: Story, age: timedelta, fresh: bool
) -> None:
    def run(session: Session) -> object:
        there = logged_in(session, story, push(session, story.kakeibo))
        return show_consent(session, replace(there, at=NOW + age))

    found = await database.writing(run)
    assert isinstance(found, ConsentView) is fresh
    if isinstance(found, Halt):
        assert found.obstacle is Obstacle.LOGGED_OUT


async def test_logging_in_again_refreshes_it_but_not_once_the_page_was_shown(database: Database, story: Story) -> None:
    def run(session: Session) -> tuple[object, object, str | None]:
        there = logged_in(session, story, push(session, story.kakeibo))
        late = replace(there, at=NOW + 6 * MINUTE)
        who = Identified(story.hanako, story.hanako_contract, METHOD)
        again = bind_login(session, late, who, opaque.stored("again"))
        view = show_consent(session, replace(late, session_hash=opaque.stored("again")))
        jiro = Identified(story.jiro, story.jiro_contract, METHOD)
        bind_login(session, replace(late, session_hash=opaque.stored("again")), jiro, opaque.stored("jiro"))
        request = session.get_one(PushedRequest, there.request_id)
        assert request.customer_id == story.hanako, "nobody slips into a page that another customer is reading"
        return again, view, request.session_hash

    again, view, session_hash = await database.writing(run)
    assert isinstance(again, Proceeding)
    assert isinstance(view, ConsentView)
    assert session_hash == opaque.stored("again")


@pytest.mark.clause("1-2-1")
async def test_a_customer_without_internet_banking_is_told_so_after_the_login(database: Database, story: Story) -> None:
    def run(session: Session) -> object:
        there = logged_in(session, story, push(session, story.kakeibo), customer=(story.hanako, None))
        return show_consent(session, there)

    found = await database.writing(run)
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.NO_INTERNET_BANKING


async def test_at_a_renewal_a_refused_step_tells_which_registration_goes_on(database: Database, story: Story) -> None:
    def run(session: Session) -> tuple[object, str]:
        registered = register(session, story)
        there = logged_in(session, story, push(session, story.kakeibo))
        CLOSE(session, story, NobodyLocked())
        return show_consent(session, there), registered.registration_id

    found, registration_id = await database.writing(run)
    assert isinstance(found, Halt)
    assert found.serving is not None
    assert found.serving.registration_id == registration_id


async def test_an_unknown_request_opens_nothing_and_leaves_no_row(database: Database, story: Story) -> None:
    found = await database.writing(open_request, visit("req_unknown"), opaque.stored("browser-1"))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.REQUEST_UNKNOWN
    for table in (BrowserSession, Registration):
        assert await database.reading(lambda session, t=table: session.exec(select(t)).all()) == []


async def test_a_request_that_came_too_late_leaves_no_session(database: Database, story: Story) -> None:
    def run(session: Session) -> None:
        late = visit(push(session, story.kakeibo), NOW + timedelta(seconds=90))
        open_request(session, late, opaque.stored("browser-1"))
        assert session.exec(select(col(BrowserSession.session_hash))).all() == []

    await database.writing(run)

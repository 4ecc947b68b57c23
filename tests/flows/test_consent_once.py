"""A consent page is decided once: double clicks, denials, other browsers, and the end of its time (4-1)."""

from dataclasses import replace
from datetime import date

import anyio
import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.consent_page import ConsentView, extend_page, is_extendable, show_consent
from madoguchi.procedures.consenting import Choice, deny_consent
from madoguchi.procedures.proceeding import Halt, Obstacle
from madoguchi.records.audit import Act
from madoguchi.records.bank import Contract
from madoguchi.records.database import Database
from madoguchi.records.registrations import AuthorizationCode, Registration
from tests.flows.visits import (
    BOTH,
    CHECKS,
    MINUTE,
    SECOND,
    Shown,
    all_of,
    answer,
    ask,
    logged_in,
    opened,
    push,
    shown,
    visit,
)
from tests.story import ISSUER, NOW, Story


@pytest.mark.both_databases
async def test_a_double_click_burns_the_first_code_and_gives_another_for_the_same_registration(
    database: Database, story: Story, page: Shown
) -> None:
    choice = page.choice(story.ordinary)
    first = answer(await ask(database, page.visit, choice))
    second = answer(await ask(database, page.later(SECOND), choice))
    assert first["code"] != second["code"]
    [code] = await all_of(database, AuthorizationCode)
    assert code.code_hash == opaque.stored(second["code"])
    assert len(await all_of(database, Registration)) == 1


@pytest.mark.both_databases
async def test_ten_clicks_at_once_make_one_registration_and_one_code(
    database: Database, story: Story, page: Shown
) -> None:
    answers: list[object] = []

    async def click() -> None:
        answers.append(await ask(database, page.visit, page.choice(story.ordinary)))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(click)
    assert len({answer(one)["code"] for one in answers}) == 10
    assert len(await all_of(database, Registration)) == 1
    assert len(await all_of(database, AuthorizationCode)) == 1
    completed = [act for act in await all_of(database, Act) if act.action == "registration.completed"]
    assert len(completed) == 1


@pytest.mark.parametrize("what", ["redeemed", "too late", "another choice", "stopped"])
async def test_a_second_click_that_is_no_double_click_gives_no_code(
    database: Database, story: Story, page: Shown, what: str
) -> None:
    answer(await ask(database, page.visit, page.choice(story.ordinary)))
    choice, passed = page.choice(story.ordinary), 59 * SECOND
    if what == "redeemed":
        await database.writing(lambda session: session.exec(select(AuthorizationCode)).one().sqlmodel_update({
            "used_at": NOW
        }))  # fmt: skip
    elif what == "too late":
        passed = 60 * SECOND
    elif what == "another choice":
        choice = page.choice(story.ordinary, story.current)
    else:
        await database.writing(cancel_contract, story)
    found = await ask(database, page.later(passed), choice)
    assert isinstance(found, Halt)
    expected = Obstacle.NO_INTERNET_BANKING if what == "stopped" else Obstacle.ALREADY_DECIDED
    assert found.obstacle is expected
    assert len(await all_of(database, AuthorizationCode)) == 1


def cancel_contract(session: Session, story: Story) -> None:
    session.get_one(Contract, story.hanako_contract).state = "cancelled"


@pytest.mark.both_databases
async def test_a_new_consent_ends_an_older_pending_one_as_abandoned(database: Database, story: Story) -> None:
    def come(session: Session) -> Shown:
        return shown(session, story, push(session, story.kakeibo))

    first, second = await database.writing(come), await database.writing(come)
    answer(await ask(database, first.visit, first.choice(story.ordinary)))
    answer(await ask(database, second.visit, second.choice(story.current)))
    states = {one.state: one.ended_cause for one in await all_of(database, Registration)}
    assert states == {"ended": "abandoned", "pending": None}
    found = await ask(database, first.later(SECOND), first.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.ALREADY_DECIDED


@pytest.mark.parametrize("error", ["access_denied", "temporarily_unavailable"])
async def test_a_denial_tells_the_aggregator_its_error_only_and_may_be_repeated(
    database: Database, page: Shown, error: str
) -> None:
    """RFC 6749 section 4.1.2.1, RFC 9207 section 2."""
    first = await database.writing(deny_consent, page.visit, error)
    again = await database.writing(deny_consent, page.visit, error)
    assert answer(first) == answer(again) == {"error": error, "state": "state-1", "iss": ISSUER}
    assert await all_of(database, Registration) == []
    denied = [act for act in await all_of(database, Act) if act.action == "consent.denied"]
    assert len(denied) == 1


async def test_a_request_that_was_denied_cannot_be_approved_nor_the_other_way_round(
    database: Database, story: Story, page: Shown
) -> None:
    await database.writing(deny_consent, page.visit, "access_denied")
    found = await ask(database, page.visit, page.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.ALREADY_DECIDED
    other = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo)))
    answer(await ask(database, other.visit, other.choice(story.ordinary)))
    denied = await database.writing(deny_consent, other.visit, "access_denied")
    assert isinstance(denied, Halt)
    assert denied.obstacle is Obstacle.ALREADY_DECIDED


async def test_another_browser_can_neither_approve_nor_deny(database: Database, story: Story, page: Shown) -> None:
    for session_hash in (None, opaque.stored("another browser")):
        elsewhere = replace(page.visit, session_hash=session_hash)
        for found in (
            await ask(database, elsewhere, page.choice(story.ordinary)),
            await database.writing(deny_consent, elsewhere, "access_denied"),
        ):
            assert isinstance(found, Halt)
            assert found.obstacle is Obstacle.OTHER_BROWSER
            assert found.request is None


async def test_the_page_lives_thirty_minutes_and_extended_sixty(database: Database, story: Story, page: Shown) -> None:
    almost, over = 30 * MINUTE - SECOND, 30 * MINUTE
    assert isinstance(await database.writing(show_consent, page.later(almost)), ConsentView)
    late = await database.writing(show_consent, page.later(over))
    assert isinstance(late, Halt)
    assert late.obstacle is Obstacle.REQUEST_EXPIRED
    longer = await database.writing(extend_page, page.later(almost))
    assert isinstance(longer, ConsentView)
    assert not is_extendable(longer.proceeding.request, page.visit.settings)
    assert isinstance(await database.writing(extend_page, page.later(over)), ConsentView)
    found = await ask(database, page.later(60 * MINUTE), page.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.REQUEST_EXPIRED
    answer(await ask(database, page.later(60 * MINUTE - SECOND), page.choice(story.ordinary)))


async def test_consent_needs_a_page_that_was_shown(database: Database, story: Story) -> None:
    unseen = await database.writing(lambda session: logged_in(session, story, push(session, story.kakeibo)))
    found = await ask(
        database, unseen, Choice(frozenset({str(story.ordinary)}), BOTH, CHECKS, "0" * 64, date(2027, 5, 23))
    )
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.NOT_LOGGED_IN
    assert await database.reading(lambda session: session.scalar(select(func.count(col(Registration.state))))) == 0


async def test_a_request_that_nobody_has_opened_is_ended_by_nobody_while_it_can_be_opened(
    database: Database, story: Story
) -> None:
    request_id = await database.writing(push, story.kakeibo)
    for session_hash in (None, opaque.stored("browser-1")):
        early = replace(visit(request_id, NOW + 89 * SECOND), session_hash=session_hash)
        found = await database.writing(deny_consent, early, "access_denied")
        assert found == Halt(Obstacle.OTHER_BROWSER)
    there = await database.writing(opened, request_id, NOW + 89 * SECOND)
    assert answer(await database.writing(deny_consent, there, "access_denied"))["error"] == "access_denied"


async def test_a_request_that_nobody_opened_in_time_leads_back_to_where_it_came_from(
    database: Database, story: Story
) -> None:
    request_id = await database.writing(push, story.kakeibo)
    late = replace(visit(request_id, NOW + 90 * SECOND), session_hash=None)
    assert answer(await database.writing(deny_consent, late, "access_denied"))["error"] == "access_denied"


@pytest.mark.parametrize(
    ("first", "second"),
    [("access_denied", "temporarily_unavailable"), ("temporarily_unavailable", "access_denied")],
)
async def test_a_denial_repeated_with_the_other_error_tells_the_first_one_again(
    database: Database, page: Shown, first: str, second: str
) -> None:
    """One request has one authorization response (RFC 6749 section 4.1.2.1)."""
    told = answer(await database.writing(deny_consent, page.visit, first))
    assert answer(await database.writing(deny_consent, page.visit, second)) == told
    assert told["error"] == first

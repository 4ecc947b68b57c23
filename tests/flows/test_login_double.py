"""A log-in form that is sent twice does no harm: nobody is counted as failing, and nobody stands before a closed door.

The old session never leads to what the log-in opened (session fixation); it may log in again, with another code (4-1).
"""

import anyio
import httpx
import pytest
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures.consent_page import show_consent
from madoguchi.procedures.consenting import deny_consent
from madoguchi.procedures.logging_in import METHOD, Attempt, Identified, NotIdentified, SampleLogin
from madoguchi.procedures.proceeding import Halt, Obstacle, Proceeding, bind_login, proceed_to_login
from madoguchi.procedures.sample_logins import current_code, sample_password
from madoguchi.records.database import Database
from madoguchi.records.login import LoginTries
from madoguchi.records.registrations import PushedRequest
from tests.flows.browsing import HANAKO, JIRO, MasterOnly, Person, action, answered, choice, links, title, token
from tests.flows.visits import opened, push, settings_for, visit
from tests.story import NOW, Story

AGAIN = "認証アプリの番号が変わってから"
CONSENT_TITLE = "「みほん家計簿」に、口座の情報を見せますか？"
ELSEWHERE = "この画面では手続きを続けられません"


async def failures(database: Database) -> int:
    tries = await database.reading(lambda session: session.exec(select(LoginTries)).all())
    return sum(one.failures for one in tries)


async def typed(hanako: Person, login_page: httpx.Response, number: str = HANAKO) -> dict[str, str]:
    return {
        "form_token": token(login_page),
        "customer_number": number,
        "password": sample_password(MasterOnly().master, number),
        "one_time_code": await hanako.database.reading(current_code, number, hanako.clock()) or "",
    }


def with_cookie(hanako: Person, cookie: str) -> Person:
    """A browser that has only this cookie: the answer with another one was dropped, or somebody planted it."""
    other = Person(hanako.app, hanako.database, hanako.clock)
    other.client.cookies.set("madoguchi", cookie)
    return other


@pytest.mark.both_databases
async def test_twelve_clicks_at_once_log_in_once_and_none_of_them_counts_as_a_failure(
    database: Database, hanako: Person, request_id: str
) -> None:
    page = await hanako.get(f"/consent/begin/{request_id}")
    form, before = await typed(hanako, page), hanako.client.cookies["madoguchi"]
    answers: list[httpx.Response] = []

    async def click() -> None:
        answers.append(await with_cookie(hanako, before).post(action(page), form))

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(click)
    assert [answer.status_code for answer in answers] == [303] * 12
    ways = sorted(answer.headers["location"] for answer in answers)
    assert ways == [f"/consent?request={request_id}"] + [f"/login?request={request_id}&again=yes"] * 11
    assert sum("set-cookie" in answer.headers for answer in answers) == 1
    assert await failures(database) == 0


async def test_where_the_browser_kept_the_new_session_a_double_click_comes_to_the_consent_page(
    hanako: Person, request_id: str
) -> None:
    page = await hanako.get(f"/consent/begin/{request_id}")
    form, before = await typed(hanako, page), hanako.client.cookies["madoguchi"]
    assert (await hanako.post(action(page), form)).status_code == 303
    second = await with_cookie(hanako, before).post(action(page), form)
    assert title(await hanako.get(second.headers["location"])) == CONSENT_TITLE


async def test_where_the_first_answer_was_dropped_the_customer_logs_in_again_and_consents(
    database: Database, hanako: Person, story: Story, request_id: str
) -> None:
    page = await hanako.get(f"/consent/begin/{request_id}")
    form, before = await typed(hanako, page), hanako.client.cookies["madoguchi"]
    assert (await hanako.post(action(page), form)).status_code == 303
    dropped = with_cookie(hanako, before)
    second = await dropped.post(action(page), form)
    told = await dropped.get(second.headers["location"])
    assert (told.status_code, title(told)) == (200, "ログイン")
    assert AGAIN in told.text
    same = await dropped.post(action(told), await typed(hanako, told))
    assert same.headers["location"].startswith("/login"), "the code is used up"
    assert title(await dropped.get(f"/consent/begin/{request_id}")) == "ログイン", "the back button leads there too"
    hanako.clock.pass_(seconds=30)
    third = await dropped.log_in(told)
    consent = await dropped.get(third.headers["location"])
    assert title(consent) == CONSENT_TITLE
    assert answered(await dropped.post(action(consent), choice(consent, story.ordinary))).keys() == {
        "code", "state", "iss",
    }  # fmt: skip
    assert await failures(database) == 0


async def test_where_the_first_answer_was_dropped_the_customer_can_turn_back_too(
    hanako: Person, request_id: str
) -> None:
    page = await hanako.get(f"/consent/begin/{request_id}")
    before = hanako.client.cookies["madoguchi"]
    await hanako.log_in(page)
    dropped = with_cookie(hanako, before)
    [back] = [link for link in links(await dropped.get(f"/login?request={request_id}")) if "/consent/back" in link]
    assert answered(await dropped.client.get(back))["error"] == "access_denied"


async def test_the_old_session_never_leads_to_what_the_login_opened(hanako: Person, request_id: str) -> None:
    """Session fixation: who planted the cookie has no code, and sees, decides and ends nothing of the customer's."""
    page = await hanako.get(f"/consent/begin/{request_id}")
    before = hanako.client.cookies["madoguchi"]
    answer = await hanako.log_in(page)
    planted = with_cookie(hanako, before)
    assert title(await planted.get(f"/consent?request={request_id}")) == ELSEWHERE
    assert title(await planted.get(f"/login?request={request_id}")) == "ログイン"
    consent = await hanako.get(answer.headers["location"])
    assert title(consent) == CONSENT_TITLE
    for address in ("/consent", "/login", "/consent/back"):
        assert title(await planted.get(f"{address}?request={request_id}")) == ELSEWHERE, "the page has been shown"
    assert title(await planted.post(action(consent), choice(consent, 1))) == ELSEWHERE
    assert title(await planted.log_in(page)) == ELSEWHERE


@pytest.mark.both_databases
async def test_who_logs_in_again_takes_the_request_but_none_of_the_others_of_the_first_login(
    database: Database, story: Story
) -> None:
    def run(session: Session) -> None:
        asked, beside = push(session, story.kakeibo), push(session, story.kaikei)
        before = opened(session, asked)
        opened(session, beside)
        hanako = Identified(story.hanako, story.hanako_contract, METHOD)
        assert isinstance(bind_login(session, before, hanako, opaque.stored("hers")), Proceeding)
        found = proceed_to_login(session, before)
        assert isinstance(found, Proceeding)
        assert (found.customer, found.contract, found.login_method, found.is_again) == (None, None, "", True)
        jiro = Identified(story.jiro, story.jiro_contract, METHOD)
        assert isinstance(bind_login(session, before, jiro, opaque.stored("his")), Proceeding)
        rows = {one: session.get_one(PushedRequest, one) for one in (asked, beside)}
        assert (rows[asked].customer_id, rows[asked].session_hash) == (story.jiro, opaque.stored("his"))
        assert rows[beside].session_hash == opaque.stored("hers")
        lost = show_consent(session, visit(asked, browser="hers"))
        assert isinstance(lost, Halt)
        assert lost.obstacle is Obstacle.OTHER_BROWSER

    await database.writing(run)


async def test_the_old_session_is_told_nothing_of_what_stands_against_the_login(
    database: Database, story: Story
) -> None:
    def run(session: Session) -> tuple[object, ...]:
        before = opened(session, push(session, story.kakeibo))
        who = Identified(story.hanako, None, METHOD)
        assert isinstance(bind_login(session, before, who, opaque.stored("hers")), Halt), "no internet banking"
        return proceed_to_login(session, before), deny_consent(session, before, "temporarily_unavailable")

    for found in await database.writing(run):
        assert found == Halt(Obstacle.OTHER_BROWSER)


@pytest.mark.usefixtures("hanako")
async def test_a_used_code_counts_as_a_failure_for_everything_but_the_login_that_it_made(
    database: Database, database_url: str
) -> None:
    """A repeat is known by its request: the right password, the same code, for the same request."""
    login = SampleLogin(database, settings_for(database_url))
    code = await database.reading(current_code, HANAKO, NOW) or ""
    password = sample_password(MasterOnly().master, HANAKO)
    right = Attempt(HANAKO, password, code, "pr_1")
    assert isinstance(await login.identify(right, NOW), Identified)
    assert await login.identify(right, NOW) is NotIdentified.REPEATED
    assert await failures(database) == 0
    for wrong in (
        Attempt(HANAKO, password, code, "pr_2"),
        Attempt(HANAKO, password, code),
        Attempt(HANAKO, "mihon-0000-0000", code, "pr_1"),
        Attempt(JIRO, password, code, "pr_1"),
    ):
        assert await login.identify(wrong, NOW) is NotIdentified.WRONG
    assert await failures(database) == 4
    assert await login.identify(right, NOW) is NotIdentified.REPEATED
    assert await failures(database) == 4, "a repeat forgets no failure either"

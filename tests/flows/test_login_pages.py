"""Log-in over HTTP: cookies, what a failure tells, and who may go on with a request (4-1, security.md 5, 12)."""

import httpx
import pytest
import structlog
from sqlmodel import select

from madoguchi.doors.pages.session import cookie_name, form_token, stated_in
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from tests.flows.browsing import (
    Person,
    action,
    answered,
    choice,
    links,
    title,
)
from tests.flows.visits import settings_for
from tests.story import CALLBACK

CONSENT_TITLE = "「みほん家計簿」に、口座の情報を見せますか？"


async def registrations(database: Database) -> list[Registration]:
    return list(await database.reading(lambda session: session.exec(select(Registration)).all()))


async def test_the_login_page_leads_back_to_the_aggregator_without_a_login(hanako: Person, request_id: str) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    [back] = [link for link in links(login_page) if link.startswith("/consent/back")]
    assert answered(await hanako.client.get(back))["error"] == "access_denied"
    again = await hanako.get(f"/login?request={request_id}")
    assert (again.status_code, title(again)) == (409, "この手続きは終わっています")


async def test_the_session_cookie_changes_at_login_and_is_out_of_reach_of_scripts(
    hanako: Person, request_id: str
) -> None:
    first = await hanako.client.get(f"/consent/begin/{request_id}")
    before = hanako.client.cookies["madoguchi"]
    assert {"httponly", "samesite=lax", "path=/"} <= set(first.headers["set-cookie"].lower().split("; "))
    answer = await hanako.log_in(await hanako.get(first.headers["location"]))
    assert hanako.client.cookies["madoguchi"] != before
    assert answer.headers["location"] == f"/consent?request={request_id}"


def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    settings = settings_for()
    assert cookie_name(settings) == "madoguchi"
    assert cookie_name(settings.model_copy(update={"issuer": "https://auth.mihon.example"})) == "__Host-madoguchi"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"password": "mihon-0000-0000"}, "お客さま番号、パスワード、ワンタイムパスワードのどれかが違います"),
        ({"customer_number": "99999999"}, "お客さま番号、パスワード、ワンタイムパスワードのどれかが違います"),
        ({"customer_number": "1000"}, "お客さま番号を数字8けたで入れてください"),
        ({"password": ""}, "パスワードを入れてください"),
        ({"password": "x" * 129}, "パスワードを入れてください"),
        ({"one_time_code": "12345"}, "ワンタイムパスワードを数字6けたで入れてください"),
    ],
)
async def test_a_login_that_fails_says_so_on_the_same_page_and_gives_no_secret_back(
    hanako: Person, request_id: str, typed: dict[str, str], sentence: str
) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    answer = await hanako.log_in(login_page, **typed)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert "mihon-" not in answer.text
    assert (await hanako.log_in(answer)).status_code == 303, "the page that comes back works"


async def test_full_width_digits_and_spaces_are_read_as_meant(hanako: Person, request_id: str) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    assert (await hanako.log_in(login_page, customer_number="１０００ ０００１")).status_code == 303


async def test_the_fifth_wrong_password_locks_and_says_when_no_more_than_that(hanako: Person, request_id: str) -> None:
    def told(answer: httpx.Response) -> str:
        return answer.text.replace(answer.headers["x-request-id"], "")

    hanako.clock.pass_(seconds=7)
    page = await hanako.get(f"/consent/begin/{request_id}")
    for _ in range(4):
        page = await hanako.log_in(page, password="mihon-0000-0000")
    answer = await hanako.log_in(page, password="mihon-0000-0000")
    assert (answer.status_code, title(answer)) == (429, "しばらくたってからお試しください")
    right = await hanako.log_in(page)
    assert right.status_code == 429
    for locked in (answer, right):
        assert "14時18分ごろから、もう一度お試しいただけます。" in locked.text, "14:17:07 told as the next whole minute"
    nobody = page
    for _ in range(5):
        nobody = await hanako.log_in(page, "99999999")
    assert told(nobody) == told(answer), "a number that nobody has is told the same"
    [back] = [link for link in links(right) if "request=" in link]
    assert answered(await hanako.client.get(back))["error"] == "access_denied"
    assert not any(link.startswith(CALLBACK) for link in links(answer))


async def test_a_second_browser_with_the_same_link_is_refused(
    database: Database, hanako: Person, request_id: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    other = Person(hanako.app, database, hanako.clock)
    for address in (f"/consent/begin/{request_id}", f"/login?request={request_id}", f"/consent?request={request_id}"):
        answer = await other.get(address)
        assert (answer.status_code, title(answer)) == (400, "この画面では手続きを続けられません")
        assert "みほん家計簿" not in answer.text.split("<main")[1].split("</main>")[0]
    stolen = await other.post(action(page), choice(page, 1))
    assert title(stolen) == "この画面では手続きを続けられません"
    assert await registrations(database) == []


async def test_a_login_that_is_six_minutes_old_has_to_be_made_again(hanako: Person, request_id: str) -> None:
    answer = await hanako.log_in(await hanako.get(f"/consent/begin/{request_id}"))
    hanako.clock.pass_(minutes=6)
    page = await hanako.get(answer.headers["location"])
    assert (page.status_code, title(page)) == (400, "時間がたったため、ログアウトしました")
    [again] = [link for link in links(page) if link.startswith("/login")]
    answer = await hanako.log_in(await hanako.get(again))
    assert title(await hanako.get(answer.headers["location"])) == CONSENT_TITLE


@pytest.mark.parametrize("of", ["session", "request", "form", "statement", "installation"])
def test_a_form_token_serves_one_session_one_request_one_form_and_one_statement(of: str) -> None:
    """security.md 5: each of the five alone makes it another token."""
    issued = {
        "master": b"m" * 32, "session": "s1", "request_id": "r1", "form": "consent", "stated": "2027-05-23"
    }  # fmt: skip
    made = form_token(**issued)  # type: ignore[arg-type]
    asked = {name: value for name, value in issued.items() if name != "stated"}
    assert stated_in(made, **asked) == "2027-05-23"  # type: ignore[arg-type]
    other = {
        "session": {"session": "s2"},
        "request": {"request_id": "r2"},
        "form": {"form": "login"},
        "installation": {"master": b"n" * 32},
    }
    presented = made.replace("2027-05-23", "2027-05-24") if of == "statement" else made
    assert stated_in(presented, **{**asked, **other.get(of, {})}) is None  # type: ignore[arg-type]
    assert stated_in(made, **{**asked, "session": None}) is None  # type: ignore[arg-type]


async def test_a_login_is_logged_by_its_outcome_and_by_nothing_that_was_typed(hanako: Person, request_id: str) -> None:
    """security.md 13: no number, password or code in any log line."""
    page = await hanako.get(f"/consent/begin/{request_id}")
    typed = {"customer_number": "98765432", "password": "canary-7f3a", "one_time_code": "135790"}
    with structlog.testing.capture_logs() as lines:
        await hanako.log_in(page, **typed)
        await hanako.log_in(page)
    said = [line for line in lines if line["event"] == "login"]
    assert [line["outcome"] for line in said] == ["wrong", "identified"]
    assert not any(value in str(lines) for value in (*typed.values(), "10000001", "mihon-"))

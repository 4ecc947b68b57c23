"""Log-in and consent in a real browser: approve, deny, back, twice, without script, in another browser (issue 3)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures import logging_in
from madoguchi.procedures.service import close_service
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.login import LoginTries
from madoguchi.records.registrations import AuthorizationCode, PushedRequest, Registration
from tests.pages.counter import ARRIVED, Counter, open_counter
from tests.story import NOW, WHO, Story
from tests.support.browser import accessibility_faults, watched_page

pytestmark = pytest.mark.browser
TITLE = "「みほん家計簿」に、口座の情報を見せますか？"


@pytest.fixture
def counter(database_url: str, told_story: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    monkeypatch.setattr(logging_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with open_counter(database_url, told_story) as counter:
        yield counter


def log_in(page: Page, counter: Counter, address: str | None = None, **other: str) -> None:
    page.goto(address or counter.begin())
    for name, value in {**counter.login(), **other}.items():
        page.fill(f"[name={name}]", value)
    page.click("button:has-text('ログイン')")


def tick_everything(page: Page, counter: Counter) -> None:
    page.check(f"[name=account][value='{counter.story.ordinary}']")
    page.check("[name=scope][value=balances]")
    for name in ("confirm_contract", "agree_terms", "accept_risks"):
        page.check(f"[name={name}]")


def heading(page: Page) -> str:
    return (page.text_content("h1") or "").strip()


def codes(session: Session) -> list[AuthorizationCode]:
    return list(session.exec(select(AuthorizationCode)).all())


def registrations(session: Session) -> list[Registration]:
    return list(session.exec(select(Registration)).all())


@pytest.mark.clause("4-1")
@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_customer_consents_and_arrives_back_at_the_aggregator(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    assert heading(page) == TITLE
    assert page.locator("input:checked").count() == 0
    tick_everything(page, counter)
    page.click("text=同意して連携する")
    assert heading(page) == ARRIVED
    [given] = counter.asked
    assert given.keys() == {"code", "state", "iss"}
    [code] = counter.do(codes)
    assert code.code_hash == opaque.stored(given["code"])
    [made] = counter.do(registrations)
    assert (made.scopes, given["iss"]) == (["accounts", "balances"], counter.url)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_customer_denies_and_arrives_back_at_the_aggregator(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    page.click("text=同意しない >> visible=true")
    assert heading(page) == ARRIVED
    assert counter.asked == [{"error": "access_denied", "state": "state-1", "iss": counter.url}]
    assert counter.do(registrations) == []


def test_a_customer_turns_back_before_logging_in(page: Page, counter: Counter) -> None:
    page.goto(counter.begin())
    page.click("text=やめて、みほん家計簿に戻る")
    assert heading(page) == ARRIVED
    assert counter.asked[0]["error"] == "access_denied"


def test_the_back_button_after_the_decision_says_what_was_decided(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    tick_everything(page, counter)
    page.click("text=同意して連携する")
    assert heading(page) == ARRIVED
    counter.clock.pass_(minutes=2)
    page.go_back()
    assert heading(page) == "この手続きは終わっています"
    assert "同意して連携する" in (page.text_content("main") or "")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_arrives_with_the_code_that_counts(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    tick_everything(page, counter)
    page.dblclick("text=同意して連携する", no_wait_after=True)
    page.wait_for_url(counter.done)
    assert len(counter.do(registrations)) == 1
    [code] = counter.do(codes)
    assert code.code_hash == opaque.stored(counter.asked[-1]["code"])


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_on_login_does_no_harm(page: Page, counter: Counter) -> None:
    page.goto(counter.begin())
    for name, value in counter.login().items():
        page.fill(f"[name={name}]", value)
    page.dblclick("button:has-text('ログイン')", no_wait_after=True)
    again = page.locator("text=認証アプリの番号が変わってから")
    expect(page.locator("h1", has_text=TITLE).or_(again)).to_be_visible()
    if again.is_visible():
        assert not accessibility_faults(page)
        counter.clock.pass_(seconds=30)
        log_in(page, counter, page.url)
    assert heading(page) == TITLE
    tries = counter.do(lambda session: session.exec(select(LoginTries)).all())
    assert [one.failures for one in tries] == [0]


def test_where_scripts_run_a_double_click_sends_the_login_form_once(page: Page, counter: Counter) -> None:
    page.goto(counter.begin())
    sent = page.evaluate("""() => {
        const form = document.querySelector("form[method=post]");
        let sent = 0;
        form.addEventListener("submit", (event) => {
            if (!event.defaultPrevented) sent += 1;
            event.preventDefault();
        });
        for (let click = 0; click < 3; click += 1) form.querySelector("button").click();
        return sent;
    }""")
    assert sent == 1


def test_the_login_form_that_the_back_button_shows_can_be_sent_again(page: Page, counter: Counter) -> None:
    log_in(page, counter, password="")
    page.go_back()
    for name, value in counter.login().items():
        page.fill(f"[name={name}]", value)
    page.click("button:has-text('ログイン')")
    assert heading(page) == TITLE


def test_another_browser_with_the_same_link_is_refused(page: Page, counter: Counter, chromium: Browser) -> None:
    log_in(page, counter)
    with watched_page(chromium, 390) as (other, faults):
        other.goto(page.url)
        assert heading(other) == "この画面では手続きを続けられません"
        assert not accessibility_faults(other)
    assert not faults


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_missing_is_listed_and_what_was_ticked_stays(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    page.check("[name=scope][value=transactions]")
    page.check("[name=agree_terms]")
    page.click("text=同意して連携する")
    summary = page.locator("#errors")
    expect(summary).to_contain_text("まだ登録できません（3件）")
    expect(summary).to_contain_text("見せる口座を1つ以上選んでください")
    expect(page.locator("[name=scope][value=transactions]")).to_be_checked()
    expect(page.locator("[name=agree_terms]")).to_be_checked()
    tick_everything(page, counter)
    page.click("text=同意して連携する")
    assert heading(page) == ARRIVED


def test_a_wrong_password_is_told_on_the_page_and_the_fifth_locks(page: Page, counter: Counter) -> None:
    log_in(page, counter, password="mihon-0000-0000")
    expect(page.locator("#errors")).to_be_focused()
    assert page.input_value("[name=customer_number]") == "10000001"
    assert page.input_value("[name=password]") == ""
    for _ in range(4):
        page.fill("[name=password]", "mihon-0000-0000")
        page.fill("[name=one_time_code]", "000000")
        page.click("button:has-text('ログイン')")
    assert heading(page) == "しばらくたってからお試しください"


def test_the_time_can_be_extended_when_two_minutes_are_left(page: Page, counter: Counter) -> None:
    page.clock.install()
    log_in(page, counter)
    page.check(f"[name=account][value='{counter.story.ordinary}']")
    page.clock.fast_forward("27:50")
    expect(page.locator("#time")).to_be_hidden()
    counter.clock.pass_(minutes=28)
    page.clock.fast_forward("00:10")
    expect(page.locator("#time")).to_be_visible()
    page.click("text=時間をのばす >> visible=true")
    expect(page.locator("#time")).to_be_hidden()
    expect(page.locator(f"[name=account][value='{counter.story.ordinary}']")).to_be_checked()
    [request] = counter.do(lambda session: session.exec(select(PushedRequest)).all())
    assert request.page_expires_at == NOW + timedelta(minutes=60)


@pytest.mark.parametrize("javascript", [False])
def test_without_script_the_time_can_be_extended_and_the_ticks_stay(page: Page, counter: Counter) -> None:
    log_in(page, counter)
    tick_everything(page, counter)
    page.click("button[formaction]", timeout=5_000)
    expect(page.locator("[name=agree_terms]")).to_be_checked()
    page.click("text=同意して連携する")
    assert heading(page) == ARRIVED


def test_without_the_second_origin_in_the_record_the_browser_stops_the_chain(
    chromium: Browser, counter: Counter
) -> None:
    """The negative control of form-action: Chromium checks every hop of the redirect chain."""

    def forget(session: Session) -> None:
        session.get_one(Aggregator, counter.story.kakeibo).return_origins = []

    counter.do(forget)
    with watched_page(chromium, 1280) as (page, faults):
        log_in(page, counter)
        tick_everything(page, counter)
        page.click("text=同意して連携する", no_wait_after=True)
        page.wait_for_timeout(500)
        assert page.url != counter.done
    assert any("form-action" in fault for fault in faults)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way(page: Page, counter: Counter) -> None:
    page.goto(counter.begin())
    assert not accessibility_faults(page)
    page.click("button:has-text('ログイン')")
    assert not accessibility_faults(page)
    log_in(page, counter)
    assert not accessibility_faults(page)
    page.click("text=同意して連携する")
    assert not accessibility_faults(page)
    counter.do(close_service, NOW + timedelta(hours=9), "test", WHO, NOW)
    page.reload()
    assert heading(page) == "ただいまサービス時間外です"
    assert not accessibility_faults(page)

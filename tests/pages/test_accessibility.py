"""Every page in a real browser under the real headers: axe, reflow at 320 pixels, keyboard, no script, print.

Sources: WCAG 2.2 A and AA; the design's rule against dark patterns. The `page` fixture fails a test on any console
error, so that a breach of the content security policy fails it too.
"""

from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.pages.sample_aggregator import SAMPLE_PAGES
from tests.pages.samples import PAGES
from tests.pages.showing import shown
from tests.support.browser import HEIGHTS, accessibility_faults

__all__ = ["shown"]
pytestmark = pytest.mark.browser

EVERY_PAGE = [*PAGES, *SAMPLE_PAGES]
ONE_OF_EACH = [
    *("home-hours", "hours", "terms", "aggregators", "phishing", "customers", "login-wrong", "closed"),
    *("consent-initial", "consent-ready", "consent-error", "sample-before", "sample-after", "sample-closed"),
]
OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true"


@pytest.mark.parametrize(
    ("looks", "names"),
    [
        ([(390, "light"), (1280, "dark")], EVERY_PAGE),
        ([(390, "dark"), (1280, "light")], ONE_OF_EACH),
    ],
)
def test_axe_finds_nothing_on_any_page(
    page: Page, shown: str, looks: list[tuple[int, Literal["light", "dark"]]], names: list[str]
) -> None:
    found = {}
    page.emulate_media(reduced_motion="reduce")  # or colours would pass into each other after a change of the look
    for name in names:
        page.goto(f"{shown}/{name}")
        page.evaluate(OPEN_ALL)
        for width, scheme in looks:
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            page.emulate_media(color_scheme=scheme)
            if faults := accessibility_faults(page):
                found[name, width, scheme] = faults
    assert found == {}


def test_axe_finds_pale_text(page: Page, shown: str) -> None:
    """The negative control: without it, silence above would prove nothing."""
    page.goto(f"{shown}/home")
    page.evaluate("document.querySelector('.page-head p').style.color = '#b9c6d5'")
    assert any(fault.startswith("color-contrast") for fault in accessibility_faults(page))


@pytest.mark.parametrize("width", [320])
@pytest.mark.parametrize(("size", "names"), [("1", ONE_OF_EACH), ("2", ONE_OF_EACH), ("3", EVERY_PAGE)])
def test_no_page_scrolls_sideways_at_320_pixels_in_any_text_size(
    page: Page, shown: str, size: str, names: list[str]
) -> None:
    wide = []
    for name in names:
        page.goto(f"{shown}/{name}?size={size}")
        page.evaluate(OPEN_ALL)
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(name)
    assert wide == []


@pytest.mark.parametrize("width", [390])
def test_the_consent_page_on_a_phone_is_at_most_3300_pixels_tall(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    assert page.evaluate("document.documentElement.scrollHeight") <= 3300


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_two_decisions_are_next_to_each_other_and_of_one_size(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    approve = page.get_by_role("button", name="同意して連携する").bounding_box()
    deny = page.get_by_role("button", name="同意しない").bounding_box()
    assert approve is not None
    assert deny is not None
    assert (approve["width"], approve["height"]) == (deny["width"], deny["height"])
    assert abs(approve["x"] - deny["x"]) < approve["width"] + 16
    assert abs(approve["y"] - deny["y"]) < approve["height"] + 16


def test_nothing_is_ticked_and_nothing_is_disabled_before_the_customer_acts(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    assert page.locator("input:checked").count() == 0
    assert page.locator(":disabled").count() == 0


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_both_decisions_are_there_and_the_summary_claims_nothing(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    assert "上で選んだ口座" in page.get_by_role("region", name="この内容で登録します").inner_text()
    page.get_by_label("普通預金 …⁠4567").check()
    page.get_by_role("button", name="同意しない").click()
    assert page.inner_text("body").split("&")[2:] == ["account=a1", "decision=deny"]


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_the_time_can_be_extended_by_a_button(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    with page.expect_response("**/consent/extend") as answer:
        page.get_by_role("button", name="時間をのばす").click()
    assert answer.value.status == 200


@pytest.mark.parametrize("javascript", [False])
def test_without_javascript_a_link_changes_the_text_size_and_the_next_page_keeps_it(page: Page, shown: str) -> None:
    page.goto(f"{shown}/home")
    page.get_by_role("link", name="特大").click()
    page.goto(f"{shown}/hours")
    assert page.locator("html").get_attribute("data-size") == "3"
    assert page.get_by_role("link", name="特大").get_attribute("aria-current") == "true"


def test_the_summary_names_what_is_ticked_as_it_is_ticked(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    summary = page.get_by_role("region", name="この内容で登録します")
    assert "まだ選んでいません" in summary.inner_text()
    page.locator("label", has_text="当座預金").click()
    page.get_by_label("残高照会").check()
    assert "1口座\n当座\u00a0…\u20603210" in summary.inner_text()
    assert "口座情報・残高\n" in summary.inner_text()


def test_one_button_ticks_every_account_that_can_be_chosen(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    page.get_by_role("button", name="普通・当座の3口座をすべて選ぶ").click()
    assert page.locator("input[name=account]:checked").count() == 3
    assert page.locator("input[name=scope]:checked").count() == 0


def test_changing_the_text_size_loses_no_tick(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    page.get_by_label("残高照会").check()
    page.get_by_role("link", name="大", exact=True).click()
    assert page.locator("html").get_attribute("data-size") == "2"
    assert page.get_by_label("残高照会").is_checked()


def test_the_error_summary_has_the_focus_and_leads_to_the_first_account(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-error")
    assert page.evaluate("document.activeElement.id") == "errors"
    page.get_by_role("link", name="見せる口座を1つ以上選んでください").click()
    page.keyboard.press("Space")
    assert page.locator("input[name=account]").first.is_checked()


def test_the_time_left_is_hidden_until_two_minutes_remain_and_can_then_be_extended(page: Page, shown: str) -> None:
    page.clock.install()
    page.goto(f"{shown}/consent-last-minutes")
    dialog = page.get_by_role("dialog", name="あと2分でログアウトします")
    page.clock.run_for(29_000)
    assert not dialog.is_visible()
    page.clock.run_for(2_000)
    assert dialog.is_visible()
    assert accessibility_faults(page) == []
    with page.expect_response("**/consent/extend"):
        dialog.get_by_role("button", name="時間をのばす").click()
    dialog.wait_for(state="hidden")
    page.clock.run_for(1_600_000)
    assert not dialog.is_visible()


def test_the_keyboard_follows_the_reading_order(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-initial")
    reading = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary')]"
        ".filter(at => at.offsetParent && at.type !== 'hidden').map(at => at.textContent.trim() || at.id)"
    )
    tabbed = []
    for _ in reading:
        page.keyboard.press("Tab")
        tabbed.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert tabbed == reading
    assert len(reading) >= 20


def test_a_second_click_does_not_send_the_decision_twice(page: Page, shown: str) -> None:
    sent = []
    page.goto(f"{shown}/consent-initial")
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.evaluate("for (const at of [0, 150]) setTimeout(() => document.querySelector('[value=deny]').click(), at)")
    page.wait_for_url("**/consent")
    assert sent == ["POST"]


def test_on_paper_the_details_are_open_and_neither_buttons_nor_the_phrase_are_printed(page: Page, shown: str) -> None:
    page.goto(f"{shown}/consent-ready")
    page.emulate_media(media="print")
    assert page.get_by_text("第9条", exact=False).first.is_visible()
    assert page.get_by_text("みほんサーバー株式会社（保管を任せている会社）").is_visible()
    assert not page.get_by_text("雪どけの朝").is_visible()
    assert not page.get_by_role("button", name="同意して連携する").is_visible()

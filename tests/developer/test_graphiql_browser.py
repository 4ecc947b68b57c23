"""GraphiQL as a developer uses it, in a real browser at the real server: read, complete, sign in, run, copy.

One session serves the file, as a one-time code serves once; each test opens the page with it or without it.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import accessibility_faults, watched_page
from tests.support.server import COMMAND, Server, running_server
from tests.support.tree import ROOT

pytestmark = pytest.mark.browser

HOME = "/developer/graphiql"
SENT = "事業者のサーバーが送る形"
EXAMPLES = {"AccountsAndBalances", "HistoryPage", "Changes", "ServiceAndRegistration", "RefusedField"}
NUMBER = "10000001"
EDITORS_OWN = {"label", "nested-interactive", "scrollable-region-focusable"}
"""All that axe finds, in GraphiQL's own markup: CodeMirror's text areas, tabs that hold buttons, scrolling editors."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The served sample, its data, and a browser's cookies after signing in without 残高照会 and with everything."""

    server: Server
    data: Path
    signed_in: Any

    @property
    def address(self) -> str:
        return self.server.url + HOME


@pytest.fixture(scope="module")
def bench(
    new_sample: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory, chromium: Browser
) -> Iterator[Bench]:
    assert (ROOT / "frontend/static/built/graphiql.js").exists(), "「make graphiql」を先に実行してください"
    data = new_sample(tmp_path_factory.mktemp("graphiql") / "data")
    own = {"MADOGUCHI_DATA_DIR": str(data)}
    with running_server(own, "--sample") as server, watched_page(chromium, 1280) as (page, faults):
        sign_in(page, server, own)
        assert not faults, faults
        yield Bench(server, data, page.context.storage_state())


def sign_in(page: Page, server: Server, own: dict[str, str]) -> None:
    """The real flow: login, everything chosen on the consent page but 残高照会."""
    password = re.search(rf"{NUMBER}\D.*?(mihon-[a-z2-7]{{4}}-[a-z2-7]{{4}})", server.log)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    told = subprocess.run(
        [COMMAND[0], "customer", "code", NUMBER],
        env={**inherited, **own, "MADOGUCHI_ISSUER": server.url}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    one_time = re.search(r"\d{6}", told)
    assert password is not None
    assert one_time is not None
    page.goto(server.url + HOME)
    page.get_by_role("link", name="見本の顧客でログイン").click()
    page.get_by_label("お客さま番号").fill(NUMBER)
    page.get_by_label("パスワード", exact=True).fill(password[1])
    page.get_by_label("ワンタイムパスワード").fill(one_time[0])
    page.get_by_role("button", name="ログイン").click()
    page.get_by_role("checkbox", name=re.compile("普通預金.*4567")).check()
    for name in ("入出金明細照会", "利用契約を結んでいます", "に同意します", "リスクを理解し"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="同意して連携する").click()
    page.wait_for_url(server.url + HOME)
    expect(page.get_by_text("見本の顧客でログインしています")).to_be_visible()


@pytest.fixture
def desk(bench: Bench, chromium: Browser, width: int, colour_scheme: Any) -> Iterator[Page]:
    """The page, signed in; the tabs are the examples, as at a first visit."""
    state = {**bench.signed_in, "origins": []}
    with watched_page(chromium, width, color_scheme=colour_scheme, storage_state=state) as (page, faults):
        page.goto(bench.address)
        expect(page.locator(".graphiql-container")).to_be_visible()
        yield page
    assert not faults, "\n".join(faults)


def run(page: Page, tab: str, account: str = "") -> dict[str, Any]:
    """Run an example, for an account that was filled in; returns what the page's server told of it."""
    page.locator(".graphiql-tab-button", has_text=tab).click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text(tab)
    expect(page.locator(".graphiql-editor-tool")).to_contain_text(account)
    with page.expect_response(lambda response: response.url.endswith("/run")) as answered:
        page.get_by_role("button", name=re.compile("Execute query")).click()
    told: dict[str, Any] = answered.value.json()
    return told


def test_before_sign_in_the_documentation_is_open_and_says_what_guards_a_field(page: Page, bench: Bench) -> None:
    page.goto(bench.address)
    page.get_by_role("link", name="Balance", exact=True).click()
    expect(page.get_by_text("(scope balances; clause 2-1-1)").first).to_be_visible()
    page.get_by_role("link", name="current", exact=True).click()
    expect(page.get_by_text("Ledger balance (現在残高)")).to_contain_text("(scope balances; clause 2-1-1)")


def test_before_sign_in_a_field_is_completed_and_running_says_what_to_do(page: Page, bench: Bench) -> None:
    page.goto(bench.address)
    page.get_by_role("button", name="New tab").click()
    editor = page.locator(".graphiql-query-editor .CodeMirror")
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.type("{ regis", delay=30)
    hint = page.locator(".CodeMirror-hints li").first
    expect(hint).to_contain_text("registration")
    page.keyboard.press("Enter")
    expect(editor).to_contain_text("registration")
    page.get_by_role("button", name=re.compile("Execute query")).click()
    expect(page.locator(".result-window")).to_contain_text("NOT_SIGNED_IN")


def test_the_examples_are_tabs_and_every_one_runs(desk: Page) -> None:
    assert {tab.inner_text() for tab in desk.locator(".graphiql-tab-button").all()} == EXAMPLES
    (account,) = run(desk, "AccountsAndBalances")["answer"]["body"]["data"]["accounts"]
    for name in ("HistoryPage", "Changes", "ServiceAndRegistration"):
        of = "" if name == "ServiceAndRegistration" else account["id"]
        answer = run(desk, name, of)["answer"]
        assert answer["status"] == 200, answer
        codes = {error["extensions"]["code"] for error in answer["body"].get("errors", [])}
        assert codes <= {"SCOPE_NOT_GRANTED"}, f"{name}: {codes}"
        assert any(answer["body"]["data"].values()), name


@pytest.mark.clause("4-3")
def test_a_refused_field_is_null_and_says_code_and_clause(desk: Page) -> None:
    body = run(desk, "RefusedField")["answer"]["body"]
    assert "data" in body, body
    assert (body["data"]["accounts"][0]["balance"], body["data"]["stranger"]) == (None, None)
    told = {(error["path"][-1], error["extensions"]["code"]) for error in body["errors"]}
    assert ("stranger", "UNKNOWN_ID") in told
    (clause,) = {error["extensions"]["clause"] for error in body["errors"] if error["path"][-1] == "balance"}
    shown = desk.locator(".result-window")
    expect(shown).to_contain_text('"stranger": null')
    assert clause == "4-3"


def test_the_panel_explains_the_request_and_its_python_runs_as_it_is(
    desk: Page, bench: Bench, tmp_path: Path
) -> None:
    told = run(desk, "AccountsAndBalances")
    desk.get_by_role("button", name=SENT, exact=True).click()
    panel = desk.get_by_role("region", name=SENT)
    for name in ("Authorization", "DPoP", "jwk", "jti", "htm", "htu", "iat", "ath"):
        expect(panel.get_by_text(name, exact=True).first).to_be_visible()
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Pythonとしてコピー").click()
    expect(panel.get_by_text("コピーしました")).to_be_visible()
    copied = desk.evaluate("navigator.clipboard.readText()")
    assert copied == told["sent"]["python"]

    store = sqlite3.connect(bench.data / "sample-aggregator-graphiql.db")
    (token,) = store.execute("SELECT access_token FROM connection").fetchone()
    (key,) = store.execute("SELECT jwk FROM proof_key").fetchone()
    store.close()
    assert token not in desk.content()
    (tmp_path / "key.json").write_text(key)
    environment = {**os.environ, "ACCESS_TOKEN": token, "PROOF_KEY": str(tmp_path / "key.json")}
    done = subprocess.run(
        [sys.executable, "-c", copied], env=environment, capture_output=True, text=True, check=True
    ).stdout
    status, _, body = done.partition("\n")
    assert status.startswith("200 rq_")
    assert json.loads(body)["data"] == told["answer"]["body"]["data"]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_the_frame_is_usable_and_axe_finds_nothing_of_ours(desk: Page, width: int, colour_scheme: str) -> None:
    run(desk, "ServiceAndRegistration")
    dark = desk.evaluate("getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor")
    assert (dark == "rgb(22, 33, 48)") == (colour_scheme == "dark"), dark
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
    for part in (".graphiql-query-editor .CodeMirror", ".result-window"):
        box = desk.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > (200 if width == 390 else 250)
        assert box["height"] > 150
    desk.get_by_role("button", name=SENT, exact=True).click()
    expect(desk.get_by_role("region", name=SENT)).to_be_visible()
    cut = "const room = document.getElementById('graphiql'); room.scrollHeight - room.clientHeight"
    assert desk.evaluate(cut) <= 1, "nothing of it is cut off below"
    faults = accessibility_faults(desk)
    assert {fault.partition(":")[0] for fault in faults} <= EDITORS_OWN, "\n".join(faults)


def test_settings_and_short_keys_open_under_the_policy(desk: Page) -> None:
    """`desk` fails on any console error: neither puts an inline style into the page."""
    for name in ("Open settings dialog", "Open short keys dialog"):
        desk.get_by_role("button", name=name).click()
        expect(desk.get_by_role("dialog")).to_be_visible()
        desk.keyboard.press("Escape")

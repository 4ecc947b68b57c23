"""Log-in and consent over HTTP, as a browser without script meets them: forms, cookies, refusals (issue 3, point 5)."""

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlmodel import Session, col, select

from madoguchi.doors.pages.session import cookie_name
from madoguchi.procedures import logging_in
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.sample_logins import seed_sample_logins
from madoguchi.procedures.service import close_service, set_stop
from madoguchi.procedures.terms import load_terms
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, Contract
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest, Registration
from madoguchi.rules.vocabulary import JST, AccountState, StopTarget
from tests.flows.browsing import (
    JIRO,
    Hands,
    MasterOnly,
    Person,
    action,
    answered,
    choice,
    links,
    pages_app,
    ticked,
    title,
    token,
)
from tests.flows.visits import push, settings_for
from tests.story import CALLBACK, ISSUER, NOW, SAMPLE, WHO, Story, register, tell

CONSENT_TITLE = "「みほん家計簿」に、口座の情報を見せますか？"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
async def story(database: Database) -> Story:
    told = await database.writing(tell)
    await seed_sample_logins(database, MasterOnly().master)
    return told


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def hanako(database: Database, database_url: str, story: Story, clock: Hands) -> Person:
    return Person(pages_app(database, settings_for(database_url), clock), database, clock)


@pytest.fixture
async def request_id(database: Database, story: Story) -> str:
    return await database.writing(push, story.kakeibo)


async def registrations(database: Database) -> list[Registration]:
    return list(await database.reading(lambda session: session.exec(select(Registration)).all()))


@pytest.mark.clause("4-1")
async def test_a_customer_logs_in_chooses_and_goes_back_with_a_code(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    assert title(login_page) == "ログイン"
    assert "「みほん家計簿」との連携の登録のため" in login_page.text
    page = await hanako.get((await hanako.log_in(login_page)).headers["location"])
    assert (page.status_code, title(page)) == (200, CONSENT_TITLE)
    assert "2027年5月23日で終わります" in page.text
    assert "雪どけの朝" in page.text
    assert ticked(page) == [], "nothing is ticked before the customer ticks it"
    given = answered(await hanako.post(action(page), choice(page, story.ordinary)))
    assert given.keys() == {"code", "state", "iss"}
    [made] = await registrations(database)
    assert made.state == "pending"
    assert "no-store" in page.headers["cache-control"]


async def test_denying_tells_the_aggregator_access_denied(database: Database, hanako: Person, request_id: str) -> None:
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.post(action(page), {"form_token": token(page), "decision": "deny"})
    assert answer.headers["location"].startswith(CALLBACK)
    assert answered(answer) == {"error": "access_denied", "state": "state-1", "iss": ISSUER}
    assert await registrations(database) == []


async def test_the_login_page_leads_back_to_the_aggregator_without_a_login(hanako: Person, request_id: str) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    [back] = [link for link in links(login_page) if link.startswith("/consent/back")]
    assert answered(await hanako.client.get(back))["error"] == "access_denied"
    again = await hanako.get(f"/login?request={request_id}")
    assert (again.status_code, title(again)) == (409, "この手続きは終わっています")


async def test_the_way_back_tells_nothing_but_one_of_two_errors(hanako: Person, request_id: str) -> None:
    await hanako.get(f"/consent/begin/{request_id}")
    answer = await hanako.client.get(f"/consent/back?request={request_id}&error=<script>")
    assert answer.status_code == 400
    assert "<script>" not in answer.text


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
    page = await hanako.get(f"/consent/begin/{request_id}")
    for _ in range(4):
        page = await hanako.log_in(page, password="mihon-0000-0000")
    answer = await hanako.log_in(page, password="mihon-0000-0000")
    assert (answer.status_code, title(answer)) == (429, "しばらくたってからお試しください")
    right = await hanako.log_in(page)
    assert right.status_code == 429
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


@pytest.mark.parametrize(
    "forged",
    ["", "x", "2027-05-23.", "2027-05-23." + "0" * 64, "other request", "other browser", "login form", "other day"],
)
async def test_a_form_token_of_elsewhere_decides_nothing_and_ticks_nothing(
    database: Database, story: Story, hanako: Person, request_id: str, forged: str
) -> None:
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    page = await hanako.get((await hanako.log_in(login_page)).headers["location"])
    if forged == "login form":
        forged = token(login_page)
    elif forged == "other day":
        forged = token(page).replace("2027-05-23", "2030-01-01")
    elif forged == "other request":
        hanako.clock.pass_(seconds=30)
        forged = token(await hanako.come_to_consent(await database.writing(push, story.kaikei, at=hanako.clock.now)))
        page = await hanako.get(f"/consent?request={request_id}")
    elif forged == "other browser":
        jiro = Person(hanako.app, database, hanako.clock)
        forged = token(await jiro.come_to_consent(await database.writing(push, story.kakeibo), JIRO))
    answer = await hanako.post(action(page), choice(page, story.ordinary, form_token=forged))
    assert (answer.status_code, title(answer)) == (403, CONSENT_TITLE)
    assert ticked(answer) == []
    assert await registrations(database) == []
    answered(await hanako.post(action(answer), choice(answer, story.ordinary)))


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}],
)
async def test_a_post_from_another_site_is_refused_even_with_a_right_token(
    database: Database, story: Story, hanako: Person, request_id: str, headers: dict[str, str]
) -> None:
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.post(action(page), choice(page, story.ordinary), **headers)
    assert answer.status_code == 400
    assert await registrations(database) == []
    honest = {"sec-fetch-site": "same-origin", "origin": "null"}  # as browsers send it under no-referrer
    answered(await hanako.post(action(page), choice(page, story.ordinary), **honest))


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("no account", {"account": None}, "見せる口座を1つ以上選んでください"),
    ("another's account", {"account": "jiro_ordinary"}, "連携できない口座が含まれています。"),
    ("a time deposit", {"account": "time"}, "連携できない口座が含まれています。"),
    ("no information", {"scope": None}, "残高照会・入出金明細照会のどちらか1つ以上を選んでください"),
    ("an invented scope", {"scope": ["balances", "transfers"]}, "連携できない情報が含まれています。"),
    ("no contract", {"confirm_contract": None}, "「みほん家計簿」とのご契約の確認にチェックを入れてください"),
    ("no terms", {"agree_terms": None}, "API利用規定への同意にチェックを入れてください"),
    ("no risks", {"accept_risks": "on"}, "リスクの確認にチェックを入れてください"),
    ("an old text", {"terms": "0" * 64}, "API利用規定への同意にチェックを入れてください"),
]


@pytest.mark.clause("4-7")
@pytest.mark.parametrize(("changed", "sentence"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
async def test_a_mistake_brings_the_page_back_with_what_was_chosen(
    database: Database, story: Story, hanako: Person, request_id: str, changed: dict[str, Any], sentence: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    if isinstance(name := changed.get("account"), str):
        changed = {"account": [str(story.ordinary), str(getattr(story, name))]}
    answer = await hanako.post(action(page), choice(page, story.ordinary, **changed))
    assert answer.status_code in (400, 409)
    assert sentence in answer.text
    assert "まだ登録できません（1件）" in answer.text
    assert await registrations(database) == []
    kept = ticked(answer)
    assert f"account={story.ordinary}" in kept or changed.get("account", "") is None
    assert not any(f"={one}" in box for box in kept for one in (story.jiro_ordinary, story.time))
    answered(await hanako.post(action(answer), choice(answer, story.ordinary)))


@pytest.mark.clause("9-1")
async def test_terms_that_changed_while_the_page_was_open_are_shown_with_their_difference_and_asked_for_anew(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    text = (SAMPLE / "api-terms-2026-10-01.toml").read_text()
    text = text.replace("as_of = 2026-10-01", "as_of = 2026-11-24", 1).replace(
        "当組合が追加の料金をいただくことはありません。", "当組合は追加の料金をいただきません。"
    )
    rules = (SAMPLE / "internet-banking-rules-2026-10-01.toml").read_bytes()
    await database.writing(load_terms, text.encode(), [rules], WHO, NOW)
    answer = await hanako.post(action(page), choice(page, story.ordinary))
    assert answer.status_code == 409
    assert "変わった条文を見る（第3条）" in answer.text
    assert "API利用規定（2026年11月24日現在）に同意します" in answer.text
    assert "agree_terms=yes" not in ticked(answer)
    assert "accept_risks=yes" not in ticked(answer)
    assert f"account={story.ordinary}" in ticked(answer)
    answered(await hanako.post(action(answer), choice(answer, story.ordinary)))


async def test_after_midnight_the_page_comes_back_with_another_last_day(
    database: Database, story: Story, hanako: Person, clock: Hands
) -> None:
    clock.now = NOW.replace(hour=23, minute=50)
    page = await hanako.come_to_consent(await database.writing(push, story.kakeibo, at=clock.now))
    assert "2027年5月23日で終わります" in page.text
    clock.pass_(minutes=10)
    answer = await hanako.post(action(page), choice(page, story.ordinary))
    assert answer.status_code == 400
    assert "日付が変わり、連携の終わる日が変わりました" in answer.text
    assert "2027年5月24日で終わります" in answer.text
    answered(await hanako.post(action(answer), choice(answer, story.ordinary)))


async def test_a_double_click_ends_with_a_code_that_works_and_later_the_page_says_what_was_decided(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    form = choice(page, story.ordinary)
    first, second = [answered(await hanako.post(action(page), form)) for _ in range(2)]
    assert first["code"] != second["code"]
    assert len(await registrations(database)) == 1
    hanako.clock.pass_(seconds=61)
    late = await hanako.post(action(page), form)
    assert (late.status_code, title(late)) == (409, "この手続きは終わっています")
    back = await hanako.get(f"/consent?request={request_id}")
    assert title(back) == "この手続きは終わっています"
    assert "同意して連携する" in back.text
    assert "11月24日 14:02" in back.text
    assert not any("/consent/back" in link for link in links(back))


async def test_a_login_that_is_six_minutes_old_has_to_be_made_again(hanako: Person, request_id: str) -> None:
    answer = await hanako.log_in(await hanako.get(f"/consent/begin/{request_id}"))
    hanako.clock.pass_(minutes=6)
    page = await hanako.get(answer.headers["location"])
    assert (page.status_code, title(page)) == (400, "時間がたったため、ログアウトしました")
    [again] = [link for link in links(page) if link.startswith("/login")]
    answer = await hanako.log_in(await hanako.get(again))
    assert title(await hanako.get(answer.headers["location"])) == CONSENT_TITLE


async def test_the_page_can_be_extended_once_and_keeps_its_ticks(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    hanako.clock.pass_(minutes=29)
    longer = await hanako.post(f"/consent/extend?request={request_id}", choice(page, story.ordinary))
    assert (longer.status_code, title(longer)) == (200, CONSENT_TITLE)
    assert {f"account={story.ordinary}", "scope=balances", "agree_terms=yes"} <= set(ticked(longer))
    said = await hanako.post(
        f"/consent/extend?request={request_id}", {"form_token": token(page)}, accept="application/json"
    )
    assert said.json() == {"seconds_left": 31 * 60}
    hanako.clock.pass_(minutes=31)
    late = await hanako.post(action(page), choice(page, story.ordinary))
    assert (late.status_code, title(late)) == (400, "手続きの有効期限が切れました")
    assert await registrations(database) == []
    [back] = [link for link in links(late) if link.startswith("/consent/back")]
    assert answered(await hanako.client.get(back))["error"] == "access_denied"


def close(session: Session, _: Story) -> None:
    close_service(session, (NOW + timedelta(hours=17)).astimezone(JST), "test", WHO, NOW)


def stop(session: Session, _: Story) -> None:
    set_stop(session, StopTarget.ALL, "", NOW, NOW + timedelta(days=1), None, "test", WHO, NOW)


def cancel(session: Session, story: Story) -> None:
    session.get_one(Contract, story.hanako_contract).state = "cancelled"


def freeze(session: Session, story: Story) -> None:
    for account in session.exec(select(Account).where(Account.customer_id == story.hanako)):
        account.state = AccountState.FROZEN


def designate_no_more(session: Session, story: Story) -> None:
    end_contract(session, story.kakeibo, WHO, NOW)


STATES = [
    (close, 503, "ただいまサービス時間外です", "temporarily_unavailable"),
    (stop, 503, "現在、一時的にご利用いただけません", "temporarily_unavailable"),
    (cancel, 403, "インターネットバンキングのご契約が必要です", "access_denied"),
    (freeze, 403, "連携できる口座がありません", "access_denied"),
    (designate_no_more, 400, "接続先を確認できませんでした", None),
]


@pytest.mark.clause("7-3")
@pytest.mark.parametrize("when", ["show", "decide"])
@pytest.mark.parametrize(("change", "status", "words", "error"), STATES, ids=[row[2] for row in STATES])
async def test_every_state_has_its_page_and_its_way_back(
    database: Database, story: Story, hanako: Person, request_id: str, when: str, change: Any, status: int, words: str,
    error: str | None,
) -> None:  # fmt: skip
    answer = await hanako.log_in(await hanako.get(f"/consent/begin/{request_id}"))
    page = await hanako.get(answer.headers["location"]) if when == "decide" else answer
    await database.writing(change, story)
    if when == "decide":
        answer = await hanako.post(action(page), choice(page, story.ordinary))
    else:
        answer = await hanako.get(answer.headers["location"])
    assert (answer.status_code, title(answer)) == (status, words)
    assert answer.headers["x-request-id"] in answer.text, "お問い合わせ番号"
    assert await registrations(database) == []
    ways = [link for link in links(answer) if "request=" in link]
    if error is None:
        assert ways == []
        refused = await hanako.client.get(f"/consent/back?request={request_id}")
        assert refused.status_code == 400
        assert "location" not in refused.headers
        return
    assert "登録はまだ行われていません。" in answer.text
    assert answered(await hanako.client.get(ways[0])) == {"error": error, "state": "state-1", "iss": ISSUER}


@pytest.mark.clause("2-1")
async def test_the_closed_page_tells_the_next_opening(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    await database.writing(close, story)
    answer = await hanako.get(f"/consent/begin/{request_id}")
    assert title(answer) == "ただいまサービス時間外です"
    assert "11月25日（水） 7:02" in answer.text


async def test_at_a_renewal_the_page_says_that_the_old_registration_goes_on(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    await database.writing(lambda session: register(session, story) and None)
    answer = await hanako.log_in(await hanako.get(f"/consent/begin/{request_id}"))
    await database.writing(stop, story)
    page = await hanako.get(answer.headers["location"])
    assert "今の登録は5月23日まで続きます。" in page.text
    assert "登録はまだ行われていません" not in page.text


async def test_an_unknown_or_late_request_leads_nowhere_but_to_where_it_came_from(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    for unknown in ("/consent/begin/pr_unknown", "/login", "/consent?request=pr_unknown", "/consent/back?request=x"):
        answer = await hanako.get(unknown)
        assert (answer.status_code, title(answer)) == (400, "手続きの有効期限が切れました")
        assert not any("request=" in link for link in links(answer))
    hanako.clock.pass_(seconds=90)
    late = await hanako.get(f"/consent/begin/{request_id}")
    assert title(late) == "手続きの有効期限が切れました"
    [back] = [link for link in links(late) if "request=" in link]
    assert (await hanako.client.get(back)).headers["location"].startswith(CALLBACK)


async def test_only_the_consent_page_lets_a_form_lead_elsewhere_and_only_to_the_record(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    def add_origin(session: Session) -> None:
        session.get_one(Aggregator, story.kakeibo).return_origins = ["https://app.kakeibo.mihon.example"]

    await database.writing(add_origin)
    login_page = await hanako.get(f"/consent/begin/{request_id}")
    page = await hanako.get((await hanako.log_in(login_page)).headers["location"])
    assert "form-action 'self';" in login_page.headers["content-security-policy"]
    expected = f"form-action 'self' {ISSUER} https://app.kakeibo.mihon.example;"
    assert expected in page.headers["content-security-policy"]
    for one in (login_page, page):
        assert one.headers["x-frame-options"] == "DENY"
        assert one.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"decision=deny&decision=approve", "application/x-www-form-urlencoded", 400),
        (b"form_token=" + b"x" * 40_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
    ],
)
async def test_a_form_that_is_none_is_refused_before_anything_is_asked(
    hanako: Person, request_id: str, body: bytes, content_type: str, status: int
) -> None:
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.client.post(action(page), content=body, headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_business_customers_ninety_accounts_fit_into_the_form(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.post(action(page), choice(page, *range(1000, 1090)))
    assert "連携できない口座が含まれています。" in answer.text


async def test_the_request_row_never_learns_anything_of_the_address_line(
    database: Database, story: Story, hanako: Person, request_id: str
) -> None:
    """Scopes, state and redirect URI come from the push alone; parameters of the pages' addresses are ignored."""
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.post(
        action(page) + "&redirect_uri=https://evil.example&state=other&decision=approve&account=1",
        choice(page, story.ordinary),
    )
    assert answer.headers["location"].startswith(CALLBACK + "?")
    assert answered(answer)["state"] == "state-1"
    row = await database.reading(lambda s: s.exec(select(PushedRequest).order_by(col(PushedRequest.request_id))).one())
    assert row.redirect_uri == CALLBACK

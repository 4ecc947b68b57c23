"""Consent over HTTP, as a browser without script meets it: what comes back, and what decides nothing (4-1, 4-7)."""

from typing import Any

import pytest
from sqlmodel import Session, col, select

from madoguchi.procedures.terms import load_terms
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest, Registration
from tests.flows.browsing import (
    JIRO,
    Hands,
    Person,
    action,
    answered,
    choice,
    links,
    ticked,
    title,
    token,
)
from tests.flows.visits import push
from tests.story import CALLBACK, ISSUER, NOW, SAMPLE, WHO, Story

CONSENT_TITLE = "「みほん家計簿」に、口座の情報を見せますか？"


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


@pytest.mark.clause("4-3")
@pytest.mark.parametrize(
    ("contracted", "items", "example"),
    [
        ([], "店名、口座の種類", "本店営業部 普通預金"),
        (["number"], "店名、口座の種類・番号", "本店営業部 普通預金 0000000"),
        (["holder"], "店名、口座の種類・名義（カナ）", "本店営業部 普通預金 ミホン ハナコ"),
        (["number", "holder"], "店名、口座の種類・番号・名義（カナ）", "本店営業部 普通預金 0000000 ミホン ハナコ"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
async def test_the_page_names_each_identifying_item_of_the_contract_and_no_other(
    database: Database, story: Story, hanako: Person, request_id: str, contracted: list[str], items: str, example: str
) -> None:
    def contract(session: Session) -> None:
        session.get_one(Aggregator, story.kakeibo).identifiers = contracted

    await database.writing(contract)
    page = await hanako.come_to_consent(request_id)
    assert f">{items}<" in page.text
    assert f">{example}<" in page.text


@pytest.mark.clause("2-4")
@pytest.mark.parametrize(
    ("days", "history"),
    [(None, "過去13か月分"), (90, "過去90日分"), (395, "過去395日分"), (396, "過去13か月分"), (4000, "過去13か月分")],
)
async def test_the_page_states_the_history_that_is_given_whoever_limits_it(
    database: Database, story: Story, hanako: Person, request_id: str, days: int | None, history: str
) -> None:
    """2026-11-24 less 13 months is 2025-10-24, 396 days before."""

    def contract(session: Session) -> None:
        session.get_one(Aggregator, story.kakeibo).history_days = days

    await database.writing(contract)
    page = await hanako.come_to_consent(request_id)
    assert f"{history}と、これからの分" in page.text
    assert f"お伝えする明細は{history}です" in page.text
    assert page.text.count("か月分") == (2 if days is None or days >= 396 else 0)


async def test_denying_tells_the_aggregator_access_denied(database: Database, hanako: Person, request_id: str) -> None:
    page = await hanako.come_to_consent(request_id)
    answer = await hanako.post(action(page), {"form_token": token(page), "decision": "deny"})
    assert answer.headers["location"].startswith(CALLBACK)
    assert answered(answer) == {"error": "access_denied", "state": "state-1", "iss": ISSUER}
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
    [registration] = await registrations(database)
    decided = f"/consent?request={request_id}"
    assert "登録は済んでいます。" in (await hanako.get(decided)).text, "its code can still be redeemed"
    hanako.clock.pass_(seconds=61)
    late = await hanako.post(action(page), form)
    assert (late.status_code, title(late)) == (409, "この手続きは終わっています")
    back = await hanako.get(decided)
    assert "登録は済んでいます" not in back.text, "nobody came for it"
    assert title(back) == "この手続きは終わっています"
    assert "同意して連携する" in back.text
    assert "11月24日 14:02" in back.text
    assert not any("/consent/back" in link for link in links(back))

    def redeem(session: Session) -> None:
        row = session.get_one(Registration, registration.registration_id)
        row.state, row.activated_at = "active", NOW

    await database.writing(redeem)
    assert "登録は済んでいます。" in (await hanako.get(decided)).text, "it serves"


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

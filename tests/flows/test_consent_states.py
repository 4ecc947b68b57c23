"""Every state that ends a registration has its page, its status and its way back (2-1, 7-3; RFC 6749 4.1.2.1)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.service import close_service, set_stop
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, Contract
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from madoguchi.rules.vocabulary import JST, AccountState, StopTarget
from tests.flows.browsing import (
    Person,
    action,
    answered,
    choice,
    links,
    title,
)
from tests.story import CALLBACK, ISSUER, NOW, WHO, Story, register

CONSENT_TITLE = "「みほん家計簿」に、口座の情報を見せますか？"


async def registrations(database: Database) -> list[Registration]:
    return list(await database.reading(lambda session: session.exec(select(Registration)).all()))


async def test_the_way_back_tells_nothing_but_one_of_two_errors(hanako: Person, request_id: str) -> None:
    await hanako.get(f"/consent/begin/{request_id}")
    answer = await hanako.client.get(f"/consent/back?request={request_id}&error=<script>")
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def close(session: Session, _: Story) -> None:
    close_service(session, (NOW + timedelta(hours=17)).astimezone(JST), "test", WHO, NOW)


def stop(session: Session, _: Story) -> None:
    set_stop(session, StopTarget.ALL, "", NOW, NOW + timedelta(days=1), None, "test", WHO, NOW)


def suspend(session: Session, story: Story) -> None:
    session.get_one(Contract, story.hanako_contract).state = "suspended"


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
    (suspend, 503, "いまは、連携を登録できません", "temporarily_unavailable"),
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

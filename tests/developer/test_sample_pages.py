"""What みほん家計簿 tells its visitors in every state, and what it keeps of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from madoguchi.doors import developer
from madoguchi.settings import Mode, Settings
from tests.developer.fake_bank import FakeBank, header
from tests.developer.visitor import AS_OF, Visitor, context, data, refused, visiting


async def test_before_anything_a_visitor_sees_what_is_wanted_and_the_bank_is_not_asked(visitor: Visitor) -> None:
    page = await visitor.http.get("/sample")
    assert page.status_code == 200
    assert "みほん信用組合とつなぐ" in page.text
    assert "資産の合計の表示" in page.text
    assert visitor.bank.sent == []


@pytest.mark.clause("6-1")
async def test_the_page_shows_each_balance_with_the_moment_it_held(visitor: Visitor) -> None:
    page = (await visitor.connected()).text
    assert "228,500" in page
    assert "11月24日\u00a014時現在" in page
    assert "2027年5月23日まで" in page
    assert "みほん信用組合とつながりました" in page
    assert "つながりました" not in (await visitor.http.get("/sample")).text, "that is news only once"


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        ("access_denied", "「同意しない」をお選びになりました", "access_denied"),
        ("temporarily_unavailable", "サービス時間外か、一時的に休止しています", "temporarily_unavailable"),
        ("invalid_request", "もう一度お試しください", "invalid_request"),
        ("<script>alert(1)</script>", "もう一度お試しください", "server_error"),
    ],
)
async def test_a_refusal_is_told_once_in_words_of_our_own(visitor: Visitor, error: str, words: str, code: str) -> None:
    state = await visitor.connect()
    page = await visitor.come_back(state=state, iss=visitor.bank.issuer, error=error)
    assert words in page.text
    assert f'<p class="fine">開発者向け：{code}</p>' in page.text
    assert "<script>alert" not in page.text
    assert visitor.bank.to("/token") == []
    assert words not in (await visitor.http.get("/sample")).text


@pytest.mark.clause("5-2")
@pytest.mark.parametrize("code", ["REGISTRATION_NOT_ACTIVE", "INTERNET_BANKING_ENDED", "AGGREGATOR_NOT_CONTRACTED"])
async def test_a_registration_that_is_over_is_told_and_its_tokens_are_forgotten(visitor: Visitor, code: str) -> None:
    await visitor.connected()
    visitor.bank.answers["/graphql"] = [(401, {"errors": [{"message": "…", "extensions": {"code": code}}]})]
    assert "つながりが終わっています" in (await visitor.http.get("/sample")).text
    asked = len(visitor.bank.sent)
    assert "みほん信用組合とつなぐ" in (await visitor.http.get("/sample")).text
    assert len(visitor.bank.sent) == asked, "nothing is left to ask with"


async def test_a_refresh_that_is_refused_for_good_is_an_end_too(visitor: Visitor) -> None:
    await visitor.connected()
    visitor.bank.answers["/token"] = [(400, {"error": "invalid_grant"})]
    visitor.now += timedelta(days=1)
    assert "つながりが終わっています" in (await visitor.http.get("/sample")).text


@pytest.mark.parametrize("answer", [(500, b"<html>"), (503, {}), (200, []), (200, {"data": {"accounts": [{}]}})])
async def test_a_server_in_trouble_ends_nothing(visitor: Visitor, answer: tuple[int, Any]) -> None:
    await visitor.connected()
    visitor.bank.answers["/graphql"] = [answer]
    assert "うまくつながりませんでした" in (await visitor.http.get("/sample")).text
    visitor.bank.answers["/graphql"] = [(200, {"data": data()})]
    assert "228,500" in (await visitor.http.get("/sample")).text


async def test_the_page_names_the_last_answer_so_that_it_can_be_explained(visitor: Visitor) -> None:
    visitor.bank.answers["/graphql"] = [(200, {"data": data(), "extensions": {"requestId": "rq_1"}})]
    assert "開発者向け：お問い合わせ番号 rq_1<" in (await visitor.connected()).text
    closed = {**refused("OUTSIDE_SERVICE_HOURS", "2-1"), "extensions": {"requestId": "rq_2"}}
    visitor.bank.answers["/graphql"] = [(200, closed)]
    assert "開発者向け：お問い合わせ番号 rq_2<" in (await visitor.http.get("/sample")).text


@pytest.mark.clause("2-1")
async def test_outside_the_hours_the_visitor_is_told_when_to_come_again(visitor: Visitor) -> None:
    await visitor.connected()
    closed = refused("OUTSIDE_SERVICE_HOURS", "2-1", retryAt="2026-11-25T07:00:00+09:00")
    visitor.bank.answers["/graphql"] = [(200, closed)]
    page = (await visitor.http.get("/sample")).text
    assert "サービス時間外です" in page
    assert "11月25日（水）7:00から" in page
    assert "OUTSIDE_SERVICE_HOURS（第2条第1項）" in page


@pytest.mark.clause("7-3")
async def test_a_stop_is_told_with_its_clause_and_the_registration_goes_on(visitor: Visitor) -> None:
    await visitor.connected()
    visitor.bank.answers["/graphql"] = [(200, refused("SERVICE_STOPPED", "7-3"))]
    page = (await visitor.http.get("/sample")).text
    assert "一時的に休止しています" in page
    assert "SERVICE_STOPPED（第7条第3項）" in page
    assert "との登録は続いています" in page


@pytest.mark.clause("5-1")
async def test_ending_asks_the_credit_union_and_forgets_the_tokens(visitor: Visitor) -> None:
    page = await visitor.connected()
    visitor.bank.answer("/graphql", 200, {"data": {"endRegistration": {"endedAt": AS_OF}}})
    assert "登録を終えました" in (await visitor.end(page)).text
    assert "endRegistration" in visitor.bank.to("/graphql")[-1].json["query"]
    assert "みほん信用組合とつなぐ" in (await visitor.http.get("/sample")).text


@pytest.mark.clause("5-1")
async def test_where_the_api_cannot_be_asked_the_refresh_token_is_revoked(visitor: Visitor) -> None:
    page = await visitor.connected()
    visitor.bank.answers["/graphql"] = [(500, {})]
    assert "登録を終えました" in (await visitor.end(page)).text
    assert visitor.bank.to("/revoke")[0].form["token"] == "rt-1"


async def test_an_end_that_did_not_reach_the_credit_union_keeps_the_connection(visitor: Visitor) -> None:
    page = await visitor.connected()
    visitor.bank.answers["/graphql"] = [(500, {}), (200, {"data": data()})]
    visitor.bank.answers["/revoke"] = [(500, {})]
    assert "228,500" in (await visitor.end(page)).text


@pytest.mark.parametrize("form", [{}, {"form_token": "0" * 64}, {"form_token": "あ"}])
async def test_a_form_of_another_site_ends_nothing(visitor: Visitor, form: dict[str, str]) -> None:
    await visitor.connected()
    asked = len(visitor.bank.sent)
    assert (await visitor.http.post("/sample/end", data=form)).status_code in (403, 415)
    assert len(visitor.bank.sent) == asked


async def test_a_link_on_another_site_begins_nothing(visitor: Visitor) -> None:
    answer = await visitor.http.get("/sample/connect", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/sample"
    assert visitor.bank.sent == []


async def test_a_visitor_stays_connected_when_the_server_is_started_again(visitor: Visitor, tmp_path: Path) -> None:
    await visitor.connected()
    proofs = {header(visitor.bank.to("/graphql")[0].headers["dpop"])["jwk"]["x"]}
    async with visiting(visitor.bank, tmp_path) as again:
        again.http.cookies = visitor.http.cookies
        assert "228,500" in (await again.http.get("/sample")).text
    proofs |= {header(sent.headers["dpop"])["jwk"]["x"] for sent in visitor.bank.to("/graphql")}
    assert len(proofs) == 1, "with the key that its token is bound to"


def files_with(secret: bytes, directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if secret in path.read_bytes()]


async def test_what_it_keeps_is_readable_by_its_owner_only(visitor: Visitor, tmp_path: Path) -> None:
    await visitor.connected()
    kept = files_with(b"rt-1", tmp_path)
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


async def test_before_it_was_designated_it_has_nothing_to_offer(bank: FakeBank, tmp_path: Path) -> None:
    async with visiting(bank, tmp_path) as early:
        assert (await early.http.get("/sample")).status_code == 503
        assert (await early.http.get("/sample/connect")).headers["location"] == "/sample"
    assert bank.sent == []


def test_nothing_of_it_can_be_mounted_in_production(tmp_path: Path) -> None:
    settings = Settings(
        mode=Mode.PRODUCTION, issuer="https://bank.example", database_url="x", data_dir=tmp_path, bank_code="2999"
    )
    with pytest.raises(ValueError, match="sandbox"):
        developer.sandbox_routes(context(settings))

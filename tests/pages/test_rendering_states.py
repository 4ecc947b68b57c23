"""What pages say where a customer could be at a loss: locked, stopped, decided, a sparse record (4-1, 7-3)."""

import re
from dataclasses import replace

import pytest

from madoguchi.doors.developer.sample.models import Notice
from madoguchi.doors.pages.rendering import render
from tests.pages.sample_aggregator import SAMPLE_PAGES
from tests.pages.samples import MESSAGES, PAGES
from tests.pages.test_rendering import EVERY, TEMPLATES, Reading, read_message


def test_who_is_locked_is_told_when_to_try_again_and_may_go_back() -> None:
    page = EVERY["too-many-tries"]
    assert "15時16分ごろから、もう一度お試しいただけます。お困りのときは、" in page.words
    assert "やめて、みほん家計簿に戻る" in page.words
    unknown = read_message(replace(MESSAGES["too-many-tries"], retry_at=None))
    assert "もう一度お試しいただけます" not in unknown.words


@pytest.mark.clause("7-3")
def test_a_customer_whose_own_internet_banking_is_stopped_is_not_told_that_the_aggregator_is() -> None:
    own = "インターネットバンキングのご利用が止まっているため、いまは登録できません。"
    stopped = "「みほん家計簿」との連携は、いまお使いになれません。"
    assert own in EVERY["internet-banking-suspended"].words
    assert stopped not in EVERY["internet-banking-suspended"].words
    assert stopped in EVERY["suspended"].words
    assert own not in EVERY["suspended"].words


@pytest.mark.clause("4-1")
def test_after_an_approval_the_registration_is_said_to_stand_only_while_it_stands() -> None:
    assert "登録は済んでいます。みほん家計簿の画面にお戻りください。" in EVERY["already-decided"].words
    over = read_message(replace(MESSAGES["already-decided"], registered=False))
    assert "登録は済んでいます" not in over.words
    assert "みほん家計簿の画面にお戻りください。" in over.words
    assert all(link["href"].startswith(("/", "#", "?", "tel:")) for link in EVERY["already-decided"].all("a"))


@pytest.mark.clause("4-3")
def test_where_nothing_was_declared_the_consent_page_says_so_and_shows_no_empty_line() -> None:
    page = EVERY["consent-sparse"]
    assert page.words.count("使いみち：申告がありません") == 3
    assert not re.search(r"使いみち：(?!申告)", page.words)
    assert "申告がありません" not in EVERY["consent-initial"].words
    assert "苦情・情報の削除" not in page.words
    assert "見せる相手みほん家計簿口座" in page.words


@pytest.mark.clause("1-2-2")
def test_the_list_of_aggregators_shows_no_empty_line_and_no_name_twice() -> None:
    page = EVERY["aggregators"]
    sparse = page.words.split("みほん帳簿")
    assert len(sparse) == 2, "named once"
    assert sparse[1].startswith("登録電子決済等代行業者 見本 第0003号")
    assert "苦情・情報の削除" not in sparse[1]
    assert "サポートデスク（help@kaikei.mihon.example）" in page.words


def test_a_mail_address_may_break_before_its_sign_and_dots_and_stays_text() -> None:
    page = EVERY["aggregators"]
    assert len(page.all("wbr")) == 2 * 3
    model, around = PAGES["aggregators"]
    listed = model.aggregators  # type: ignore[attr-defined]
    model = replace(model, aggregators=(replace(listed[0], contact="<b>a@b"),))  # type: ignore[type-var]
    page = Reading(render(TEMPLATES, model, around))
    assert page.all("b") == []
    assert "<b>a@b" in page.words


@pytest.mark.clause("2-1")
def test_the_closed_home_page_names_the_next_opening_as_the_other_pages_do() -> None:
    assert "次の受付11月25日（水）7:00から" in EVERY["home-closed"].words
    assert "次の切替" not in EVERY["home-closed"].words
    assert "次の切替本日 23:00に受付終了" in EVERY["home-hours"].words


@pytest.mark.clause("6-1")
def test_the_home_page_says_in_plain_words_what_is_late_and_as_of_when_the_rest_is() -> None:
    words = EVERY["home-late"].words
    assert "残高の更新が遅れています。11月23日\N{NO-BREAK SPACE}14時現在の情報です。" in words
    assert "入出金明細の更新が大きく遅れています。新しい情報が届くまで、事業者への提供を見合わせます。" in words
    model, around = PAGES["home-late"]
    service = model.service  # type: ignore[attr-defined]
    never = replace(service, late=(replace(service.late[0], as_of=None),))
    page = Reading(render(TEMPLATES, replace(model, service=never), around))  # type: ignore[type-var]
    assert "残高の情報が、予定の時刻を過ぎても届いていません。" in page.words
    assert "遅れて" not in EVERY["home-hours"].words


def test_the_sample_app_says_to_whom_its_codes_and_numbers_are_of_use() -> None:
    assert "開発者向け：お問い合わせ番号 rq_mihon0001" in EVERY["sample-after"].words
    assert "開発者向け：access_denied" in EVERY["sample-denied"].words
    assert "開発者向け：ACCOUNT_STOPPED" in EVERY["sample-without-history"].words
    assert "開発者向け：OUTSIDE_SERVICE_HOURS" in EVERY["sample-closed"].words
    silent = replace(SAMPLE_PAGES["sample-after"], inquiry="")  # type: ignore[type-var]
    assert "お問い合わせ番号" not in Reading(TEMPLATES.render(silent)).words


@pytest.mark.parametrize("notice", Notice)
def test_who_was_connected_before_is_not_told_that_this_has_not_happened_yet(notice: Notice) -> None:
    assert ("まだつながっていません" in EVERY[f"sample-{notice}"].words) is (notice is not Notice.ENDED)

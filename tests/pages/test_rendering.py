"""What a page says and what it never says, without a browser.

Sources: terms 1-2, 1-3, 2-2, 2-4, 3-1, 4-1 to 4-7, 5-1, 6-1, 8-1, 9-1; the design's words and its rule against dark
patterns. How it looks is in test_accessibility.py.
"""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from madoguchi.doors.pages.models.consent import ConsentError, ConsentPage, Ticked
from madoguchi.doors.pages.models.messages import MessagePage, MessageState, Way
from madoguchi.doors.pages.rendering import render
from madoguchi.doors.templating import Templates
from madoguchi.doors.templating.environment import find_frontend
from tests.pages.sample_aggregator import AFTER, SAMPLE_PAGES
from tests.pages.samples import CONSENT, CONSENT_ERROR, CONSENT_NARROW, HOME, INQUIRY, LOGIN, MESSAGES, PAGES, frame

TEMPLATES = Templates(find_frontend())


class Reading(HTMLParser):
    """The words of a page as one string, its links, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += re.sub(r"\s*\n\s*", "", data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        return [found for name, found in self.tags if name == tag and attributes.items() <= found.items()]


def read_consent(page: ConsentPage) -> Reading:
    return Reading(render(TEMPLATES, page, frame("/consent", "雪どけの朝")))


def read_message(page: MessagePage) -> Reading:
    return Reading(render(TEMPLATES, page, frame("/message")))


EVERY = {
    **{name: Reading(render(TEMPLATES, model, around)) for name, (model, around) in PAGES.items()},
    **{name: Reading(TEMPLATES.render(model)) for name, model in SAMPLE_PAGES.items()},
}


@pytest.mark.parametrize("name", EVERY)
def test_every_sample_page_says_that_it_is_a_sample(name: str) -> None:
    assert "見本" in EVERY[name].words


@pytest.mark.parametrize("name", EVERY)
def test_no_page_carries_script_or_style_of_its_own(name: str) -> None:
    """The content security policy would stop them; this names the page and the tag."""
    inline = [tag for tag, found in EVERY[name].tags if "style" in found or any(key.startswith("on") for key in found)]
    assert inline == []
    assert all("src" in found for found in EVERY[name].all("script"))
    assert EVERY[name].all("style") == []


@pytest.mark.parametrize("name", EVERY)
def test_no_page_claims_to_be_official_or_asks_for_the_card(name: str) -> None:
    assert "公式" not in EVERY[name].words
    assert "🔒" not in EVERY[name].words
    fields = {found.get("name") for found in EVERY[name].all("input")}
    assert fields <= {
        *("customer_number", "password", "one_time_code", "form_token", "terms", "account", "scope"),
        *("confirm_contract", "agree_terms", "accept_risks"),
    }


@pytest.mark.clause("4-1")
def test_nothing_is_ticked_on_the_first_view() -> None:
    assert not any("checked" in found for found in read_consent(CONSENT).all("input"))


@pytest.mark.parametrize(
    "sentence",
    [
        "「みほん家計簿」に、口座の情報を見せますか？",
        "同意すると、当組合は、選んだ口座の情報を株式会社みほん家計簿に提供します。",
        "接続契約のある電子決済等代行業者（登録番号 見本 第0001号）",
        "当組合のサービスではありません",
        "お金は動かせません",
        "読み取った情報は「みほん家計簿」に保存されます。画面を開いていないときも、自動で読み取ることがあります。",
        "2027年5月23日で終わります",
        "いつでも止められます当組合の画面（24時間）・電話・窓口",
        "選んだ口座だけが伝わります（1つ以上）。",
        "「使いみち」は、みほん家計簿の申告によるものです。",
        "使いみち：資産の合計の表示",
        "取引後の残高は、残高照会も選んだときだけ伝わります",
        "ふだんの連携では伝わらないもの・できないこと",
        "情報の流出や不正利用（そのおそれを含みます）があったときは、調査のため、口座情報およびその他のお客さま情報を伝える",
        "認証情報が不正に使われた場合も有効な取引として扱い、当組合に責任がある場合を除き、当組合は損害の責任を負いません。",
        "みほん家計簿では、これより長く、または短く表示されることがあります。",
        "「みほん家計簿」の利用契約を結んでいます（第1条第2項第2号）",
        "API利用規定（2026年10月1日現在）に同意します",
        "上の第4条第7項のリスクを理解し、同意します",
        "情報の預け先：みほんサーバー株式会社",
        "当組合へのAPIの追加料金なし",
        "同意して連携する同意しないどちらを選んでも",
        "インターネットバンキングの料金、通信料、事業者の利用料は別途（第3条）",
        "「みほん家計簿」の画面に戻ります。同意しないときは、同意しなかったことだけが伝わり、口座の情報は",
    ],
)
def test_the_consent_page_says(sentence: str) -> None:
    assert sentence in read_consent(CONSENT).words


@pytest.mark.clause("4-1")
def test_the_last_day_is_stated_above_and_in_the_summary() -> None:
    assert read_consent(CONSENT).words.count("2027年5月23日") == 2


@pytest.mark.clause("2-2")
def test_an_account_that_cannot_be_chosen_is_named_with_its_reason_and_has_no_box() -> None:
    page = read_consent(CONSENT)
    assert "定期預金\u00a0…\u20601122連携できません対象は普通・当座預金です（第2条第2項）" in page.words
    assert [found["value"] for found in page.all("input", name="account")] == ["a1", "a2", "a3"]


@pytest.mark.clause("4-7")
def test_the_risks_shown_are_the_words_of_the_terms_document() -> None:
    words = read_consent(CONSENT).words
    risks = CONSENT.terms.clause(4, 7)
    assert all(item.replace("**", "") in words for item in risks.items)
    other = replace(risks, items=("別の危険。",))
    terms = CONSENT.terms
    fourth = replace(terms.articles[3], clauses=(*terms.articles[3].clauses[:6], other))
    changed = replace(terms, articles=(*terms.articles[:3], fourth, *terms.articles[4:]))
    assert "別の危険。" in read_consent(replace(CONSENT, terms=changed)).words


@pytest.mark.clause("8-1")
def test_the_attached_rules_are_shown_in_full_with_the_terms() -> None:
    assert "インターネットバンキング利用規定（2026年10月1日現在）" in read_consent(CONSENT).words
    assert CONSENT.attached[0].articles[0].clauses[0].text in read_consent(CONSENT).words


def test_only_what_was_requested_can_be_ticked() -> None:
    page = read_consent(CONSENT_NARROW)
    assert [found["value"] for found in page.all("input", name="scope")] == ["balances"]
    assert "入出金明細照会" not in page.words.split("見せる情報を選ぶ")[1].split("ふだんの連携")[0]


@pytest.mark.clause("4-3")
def test_number_and_holder_are_announced_only_where_they_are_given() -> None:
    assert "番号・名義（カナ）" in read_consent(CONSENT).words
    assert "番号・名義（カナ）" not in read_consent(CONSENT_NARROW).words


def test_what_was_ticked_comes_back_with_the_errors() -> None:
    page = read_consent(replace(CONSENT_ERROR, posted=Ticked(frozenset({"a2"}), frozenset({"balances"}), risks=True)))
    ticked = [found["id"] for found in page.all("input") if "checked" in found]
    assert ticked == ["account-2", "scope-balances", "accept_risks"]


@pytest.mark.parametrize("error", ConsentError)
def test_every_error_stands_in_the_summary_and_at_its_place_and_leads_there(error: ConsentError) -> None:
    page = read_consent(replace(CONSENT, errors=(error,)))
    sentence = error.value.replace("%(aggregator)s", "みほん家計簿")
    assert "まだ登録できません（1件）" in page.words
    assert page.words.count(sentence) == 2
    lines = page.words.split("まだ登録できません")[1]
    assert lines.startswith(f"（1件）{sentence}")
    anchors = {found["id"] for _, found in page.tags if "id" in found}
    assert {found["href"][1:] for found in page.all("a") if found["href"].startswith("#")} <= anchors


@pytest.mark.clause("9-1")
def test_terms_that_changed_meanwhile_are_shown_article_by_article() -> None:
    model, around = PAGES["consent-terms-changed"]
    page = Reading(render(TEMPLATES, model, around))
    assert "お手続きの間に、API利用規定が変わりました" in page.words
    assert "変わった条文を見る（第6条）" in page.words
    assert "変更前1. 提供する情報は、照会の時に提供できるものに限ります。" in page.words
    assert not any("checked" in found for found in page.all("input", name="agree_terms"))


def test_a_name_from_a_contract_record_cannot_become_markup() -> None:
    aggregator = replace(CONSENT.aggregator, name='<b onmouseover="x">', company="</p><script>x</script>", mark="")
    page = read_consent(replace(CONSENT, aggregator=aggregator))
    assert page.all("b") == []
    assert all("src" in found for found in page.all("script"))
    assert '「<b onmouseover="x">」に、口座の情報を見せますか？' in page.words


def test_the_login_fields_carry_the_standard_autocomplete_tokens_and_secrets_never_come_back() -> None:
    page = Reading(render(TEMPLATES, replace(LOGIN, customer_number="20000017"), frame("/login")))
    fields = {found["name"]: found for found in page.all("input")}
    assert fields["customer_number"]["autocomplete"] == "username"
    assert fields["password"]["autocomplete"] == "current-password"
    assert fields["one_time_code"]["autocomplete"] == "one-time-code"
    assert fields["customer_number"]["inputmode"] == fields["one_time_code"]["inputmode"] == "numeric"
    assert (fields["customer_number"]["value"], fields["password"]["value"]) == ("20000017", "")
    assert fields["one_time_code"]["value"] == ""
    assert "みほん家計簿に、ID・パスワードは伝わりません。" in page.words


@pytest.mark.parametrize("state", MessageState)
def test_every_message_says_something_and_names_the_inquiry_number_and_the_telephone(state: MessageState) -> None:
    page = read_message(MessagePage(state, INQUIRY, "みほん家計簿"))
    assert state.title in page.words
    assert f"お問い合わせ番号 {INQUIRY}" in page.words
    assert "0120-000-000（平日 9:00〜17:00）" in page.words
    assert "受付番号" not in page.words
    assert "%" not in page.words


@pytest.mark.clause("1-2-2")
def test_an_unverified_request_gets_no_way_out_to_anyone() -> None:
    assert MessageState.NOT_VERIFIED.way is Way.NONE
    page = EVERY["not-verified"]
    assert all(found["href"].startswith(("/", "#", "?")) for found in page.all("a"))
    assert "情報を入力せず、この画面を閉じてください。" in page.words


def test_a_message_says_only_what_is_true_of_the_registration() -> None:
    never = "登録はまだ行われていません。口座の情報は伝わっていません。"
    assert never in EVERY["closed"].words
    assert never not in EVERY["suspended"].words
    assert "今の登録は5月23日まで続きます。" in EVERY["suspended"].words
    assert "お選びの内容同意して連携する日時11月24日 15:01" in EVERY["already-decided"].words
    assert never not in EVERY["failed"].words
    assert "登録できたかどうかは、「みほん家計簿」の画面か、下の番号でご確認ください。" in EVERY["failed"].words


@pytest.mark.clause("2-1")
def test_outside_the_hours_the_page_names_the_next_opening_and_the_hours() -> None:
    assert "次の受付11月25日（水） 7:00からサービス時間平日 7:00〜23:00土日祝 8:00〜21:00" in EVERY["closed"].words


def test_a_message_without_a_known_aggregator_leaves_the_sentence_about_it_out() -> None:
    page = read_message(MessagePage(MessageState.REQUEST_EXPIRED, INQUIRY))
    assert "の画面から、もう一度" not in page.words
    again = "はじめにお使いの家計簿アプリなどの画面に戻り、もう一度つなぎ直してください。登録は行われていません。"
    assert again in page.words
    assert again not in EVERY["request-expired"].words
    assert len(MESSAGES) == len(MessageState)


def test_the_home_page_links_only_to_pages_that_are_there() -> None:
    links = {found["href"] for found in EVERY["home"].all("a")}
    assert {"/sample", "/sample/customers", "/developer", "/developer/graphiql", "/terms", "/aggregators"} <= links
    assert "/services" not in links
    production = Reading(render(TEMPLATES, replace(HOME, sample_aggregator=None), frame("/")))
    assert not any(found["href"].startswith(("/sample", "/developer/graphiql")) for found in production.all("a"))
    assert "/developer" in {found["href"] for found in production.all("a")}


@pytest.mark.clause("6-1")
def test_the_sample_app_shows_every_balance_with_its_moment() -> None:
    words = EVERY["sample-after"].words
    assert "普通預金\u00a0…\u20604567本店営業部1,284,530円11月24日\u00a014時現在" in words
    assert "3,391,410円11月24日\u00a014時現在" in words


@pytest.mark.clause("4-3")
def test_without_the_balance_scope_the_sample_app_shows_neither_sum_nor_chart_and_says_why() -> None:
    page = EVERY["sample-without-balances"]
    assert "残高は受け取っていません。" in page.words
    assert "お客さまが選ばれませんでした。" in page.words
    assert page.all("polyline") == []
    assert AFTER.chart is not None
    assert replace(AFTER, accounts=(*AFTER.accounts, replace(AFTER.accounts[0], balance=None))).total is None


def test_the_chart_is_also_told_in_words_and_numbers() -> None:
    words = EVERY["sample-after"].words
    assert "10月26日の3,432,351円から、11月24日の3,391,410円まで。最も少なかったのは11月20日の3,262,910円" in words
    assert "10月28日3,644,851円" in words

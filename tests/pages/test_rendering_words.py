"""Dates, sums, service hours and the terms document as pages write them, and the sample app's chart."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from madoguchi.doors.developer.sample.chart import BOTTOM, LEFT, RIGHT, TOP, DayBalance, balance_chart
from madoguchi.doors.pages.models.service import HoursLine, hours_in_words, hours_lines
from madoguchi.doors.pages.models.terms import TermsDocument, changed_articles
from madoguchi.doors.templating import words
from madoguchi.doors.templating.environment import find_frontend
from madoguchi.rules.vocabulary import YEN_LIMIT, Precision
from tests.pages.samples import DOCUMENTS, RULES, TERMS

DAY = [range(1440)]
LONG = [range(420, 1380)]
SHORT = [range(480, 1260)]


def test_a_moment_is_written_on_the_japanese_wall_clock() -> None:
    """15:00 UTC on New Year's Eve is midnight of the new year in Japan."""
    eve = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)
    assert words.weekday_date(eve) == "1月1日（金）"
    assert words.clock_time(eve) == "0:00"
    assert words.as_of(eve) == "1月1日\u00a00時現在"
    assert words.as_of(eve, Precision.DAY) == "1月1日現在"
    assert words.spoken_time(eve + timedelta(minutes=2)) == "0時2分"
    assert words.full_date(date(2027, 5, 23)) == "2027年5月23日"


def test_a_moment_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        words.clock_time(datetime(2026, 11, 24, 15, 0))


def test_a_sum_is_grouped_and_a_withdrawal_carries_a_real_minus() -> None:
    assert words.yen(1_284_530) == "1,284,530円"
    assert words.yen(-20_000) == "−20,000円"
    assert words.movement(148_500) == "+148,500"
    assert words.movement(-440) == "−440"
    assert words.movement(0) == "0"
    assert words.amount(YEN_LIMIT - 1) == "99,999,999,999,999"


def test_an_account_number_is_masked_and_never_split() -> None:
    assert words.masked("4567") == "\u00a0…\u20604567"


def test_a_terms_sentence_can_be_strong_and_filled_and_nothing_else() -> None:
    told = words.from_terms("「{aggregator}」は**強い**<i>{unknown}", {"aggregator": "<b>"})
    assert str(told) == "「&lt;b&gt;」は<strong>強い</strong>&lt;i&gt;{unknown}"
    assert str(words.from_terms("片方だけ**の印")) == "片方だけの印"


@pytest.mark.clause("2-1")
def test_days_with_the_same_hours_share_a_line() -> None:
    assert hours_lines(LONG, SHORT, SHORT, SHORT) == (
        HoursLine("平日", "7:00〜23:00"),
        HoursLine("土日祝", "8:00〜21:00"),
    )
    assert hours_lines(DAY, DAY, DAY, DAY) == (HoursLine("毎日", "終日"),)
    assert hours_lines(LONG, LONG, SHORT, []) == (
        HoursLine("平日・土", "7:00〜23:00"),
        HoursLine("日曜", "8:00〜21:00"),
        HoursLine("祝日", "休み"),
    )
    assert hours_in_words([range(480, 720), range(780, 1440)]) == "8:00〜12:00、13:00〜24:00"


@pytest.mark.clause("1-3")
def test_the_sample_terms_have_the_nine_articles_and_every_clause_and_item() -> None:
    clauses = {article.number: [len(clause.items) for clause in article.clauses] for article in TERMS.articles}
    assert clauses == {
        1: [0, 3, 0],
        2: [2, 2, 0, 0],
        3: [0],
        4: [0, 0, 0, 0, 2, 0, 2],
        5: [0, 0, 0],
        6: [0],
        7: [0, 0, 0, 0],
        8: [0],
        9: [0],
    }
    assert TERMS.as_of == date(2026, 10, 1)
    assert TERMS.is_sample
    assert RULES.title == "インターネットバンキング利用規定"


def test_the_sample_terms_are_words_of_our_own() -> None:
    """A model for an invented institution: no real institution's name stands in any sample document."""
    for path in Path(DOCUMENTS).glob("*.toml"):
        assert "空知" not in path.read_text()


@pytest.mark.clause("9-1")
def test_two_versions_are_compared_article_by_article() -> None:
    body = (DOCUMENTS / "api-terms-2026-10-01.toml").read_text()
    body = body.replace("追加の料金をいただくことはありません", "追加の料金はいただきません")
    later = TermsDocument.parse(body.encode())
    changes = changed_articles(TERMS, later)
    assert [change.heading for change in changes] == ["第3条 手数料"]
    assert "追加の料金はいただきません" in changes[0].after
    assert changed_articles(TERMS, TERMS) == ()


def test_a_document_without_that_clause_says_so() -> None:
    with pytest.raises(KeyError, match="4-7"):
        RULES.clause(4, 7)


def _days(*balances: int) -> list[DayBalance]:
    return [DayBalance(date(2026, 11, 1) + timedelta(days=at), balance) for at, balance in enumerate(balances)]


def test_a_balance_is_drawn_in_steps() -> None:
    chart = balance_chart(_days(0, 10_000, 10_000))
    middle = (LEFT + RIGHT) / 2
    assert chart.line == f"{LEFT}.0,{BOTTOM}.0 {middle},{BOTTOM}.0 {middle},{TOP}.0 {RIGHT}.0,{TOP}.0"
    assert chart.amounts[0].label == "0円"
    assert (chart.lowest.balance, chart.highest.balance) == (0, 10_000)


def test_one_day_and_an_unchanged_balance_can_be_drawn() -> None:
    assert balance_chart(_days(5)).amounts
    assert balance_chart(_days(5, 5, 5)).changes == (DayBalance(date(2026, 11, 1), 5),)
    with pytest.raises(ValueError, match="at least one day"):
        balance_chart([])


def test_an_overdrawn_current_account_is_drawn_below_zero() -> None:
    labels = [tick.label for tick in balance_chart(_days(-250_000, 100_000)).amounts]
    assert labels == ["−30万円", "−20万円", "−10万円", "0万円", "10万円"]


@given(st.lists(st.integers(-YEN_LIMIT + 1, YEN_LIMIT - 1), min_size=1, max_size=40))
def test_every_chart_stays_in_its_box_with_few_lines(balances: list[int]) -> None:
    chart = balance_chart(_days(*balances))
    points = [tuple(map(float, point.split(","))) for point in chart.line.split()]
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in points)
    assert 2 <= len(chart.amounts) <= 7
    assert len({tick.label for tick in chart.amounts}) == len(chart.amounts)


TERM = re.compile(r'lang="ja"[^>]*>[^<]*<')
"""What is marked as Japanese inside a page of another language."""


def test_every_japanese_sentence_in_a_template_is_marked_for_translation() -> None:
    """Another language is then a catalogue and no second set of templates. A term in an English page stays one."""
    unmarked = []
    lexer = Environment(extensions=["jinja2.ext.i18n"])
    for path in sorted((find_frontend() / "templates").rglob("*.html")):
        marked, within = False, ""
        for line, kind, text in lexer.lex(path.read_text()):
            if kind == "name" and within == "block_begin" and text in ("trans", "endtrans"):
                marked = text == "trans"
            elif kind == "data" and not marked and re.search("[ぁ-んァ-ヶ一-龠]", TERM.sub("", text)):
                unmarked.append(f"{path.name}:{line}: {text.strip()}")
            if kind != "whitespace":
                within = kind
    assert unmarked == []


def test_the_sentences_can_be_collected_for_a_catalogue() -> None:
    options = {"**.html": {"trimmed": "yes"}}
    rows = extract_from_dir(find_frontend() / "templates", method_map=[("**.html", "jinja2")], options_map=options)
    found = {message for _, _, message, _, _ in rows}
    assert "「%(name)s」に、" in found
    assert len(found) > 200

"""The officer's desk: when feeds are due (第6条第1項), as a dated timetable, and how late they are.

It is Tuesday 24 November 2026, 14:02; Monday was a holiday.
"""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlmodel import Session

from madoguchi.doors.pages.models.service import LateData
from madoguchi.doors.pages.noticing import service_of
from madoguchi.procedures.announcing import announcement
from madoguchi.procedures.service import institution_facts, set_feeds
from madoguchi.procedures.setting_up import set_up_institution
from madoguchi.records.bank import FeedArrival
from madoguchi.records.database import Database
from madoguchi.rules.facts import FeedDue
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays, Precision
from tests import story
from tests.feeds.events import opened, status_file
from tests.support.desk import Desk

LINE = '[[feeds]]\nfeed = "04"\ndays = "banking_days"\ndue = "07:00"\ncovers = "previous_banking_day"\n'
LIMITED = LINE + 'unavailable_after = "48:00"\n'
LATER = LINE.replace("07:00", "09:30")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feeds.toml"


def arrive(session: Session, as_of: datetime) -> None:
    session.merge(FeedArrival(feed="04", as_of=as_of, received_at=as_of, feed_file_id=1))


@pytest.mark.clause("6-1")
def test_a_timetable_holds_from_tomorrow_and_is_an_act_in_the_trail(desk: Desk, file: Path) -> None:
    file.write_text(LIMITED)
    said = desk("institution", "feeds", str(file))
    assert (said.code, said.out) == (0, "連携の予定を、2026年11月25日の分から入れ替えました: 1件\n")
    (line,) = desk.ask(institution_facts).feeds
    assert (line.due, line.unavailable_after, line.valid_from) == (420, 2880, date(2026, 11, 25))
    (act,) = desk.acts("feeds.set")
    assert (act.clause, act.detail) == ("6-1", {"valid_from": "2026-11-25", "lines": 1})


@pytest.mark.clause("6-1")
def test_who_leaves_a_feed_out_of_a_new_timetable_is_told(desk: Desk, file: Path) -> None:
    file.write_text(LIMITED + LINE.replace('"04"', '"03"'))
    assert "なくなります" not in desk("institution", "feeds", str(file), "--from", "2026-11-02").out
    file.write_text(LATER)
    said = desk("institution", "feeds", str(file), "--from", "2026-12-01").out
    assert "入出金取引明細の予定は、なくなります。遅れは判定しません。" in said


@pytest.mark.clause("5-2")
def test_a_gap_in_the_status_feed_stands_in_the_service_status_until_it_is_closed(desk: Desk, file: Path) -> None:
    before, missing, after = opened(1), opened(2, event_id="E-2"), opened(3, event_id="E-3")
    for number, event in enumerate((before, after)):
        came = file.with_name(f"status-{number}.jsonl")
        came.write_bytes(status_file(event))
        desk("feed", "import", str(came))
    told = desk("service", "status").out
    assert "前のファイルが届くのを待っています" in told
    assert "隔離: 1件" in told
    assert desk("service", "status", "--json").json["in_quarantine"] == 1
    joining = file.with_suffix(".jsonl")
    joining.write_bytes(status_file(missing))
    desk("feed", "import", str(joining))
    told = desk("service", "status").out
    assert "待っています" not in told
    assert "隔離" not in told


@pytest.mark.clause("6-1")
def test_tomorrows_timetable_stands_beside_todays(desk: Desk, file: Path) -> None:
    file.write_text(LIMITED)
    desk("institution", "feeds", str(file), "--from", "2026-11-02")
    file.write_text(LATER)
    desk("institution", "feeds", str(file), "--from", "2026-12-01")
    old, new = desk.ask(institution_facts).feeds
    assert (old.due, old.valid_from, old.valid_until) == (420, date(2026, 11, 2), date(2026, 12, 1))
    assert (new.due, new.valid_from, new.valid_until) == (570, date(2026, 12, 1), None)
    shown = desk("institution", "feeds").out
    assert "2026-11-02 から 2026-12-01 の前日まで" in shown
    for word in ("残高通知", "銀行営業日", "9:30", "前の銀行営業日まで", "48:00", "なし"):
        assert word in shown


def test_a_timetable_without_lines_expects_nothing_from_that_day_on(desk: Desk, file: Path) -> None:
    assert desk("institution", "feeds").out == "連携の予定は、定められていません。遅れは判定しません。\n"
    file.write_text(LINE)
    desk("institution", "feeds", str(file), "--from", "2026-11-02")
    file.write_text("feeds = []\n")
    said = desk("institution", "feeds", str(file), "--from", "2026-11-24")
    assert said.out == ("2026年11月24日から、連携の予定はありません。遅れの表示も、情報の提供の見合わせもしません。\n")
    assert desk("service", "status", "--json").code == 0
    assert json.loads(desk("service", "status", "--json").out)["feeds"]["04"]["late_since"] is None


@pytest.mark.clause("6-1")
def test_the_service_status_tells_what_is_late_and_since_when(desk: Desk, file: Path) -> None:
    file.write_text(LIMITED)
    desk("institution", "feeds", str(file), "--from", "2026-11-02")
    desk.ask(arrive, datetime(2026, 11, 19, 23, 59, 59, tzinfo=JST))
    told = desk("service", "status").out
    assert (
        "連携 残高通知: 2026年11月19日 23:59 現在。2026年11月24日 7:00 の予定が届かず、遅れています。"
        "次の予定 2026年11月25日 7:00\n"
    ) in told
    assert "連携 入出金取引明細: まだ届いていません\n" in told
    desk.ask(arrive, datetime(2026, 11, 18, 23, 59, 59, tzinfo=JST))
    assert "届くまで、この情報は渡しません(第6条第1項)" in desk("service", "status").out
    as_json = json.loads(desk("service", "status", "--json").out)["feeds"]["04"]
    assert (as_json["late_since"], as_json["unavailable"]) == ("2026-11-20T07:00:00+09:00", True)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("", "[[feeds]] の表だけを書いてください"),
        ('name = "x"\n' + LINE, "[[feeds]] の表だけを書いてください"),
        ("feeds = 1", "[[feeds]] の表で1件ずつ"),
        ('[[feeds]]\nfeed = "04"', "[[feeds]] の1件目に days、due、covers がありません"),
        (LINE + LINE + "unavailable_afer = 1", "[[feeds]] の2件目の unavailable_afer は、知らない項目です"),
        (LINE.replace("04", "05"), '[[feeds]] の1件目の feed「05」は、"04"、"03"、"status" のどれか'),
        (LINE.replace("07:00", "24:00"), '[[feeds]] の1件目の due「24:00」は、"07:00" の形で、23:59 まで'),
        (LINE.replace("07:00", "7:00"), "due「7:00」"),
        (LINE + 'unavailable_after = "48"', "unavailable_after「48」"),
        (LIMITED.replace("04", "status"), "unavailable_after は、情報を渡す 03 と 04 にだけ書けます"),
        ("[[feeds]", "読めません"),
    ],
)
def test_a_timetable_that_cannot_be_read_is_refused_with_what_is_wrong_and_changes_nothing(
    desk: Desk, file: Path, document: str, told: str
) -> None:
    file.write_text(document)
    refused = desk("institution", "feeds", str(file))
    assert (refused.code, told in refused.err) == (3, True), refused.err
    assert (desk.ask(institution_facts).feeds, desk.acts("feeds.set")) == ((), [])


def test_a_day_without_a_document_is_a_mistake_of_typing(desk: Desk) -> None:
    assert desk("institution", "feeds", "--from", "2026-12-01").code == 2


async def test_what_the_institutions_document_says_holds_from_the_day_after_it_is_set_up(
    database: Database,
) -> None:
    """The first files are brought by hand on the day itself."""
    document = (story.SAMPLE / "institution.toml").read_bytes()
    await database.writing(set_up_institution, document, [], story.WHO, story.NOW)
    feeds = (await database.reading(institution_facts)).feeds
    assert {(line.feed, line.valid_from) for line in feeds} == {
        (Feed.BALANCES, date(2026, 11, 25)),
        (Feed.TRANSACTIONS, date(2026, 11, 25)),
    }


@pytest.mark.clause("6-1")
async def test_the_public_page_is_told_what_is_late_and_what_is_withheld(database: Database) -> None:
    await database.writing(story.tell)
    lines = [
        FeedDue(feed, FeedDays.BANKING_DAYS, 420, FeedCovers.PREVIOUS_BANKING_DAY, limit, date(2026, 11, 2), None)
        for feed, limit in ((Feed.BALANCES, 48 * 60), (Feed.TRANSACTIONS, None), (Feed.STATUS, None))
    ]
    await database.writing(set_feeds, lines, date(2026, 11, 2), story.WHO, story.NOW)
    await database.writing(arrive, datetime(2026, 11, 18, 23, 59, 59, tzinfo=JST))
    told = service_of(await database.reading(announcement, story.NOW), story.NOW)
    assert told.late == (
        LateData("残高", datetime(2026, 11, 18, 23, 59, 59, tzinfo=JST), Precision.DAY, withheld=True),
        LateData("入出金明細", None, Precision.MINUTE, withheld=False),
    )
    await database.writing(arrive, story.NOW)
    told = service_of(await database.reading(announcement, story.NOW), story.NOW)
    assert [late.what for late in told.late] == ["入出金明細"]

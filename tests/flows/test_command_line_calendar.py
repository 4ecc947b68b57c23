"""`madoguchi institution`: hours that change from a day on, holidays taken back, and what was set down."""

from datetime import date, datetime
from pathlib import Path

import pytest

from madoguchi.procedures.service import institution_facts
from madoguchi.rules.vocabulary import JST
from tests.support.desk import Desk

DAYS = ("weekday", "saturday", "sunday", "holiday")


def hours(folder: Path, window: str = '"07:00-23:00"', **days: str) -> str:
    """A document of service hours: every day the same, but for `days`."""
    lines = [f"{day} = [{days.get(day, window)}]" for day in DAYS]
    text = "".join(f"[hours.{product}]\n" + "\n".join(lines) + "\n" for product in ("personal", "business"))
    (folder / "hours.toml").write_text(text, "utf-8")
    return str(folder / "hours.toml")


@pytest.mark.clause("2-1")
def test_hours_change_from_their_day_on_and_what_held_before_stays(desk: Desk, tmp_path: Path) -> None:
    said = desk("institution", "hours", hours(tmp_path, sunday=""), "--from", "2026-12-01")
    assert (said.code, said.out) == (0, "サービス時間を、2026年12月1日から入れ替えました: 時間帯 6件\n")
    is_open = []
    for day, hour, minute in ((30, 23, 30), (31, 6, 59), (31, 7, 0), (31, 22, 59), (31, 23, 0)):
        desk.at = datetime(2026, 11 + day // 31, day % 31 or 1, hour, minute, tzinfo=JST)
        is_open.append(desk.is_open())
    assert is_open == [True, False, True, True, False], "30 November as before, 1 December from 7:00 to 23:00"
    desk.at = datetime(2026, 12, 6, 12, 0, tzinfo=JST)
    assert not desk.is_open(), "a Sunday without any window"
    act = desk.acts("hours.set")[-1]
    assert (act.clause, act.detail["valid_from"]) == ("2-1", "2026-12-01")


@pytest.mark.clause("2-1")
def test_hours_are_listed_as_they_hold_now_and_later(desk: Desk, tmp_path: Path) -> None:
    desk("institution", "hours", hours(tmp_path), "--from", "2026-12-01")
    told = desk("institution", "hours", "--json").json
    assert {line["valid_until"] for line in told if line["valid_from"] < "2026-12-01"} == {"2026-12-01"}
    new = [line for line in told if line["valid_from"] == "2026-12-01"]
    assert {(line["opens"], line["closes"], line["valid_until"]) for line in new} == {("07:00", "23:00", None)}
    assert "2026-12-01 の前日まで" in desk("institution", "hours").out
    desk.at = datetime(2026, 12, 1, tzinfo=JST)
    assert len(desk("institution", "hours", "--json").json) == len(new) == 8, "what is over is not listed"


@pytest.mark.clause("2-1")
def test_hours_begin_tomorrow_unless_told_and_never_in_the_past(desk: Desk, tmp_path: Path) -> None:
    file = hours(tmp_path)
    assert desk("institution", "hours", file, "--from", "2026-11-23").code == 2
    assert len(desk.acts("hours.set")) == 1
    assert "2026年11月24日から" in desk("institution", "hours", file, "--from", "2026-11-24").out
    assert "2026年11月25日から" in desk("institution", "hours", file).out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[hours]\n", "hours.personal.weekday がありません"),
        ('name = "x"\n', "[hours.personal] と [hours.business] の表だけ"),
        ("hours = 1\n", "[hours.personal] と [hours.business] の表だけ"),
        ("", "[hours.personal] と [hours.business] の表だけ"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused_with_what_to_mend(
    desk: Desk, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    refused = desk("institution", "hours", str(tmp_path / "wrong.toml"))
    assert (refused.code, told in refused.err) == (3, True), refused.err
    closed = desk("institution", "hours", hours(tmp_path, window=""))
    assert (closed.code, "時間帯が1つもありません" in closed.err) == (3, True)
    assert len(desk.acts("hours.set")) == 1


@pytest.mark.clause("2-1")
def test_a_holiday_is_taken_back_and_a_day_that_was_none_changes_nothing(desk: Desk) -> None:
    desk("institution", "holidays", "--years", "2027")
    listed = {one["day"]: one["name"] for one in desk("institution", "holidays", "--json").json}
    assert listed["2027-05-03"] == "憲法記念日"
    said = desk("institution", "holidays", "--remove", "2027-05-03", "--remove", "2027-05-07")
    assert said.out.splitlines() == [
        "2027年5月3日: 休日でなくしました。",
        "2027年5月7日: 休日ではありません。何も変わりません。",
    ]
    assert date(2027, 5, 3) not in desk.ask(institution_facts).holidays
    assert date(2027, 5, 4) in desk.ask(institution_facts).holidays
    (act,) = desk.acts("holidays.removed")
    assert (act.clause, act.detail["days"]) == ("2-1", ["2027-05-03"])
    desk("institution", "holidays", "--remove", "2027-05-03")
    assert len(desk.acts("holidays.removed")) == 1


def test_what_was_set_down_is_shown(desk: Desk) -> None:
    said = desk("institution", "show")
    assert said.code == 0
    assert all(part in said.out for part in ("みほん信用組合", "2999", "180日", "13か月"))
    assert desk("institution", "show", "--json").json["registration_days"] == 180


@pytest.mark.clause("9-1")
def test_the_versions_of_the_terms_are_listed_with_the_one_in_force(desk: Desk) -> None:
    (version,) = desk("terms", "list", "--json").json
    assert (version["version"], version["in_force"]) == ("2026-10-01", True)
    assert "今の規定" in desk("terms", "list").out
    desk.at = datetime(2026, 9, 30, 23, 59, tzinfo=JST)
    assert desk("terms", "list", "--json").json[0]["in_force"] is False
    assert "これから" in desk("terms", "list").out


def test_the_schema_is_written_as_tools_read_it(desk: Desk) -> None:
    told = desk("schema", "--json").json["__schema"]
    assert told["queryType"]["name"] == "Query"
    assert "Account" in {one["name"] for one in told["types"]}

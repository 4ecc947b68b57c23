"""`madoguchi institution hours|holidays|feeds`: the calendar of the service (2-1) and of its feeds (6-1).

Without a document each shows what holds now and later; with one it replaces or adds. What held before stays.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.words import FEEDS, AsJson, day, day_in_words, say, say_json, say_table
from madoguchi.procedures.service import (
    holidays_from,
    institution_facts,
    remove_holidays,
    set_feeds,
    set_holidays,
    set_hours,
)
from madoguchi.procedures.setting_up import national_holidays, read_calendar, read_holidays, read_timetable
from madoguchi.rules.facts import FeedDue, Hours
from madoguchi.rules.vocabulary import DayType, FeedCovers, FeedDays, Product

Line = TypeVar("Line")

MOST_YEARS = 10

PRODUCTS = {Product.PERSONAL: "個人", Product.BUSINESS: "法人"}
DAY_TYPES = {
    DayType.WEEKDAY: "平日",
    DayType.SATURDAY: "土曜",
    DayType.SUNDAY: "日曜",
    DayType.HOLIDAY: "休日",
}
DAYS = {FeedDays.EVERY_DAY: "毎日", FeedDays.BANKING_DAYS: "銀行営業日"}
COVERS = {FeedCovers.SAME_DAY: "その日の途中まで", FeedCovers.PREVIOUS_BANKING_DAY: "前の銀行営業日まで"}


def hours(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="サービス時間の文書(TOML)。[hours.personal] と [hours.business] の表だけを書きます。"
            "なければ、今とこれからの時間を表示します。",
            metavar="[FILE]",
            show_default=False,
        ),
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option("--from", help="この日から。なければ、明日から。今日より前にはできません。", metavar="DATE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """サービス時間を定めます(第2条第1項)。

    FILE の内容で、その日からの時間をすべて入れ替えます。個人(personal)と法人(business)のそれぞれに、平日 weekday、
    土曜 saturday、日曜 sunday、休日 holiday の時間帯を書きます。24:00 はその日の終わり、[] は終日の休みです。
    書き方の見本は backend/sample/institution.toml にあります。
    """
    desk = office(context)
    if file is None:
        _only_with_file(begins)
        windows = [one for one in desk.reading(institution_facts).hours if _still_holds(one, desk.today)]
        _show(windows, as_json, _hours_as_json, lambda: _print_hours(windows))
        return
    _only_without_file(as_json)
    first = _first_day(desk, begins)
    if first < desk.today:
        raise Trouble("--from は、今日か、今日より後の日にしてください。", 2)
    windows = read_calendar(file.read_bytes(), first)
    desk.writing(set_hours, windows, desk.actor, desk.now)
    say(f"サービス時間を、{day_in_words(first)}から入れ替えました: 時間帯 {len(windows)}件")


def holidays(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help='休日の文書(TOML)。1行に1日: 2027-05-06 = "組合の休日"', metavar="[FILE]", show_default=False
        ),
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="この年の祝日と年末年始。例: 2028、2028-2030", metavar="YEAR[-YEAR]")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(help="この日を休日でなくします。", metavar="DATE")] = None,
    as_json: AsJson = False,
) -> None:
    """インターネットバンキングが休日の時間になる日を加え、取り消します。同じ日があれば、名前が替わります。

    FILE も --years も --remove もなければ、今日からの休日を表示します。
    """
    desk = office(context)
    if (file is not None) + (years is not None) + bool(remove) > 1:
        raise Trouble("FILE、--years、--remove は、どれか1つを指定してください。", 2)
    if remove:
        _only_without_file(as_json)
        _remove(desk, [day(typed) for typed in remove])
        return
    if file is None and years is None:
        held = desk.reading(holidays_from, desk.today)
        _show(held, as_json, lambda one: {"day": one[0], "name": one[1]}, lambda: _print_holidays(held))
        return
    _only_without_file(as_json)
    days = read_holidays(file.read_bytes()) if file else national_holidays(*_years(years or ""))
    desk.writing(set_holidays, days, desk.actor, desk.now)
    say(f"休日を入れました: {len(days)}日({days[0][0]} から {days[-1][0]} まで)")


def _remove(desk: Office, days: list[date]) -> None:
    removed = desk.writing(remove_holidays, days, desk.actor, desk.now)
    for one in sorted(set(days)):
        said = "休日でなくしました" if one in removed else "休日ではありません。何も変わりません"
        say(f"{day_in_words(one)}: {said}。")


def feeds(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="連携の予定の文書(TOML)。[[feeds]] の表だけを書きます。なければ、今の予定を表示します。",
            metavar="[FILE]",
            show_default=False,
        ),
    ] = None,
    begins: Annotated[
        str | None, typer.Option("--from", help="この日の分から。なければ、明日から。", metavar="DATE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """勘定系などからの連携が、いつまでに届く予定かを定めます(第6条第1項)。

    予定を過ぎても届かなければ、残高や明細に「遅れ」と添えます。unavailable_after を過ぎると、届くまで情報を渡しません。

    FILE の内容で、その日からの予定をすべて入れ替えます。1件ずつ、次のように書きます。見本は
    backend/sample/institution.toml にあります。

    [[feeds]] feed = "03"(04、status) / days = "banking_days"(every_day) / due = "07:00" /
    covers = "previous_banking_day"(same_day) / unavailable_after = "48:00"(なくてもよい)
    """
    desk = office(context)
    if file is None:
        _only_with_file(begins)
        timetable = desk.reading(institution_facts).feeds
        _show(timetable, as_json, _due_as_json, lambda: _print_timetable(timetable))
        return
    _only_without_file(as_json)
    first = _first_day(desk, begins)
    dues = read_timetable(file.read_bytes(), first)
    desk.writing(set_feeds, dues, first, desk.actor, desk.now)
    if dues:
        say(f"連携の予定を、{day_in_words(first)}の分から入れ替えました: {len(dues)}件")
        ended = {line.feed for line in desk.reading(institution_facts).feeds if line.valid_until == first}
        for feed in sorted(ended - {line.feed for line in dues}):
            say(f"{FEEDS[feed]}の予定は、なくなります。遅れは判定しません。")
    else:
        say(f"{day_in_words(first)}から、連携の予定はありません。遅れの表示も、情報の提供の見合わせもしません。")


def _show(
    lines: Sequence[Line], as_json: bool, told: Callable[[Line], dict[str, object]], print_: Callable[[], None]
) -> None:
    if as_json:
        say_json([told(line) for line in lines])
    else:
        print_()


def _print_hours(windows: Sequence[Hours]) -> None:
    say_table(
        ("契約", "日", "時間帯", "期間"),
        (
            (PRODUCTS[one.product], DAY_TYPES[one.day_type], f"{_clock(one.opens)}〜{_clock(one.closes)}", _period(one))
            for one in sorted(windows, key=lambda one: one.valid_from)
        ),
    )
    say("書かれていない日は、終日お休みです。")


def _print_holidays(held: Sequence[tuple[date, str]]) -> None:
    if not held:
        say("今日からあとの休日は、入っていません。「madoguchi institution holidays --years 年」で入れてください。")
        return
    say_table(("日付", "名前"), ((one.isoformat(), name) for one, name in held))


def _print_timetable(timetable: tuple[FeedDue, ...]) -> None:
    if not timetable:
        say("連携の予定は、定められていません。遅れは判定しません。")
        return
    say_table(
        ("連携", "日", "いつまでに", "どこまでの情報", "渡さなくなるまで", "期間"),
        (
            (
                FEEDS[line.feed],
                DAYS[line.days],
                _clock(line.due),
                COVERS[line.covers],
                "なし" if line.unavailable_after is None else _clock(line.unavailable_after),
                _period(line),
            )
            for line in sorted(timetable, key=lambda line: (line.valid_from, line.feed, line.due))
        ),
    )


def _hours_as_json(one: Hours) -> dict[str, object]:
    return {**asdict(one), "opens": _clock(one.opens), "closes": _clock(one.closes)}


def _due_as_json(line: FeedDue) -> dict[str, object]:
    limit = None if line.unavailable_after is None else _clock(line.unavailable_after)
    return {**asdict(line), "due": _clock(line.due), "unavailable_after": limit}


def _period(line: Hours | FeedDue) -> str:
    return f"{line.valid_from} から" + (f" {line.valid_until} の前日まで" if line.valid_until else "")


def _still_holds(one: Hours, today: date) -> bool:
    return one.valid_until is None or one.valid_until > today


def _first_day(desk: Office, begins: str | None) -> date:
    return day(begins) if begins is not None else desk.today + timedelta(days=1)


def _only_with_file(begins: str | None) -> None:
    if begins is not None:
        raise Trouble("--from は、FILE と一緒に指定してください。", 2)


def _only_without_file(as_json: bool) -> None:
    if as_json:
        raise Trouble("--json は、表示するときだけ指定してください。", 2)


def _clock(minutes: int) -> str:
    """HH:MM, as the document writes it."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _years(typed: str) -> range:
    match = re.fullmatch(r"(20[0-9]{2})(?:-(20[0-9]{2}))?", typed.strip())
    years = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not 0 < len(years) <= MOST_YEARS:
        raise Trouble(f"--years「{typed}」は、「2028」か「2028-2030」の形で、{MOST_YEARS}年までにしてください。", 2)
    return years

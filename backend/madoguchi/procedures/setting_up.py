"""Setting up the one institution of an installation from its document (TOML).

The document gives its names and the values that the terms leave open: hours (2-1), data window (2-4), registration
period (4-1), excluded products (2-2), when feeds are due (6-1). `backend/sample/institution.toml` is a model.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlmodel import Session

from madoguchi.procedures.service import facts_of_rows, set_feeds, set_holidays, set_hours, store_fact
from madoguchi.procedures.trail import record_act
from madoguchi.records.service import Institution
from madoguchi.rules import facts
from madoguchi.rules.facts import FeedDue, Hours
from madoguchi.rules.vocabulary import JST, DayType, Feed, FeedCovers, FeedDays, Product

HOURS: Final = "hours"
FEEDS: Final = "feeds"
REQUIRED: Mapping[str, type] = {
    "bank_code": str,
    "name": str,
    "name_kana": str,
    "phone": str,
    "phone_hours": str,
    "is_sample": bool,
    "registration_days": int,
    "history_months": int,
}
OPTIONAL = ("excluded_products", "hours", FEEDS)

_KINDS = {str: "文字列", bool: "true または false の値", int: "1 以上の整数"}

_OF_FEED = ("feed", "days", "due", "covers")
_LIMIT = "unavailable_after"
Word = TypeVar("Word", Feed, FeedDays, FeedCovers)

FIRST_DAY = date(2000, 1, 1)
"""From when the first calendar holds: before anything the system can be asked about."""


class InstitutionRefused(ValueError):
    """The document does not describe an institution; the message says what is wrong, in Japanese for the officer."""


def set_up_institution(
    session: Session, document: bytes, holidays: list[tuple[date, str]], actor: str, at: datetime
) -> bool:
    """Create the institution with its first calendar; False when there is one already (nothing changes then).

    holidays  days and names on which internet banking keeps its holiday hours. Raises InstitutionRefused.
    """
    if session.get(Institution, 1) is not None:
        return False
    parsed = read_institution(document)
    hours = list(read_hours(parsed.get("hours", {}), FIRST_DAY))
    # The first files are brought by hand on this day; the timetable holds from the morrow.
    morrow = at.astimezone(JST).date() + timedelta(days=1)
    dues = list(read_feeds(parsed.get(FEEDS, []), morrow))
    values = {name: parsed[name] for name in REQUIRED}
    row = Institution(**values, excluded_products=parsed.get("excluded_products", []), facts_digest="")
    row.facts_digest = store_fact(session, facts.canonical(facts_of_rows(session, row, at)))
    session.add(row)
    record_act(session, at, actor, "institution.set_up", "service", "1-1", bank_code=row.bank_code)
    set_hours(session, hours, actor, at)
    set_holidays(session, holidays, actor, at)
    if dues:
        set_feeds(session, dues, morrow, actor, at)
    return True


def read_institution(document: bytes) -> dict[str, Any]:
    """The document's values, each there and of its kind. Raises InstitutionRefused, naming what is wrong.

    A key that nobody knows is refused too: a misspelt `excluded_products` would show accounts that are to be left out.
    """
    parsed = _parse(document)
    missing = [name for name in REQUIRED if name not in parsed]
    if missing:
        raise InstitutionRefused(f"金融機関の文書に {'、'.join(missing)} がありません。")
    unknown = [name for name in parsed if name not in REQUIRED and name not in OPTIONAL]
    if unknown:
        raise InstitutionRefused(f"金融機関の文書の {'、'.join(unknown)} は、知らない項目です。")
    for name, kind in REQUIRED.items():
        if type(parsed[name]) is not kind or parsed[name] == "" or (kind is int and parsed[name] < 1):
            raise InstitutionRefused(f"金融機関の文書の {name} は、{_KINDS[kind]}で書いてください。")
    if not re.fullmatch(r"[0-9]{4}", parsed["bank_code"]):
        raise InstitutionRefused("金融機関の文書の bank_code は、数字4桁で書いてください。")
    excluded = parsed.get("excluded_products", [])
    if not isinstance(excluded, list) or not all(isinstance(code, str) and code for code in excluded):
        raise InstitutionRefused("金融機関の文書の excluded_products は、商品コード(文字列)の一覧で書いてください。")
    return parsed


def read_holidays(document: bytes) -> list[tuple[date, str]]:
    """Holidays as a document (TOML) writes them, one a line: `2027-05-06 = "組合の休日"`. Raises InstitutionRefused."""
    days = []
    for key, name in _parse(document).items():
        try:
            days.append((date.fromisoformat(key), name))
        except ValueError:
            raise InstitutionRefused(f"休日「{key}」は、2027-05-06 の形の日付で書いてください。") from None
        if not isinstance(name, str) or not name:
            raise InstitutionRefused(f'休日 {key} の名前を、{key} = "名前" の形で書いてください。')
    if not days:
        raise InstitutionRefused("休日が1日も書かれていません。")
    return sorted(days)


def national_holidays(*years: int) -> list[tuple[date, str]]:
    """National holidays and 31 December to 3 January of these years."""
    import holidays  # here: loading it takes half a second, and it is needed once a year

    national = holidays.country_holidays("JP", years=years, language="ja")
    turn = [date(year, month, day) for year in years for month, day in ((1, 1), (1, 2), (1, 3), (12, 31))]
    return sorted((dict.fromkeys(turn, "年末年始") | dict(national.items())).items())


def read_hours(hours: Mapping[str, Any], valid_from: date) -> Iterator[Hours]:
    """Hours as a document writes them: product -> day type -> windows "HH:MM-HH:MM" (24:00 is the day's end)."""
    for product in Product:
        for day_type in DayType:
            of_product = hours.get(product)
            windows = of_product.get(day_type) if isinstance(of_product, dict) else None
            if not isinstance(windows, list):
                raise InstitutionRefused(f"hours.{product}.{day_type} がありません(休みの日は [] と書きます)。")
            for window in windows:
                opens, closes = _minutes(window)
                yield Hours(product, day_type, opens, closes, valid_from, None)


def read_calendar(document: bytes, valid_from: date) -> list[Hours]:
    """Service hours (2-1) as their own document writes them, `[hours.PRODUCT]` only. Raises InstitutionRefused."""
    parsed = _parse(document)
    if list(parsed) != [HOURS] or not isinstance(parsed[HOURS], dict):
        raise InstitutionRefused(
            f"サービス時間の文書には、[{HOURS}.personal] と [{HOURS}.business] の表だけを書いてください。"
        )
    windows = list(read_hours(parsed[HOURS], valid_from))
    if not windows:
        raise InstitutionRefused(
            "時間帯が1つもありません。しばらく休むには「madoguchi stop set all」を使ってください。"
        )
    return windows


def read_timetable(document: bytes, valid_from: date) -> list[FeedDue]:
    """The timetable of feeds as its own document writes it; `feeds = []` expects none. Raises InstitutionRefused."""
    parsed = _parse(document)
    if list(parsed) != [FEEDS]:
        raise InstitutionRefused(f"連携の予定の文書には、[[{FEEDS}]] の表だけを書いてください。")
    return list(read_feeds(parsed[FEEDS], valid_from))


def read_feeds(lines: object, valid_from: date) -> Iterator[FeedDue]:
    """Lines of the timetable as a document writes them: feed, days, due, covers, and perhaps unavailable_after."""
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise InstitutionRefused(f"連携の予定は、[[{FEEDS}]] の表で1件ずつ書いてください。")
    for number, line in enumerate(lines, 1):
        place = f"[[{FEEDS}]] の{number}件目"
        missing = [name for name in _OF_FEED if name not in line]
        if missing:
            raise InstitutionRefused(f"{place}に {'、'.join(missing)} がありません。")
        unknown = [name for name in line if name not in (*_OF_FEED, _LIMIT)]
        if unknown:
            raise InstitutionRefused(f"{place}の {'、'.join(unknown)} は、知らない項目です。")
        limit = line.get(_LIMIT)
        feed = _one_of(Feed, line["feed"], f"{place}の feed")
        if feed is Feed.STATUS and limit is not None:
            raise InstitutionRefused(f"{place}: unavailable_after は、情報を渡す 03 と 04 にだけ書けます。")
        yield FeedDue(
            feed=feed,
            days=_one_of(FeedDays, line["days"], f"{place}の days"),
            due=_clock(line["due"], 23, f"{place}の due"),
            covers=_one_of(FeedCovers, line["covers"], f"{place}の covers"),
            unavailable_after=None if limit is None else _clock(limit, 999, f"{place}の unavailable_after"),
            valid_from=valid_from,
            valid_until=None,
        )


def _one_of(kind: type[Word], written: object, place: str) -> Word:
    try:
        return kind(str(written))
    except ValueError:
        words = "、".join(f'"{word.value}"' for word in kind)
        raise InstitutionRefused(f"{place}「{written}」は、{words} のどれかにしてください。") from None


def _clock(written: object, hours: int, place: str) -> int:
    """Minutes of an "HH:MM"."""
    match = re.fullmatch(r"([0-9]{2,3}):([0-5][0-9])", str(written))
    if match is None or int(match[1]) > hours:
        raise InstitutionRefused(f'{place}「{written}」は、"07:00" の形で、{hours}:59 までにしてください。')
    return int(match[1]) * 60 + int(match[2])


def _parse(document: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(document.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InstitutionRefused(f"文書を TOML(UTF-8)として読めません: {problem}") from problem


def _minutes(window: object) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", str(window))
    if match:
        start_hour, start, end_hour, end = (int(part) for part in match.groups())
        opens, closes = start_hour * 60 + start, end_hour * 60 + end
        if start < 60 and end < 60 and opens < closes <= 24 * 60:
            return opens, closes
    raise InstitutionRefused(f"時間帯「{window}」は 07:00-23:00 の形で、始まりを終わりより前にしてください。")

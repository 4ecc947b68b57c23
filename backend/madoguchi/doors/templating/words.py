"""How dates, times, sums, account numbers and the terms' own marks are written on a page (Japanese).

Every moment is shown on the Japanese wall clock. Years are of the common era.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from madoguchi.doors.templating.preferences import TextSize, size_link
from madoguchi.rules.vocabulary import JST, Precision

NBSP = "\u00a0"
WORD_JOINER = "\u2060"
_WEEKDAYS = "月火水木金土日"


def _wall(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a page shows aware moments only")
    return moment.astimezone(JST)


def full_date(day: date) -> str:
    """2027年5月23日"""
    return f"{day.year}年{day.month}月{day.day}日"


def month_day(day: date) -> str:
    """11月24日; a moment counts as its day in Japan."""
    day = _wall(day) if isinstance(day, datetime) else day
    return f"{day.month}月{day.day}日"


def slash_date(day: date) -> str:
    """11/24, where the column is narrow and the year plain."""
    return f"{day.month}/{day.day}"


def weekday_date(day: date) -> str:
    """11月25日（水）; a moment counts as its day in Japan."""
    day = _wall(day) if isinstance(day, datetime) else day
    return f"{month_day(day)}（{_WEEKDAYS[day.weekday()]}）"


def clock_time(moment: datetime) -> str:
    """7:00, 15:02"""
    wall = _wall(moment)
    return f"{wall.hour}:{wall.minute:02}"


def spoken_time(moment: datetime) -> str:
    """14時, 15時2分"""
    wall = _wall(moment)
    return f"{wall.hour}時{wall.minute}分" if wall.minute else f"{wall.hour}時"


def as_of(moment: datetime, precision: Precision = Precision.MINUTE) -> str:
    """第6条第1項: 11月24日 14時現在, or 11月24日現在 where the feed gives the day only."""
    if precision is Precision.DAY:
        return f"{month_day(moment)}現在"
    return f"{month_day(moment)}{NBSP}{spoken_time(moment)}現在"


def amount(yen: int) -> str:
    """1,284,530; a negative sum carries a real minus sign."""
    return f"{yen:,}".replace("-", "−")


def yen(value: int) -> str:
    """1,284,530円"""
    return f"{amount(value)}円"


def movement(value: int) -> str:
    """+148,500 or −20,000"""
    return f"+{value:,}" if value > 0 else amount(value)


def masked(last_digits: str) -> str:
    """…4567, never split from what stands before it nor inside."""
    return f"{NBSP}…{WORD_JOINER}{last_digits}"


def from_terms(text: str, values: Mapping[str, Any] = MappingProxyType({})) -> Markup:
    """A sentence of a terms document: `{name}` filled from `values`, `**…**` made strong, all else escaped.

    The document is data and no format string: an unknown `{name}` stays as it stands.
    """
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    parts = text.split("**")
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if at % 2 and at < len(parts) - 1 else escape(part)
        for at, part in enumerate(parts)
    )


def size_links(here: str) -> list[tuple[TextSize, str]]:
    """Every text size with the link that chooses it on this page."""
    return [(size, size_link(here, size)) for size in TextSize]


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType({
    word.__name__: word
    for word in (
        full_date, month_day, slash_date, weekday_date, clock_time, spoken_time, as_of,
        amount, yen, movement, masked, from_terms, size_links,
    )
})

"""第2条第1項 on a page: whether the service answers now, its hours in words, planned pauses.

Decides nothing: the rules give the moments, this puts a calendar's windows into the words of a notice board.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from madoguchi.rules.vocabulary import Precision

DAY_MINUTES = 1440


class ServiceState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"  # outside the hours (2-1)
    STOPPED = "stopped"  # stopped for now (7-3)


@dataclass(frozen=True, slots=True)
class HoursLine:
    """「平日」「7:00〜23:00」; `days` is empty where one line holds for all days."""

    days: str
    hours: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause. `until` is None while nobody knows the end."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LateData:
    """第6条: data that was due and is not here. `as_of`: of what is here; None when nothing ever came.

    withheld  so late that aggregators are not given what is here.
    """

    what: str  # 残高
    as_of: datetime | None
    precision: Precision
    withheld: bool


@dataclass(frozen=True, slots=True)
class Service:
    """The state of the service at `moment`.

    closes_at   the end of the present opening; None when always open, or not open.
    opens_at    the next opening after the present state; None when nobody can know.
    data_as_of  第6条: the moment of the newest balances; None before the first feed.
    late        what is late of that which aggregators are given.
    """

    state: ServiceState
    moment: datetime
    hours: tuple[HoursLine, ...]
    closes_at: datetime | None = None
    opens_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    data_as_of: datetime | None = None
    data_precision: Precision = Precision.MINUTE
    terms_as_of: date | None = None
    late: tuple[LateData, ...] = ()


ALWAYS_AS_A_SAMPLE = (HoursLine("", "見本のため、いつでも"),)
"""The sample calendar's only line: a sandbox is open at all hours and says why."""


def hours_in_words(windows: Sequence[range]) -> str:
    """「7:00〜23:00」, 「終日」, 「休み」. Windows are minutes since 00:00 JST, the closing minute excluded."""
    if not windows:
        return "休み"
    if list(windows) == [range(DAY_MINUTES)]:
        return "終日"
    return "、".join(f"{_minute(window.start)}〜{_minute(window.stop)}" for window in windows)


def hours_lines(
    weekday: Sequence[range], saturday: Sequence[range], sunday: Sequence[range], holiday: Sequence[range]
) -> tuple[HoursLine, ...]:
    """One line for the days that share their hours: 平日 / 土日祝, or as many lines as it takes."""
    named = (("平日", weekday), ("土", saturday), ("日", sunday), ("祝", holiday))
    together: dict[str, list[str]] = {}
    for name, windows in named:
        together.setdefault(hours_in_words(windows), []).append(name)
    if len(together) == 1:
        return (HoursLine("毎日", next(iter(together))),)
    alone = {"土": "土曜", "日": "日曜", "祝": "祝日"}
    return tuple(
        HoursLine(alone.get(names[0], names[0]) if len(names) == 1 else _joined(names), hours)
        for hours, names in together.items()
    )


def _joined(names: list[str]) -> str:
    rest = "".join(name for name in names if name != "平日")
    return f"平日・{rest}" if "平日" in names else rest


def _minute(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"

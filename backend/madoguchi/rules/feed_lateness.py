"""第6条第1項: whether the data that a feed was due to bring is here, and when it is due next.

Source: terms 6-1 (what can be given may not be the latest); the timetable is dated facts (`facts.FeedDue`). The feed as
a whole is judged, by the newest moment its data speaks of: an account without movements may be in no file at all.
Which days are banking days (銀行営業日) the caller knows. What lateness does to an answer is the API's subject.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from madoguchi.rules.facts import FeedDue
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays

LOOK_AHEAD = timedelta(days=62)
"""How far the next due moment is looked for: longer than any row of holidays."""

IsBankingDay = Callable[[date], bool]

_ONE_DAY = timedelta(days=1)
_END_OF_DAY = time(23, 59, 59)  # as a feed that gives the day only is read


@dataclass(frozen=True, slots=True)
class FeedLateness:
    """How a feed stands against its timetable. All moments are aware, in JST.

    expected     the moment up to which its data should reach by now; None while nothing was due.
    late_since   when the oldest data that is missing was due; None: nothing is missing.
    unavailable  so late that what is held is not given any more.
    next_due     the next moment by which data is due that is not here yet; None when no timetable tells.
    """

    expected: datetime | None = None
    late_since: datetime | None = None
    unavailable: bool = False
    next_due: datetime | None = None

    @property
    def late(self) -> bool:
        return self.late_since is not None


@dataclass(frozen=True, slots=True)
class _Due:
    """One entry of the timetable on one day: by `at` there is data of `expected` or later."""

    at: datetime
    expected: datetime
    unavailable_at: datetime | None


def feed_lateness(
    at: datetime, feed: Feed, timetable: Iterable[FeedDue], newest: datetime | None, is_banking_day: IsBankingDay
) -> FeedLateness:
    """Judge one feed at `at` (aware). Its due second itself is late already, and so it is with `unavailable_after`.

    timetable  of all feeds. Days on which another timetable held are judged by that one; when none holds on the day
               of `at`, nothing is expected any more and nothing is late.
    newest     the newest moment (aware) that the feed's data speaks of; None: nothing ever came.
    Raises ValueError when `at` is naive: a caller's bug, never a lateness.
    """
    if at.tzinfo is None:
        raise ValueError("lateness needs an aware datetime")
    lines = tuple(line for line in timetable if line.feed is feed)
    if not lines:
        return FeedLateness()
    today = at.astimezone(JST).date()
    coming = _dues(today, today + LOOK_AHEAD, lines, is_banking_day)
    next_due = next((due.at for due in coming if due.at > at and _is_missing(due, newest)), None)
    if not any(_holds(line, today) for line in lines):
        return FeedLateness(next_due=next_due)
    late_since = demanded = None
    unavailable = False
    # Data can be missing from the newest day on only: what is due on a day speaks of that day or of one before.
    begins = min(line.valid_from for line in lines)
    if newest is not None:
        begins = max(begins, newest.astimezone(JST).date())
    for due in _dues(begins, today, lines, is_banking_day):
        if due.at > at or not _is_missing(due, newest):
            continue
        late_since, demanded = late_since or due.at, demanded or due.expected
        unavailable = due.unavailable_at is not None and due.unavailable_at <= at
        if unavailable or all(line.unavailable_after is None for line in lines):
            break
    asked = [moment for moment in (demanded, _asked_last(at, lines, is_banking_day)) if moment is not None]
    return FeedLateness(max(asked, default=None), late_since, unavailable, next_due)


def _is_missing(due: _Due, newest: datetime | None) -> bool:
    return newest is None or newest < due.expected


def _asked_last(at: datetime, lines: tuple[FeedDue, ...], is_banking_day: IsBankingDay) -> datetime | None:
    """What the latest due moments that have passed ask for; None when nothing was due lately."""
    today = at.astimezone(JST).date()
    first = max(today - LOOK_AHEAD, min(line.valid_from for line in lines))
    for ordinal in range(today.toordinal(), first.toordinal() - 1, -1):
        day = date.fromordinal(ordinal)
        passed = [due.expected for due in _dues_on(day, lines, is_banking_day) if due.at <= at]
        if passed:
            return max(passed)
    return None


def _dues(first: date, last: date, lines: tuple[FeedDue, ...], is_banking_day: IsBankingDay) -> Iterator[_Due]:
    """What is due from `first` to `last` (both included), in order."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield from _dues_on(date.fromordinal(ordinal), lines, is_banking_day)


@lru_cache(maxsize=256)
def _dues_on(day: date, lines: tuple[FeedDue, ...], is_banking_day: IsBankingDay) -> tuple[_Due, ...]:
    """What is due on one day, in order. Remembered by content, for every read asks it anew; no judgement is."""
    of_day = [line for line in lines if _is_due_on(line, day, is_banking_day)]
    midnight = datetime.combine(day, time(), JST)
    dues = []
    for line in sorted(of_day, key=lambda line: line.due):
        if line.covers is FeedCovers.SAME_DAY:
            # What was due at ten o'clock does not do for two o'clock as well.
            before = (each.due for each in of_day if each.covers is line.covers and each.due < line.due)
            expected = midnight + timedelta(minutes=max(before, default=0))
        else:
            expected = datetime.combine(_banking_day_before(day, is_banking_day), _END_OF_DAY, JST)
        moment = midnight + timedelta(minutes=line.due)
        limit = None if line.unavailable_after is None else moment + timedelta(minutes=line.unavailable_after)
        dues.append(_Due(moment, expected, limit))
    return tuple(dues)


def _is_due_on(line: FeedDue, day: date, is_banking_day: IsBankingDay) -> bool:
    return _holds(line, day) and (line.days is FeedDays.EVERY_DAY or is_banking_day(day))


def _holds(line: FeedDue, day: date) -> bool:
    return line.valid_from <= day and (line.valid_until is None or day < line.valid_until)


def _banking_day_before(day: date, is_banking_day: IsBankingDay) -> date:
    day -= _ONE_DAY
    while not is_banking_day(day):
        day -= _ONE_DAY
    return day

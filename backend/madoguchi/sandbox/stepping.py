"""The sandbox's clock stepped forward, and the books brought along as if the days had gone by.

Forward only: records of an earlier future would contradict it. What is held in the records (tokens, sessions, quotas,
proofs used) follows the clock by itself; a server that runs need not be told.
"""

from datetime import datetime, time, timedelta
from typing import Final

from sqlmodel import Session

from madoguchi.clock import SteppedClock
from madoguchi.procedures.installing import Database
from madoguchi.procedures.listing import list_registrations
from madoguchi.procedures.service import institution, institution_facts
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.service_hours import next_closing, next_opening
from madoguchi.rules.vocabulary import JST, Product
from madoguchi.sandbox.books import ACTOR, Tell, keep_calendars, top_up
from madoguchi.sandbox.hours import draw_hours
from madoguchi.sandbox.one_at_a_time import one_at_a_time
from madoguchi.settings import Settings

PAST: Final = timedelta(minutes=5)
"""How far beyond an end the named steps go."""

THIS_MOMENT: Final = timedelta(minutes=1)
"""What counts as now: a step of nothing only brings the feeds."""

LONGEST: Final = timedelta(days=366)
"""One step; the sample's calendar knows the holidays of this year and the next."""


class CannotStep(ValueError):
    """There is no such moment ahead; the message says why and what to do, in Japanese."""


async def step(
    settings: Settings, database: Database, clock: SteppedClock, to: datetime, tell: Tell, *, feeds: bool
) -> None:
    """From now on it is `to` (aware), for every process of this sandbox.

    feeds  bring the sample's files of the time that has passed, so that nothing is late by accident.
    Raises CannotStep for a moment that is over, or too far ahead.
    """
    with one_at_a_time(settings):
        now = clock()
        if to < now - THIS_MOMENT:
            raise CannotStep("時刻は進めるだけで、戻せません。今の時刻から始め直すには: madoguchi sandbox reset")
        if to - now > LONGEST:
            raise CannotStep(f"一度に進められるのは {LONGEST.days} 日までです。何回かに分けてください。")
        clock.step_to(max(to, now))
        if feeds and (await database.reading(institution)).is_sample:
            await bring_feeds(settings, database, clock(), tell)


async def bring_feeds(settings: Settings, database: Database, at: datetime, tell: Tell) -> None:
    """The calendars, and what the core-banking system would have sent by now."""
    await database.writing(keep_calendars, at)
    await top_up(settings, database, at, tell)


def past_closing(session: Session, at: datetime, tell: Tell) -> datetime:
    """Just past the next end of the service hours (2-1). Where there is none, the hours that the pages show are kept.

    Raises CannotStep where the calendar knows no closing at all.
    """
    closing = _next_closing(at, institution_facts(session))
    if closing is None and draw_hours(session, ACTOR, at):
        tell(
            "サービス時間を、見本の画面に描かれた時間(平日 7:00〜23:00、土日祝 8:00〜21:00)に替えました。"
            "「いつでも」に戻すには: madoguchi service open"
        )
        closing = _next_closing(at, institution_facts(session))
    if closing is None:
        raise CannotStep("暦に、受付の終わりがありません。「madoguchi institution hours」で確かめてください。")
    return closing + PAST


def past_expiry(session: Session, at: datetime) -> datetime:
    """Just past the end of the live registration that ends first (4-1). Raises CannotStep when nobody is registered."""
    ends = [line.until for line in list_registrations(session, ended=False) if line.until > at]
    if not ends:
        raise CannotStep("有効な登録がありません。見本のお客さまで登録してから、もう一度実行してください。")
    return min(ends) + PAST


def past_month_end(at: datetime) -> datetime:
    """Just past the end of the month, on the Japanese calendar."""
    first = at.astimezone(JST).date().replace(day=1)
    return datetime.combine((first + timedelta(days=32)).replace(day=1), time(), JST) + PAST


def _next_closing(at: datetime, facts: InstitutionFacts) -> datetime | None:
    return min((end for product in Product if (end := _closing_of(product, at, facts))), default=None)


def _closing_of(product: Product, at: datetime, facts: InstitutionFacts) -> datetime | None:
    """The end of the window that holds `at`, or, when it is closed, of the next one."""
    end = next_closing(at, product, facts)
    opening = None if end else next_opening(at, product, facts)
    return next_closing(opening, product, facts) if opening else end

"""The sample's books and feeds: what the core-banking system would have sent since the last time, and when it is due.

Files are written as such a system writes them and go through the same import as `madoguchi feed import`; rows are never
put in directly. What is invented stands in backend/sample/books.toml.
"""

import tomllib
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

from sqlmodel import Session

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.sample_books import Lived, events_to_come, write_sample_files
from madoguchi.installation import sample_document
from madoguchi.procedures.installing import Database
from madoguchi.procedures.listing import books_until
from madoguchi.procedures.service import institution_facts, set_feeds, set_holidays
from madoguchi.procedures.setting_up import FEEDS as TIMETABLE
from madoguchi.procedures.setting_up import national_holidays, read_feeds
from madoguchi.procedures.status_feed.sequence import taken_in
from madoguchi.rules.vocabulary import JST
from madoguchi.sandbox.played import played_rows
from madoguchi.settings import Settings

ACTOR: Final = "system:sample"
INSTITUTION: Final = "institution.toml"
FEEDS: Final = "feeds"
DAYS_UNATTENDED: Final = 3
"""The sample's files are made at each start only; so long after one, nothing is due (6-1)."""
LATEST_BASE_TIME: Final = time(14, 0)
"""基準時刻 of the sample's balances: the core-banking system sends them at 14:00, earlier in the day by the hour."""

Tell = Callable[[str], None]
"""Gets a sentence for each step that takes time or changes things."""


def keep_calendars(session: Session, at: datetime) -> None:
    """Holidays to the end of next year, and the timetable of feeds from some days after `at` on.

    So a sandbox that is left running is late only then.
    """
    today = at.astimezone(JST).date()
    facts = institution_facts(session)
    if not any(day.year == today.year + 1 for day in facts.holidays):
        set_holidays(session, national_holidays(today.year, today.year + 1), ACTOR, at)
    first = today + timedelta(days=DAYS_UNATTENDED)
    if {line.valid_from for line in facts.feeds if line.valid_until is None} == {first}:
        return
    document = tomllib.loads(sample_document(INSTITUTION).decode())
    set_feeds(session, read_feeds(document[TIMETABLE], first), today, ACTOR, at)


def sent_last(at: datetime) -> datetime:
    """基準日時 of the balances sent last before `at`: on the hour, 1:00 to 14:00 (00:00 means no time in a feed)."""
    wall = at.astimezone(JST)
    if wall.hour == 0:
        return datetime.combine(wall.date() - timedelta(days=1), LATEST_BASE_TIME, JST)
    return datetime.combine(wall.date(), min(LATEST_BASE_TIME, time(wall.hour)), JST)


async def top_up(settings: Settings, database: Database, at: datetime, tell: Tell) -> None:
    """Write and import what the core-banking system would have sent since the last time.

    Customers that the sandbox does not know yet come with all their history.
    """
    latest = sent_last(at)
    until = latest.date()
    lived = await database.reading(lived_through, settings.data_dir)
    newcomers = any(event.kind == "contract.opened" for event in events_to_come(until, lived))
    held = await database.reading(books_until)
    if held is not None and held >= (until, latest) and not newcomers:
        return
    since = None if held is None or newcomers else min(held[0] + timedelta(days=1), until)
    tell(
        "勘定系からの連携ファイルを取り込んでいます。"
        if since
        else "勘定系からの13か月分の連携ファイルを取り込んでいます。"
    )
    folder = settings.data_dir / FEEDS
    for path in write_sample_files(folder, until, since=since, base_time=latest.time(), lived=lived):
        await take_in(settings, database, path, at, tell)


async def take_in(settings: Settings, database: Database, path: Path, at: datetime, tell: Tell) -> None:
    """Import one file of the sample. Raises RuntimeError when it is refused: it is our own."""
    report = await import_file(database, path, settings.bank_code, at, actor=ACTOR)
    tell(f"{path.name}: {report}")
    if not report.clean:
        raise RuntimeError(f"the sample's own feed was refused: {report}")


def lived_through(session: Session, data_dir: Path) -> Lived:
    """What this sandbox has taken in and what was played on it."""
    return Lived(*taken_in(session), played_rows(data_dir))

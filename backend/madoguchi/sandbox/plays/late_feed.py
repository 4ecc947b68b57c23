"""連携の遅れ (6-1): the files of balances and rows are due, and do not come.

Done by the timetable, as an officer sets it (`madoguchi institution feeds`): by this minute of today newer data is due
than there is. Nothing is late that is newer than what the timetable asks for, so the newest data has to be two minutes
old. Undone, the timetable is the sample's own again and the files come.
"""

from datetime import datetime, time, timedelta
from typing import Final

from sqlmodel import Session

from madoguchi.procedures.feeds.states import feed_states
from madoguchi.procedures.service import set_feeds
from madoguchi.rules.facts import FeedDue
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays
from madoguchi.sandbox.books import ACTOR
from madoguchi.sandbox.plays.telling import CannotPlay, Scene, Told
from madoguchi.sandbox.stepping import bring_feeds

LATE: Final = (Feed.BALANCES, Feed.TRANSACTIONS)
TOO_LATE: Final = 96 * 60
"""Minutes after which what is held is not given any more."""


async def play(scene: Scene) -> Told:
    """From now on both feeds are late. Raises CannotPlay while the newest data is no two minutes old."""
    changed = await scene.database.writing(_expect_now, scene.at)
    return Told(
        happened="残高通知と入出金取引明細が、予定の時刻に届きませんでした。"
        if changed
        else "連携は、すでに遅れています。",
        aggregator="HTTP 200。残高と明細は、届いている分を答えます。freshness の completeness が LATE になり、"
        "service.feeds の late が true になります(第6条第1項)。"
        "予定から96時間届かないと、残高と明細は null で、errors に "
        "DATA_UNAVAILABLE(第6条第1項)です。試すには: madoguchi sandbox clock --forward 5d --no-feeds",
        customer="事業者の画面の残高と明細が、前の時点のままです。登録は、そのままです。",
        undo="madoguchi sandbox play feed-late --undo",
        changed=changed,
    )


async def undo(scene: Scene) -> Told:
    """What was missing comes, and the sample's own timetable holds again."""
    late = await scene.database.reading(_is_late, scene.at)
    await bring_feeds(scene.settings, scene.database, scene.at, scene.tell)
    return Told(
        happened="遅れていた連携が届き、予定も元に戻りました。" if late else "遅れている連携はありません。",
        aggregator="freshness の completeness と service.feeds の late が元に戻ります。",
        customer="事業者の画面に、新しい残高と明細が出ます。",
        changed=late,
    )


def _is_late(session: Session, at: datetime) -> bool:
    states = feed_states(session, at)
    return any(states[feed].lateness.late for feed in LATE)


def _expect_now(session: Session, at: datetime) -> bool:
    states = feed_states(session, at)
    if all(states[feed].lateness.late for feed in LATE):
        return False
    wall = at.astimezone(JST)
    midnight = datetime.combine(wall.date(), time(), JST)
    arrivals = [state.arrival.as_of for feed in LATE if (state := states[feed]).arrival is not None]
    newest = max([midnight, *arrivals]) - midnight
    asked, due = newest // timedelta(minutes=1) + 1, (wall - midnight) // timedelta(minutes=1)
    if asked >= due:
        raise CannotPlay(
            "今の情報が届いたばかりです。2分ほどあとに、もう一度実行してください"
            "(または、先に madoguchi sandbox clock --forward 2m --no-feeds)。"
        )
    lines = [
        FeedDue(feed, FeedDays.EVERY_DAY, minute, FeedCovers.SAME_DAY, TOO_LATE, wall.date(), None)
        for feed in LATE
        for minute in (asked, due)
    ]
    set_feeds(session, lines, wall.date(), ACTOR, at)
    return True

"""How far each feed has brought the books (連携の到着): what lateness is judged by (6-1).

One row a feed: the newest moment that its data speaks of, and when that came. It never goes back: an old file that is
sent again, or a late one, is no news. Whether the moment is late is rules/feed_lateness.py's question.
"""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from madoguchi.records.bank import FeedArrival, FeedFile
from madoguchi.records.database import insert_new


def note_arrival(session: Session, feed_file: FeedFile, data_until: datetime, at: datetime) -> None:
    """The file's feed speaks of `data_until` now, unless it spoke of a later moment before."""
    news = {"as_of": data_until, "received_at": at, "feed_file_id": feed_file.feed_file_id}
    # Two statements that need no reading: two imports may end at one moment.
    session.execute(insert_new(session, FeedArrival, [{"feed": feed_file.kind, **news}], "feed"))
    session.execute(
        update(FeedArrival)
        .where(col(FeedArrival.feed) == feed_file.kind, col(FeedArrival.as_of) < data_until)
        .values(news)
    )

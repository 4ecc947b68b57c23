"""残高通知 (種別 04) into the books: the latest balances of accounts, as the feed gives them and never computed.

Source: 6-1 (a balance has the moment it held). A notice that is older than what is held changes nothing; of two for the
same moment the one from the file made later stands.
"""

from typing import Any

from sqlmodel import Session

from madoguchi.procedures.feeds.values import BalanceNotice
from madoguchi.records.bank import Account, Balance, FeedFile


def store_balance(session: Session, account: Account, notice: BalanceNotice, feed_file: FeedFile) -> bool:
    """Hold the balance of one account; False when nothing changed."""
    values: dict[str, Any] = {
        "current": notice.current,
        "available": notice.available,
        "previous_day": notice.previous_day,
        "uncleared": notice.uncleared,
        "as_of": notice.as_of,
        "as_of_precision": notice.as_of_precision.value,
    }
    held = session.get(Balance, account.account_id)
    if held is None:
        session.add(Balance(account_id=account.account_id or 0, feed_file_id=feed_file.feed_file_id or 0, **values))
        return True
    if held.as_of > notice.as_of or all(getattr(held, name) == value for name, value in values.items()):
        return False
    if held.as_of == notice.as_of and _made_earlier(session, feed_file, held.feed_file_id):
        return False
    for name, value in values.items():
        setattr(held, name, value)
    held.feed_file_id = feed_file.feed_file_id or 0
    session.add(held)
    return True


def _made_earlier(session: Session, feed_file: FeedFile, than: int) -> bool:
    """Whether a file was made (作成日) before another."""
    other = session.get_one(FeedFile, than)
    return feed_file.created_on is not None and other.created_on is not None and feed_file.created_on < other.created_on

"""残高通知 (種別 04) into the books: the latest balances of accounts, as the feed gives them and never computed.

Source: 6-1 (a balance has the moment it held). A notice that is older than what is held changes nothing.
"""

from typing import Any

from sqlmodel import Session

from madoguchi.procedures.feed_values import BalanceNotice
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
    for name, value in values.items():
        setattr(held, name, value)
    held.feed_file_id = feed_file.feed_file_id or 0
    session.add(held)
    return True

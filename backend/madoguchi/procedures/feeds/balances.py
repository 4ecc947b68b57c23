"""残高通知 (種別 04) into the books: the latest balances of accounts, as the feed gives them and never computed.

Source: 6-1 (a balance has the moment it held). A notice that is older than what is held changes nothing; of two for the
same moment the one from the block made later stands.
"""

from datetime import date
from typing import Any

from sqlmodel import Session

from madoguchi.procedures.feeds.values import BalanceNotice
from madoguchi.records.bank import Account, Balance, FeedFile


def store_balance(
    session: Session, account: Account, notice: BalanceNotice, created_on: date, feed_file: FeedFile
) -> bool:
    """Hold the balance of one account, as a block made on a day (作成日) gives it; False when nothing changed."""
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
        values |= {"created_on": created_on, "feed_file_id": feed_file.feed_file_id or 0}
        session.add(Balance(account_id=account.account_id or 0, **values))
        return True
    made_earlier = held.created_on is not None and created_on < held.created_on
    if held.as_of > notice.as_of or (held.as_of == notice.as_of and made_earlier):
        return False
    changed = any(getattr(held, name) != value for name, value in values.items())
    held.created_on = created_on  # also of what is only confirmed: no block made in between may undo it
    if changed:
        for name, value in values.items():
            setattr(held, name, value)
        held.feed_file_id = feed_file.feed_file_id or 0
    session.add(held)
    return changed

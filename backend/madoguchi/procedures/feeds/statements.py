"""入出金明細 (種別 03) into the books: one block of one account, whole or not at all, in the caller's transaction.

The same content changes nothing; other content replaces the block's days. Days held and the chain of balances are
feeds/days.py's subject, which row is the same row feeds/rows.py's, what a 訂正 row corrects feeds/corrections.py's, how
changes are numbered and written feeds/changes.py's.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.changes import begin_changes
from madoguchi.procedures.feeds.corrections import point_corrections
from madoguchi.procedures.feeds.days import held_pieces, hold, made_later, misfit, outdated
from madoguchi.procedures.feeds.rows import overfull_day, replace_rows, says_the_same
from madoguchi.procedures.feeds.values import BlockRefused, Damage, StatementBlock
from madoguchi.records.bank import Account, FeedFile
from madoguchi.records.positions import ROWS_A_DAY


@dataclass(frozen=True, slots=True)
class StatementStored:
    """What a block changed. `renewed`: rows, days, balances or the moment they held were not known like this before."""

    rows_added: int
    rows_removed: int
    renewed: bool


def store_statement(
    session: Session, account: Account, block: StatementBlock, feed_file: FeedFile, at: datetime
) -> StatementStored | BlockRefused:
    """Bring the account's days and rows to what the block says; a refusal leaves all as it was.

    at  the moment at which withdrawn rows are said to have gone.
    """
    overfull = overfull_day(block)
    if overfull is not None:
        return BlockRefused(block.first_record, block.account, _too_many(block, overfull))
    account_id = account.account_id or 0
    changes = begin_changes(session, account, feed_file.feed_file_id or 0, at)
    held = held_pieces(session, account, block)
    newer = made_later(held, block)
    if newer and not says_the_same(session, account_id, block, newer):
        return BlockRefused(block.first_record, block.account, outdated(block, newer))
    damage = misfit(session, held, block)
    if damage is not None:
        return BlockRefused(block.first_record, block.account, damage)
    replace_rows(session, account_id, block, changes)
    if changes.any:
        point_corrections(session, account_id, block.from_day, changes)
    changes.finish()
    renewed = hold(session, held, newer, account, block, feed_file, changes.any)
    return StatementStored(changes.rows_added, changes.rows_removed, renewed)


def _too_many(block: StatementBlock, day: date) -> Damage:
    told = f"勘定日 {day} の明細が {ROWS_A_DAY:,}件を超えています。1口座1日の明細は {ROWS_A_DAY:,}件までです"
    return Damage(block.first_record, 0, "勘定日", f"{ROWS_A_DAY:,}件を超える明細", f"{ROWS_A_DAY:,}件以内", told)

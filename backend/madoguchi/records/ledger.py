"""Reads of the books: accounts, balances, pages of history, in one statement each whatever the number of accounts.

Pages are keyset pages on (account, position): no OFFSET, no COUNT, so that their cost does not grow with the months
stored. The pages of several accounts are one UNION ALL of limited selects, each of which the index
`page_of_account` answers in order. What may be read was decided before; nothing here knows a token.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, literal, select, union_all
from sqlmodel import Session, col

from madoguchi.records.bank import Account, Balance, Branch, QuarantinedBlock, Statement, Transaction
from madoguchi.records.positions import first_position, last_position, order_in_day
from madoguchi.records.service import Institution

ROW = (
    col(Transaction.transaction_id),
    col(Transaction.account_id),
    col(Transaction.position),
    col(Transaction.booked_on),
    col(Transaction.value_on),
    col(Transaction.direction),
    col(Transaction.kind),
    col(Transaction.amount),
    col(Transaction.description),
    col(Transaction.description_raw),
    col(Transaction.counterparty),
    col(Transaction.balance_after),
    col(Transaction.corrects_id),
)
"""What a reader may need of a row of history; LedgerRow is its value."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of history with the columns of ROW, in their order."""

    transaction_id: int
    account_id: int
    position: int
    booked_on: date
    value_on: date
    direction: str  # vocabulary.Direction
    kind: str | None
    amount: int
    description: str
    description_raw: str
    counterparty: str | None
    balance_after: int
    corrects_id: int | None

    @property
    def order_in_day(self) -> int:
        """明細順: the place among the rows of its day, from 0."""
        return order_in_day(self.position)


@dataclass(frozen=True, slots=True)
class PageOf:
    """Rows of one account, booked from `first` to `last` (both included), between two positions (both excluded).

    `limit` rows (and one more, which tells that there are more) from the start of the order, or from its end.
    """

    account_id: int
    first: date
    last: date
    limit: int
    newest_first: bool = True
    from_end: bool = False
    above: int | None = None
    below: int | None = None


def institution(session: Session) -> Any:
    """Bank code, name and kana of the institution this installation serves; None before it is set up."""
    return session.execute(
        select(col(Institution.bank_code), col(Institution.name), col(Institution.name_kana))
    ).first()


def accounts(session: Session, ids: Collection[int]) -> Sequence[Any]:
    """Accounts with their branches."""
    statement = (
        select(
            col(Account.account_id),
            col(Account.branch_code),
            col(Branch.name),
            col(Branch.name_kana),
            col(Account.kind),
            col(Account.number),
            col(Account.holder_kana),
        )
        .join(Branch, col(Branch.branch_code) == col(Account.branch_code))
        .where(col(Account.account_id).in_(sorted(ids)))
    )
    return session.execute(statement).all()


def balances(session: Session, ids: Collection[int]) -> Sequence[Any]:
    """The latest balances that were received."""
    statement = select(
        col(Balance.account_id),
        col(Balance.current),
        col(Balance.available),
        col(Balance.previous_day),
        col(Balance.uncleared),
        col(Balance.as_of),
        col(Balance.as_of_precision),
    ).where(col(Balance.account_id).in_(sorted(ids)))
    return session.execute(statement).all()


def pages(session: Session, asked: Sequence[PageOf]) -> Sequence[Any]:
    """The rows of all pages in one statement; the first column is the page's number in `asked`."""
    return session.execute(union_all(*(select(_page(number, page)) for number, page in enumerate(asked)))).all()


def rows(session: Session, ids: Sequence[int], visible: Collection[int], since: date, until: date) -> Sequence[Any]:
    """Single rows by id, as far as they lie in a visible account and in the days given."""
    statement = select(*ROW).where(
        col(Transaction.transaction_id).in_(ids),
        col(Transaction.account_id).in_(sorted(visible)),
        col(Transaction.booked_on).between(since, until),
    )
    return session.execute(statement).all()


def latest_statements(session: Session, ids: Collection[int]) -> Sequence[Any]:
    """For each account the block of history received for the latest day, and whether a block of it is refused."""
    refused = (
        select(col(QuarantinedBlock.quarantine_id))
        .where(col(QuarantinedBlock.account_id) == col(Statement.account_id))
        .where(col(QuarantinedBlock.settled_at).is_(None))
    )
    columns = (
        col(Statement.account_id),
        col(Statement.as_of),
        col(Statement.as_of_precision),
        col(Statement.completeness),
        refused.exists().label("lacks_refused"),
    )
    latest = (
        select(*columns)
        .where(col(Statement.account_id) == account_id)
        .order_by(col(Statement.last_day).desc(), col(Statement.statement_id).desc())
        .limit(1)
        .subquery()
        for account_id in sorted(ids)
    )
    return session.execute(union_all(*(select(each) for each in latest))).all()


def gaps(session: Session, ids: Collection[int], since: date) -> Sequence[Any]:
    """Account and first day of every block before which days are missing, from `since` on."""
    statement = select(col(Statement.account_id), col(Statement.first_day)).where(
        col(Statement.account_id).in_(sorted(ids)),
        col(Statement.completeness) == "gap",
        col(Statement.first_day) >= since,
    )
    return session.execute(statement).all()


def _page(number: int, page: PageOf) -> Any:
    position = col(Transaction.position)
    # Position begins with the booking day, so that days become bounds of the index.
    lowest, highest = first_position(page.first), last_position(page.last)
    bounds = [position >= max(lowest, page.above + 1) if page.above is not None else position >= lowest]
    bounds += [position <= min(highest, page.below - 1) if page.below is not None else position <= highest]
    backwards = page.newest_first is not page.from_end
    statement: Select[*tuple[Any, ...]] = (
        select(literal(number).label("page"), *ROW)
        .where(col(Transaction.account_id) == page.account_id, *bounds)
        .order_by(position.desc() if backwards else position)
        .limit(page.limit + 1)
    )
    return statement.subquery()

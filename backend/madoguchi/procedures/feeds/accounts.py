"""Which account a feed means by branch, 預金種目 and number, also after the number changed (店番・口座番号の変更).

Source: domain.md (accounts are renumbered, branches merge, ids stay). Files about days before a renumbering still name
the account by its former number and must reach it; a number that was given to another account since means that one.
"""

from datetime import datetime

from sqlmodel import Session, select

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records.bank import Account, FormerAccountNumber


def find_account(session: Session, key: AccountKey) -> Account | None:
    """The account that has this number now or, failing that, had it last; its row locked for the transaction.

    PostgreSQL: two imports at once take turns on an account, and see what the other left (`populate_existing`). A
    consent that refers to the account need not wait for them (FOR NO KEY UPDATE).
    """
    current = account_now(session, key)
    if current is not None:
        return current
    former = session.get(FormerAccountNumber, tuple(key))
    if former is None:
        return None
    return session.get(Account, former.account_id, with_for_update={"key_share": True}, populate_existing=True)


def account_now(session: Session, key: AccountKey) -> Account | None:
    """The account that has this number now, its row locked for the transaction."""
    return session.exec(
        select(Account)
        .where(Account.branch_code == key.branch_code, Account.kind == key.kind_code, Account.number == key.number)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()


def renumber(session: Session, account: Account, new: AccountKey, at: datetime) -> None:
    """Give an account its new number, which nobody has; the former one leads to it from now on.

    Afterwards its id, its history and the registrations that hold it are what they were.
    """
    former = AccountKey(account.branch_code, account.kind, account.number)
    session.merge(
        FormerAccountNumber(
            branch_code=former.branch_code,
            kind=former.kind_code,
            number=former.number,
            account_id=account.account_id or 0,
            until=at,
        )
    )
    account.branch_code, account.kind, account.number = new
    session.add(account)
    session.flush()

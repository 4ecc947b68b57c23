"""What the status feed says of accounts and branches: where each stands in internet banking (2-2, 5-2).

An account is closed for good, removed until it is registered again, frozen only while it is registered: to freeze what
internet banking has lost changes nothing there. A registration whose last account goes ends with it.
"""

from datetime import datetime

from sqlmodel import Session

from madoguchi.procedures.feeds.accounts import account_now, find_account, renumber
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed import events
from madoguchi.procedures.status_feed.contracts import contract_of
from madoguchi.procedures.status_feed.sequence import unfit
from madoguchi.procedures.stopping import end_without_accounts
from madoguchi.records.bank import Account, Branch, Contract
from madoguchi.rules.vocabulary import AccountState


def register(session: Session, line: int, event: events.AccountRegistered, actor: str, at: datetime) -> str:
    """An account that moves to the customer's other contract leaves the registrations of the former one (1-2-1).

    A number that another account had before is this account's from now on.
    """
    contract = contract_of(session, line, event)
    _know_branch(session, event.account.branch_code, event.branch_name, event.branch_kana)
    account = account_now(session, event.account.key)
    if account is None:
        account = Account(
            customer_id=contract.customer_id,
            contract_id=contract.contract_id or 0,
            branch_code=event.account.branch_code,
            kind=event.account.kind,
            number=event.account.number,
            holder_kana=event.holder_kana,
        )
    elif account.customer_id != contract.customer_id:
        raise _anothers(line, event.account.key)
    moved = account.contract_id != contract.contract_id
    account.contract_id = contract.contract_id or 0
    account.holder_kana = event.holder_kana
    account.nickname = event.label or ""
    account.product_code = event.product_code
    account.state = AccountState.REGISTERED
    session.add(account)
    session.flush()
    if moved:
        end_without_accounts(session, account.account_id or 0, actor, at)
    return f"account:{account.account_id}"


def remove(session: Session, line: int, event: events.AccountRemoved, actor: str, at: datetime) -> str:
    """Out of the contract named; an account that stands under the customer's other one by now stays there."""
    contract, account = _known(session, line, event)
    if account.contract_id == contract.contract_id and account.state != AccountState.CLOSED:
        _lose(session, account, AccountState.REMOVED, actor, at)
    return f"account:{account.account_id}"


def close(session: Session, line: int, event: events.AccountClosed, actor: str, at: datetime) -> str:
    """The account itself is no more, whatever contract it stood under."""
    _, account = _known(session, line, event)
    _lose(session, account, AccountState.CLOSED, actor, at)
    return f"account:{account.account_id}"


def freeze(session: Session, line: int, event: events.AccountFrozen) -> str:
    """Not shown, but registrations stay: it may come back by account.registered."""
    _, account = _known(session, line, event)
    if account.state == AccountState.REGISTERED:
        account.state = AccountState.FROZEN
        session.add(account)
    return f"account:{account.account_id}"


def move(session: Session, line: int, event: events.AccountRenumbered, actor: str, at: datetime) -> str:
    """The same account, with its id, history and registrations, under its new number; a new 種目 may end them (2-2)."""
    _, account = _known(session, line, event)
    new = event.new_account.key
    there = account_now(session, new)
    if there is None:
        if session.get(Branch, new.branch_code) is None:
            raise unfit(line, "new_account.branch_code", new.branch_code, "知られている店番")
        renumber(session, account, new, event.time)
        end_without_accounts(session, account.account_id or 0, actor, at)
    elif there.account_id != account.account_id:
        raise unfit(line, "new_account", str(new), "まだ使われていない口座番号")
    return f"account:{account.account_id}"


def merge_branch(session: Session, line: int, event: events.BranchMerged) -> str:
    """The branch has a last day and a successor, which is known from now on; its accounts follow one by one."""
    successor = event.successor
    branch = _know_branch(session, successor.branch_code, successor.branch_name, successor.branch_kana)
    branch.name, branch.name_kana = successor.branch_name, successor.branch_kana
    after: Branch | None = branch
    while after is not None and after.successor is not None:
        if after.successor == event.branch_code:
            told = f"店番 {event.branch_code} は、引き継ぐ店 {branch.branch_code} をすでに引き継いでいます"
            raise unfit(line, "successor", branch.branch_code, "統合されていない店番", told)
        after = session.get(Branch, after.successor)
    closing = session.get(Branch, event.branch_code)
    if closing is not None:  # else no account of it was ever in internet banking
        closing.valid_until, closing.successor = event.last_day, successor.branch_code
        session.add(closing)
    session.add(branch)
    return f"branch:{event.branch_code}"


def _know_branch(session: Session, branch_code: str, name: str, kana: str) -> Branch:
    branch = session.get(Branch, branch_code)
    if branch is None:
        branch = Branch(branch_code=branch_code, name=name, name_kana=kana)
        session.add(branch)
        session.flush()
    return branch


def _known(session: Session, line: int, event: events.AnyAccountEvent) -> tuple[Contract, Account]:
    """The contract that the event names, and its customer's account.

    Raises Unfit when the account was never registered, or is another customer's.
    """
    contract = contract_of(session, line, event)
    found = find_account(session, event.account.key)
    if found is None:
        raise unfit(line, "account", str(event.account.key), "account.registered で届いた口座")
    if found.customer_id != contract.customer_id:
        raise _anothers(line, event.account.key)
    return contract, found


def _anothers(line: int, key: AccountKey) -> Exception:
    return unfit(line, "account", str(key), "このお客さまの口座")


def _lose(session: Session, account: Account, state: AccountState, actor: str, at: datetime) -> None:
    account.state = state
    session.add(account)
    session.flush()
    end_without_accounts(session, account.account_id or 0, actor, at)

"""全件照合: contracts and accounts brought to what the nightly full file says, and what loses its ground ended (5-2).

Source: clause 5-2 (events, nightly reconciliation, and the check at each query stand behind each other); domain.md.
One transaction: all of the file or nothing. What is not in the file is cancelled or removed. A file that knows less
than what was applied already is refused; one that knows more makes up for the events that never came. Too many
contracts or accounts gone at once are a damaged file until an officer says otherwise.
What a line changes is status_feed/full_lines.py's subject.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func
from sqlmodel import Session, col, select

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed.full_file import FullFile, PlacedContract
from madoguchi.procedures.status_feed.full_lines import IN_USE, Bringing, bring, move_renumbered
from madoguchi.procedures.status_feed.reconciled import Reconciled
from madoguchi.procedures.status_feed.sequence import (
    RECONCILED,
    RECONCILED_SUBJECT,
    check_moment,
    lock_cursor,
    unfit,
)
from madoguchi.procedures.stopping import end_without_ground, stop_registrations
from madoguchi.procedures.trail import record_act
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Contract, Customer
from madoguchi.rules.batches import batches
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState

_AT_ONCE: Final = 500
_ACCOUNTS_AT_ONCE: Final = 2000
_FEW: Final = 20
"""So many contracts or accounts may go at once, if no more than half: a small institution has days like that."""

_HALF_BINDS_ABOVE: Final = 2
"""Of one or two, all may go."""

_TOGETHER: Final = timedelta(hours=24)
"""What the full files of so long end is held against the bound together."""

LARGEST_JUMP: Final = 100_000
"""Numbers that a full file may skip. One far ahead would make every event and every later full file look old."""

_SUSPECT: Final = (
    "{what}が多すぎます({before:,}件のうち{gone:,}件{lately}。上限は{most:,}件)。"
    "ファイルが欠けていないか確かめ、正しければ --force を付けて取り込んでください"
)


@dataclass(frozen=True, slots=True)
class EndingBound:
    """How much one full file may end, lest a damaged one ends everybody's registrations.

    Contracts that are not cancelled yet; and accounts under those that stay, since a registration ends with its last.
    percent        of them; but 20, if those are no more than half.
    may_end_many   an officer has looked at the file: no bound, neither on these nor on the numbers it skips.
    """

    percent: int = 10
    may_end_many: bool = False

    def refuses(self, gone: int, before: int) -> bool:
        """Whether so many gone, of so many before, are too many."""
        return not self.may_end_many and gone > self.most(before)

    def most(self, before: int) -> int:
        """How many of so many may go."""
        few = min(_FEW, before // 2) if before > _HALF_BINDS_ABOVE else before
        return max(few, before * self.percent // 100)


USUAL_BOUND: Final = EndingBound()


def reconcile(session: Session, file: FullFile, bound: EndingBound, actor: str, at: datetime) -> Reconciled:
    """Bring the books to the file. Raises Unfit, after which the transaction must be rolled back.

    Afterwards the feed goes on behind the file's sequence, and no registration stands on a contract or account that
    the file does not have.
    """
    cursor = lock_cursor(session)
    begin = file.begin
    check_moment(1, "as_of", begin.as_of, at)
    if begin.sequence < cursor.sequence:
        told = (
            f"全件照合のファイルが古すぎます(sequence {begin.sequence} までの内容ですが、"
            f"{cursor.sequence} までのイベントを反映済みです)"
        )
        raise unfit(1, "sequence", str(begin.sequence), f"{cursor.sequence} 以上", told)
    if cursor.sequence and begin.sequence - cursor.sequence > LARGEST_JUMP and not bound.may_end_many:
        told = (
            f"sequence {begin.sequence} は、反映済みの {cursor.sequence} から離れすぎています({LARGEST_JUMP:,}件まで)。"
            "送り元で番号を確かめ、正しければ --force を付けて取り込んでください"
        )
        raise unfit(1, "sequence", f"{begin.sequence:,}", f"{cursor.sequence + LARGEST_JUMP:,} 以下", told)
    done = Reconciled(file.end.contracts, file.end.accounts)
    contracts, accounts = _standing(session)
    contracts_went, accounts_went = _gone_lately(session, at)
    bringing = Bringing(session, begin, done, actor, at)
    move_renumbered(bringing, file.contracts)
    for some in _some_at_once(file.contracts):
        bring(bringing, some)
    _cancel_absent(bringing)
    _remove_absent(bringing)
    _check(bound, "contracts", "解約になる契約", contracts, bringing.cancelled, contracts_went)
    _check(bound, "accounts", "インターネットバンキングから外れる口座", accounts, bringing.accounts_out, accounts_went)
    for contract_id in bringing.reopened:
        ended = stop_registrations(session, Cause.INTERNET_BANKING_CANCELLED, actor, at, contract_id=contract_id)
        done.ended += len(ended)
    done.ended += len(end_without_ground(session, actor, at))
    if begin.sequence > cursor.sequence:
        done.skipped = (cursor.sequence + 1, begin.sequence)
    cursor.sequence = begin.sequence
    session.add(cursor)
    record_act(
        session, at, actor, RECONCILED, RECONCILED_SUBJECT, "5-2",
        sequence=begin.sequence, as_of=begin.as_of.isoformat(), skipped=done.skipped, changed=done.changed,
        ended=done.ended, contracts_gone=bringing.cancelled, accounts_gone=bringing.accounts_out,
        forced=bound.may_end_many,
    )  # fmt: skip
    if done.skipped and done.skipped[0] > 1:
        record_act(session, at, actor, "feed.alarm", RECONCILED_SUBJECT, "5-2", skipped=done.skipped)
    return done


def _some_at_once(contracts: Iterable[PlacedContract]) -> Iterator[list[PlacedContract]]:
    """Few enough that a statement can name them all."""
    some: list[PlacedContract] = []
    accounts = 0
    for placed in contracts:
        some.append(placed)
        accounts += len(placed.contract.accounts)
        if len(some) == _AT_ONCE or accounts >= _ACCOUNTS_AT_ONCE:
            yield some
            some, accounts = [], 0
    if some:
        yield some


def _standing(session: Session) -> tuple[int, int]:
    """How many contracts are not cancelled, and how many accounts they have."""
    contracts = select(func.count()).select_from(Contract).where(Contract.state != ContractState.CANCELLED)
    accounts = (
        select(func.count())
        .select_from(Account)
        .join(Contract, col(Contract.contract_id) == col(Account.contract_id))
        .where(Contract.state != ContractState.CANCELLED, col(Account.state).in_(IN_USE))
    )
    return session.exec(contracts).one(), session.exec(accounts).one()


def _gone_lately(session: Session, at: datetime) -> tuple[int, int]:
    """Contracts and accounts that full files took out in the last day; what an officer has forced does not count."""
    chosen = select(Act.detail).where(Act.subject == RECONCILED_SUBJECT, Act.action == RECONCILED)
    unforced = [one for one in session.exec(chosen.where(Act.at > at - _TOGETHER)) if not one.get("forced")]
    contracts, accounts = (sum(one.get(key, 0) for one in unforced) for key in ("contracts_gone", "accounts_gone"))
    return contracts, accounts


def _check(bound: EndingBound, item: str, what: str, stood: int, goes: int, went: int) -> None:
    """Raises Unfit where what goes now, of so many that stood, and what went lately are together too many."""
    before, gone = stood + went, goes + went
    if goes and bound.refuses(gone, before):
        lately = f"、この24時間のほかのファイルの分{went:,}件を含む" if went else ""
        most = bound.most(before)
        told = _SUSPECT.format(what=what, before=before, gone=gone, lately=lately, most=most)
        raise unfit(0, item, f"{gone}", f"{most}", told)


def _cancel_absent(bringing: Bringing) -> None:
    session = bringing.session
    stand = session.exec(select(col(Contract.contract_id)).where(Contract.state != ContractState.CANCELLED))
    for some in batches(sorted({one or 0 for one in stand} - bringing.contracts), _AT_ONCE):
        rows = session.exec(
            select(Contract, Customer.customer_number)
            .join(Customer, col(Customer.customer_id) == col(Contract.customer_id))
            .where(col(Contract.contract_id).in_(some))
            .order_by(col(Contract.contract_id))
        )
        for contract, number in rows:
            bringing.cancelled += 1
            changes = {"state": (contract.state, ContractState.CANCELLED)}
            bringing.contract_changed(contract.contract_id or 0, number, contract.product, changes)
            contract.state = ContractState.CANCELLED
            contract.state_since = max(contract.state_since, bringing.begin.as_of)
        session.flush()


def _remove_absent(bringing: Bringing) -> None:
    session = bringing.session
    stand = session.exec(select(col(Account.account_id)).where(col(Account.state).in_(IN_USE)))
    for some in batches(sorted({one or 0 for one in stand} - bringing.accounts), _AT_ONCE):
        rows = session.exec(
            select(Account, Contract.state)
            .join(Contract, col(Contract.contract_id) == col(Account.contract_id))
            .where(col(Account.account_id).in_(some))
            .order_by(col(Account.account_id))
        )
        for account, contract_state in rows:
            key = AccountKey(account.branch_code, account.kind, account.number)
            changes = {"state": (account.state, AccountState.REMOVED)}
            bringing.account_changed(account.account_id or 0, key, changes)
            bringing.accounts_out += contract_state != ContractState.CANCELLED
            account.state = AccountState.REMOVED
        session.flush()

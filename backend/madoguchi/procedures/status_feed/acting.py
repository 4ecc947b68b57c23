"""Events of the status feed acted on, in their sequence: what they change, and what their loss ends (1-2-1, 2-2, 5-2).

One file is one transaction: an event that cannot be acted on refuses the file, so that no later event acts without it.
Which events are new is status_feed/sequence.py's subject; what each does stands in status_feed/contracts.py and
status_feed/accounts.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from madoguchi.procedures.status_feed import accounts, contracts, events
from madoguchi.procedures.status_feed.events import EventFile, PlacedEvent
from madoguchi.procedures.status_feed.sequence import Covered, check_gaps, check_moment, lock_cursor, new_events
from madoguchi.procedures.trail import record_act
from madoguchi.rules.vocabulary import ContractState


@dataclass(frozen=True, slots=True)
class EventsApplied:
    """How many events acted, how many were known, and the newest moment of those that acted."""

    applied: int
    known: int
    covered: int  # of those known: that no file of events brought, but a full file
    until: datetime | None


def apply_events(session: Session, file: EventFile, actor: str, at: datetime) -> EventsApplied:
    """Act on the events that are new, in order. Raises Unfit, after which the transaction must be rolled back."""
    cursor = lock_cursor(session)
    check_gaps(file, cursor.sequence)
    applied, until, covered = 0, None, Covered()
    for placed in new_events(session, file, cursor.sequence, covered):
        check_moment(placed.line, "time", placed.event.time, at)
        _act_on(session, placed, actor, at)
        applied += 1
        until = placed.event.time if until is None else max(until, placed.event.time)
    cursor.sequence = max((cursor.sequence, *file.sequences[-1:]))
    session.add(cursor)
    return EventsApplied(applied, len(file.sequences) - applied, covered.count, until)


def _act_on(session: Session, placed: PlacedEvent, actor: str, at: datetime) -> None:
    line, event = placed.line, placed.event
    match event:
        case events.ContractOpened():
            subject = contracts.open_contract(session, line, event)
        case events.ContractSuspended():
            subject = contracts.set_contract(session, line, event, ContractState.SUSPENDED)
        case events.ContractResumed():
            subject = contracts.set_contract(session, line, event, ContractState.LIVE)
        case events.ContractCancelled():
            subject = contracts.cancel(session, line, event, actor, at)
        case events.AccountRegistered():
            subject = accounts.register(session, line, event, actor, at)
        case events.AccountRemoved():
            subject = accounts.remove(session, line, event, actor, at)
        case events.AccountClosed():
            subject = accounts.close(session, line, event, actor, at)
        case events.AccountFrozen():
            subject = accounts.freeze(session, line, event)
        case events.AccountRenumbered():
            subject = accounts.move(session, line, event, actor, at)
        case events.CustomerDeceased():
            subject = contracts.pause_all(session, line, event)
        case events.ContactChanged():
            subject = contracts.change_contact(session, line, event)
        case events.BranchMerged():
            subject = accounts.merge_branch(session, line, event)
    record_act(session, at, actor, event.kind, subject, _CLAUSE[event.kind], event_id=event.event_id)


_CLAUSE: Final = {
    "contract.opened": "1-2-1",
    "contract.suspended": "7-3",
    "contract.resumed": "7-3",
    "contract.cancelled": "5-2",
    "account.registered": "2-2",
    "account.removed": "2-2",
    "account.closed": "2-2",
    "account.frozen": "2-2",
    "account.renumbered": "2-2",
    "branch.merged": "2-2",
    "customer.deceased": "7-3",
    "contact.changed": "1-2-1",
}

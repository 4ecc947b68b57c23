"""However a history of status events is cut, mixed, repeated and sent, it ends as if it had been sent once in order.

After each file that is taken the books are what the model was after as many events; after one that is refused they are
what they were. A full file of any moment may come in between (5-2). An account is the same account all the while.
"""

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from madoguchi.doors.core_banking.status_feed import read_status_file
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed.acting import apply_events
from madoguchi.procedures.status_feed.events import EventFile
from madoguchi.procedures.status_feed.full_file import FullFile
from madoguchi.procedures.status_feed.reconciling import EndingBound, reconcile
from madoguchi.procedures.status_feed.sequence import Unfit, lock_cursor
from madoguchi.records.bank import Account, Contract, Customer
from madoguchi.records.database import Database
from tests import story
from tests.feeds.events import status_file
from tests.feeds.history import History, undone
from tests.feeds.status_model import Told, tell_history


@dataclass(frozen=True)
class Sent:
    """One file: events with their first and last place in the history, in some order of lines; or a full file."""

    content: bytes
    first: int
    last: int
    full: bool = False


@st.composite
def sendings(draw: st.DrawFn) -> tuple[Told, list[Sent]]:
    told = tell_history(draw(st.integers(1, 22)), lambda options: draw(st.sampled_from(list(options))))
    length = len(told.events)
    cuts = sorted({0, length, *draw(st.lists(st.integers(0, length), max_size=3))})
    pieces = [(max(0, start - draw(st.integers(0, 2))), end) for start, end in pairwise(cuts)]
    files = []
    for start, end in draw(st.permutations([*pieces, *draw(st.lists(st.sampled_from(pieces), max_size=1))])):
        lines = draw(st.permutations(told.events[start:end]))
        twice = draw(st.lists(st.sampled_from(lines), max_size=2))
        files.append(Sent(status_file(*lines, *twice), start + 1, end))
    for at in draw(st.lists(st.integers(1, length), max_size=2)):
        full = Sent(told.after[at].full_file(), at, at, full=True)
        files.insert(draw(st.integers(0, len(files))), full)
    return told, files


def shown(session: Session) -> tuple[dict[Any, tuple[Any, ...]], dict[AccountKey, int]]:
    """The books as the model shows them, and each account's id."""
    session.expire_all()
    numbers = {one.customer_id: one.customer_number for one in session.exec(select(Customer))}
    contracts = {one.contract_id: (numbers[one.customer_id], one.product) for one in session.exec(select(Contract))}
    found: dict[Any, tuple[Any, ...]] = {
        contracts[one.contract_id]: (one.state, one.state_since) for one in session.exec(select(Contract))
    }
    ids = {}
    for one in session.exec(select(Account)):
        key = AccountKey(one.branch_code, one.kind, one.number)
        found[key], ids[key] = (contracts[one.contract_id], one.state), one.account_id or 0
    return found, ids


def send(session: Session, sent: Sent) -> bool | None:
    """True: taken in; None: it waits; False: refused for good."""
    content = read_status_file(BytesIO(sent.content))
    try:
        with session.begin_nested():
            if isinstance(content, FullFile):
                reconcile(session, content, EndingBound(may_end_many=True), "system:feed", story.NOW)
            else:
                assert isinstance(content, EventFile)
                apply_events(session, content, "system:feed", story.NOW)
    except Unfit as unfit:
        return None if unfit.refusal.waiting else False
    return True


def play(history: History, told: Told, files: list[Sent]) -> None:
    session, reached, names = history.session, 0, {}
    waiting, arriving = [], list(files)
    while arriving:
        sent = arriving.pop(0)
        taken = send(session, sent)
        if sent.full:
            assert taken is (sent.last >= reached), "older than what was applied: stale"
        else:
            assert taken is (True if sent.first <= reached + 1 else None), "behind a gap it waits, else it is taken"
        reached = max(reached, sent.last) if taken else reached
        assert lock_cursor(session).sequence == reached
        model = told.after[reached]
        found, ids = shown(session)
        assert found == model.shown()
        now = {one.name: ids[key] for key, one in model.accounts.items()}
        assert all(now[name] == known for name, known in names.items()), "the same account under every number"
        names = now
        if taken:
            arriving, waiting = waiting + arriving, []
        elif taken is None:
            waiting.append(sent)
    assert not waiting
    assert reached == len(told.events), "every event was sent, so nothing waits for ever"


# The database is the same for all examples of a test: each undoes what it did.
HOW = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow], "deadline": None}


@given(sendings())
@settings(max_examples=25, **HOW)  # type: ignore[arg-type]
async def test_a_history_ends_the_same_however_it_was_sent(database: Database, sent: tuple[Told, list[Sent]]) -> None:
    await undone(database, play, *sent)


@pytest.mark.both_databases
@given(sendings())
@settings(max_examples=4, **HOW)  # type: ignore[arg-type]
async def test_both_databases_end_the_same(database: Database, sent: tuple[Told, list[Sent]]) -> None:
    await undone(database, play, *sent)

"""Quotas hold across workers, restarts and requests at once; and no worker waits for another's row to count."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, select

from madoguchi.doors.deadlines import REQUEST_SECONDS
from madoguchi.procedures.quotas import HELD, Quotas, rows_of
from madoguchi.procedures.sweeping import sweep
from madoguchi.records import quotas
from madoguchi.records.database import Database
from madoguchi.records.quotas import QuotaUse
from madoguchi.rules.quotas import Allowance, Call
from madoguchi.rules.vocabulary import JST
from tests import story
from tests.api.conftest import SECOND, Caller, calling
from tests.api.test_quotas import allow, attended, call, fresh_token, told
from tests.story import Story


@pytest.fixture
async def other(told: Story, database: Database, caller: Caller) -> AsyncIterator[Caller]:
    """The same aggregator with the same token at another worker process, which shares the database alone."""
    apart = Database(database.engine.url.render_as_string(hide_password=False))
    async with calling(told, apart) as one:
        one.token = caller.token
        yield one
    await apart.close()


async def rows(caller: Caller) -> list[QuotaUse]:
    return await caller.database.reading(lambda session: list(session.exec(select(QuotaUse)).all()))


@pytest.mark.both_databases
async def test_two_workers_count_together_and_each_in_rows_of_its_own(caller: Caller, other: Caller) -> None:
    for _ in range(5):
        assert (await attended(caller)).status_code == 200
        assert (await attended(other)).status_code == 200
    assert told(await attended(caller)) == told(await attended(other)) == (429, "1", ["RATE_LIMITED"])
    calls = {(row.worker, row.used) for row in await rows(caller) if row.counter.startswith("calls/")}
    assert calls == {(caller.quotas.worker, 5), (other.quotas.worker, 5)}


@pytest.mark.both_databases
async def test_a_token_used_at_two_workers_is_one_session_and_its_calls_are_summed(
    caller: Caller, other: Caller
) -> None:
    for one in (caller, other):
        allow(one, sessions=2, session_calls=4)
    assert [(await call(one)).status_code for one in (caller, other) * 2] == [200] * 4
    assert told(await call(other))[2] == told(await call(caller))[2] == ["CALLS_EXHAUSTED"]
    other.token = await fresh_token(caller)
    assert (await call(other)).status_code == 200, "the second session"
    caller.token = await fresh_token(caller)
    assert told(await call(caller))[2] == ["SESSIONS_EXHAUSTED"]


@pytest.mark.both_databases
async def test_a_worker_that_starts_anew_knows_what_was_used_before(caller: Caller, other: Caller) -> None:
    allow(caller, attended_calls=3)
    allow(other, attended_calls=3)
    assert [(await attended(caller)).status_code for _ in range(3)] == [200] * 3
    assert (await attended(other)).status_code == 429


@pytest.mark.both_databases
async def test_of_fifty_calls_at_once_a_worker_serves_exactly_what_is_allowed(caller: Caller) -> None:
    allow(caller, session_calls=12)
    for ask, served in ((attended, 10), (call, 12)):
        answers = await asyncio.gather(*(ask(caller) for _ in range(50)))
        assert sorted(answer.status_code for answer in answers) == [200] * served + [429] * (50 - served)


@pytest.mark.both_databases
async def test_two_workers_at_once_pass_a_limit_by_what_one_has_under_way_at_most(
    caller: Caller, other: Caller
) -> None:
    """procedures/quotas.py says so: the only inexactness there is."""
    answers = await asyncio.gather(*(attended(one) for _ in range(25) for one in (caller, other)))
    served = [answer.status_code for answer in answers].count(200)
    assert 10 <= served <= 20
    assert [answer.status_code for answer in answers].count(429) == 50 - served
    assert told(await attended(caller))[0] == told(await attended(other))[0] == 429


@pytest.mark.both_databases
async def test_a_sweep_forgets_what_counts_no_more_and_nothing_else(caller: Caller, other: Caller) -> None:
    allow(other, session_calls=1)
    assert (await attended(caller)).status_code == (await call(caller)).status_code == 200

    async def left_after(at: datetime) -> set[str]:
        await caller.database.writing(sweep, at)
        return {row.counter.split("/")[0] for row in await rows(caller)}

    costs = {"attended cost", "unattended cost"}
    assert await left_after(story.NOW + timedelta(seconds=61) - SECOND / 1000) == {"calls", "sessions", *costs}
    assert await left_after(story.NOW + timedelta(seconds=61)) == {"sessions", *costs}
    assert await left_after(story.NOW + timedelta(minutes=2)) == {"sessions"}
    midnight = datetime(2026, 11, 25, tzinfo=JST)
    assert await left_after(midnight + timedelta(minutes=6) - SECOND / 1000) == {"sessions"}
    assert await left_after(midnight + timedelta(minutes=6)) == set()


async def test_a_process_remembers_its_own_counts_no_longer_than_they_are_in_doubt(caller: Caller) -> None:
    """A worker that has served a million calls holds those of the last half minute."""
    assert timedelta(seconds=2 * REQUEST_SECONDS) == HELD, "by then it is on disk, and in every snapshot"
    for _ in range(9):
        assert (await attended(caller)).status_code == 200
        caller.at += HELD + SECOND / 1000
    assert len(caller.quotas._own) == 4


# A model beside it: whole lists of what was served, counted anew for every call.

ALLOWANCE = Allowance(3, 5, 2, 4, 30, 50, timedelta(minutes=5))
START = datetime(2026, 11, 24, 23, 57, tzinfo=JST)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a registration (0 or 1), with one of its tokens, at one of two workers."""

    after: timedelta
    registration: int
    token: int
    worker: int
    attended: bool
    cost: int
    is_replay: bool


STEPS = st.one_of(
    st.just(timedelta()), st.timedeltas(timedelta(), SECOND), st.timedeltas(timedelta(), timedelta(seconds=70))
)
ASKED = st.builds(
    Asked,
    after=STEPS,
    registration=st.integers(0, 1),
    token=st.integers(0, 3),
    worker=st.integers(0, 1),
    attended=st.booleans(),
    cost=st.integers(0, 12),
    is_replay=st.integers(0, 9).map(lambda n: n == 0),
)


@dataclass(frozen=True, slots=True)
class Served:
    at: datetime
    asked: Asked
    token: str


@dataclass
class Model:
    """Everything that was served, and what may be served after it."""

    served: list[Served] = field(default_factory=list)

    def allows(self, at: datetime, asked: Asked, token: str) -> bool:
        alike = [one for one in self.served if one.asked.attended == asked.attended]
        own = [one for one in alike if one.asked.registration == asked.registration]
        minute, second = at.replace(second=0, microsecond=0), at.replace(microsecond=0)
        for calls, limit in ((own, ALLOWANCE.registration_cost), (alike, ALLOWANCE.aggregator_cost)):
            if sum(one.asked.cost for one in calls if one.at >= minute) + asked.cost > limit:
                return False
        if asked.attended:
            of_own, of_all = (len([one for one in calls if one.at >= second]) for calls in (own, alike))
            return of_own < ALLOWANCE.attended_calls and of_all < ALLOWANCE.aggregator_attended_calls
        begun: dict[str, date] = {}
        for one in own:
            begun.setdefault(one.token, one.at.date())
        if token in begun:
            return len([one for one in own if one.token == token]) < ALLOWANCE.session_calls
        return list(begun.values()).count(at.date()) < ALLOWANCE.sessions


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as one:
        yield one
    engine.dispose()


@given(st.lists(ASKED, min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_when_and_where_what_is_served_is_what_the_limits_allow(
    session: Session, calls: list[Asked]
) -> None:
    workers = (Quotas(ALLOWANCE, "wk_0"), Quotas(ALLOWANCE, "wk_1"))
    model, at = Model(), START
    session.execute(delete(QuotaUse))
    for asked in calls:
        at += asked.after
        # A token lives five minutes; those of the first five see midnight.
        token = f"token {asked.token} of {asked.registration} in {(at - START) // ALLOWANCE.session_lifetime}"
        worker = workers[asked.worker]
        session.execute(delete(QuotaUse).where(col(QuotaUse.kept_until) <= at))
        standing = worker.standing(session, Call(f"reg_{asked.registration}", "agg_1", token, asked.attended, at), "")
        assert standing is not None
        served = not standing.calls_exhausted() and not standing.cost_exhausted(asked.cost)
        assert served == model.allows(at, asked, token)
        if not served:
            continue
        charges = worker.spend(standing, asked.cost)
        if asked.is_replay:
            worker.give_back(charges)
            continue
        session.execute(quotas.adding("sqlite"), rows_of(charges, worker.worker))
        model.served.append(Served(at, asked, token))

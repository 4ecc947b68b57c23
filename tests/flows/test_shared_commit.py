"""The commit that stands between a decision and its answer: durable, shared, and once for a proof."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures.reading import Admission, admit
from madoguchi.procedures.recording import ANSWERED, Recorder, Use
from madoguchi.records.audit import AccessRecord, Fact
from madoguchi.records.database import Database
from tests import story

pytestmark = pytest.mark.both_databases
KEPT_UNTIL = story.NOW + timedelta(seconds=70)


async def admitted(database: Database) -> Admission:
    told = await database.writing(story.tell)
    registered = await database.writing(story.register, told)
    admission = await database.reading(admit, opaque.stored(registered.access_token), story.NOW)
    assert admission is not None
    return admission


def use(number: int) -> Use:
    return Use(f"req_{number}", story.NOW, "query", ANSWERED, attended=False, asked=("service",), answered=("service",))


async def test_fifty_uses_of_one_proof_at_once_leave_one_record(database: Database) -> None:
    admission = await admitted(database)
    recorder = Recorder(database, "test")
    answers = await asyncio.gather(*(recorder.commit("dpop:same", KEPT_UNTIL, admission, use(n)) for n in range(50)))
    assert answers.count(True) == 1
    records = await database.reading(lambda s: s.exec(select(AccessRecord)).all())
    assert [record.request_id for record in records] == [f"req_{answers.index(True)}"]


async def test_two_workers_that_claim_the_same_proofs_crosswise_share_them_without_a_loss(database: Database) -> None:
    admission = await admitted(database)
    other = Database(database.engine.url.render_as_string(hide_password=False))
    one, two = Recorder(database, "test"), Recorder(other, "test")
    forth = [one.commit(f"dpop:{n}", KEPT_UNTIL, admission, use(n)) for n in range(20)]
    back = [two.commit(f"dpop:{n}", KEPT_UNTIL, admission, use(100 + n)) for n in reversed(range(20))]
    answers = await asyncio.gather(*forth, *back)
    await other.close()
    assert answers.count(True) == 20
    records = await database.reading(lambda s: s.exec(select(AccessRecord)).all())
    assert len(records) == 20


async def test_the_facts_of_many_uses_are_stored_once(database: Database) -> None:
    admission = await admitted(database)
    before = await database.reading(_facts)
    recorder = Recorder(database, "test")
    await asyncio.gather(*(recorder.commit(f"dpop:{n}", KEPT_UNTIL, admission, use(n)) for n in range(10)))
    await recorder.commit("dpop:later", KEPT_UNTIL, admission, use(99))
    after = await database.reading(_facts)
    assert after - before == {admission.registration_digest}


async def test_a_commit_that_fails_answers_nobody_and_burns_nothing(database: Database) -> None:
    admission = await admitted(database)
    recorder = Recorder(database, "test")
    assert await recorder.commit("dpop:first", KEPT_UNTIL, admission, use(1))
    with pytest.raises(IntegrityError):  # the request id is taken
        await recorder.commit("dpop:second", KEPT_UNTIL, admission, use(1))
    assert await recorder.commit("dpop:second", KEPT_UNTIL, admission, use(2))


async def test_a_caller_that_goes_away_leaves_its_record_all_the_same(database: Database) -> None:
    admission = await admitted(database)
    recorder = Recorder(database, "test")
    gone = asyncio.create_task(recorder.commit("dpop:gone", KEPT_UNTIL, admission, use(1)))
    await asyncio.sleep(0)
    gone.cancel()
    assert not await recorder.commit("dpop:gone", KEPT_UNTIL, admission, use(2))
    records = await database.reading(lambda s: s.exec(select(AccessRecord)).all())
    assert [record.request_id for record in records] == ["req_1"]


def _facts(session: Session) -> set[str]:
    return set(session.exec(select(Fact.digest)))

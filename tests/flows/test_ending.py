"""第5条第1項: a registration is ended once, at once, and only the one that was meant."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.reading import admit
from madoguchi.procedures.stopping import end_registration
from madoguchi.records.audit import Act
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from madoguchi.rules.vocabulary import Cause
from tests import story

pytestmark = pytest.mark.both_databases
LATER = story.NOW + timedelta(seconds=1)


def ends_in_the_trail(session: Session) -> list[tuple[str, str]]:
    acts = session.exec(select(Act).where(col(Act.action) == "registration.ended")).all()
    return [(act.actor, act.clause) for act in acts]


def end_of(session: Session, registration_id: str) -> tuple[str | None, str | None]:
    row = session.get_one(Registration, registration_id)
    return row.ended_cause, row.ended_by


async def serves(database: Database, token: str) -> bool:
    admission = await database.reading(admit, opaque.stored(token), LATER)
    return admission is not None and not admission.access.denied


@pytest.mark.clause("5-1")
async def test_what_the_aggregator_ends_serves_no_more_and_the_next_registration_is_untouched(
    database: Database,
) -> None:
    told = await database.writing(story.tell)
    mine = await database.writing(story.register, told)
    other = await database.writing(story.register, told, aggregator=told.kaikei)
    actor = f"aggregator:{told.kakeibo}"
    assert await database.writing(end_registration, mine.registration_id, Cause.STOPPED_BY_AGGREGATOR, actor, story.NOW)
    assert not await serves(database, mine.access_token)
    assert await serves(database, other.access_token)
    assert await database.reading(ends_in_the_trail) == [(actor, "5-1")]


@pytest.mark.clause("5-1")
async def test_ending_it_twice_changes_nothing_and_keeps_the_first_cause(database: Database) -> None:
    told = await database.writing(story.tell)
    mine = await database.writing(story.register, told)
    first = ("stopped_by_customer", f"customer:{told.hanako}")
    assert await database.writing(end_registration, mine.registration_id, Cause(first[0]), first[1], story.NOW)
    assert not await database.writing(
        end_registration, mine.registration_id, Cause.STOPPED_BY_AGGREGATOR, f"aggregator:{told.kakeibo}", LATER
    )
    assert await database.reading(end_of, mine.registration_id) == first
    assert await database.reading(ends_in_the_trail) == [(first[1], "5-1")]


@pytest.mark.clause("5-1")
async def test_a_registration_that_does_not_exist_is_not_ended(database: Database) -> None:
    await database.writing(story.tell)
    assert not await database.writing(
        end_registration, "reg_nowhere", Cause.STOPPED_BY_AGGREGATOR, "aggregator:x", story.NOW
    )
    assert await database.reading(ends_in_the_trail) == []

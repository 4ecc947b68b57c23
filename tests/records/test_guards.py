"""What the database itself refuses, whoever writes: a changed trail, an illegal way of a registration."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures.stopping import end_registration
from madoguchi.procedures.trail import record_act
from madoguchi.records.audit import Act, Fact
from madoguchi.records.database import Database
from madoguchi.records.registrations import AccessToken, Registration
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests import story

pytestmark = pytest.mark.both_databases


def run(statement: str, **values: Any) -> Any:
    def execute(session: Session) -> None:
        session.execute(text(statement), values)

    return execute


@pytest.mark.parametrize(
    "statement",
    ["UPDATE act SET actor = 'nobody'", "DELETE FROM act", "UPDATE fact SET body = '{}'", "DELETE FROM fact"],
)
async def test_the_trail_takes_inserts_only(database: Database, statement: str) -> None:
    await database.writing(story.tell)
    await database.writing(record_act, story.NOW, "system:test", "test", "service", "-")
    with pytest.raises(DBAPIError, match="inserts only"):
        await database.writing(run(statement))
    assert await database.reading(lambda s: s.exec(select(Act)).first())
    assert await database.reading(lambda s: s.exec(select(Fact)).first())


@pytest.mark.clause("5-2")
@pytest.mark.parametrize(
    "change",
    [
        "state = 'active', ended_at = NULL, ended_cause = NULL, ended_by = NULL",
        "ended_cause = 'expired'",
    ],
)
async def test_an_ended_registration_never_changes_again(database: Database, change: str) -> None:
    told = await database.writing(story.tell)
    registered = await database.writing(story.register, told)
    assert await database.writing(
        end_registration, registered.registration_id, Cause.STOPPED_BY_CUSTOMER, "customer:1", story.NOW
    )
    with pytest.raises(DBAPIError, match="illegal change"):
        await database.writing(run(f"UPDATE registration SET {change}"))


@pytest.mark.clause("4-1")
@pytest.mark.parametrize(
    "change",
    [
        "state = 'pending', activated_at = NULL",
        "customer_id = customer_id + 1",
        "until = '2099-01-01 00:00:00+00'",
        "registered_at = '2020-01-01 00:00:00+00'",
    ],
)
async def test_an_active_registration_keeps_its_customer_its_moment_and_its_end(
    database: Database, change: str
) -> None:
    told = await database.writing(story.tell)
    await database.writing(story.register, told)
    with pytest.raises(DBAPIError, match=r"illegal change|FOREIGN KEY"):
        await database.writing(run(f"UPDATE registration SET {change}"))


async def test_a_customer_has_at_most_one_active_registration_with_an_aggregator(database: Database) -> None:
    told = await database.writing(story.tell)
    await database.writing(story.register, told)
    with pytest.raises(IntegrityError):
        await database.writing(story.register, told)


async def test_an_end_without_its_cause_is_refused(database: Database) -> None:
    told = await database.writing(story.tell)
    await database.writing(story.register, told)
    with pytest.raises(IntegrityError):
        await database.writing(run("UPDATE registration SET state = 'ended'"))


@pytest.mark.clause("1-2-3")
async def test_a_token_without_a_completed_consent_is_refused(database: Database) -> None:
    await database.writing(story.tell)

    def issue(session: Session) -> None:
        session.add(
            AccessToken(
                token_hash=opaque.stored("token"),
                registration_id="reg_nobody_agreed_to",
                scopes=["accounts"],
                jkt="key",
                issued_at=story.NOW,
                expires_at=story.NOW + timedelta(seconds=300),
            )
        )

    with pytest.raises(IntegrityError):
        await database.writing(issue)


async def test_ending_twice_changes_nothing_the_second_time(database: Database) -> None:
    told = await database.writing(story.tell)
    one = (await database.writing(story.register, told)).registration_id
    assert await database.writing(end_registration, one, Cause.STOPPED_BY_CUSTOMER, "customer:1", story.NOW)
    later = story.NOW + timedelta(hours=1)
    assert not await database.writing(end_registration, one, Cause.EXPIRED, "system:sweep", later)
    row = await database.reading(lambda s: s.get_one(Registration, one))
    assert (row.state, row.ended_cause, row.ended_at) == (
        RegistrationState.ENDED,
        Cause.STOPPED_BY_CUSTOMER,
        story.NOW,
    )


@pytest.mark.clause("4-1")
async def test_a_registration_that_was_activated_is_abandoned_by_nobody(database: Database) -> None:
    """Whatever a sweep had read a moment before."""
    told = await database.writing(story.tell)
    one = (await database.writing(story.register, told)).registration_id
    assert not await database.writing(end_registration, one, Cause.ABANDONED, "system:codes", story.NOW)
    row = await database.reading(lambda s: s.get_one(Registration, one))
    assert row.state == RegistrationState.ACTIVE

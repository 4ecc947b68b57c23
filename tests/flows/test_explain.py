"""A past decision can be asked again, whatever the tables have become since (4-3)."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from madoguchi import opaque
from madoguchi.procedures import service
from madoguchi.procedures.explaining import FactsDamaged, explain
from madoguchi.procedures.reading import admit
from madoguchi.procedures.recording import ANSWERED, REFUSED, Recorder, Use
from madoguchi.records.database import Database
from madoguchi.records.tables import metadata
from madoguchi.rules.decision import Reason
from tests import story

KEPT = {"fact", "access_record", "act"}  # append-only
ALTERED = {"registration", "aggregator", "customer", "contract", "institution"}  # the records' foreign keys name them


def change_every_table(session: Session) -> None:
    """Whatever can be emptied or altered, is: the evidence must not rest on it."""
    session.execute(text("PRAGMA defer_foreign_keys = ON"))
    session.execute(text("DROP TRIGGER registration_legal_change"))
    for table in metadata().tables.values():
        if table.name not in KEPT | ALTERED:
            session.execute(table.delete())
    for statement in (
        "UPDATE registration SET state = 'ended', ended_at = '2030-01-01', ended_cause = 'expired', ended_by = 'x', "
        "scopes = '[]', until = '2000-01-01', terms_version = '1999-01-01'",
        "UPDATE aggregator SET contract_until = '2000-01-01', scopes = '[]', identifiers = '[]'",
        "UPDATE institution SET history_months = 1, registration_days = 1, excluded_products = '[\"x\"]'",
        "UPDATE customer SET name = 'だれか'",
        "UPDATE contract SET state = 'cancelled', product = 'business'",
    ):
        session.execute(text(statement))


@pytest.mark.clause("4-3")
async def test_a_decision_is_the_same_after_every_table_has_changed(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    await database.writing(
        service.close_service, story.NOW + timedelta(seconds=60), "点検", "os-user:officer", story.NOW
    )
    admission = await database.reading(admit, opaque.stored(token), story.NOW)
    assert admission is not None
    recorded = Use("req_1", story.NOW, "query", REFUSED, attended=True)
    assert await Recorder(database, "test").commit("dpop:1", story.NOW, admission, recorded)

    await database.writing(change_every_table)

    explanation = await database.reading(explain, "req_1")
    assert explanation is not None
    assert explanation.access == admission.access
    assert [refusal.reason for refusal in explanation.access.refusals] == [Reason.OUTSIDE_SERVICE_HOURS]
    assert explanation.registration == admission.registration
    asked = [answer for answer in explanation.answers if answer.rule == "within_service_hours"]
    assert [len(answer.refusals) for answer in asked] == [1]


@pytest.mark.clause("2-1")
@pytest.mark.clause("5-1")
@pytest.mark.parametrize("action", ["code", "refresh", "mutation"])
async def test_what_needs_no_open_service_is_not_explained_by_closing_time(database: Database, action: str) -> None:
    """Tokens carry no data, and a registration can be ended at any hour: the explanation agrees with the record."""
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    await database.writing(
        service.close_service, story.NOW + timedelta(seconds=60), "点検", "os-user:officer", story.NOW
    )
    admission = await database.reading(admit, opaque.stored(token), story.NOW)
    assert admission is not None
    done = Use("req_1", story.NOW, action, ANSWERED, attended=False)
    assert await Recorder(database, "test").commit("dpop:1", story.NOW, admission, done)

    explanation = await database.reading(explain, "req_1")
    assert explanation is not None
    assert [answer.rule for answer in explanation.answers if answer.refusals] == []
    hours = next(answer for answer in explanation.answers if answer.rule == "within_service_hours")
    designated = next(answer for answer in explanation.answers if answer.rule == "is_designated")
    assert (hours.asked, designated.asked) == (False, True)


async def test_facts_that_were_tampered_with_are_noticed(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    admission = await database.reading(admit, opaque.stored(token), story.NOW)
    assert admission is not None
    await Recorder(database, "test").commit(
        "dpop:1", story.NOW, admission, Use("req_1", story.NOW, "query", REFUSED, attended=True)
    )

    def tamper(session: Session) -> None:
        session.execute(text("DROP TRIGGER fact_no_update"))
        session.execute(text("UPDATE fact SET body = replace(body, 'active', 'ended')"))

    await database.writing(tamper)
    with pytest.raises(FactsDamaged):
        await database.reading(explain, "req_1")


async def test_an_unknown_request_has_no_explanation(database: Database) -> None:
    assert await database.reading(explain, "req_of_nobody") is None

"""What time does to an authorization: our clock alone counts, replays are known as long as they could serve, sweeps."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from madoguchi.doors.timer import timer
from madoguchi.procedures.consenting import Redirect, give_consent
from madoguchi.procedures.sweeping import sweep
from madoguchi.procedures.terms import load_terms
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import RemovedTransaction
from madoguchi.records.database import Database
from madoguchi.records.login import BrowserSession, LoginTries
from madoguchi.records.registrations import AccessToken, AuthorizationCode, PushedRequest, Registration, UsedOnce
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests import story
from tests.fapi.bank import Bank, error
from tests.flows import visits

ACTIVE, ENDED, PENDING = RegistrationState.ACTIVE, RegistrationState.ENDED, RegistrationState.PENDING


async def test_the_whole_way_with_the_clock_ten_years_ahead(bank: Bank) -> None:
    """Authlib and joserfc read the machine's time by themselves; nothing of it may count."""

    def prolong(session: Session) -> None:
        session.get_one(Aggregator, bank.story.kakeibo).contract_until = None

    await bank.database.writing(prolong)
    bank.clock.now = bank.clock.now.replace(year=bank.clock.now.year + 10)
    tokens = await bank.kakeibo.registered()
    assert await bank.serves(tokens["access_token"])
    assert (await bank.kakeibo.refresh(tokens["refresh_token"])).status_code == 200
    bank.clock.pass_(300)
    assert not await bank.serves(tokens["access_token"])
    assert (await bank.kakeibo.revoke(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("seconds", [1, 60, 69])
async def test_a_proof_made_by_a_clock_ahead_of_ours_is_remembered_to_its_end(bank: Bank, seconds: int) -> None:
    """Keycloak #43505: at +1 s, at its validity, at validity and skew less one second; sweeps in between."""
    tokens = await bank.kakeibo.registered()
    proof = bank.kakeibo.proof(iat=int(bank.clock().timestamp()) + 10)
    assert (await bank.kakeibo.refresh(tokens["refresh_token"], proofs=[proof])).status_code == 200
    bank.clock.pass_(seconds)
    await bank.database.writing(sweep, bank.clock())
    kept = await bank.database.reading(lambda s: len(s.exec(select(UsedOnce)).all()))
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"], proofs=[proof])) == (400, "invalid_dpop_proof")
    after = await bank.database.reading(lambda s: len(s.exec(select(UsedOnce)).all()))
    assert after == kept + 1  # the new assertion; the proof was known, not merely too old


@pytest.mark.clause("9-1")
async def test_terms_that_ask_for_consent_again_stop_renewal_until_a_new_authorization(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    document = (story.SAMPLE / "api-terms-2026-10-01.toml").read_bytes()
    rules = (story.SAMPLE / "internet-banking-rules-2026-10-01.toml").read_bytes()
    newer = document.replace(b"\nas_of = 2026-10-01\nsample", b"\nas_of = 2026-12-01\nsample")
    assert newer != document
    await bank.database.writing(load_terms, newer, [rules], "os-user:tests", bank.clock())
    assert (await bank.kakeibo.refresh(tokens["refresh_token"])).status_code == 200
    bank.clock.pass_(7 * 86_400)
    answer = await bank.kakeibo.refresh(tokens["refresh_token"])
    assert error(answer) == (400, "invalid_grant")
    assert "TERMS_NOT_AGREED (clause 9-1)" in answer.json()["error_description"]
    renewed = await bank.kakeibo.registered()
    assert (await bank.kakeibo.refresh(renewed["refresh_token"])).status_code == 200


@pytest.mark.clause("4-1")
async def test_a_sweep_marks_what_is_over_and_decides_nothing(bank: Bank) -> None:
    tokens = await bank.kakeibo.registered()
    (registration,) = await bank.registrations()
    bank.clock.now = registration.until - timedelta(microseconds=1)
    await bank.database.writing(sweep, bank.clock())
    assert await bank.ends() == [(ACTIVE, None)]
    bank.clock.now = registration.until
    assert error(await bank.kakeibo.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert await bank.ends() == [(ACTIVE, None)]  # refused before it was marked
    for _ in range(2):
        await bank.database.writing(sweep, bank.clock())
        assert await bank.ends() == [(ENDED, Cause.EXPIRED)]
        assert (await bank.registrations())[0].ended_by == "system:sweep"


async def test_a_sweep_forgets_what_can_serve_no_more_and_nothing_else(bank: Bank) -> None:
    await bank.kakeibo.registered()
    await bank.kakeibo.push()

    def kept(session: Session) -> Iterator[int]:
        return iter([len(session.exec(select(table)).all()) for table in (UsedOnce, AccessToken, PushedRequest)])  # type: ignore[call-overload]

    before = list(await bank.database.reading(kept))
    await bank.database.writing(sweep, bank.clock())
    assert list(await bank.database.reading(kept)) == before
    bank.clock.pass_(86_400 + 300)
    await bank.database.writing(sweep, bank.clock())
    assert list(await bank.database.reading(kept)) == [0, 0, 1]  # the request that was decided stays
    assert await bank.ends() == [(ACTIVE, None)]


@pytest.mark.both_databases
async def test_codes_browser_sessions_and_counted_tries_are_forgotten_a_day_after_they_could_serve(
    database: Database,
) -> None:
    """A number that nobody has leaves nothing behind either; a lock holds to its end."""
    told = await database.writing(story.tell, 0)

    def come(session: Session) -> None:
        page = visits.shown(session, told, visits.push(session, told.kakeibo))
        assert isinstance(give_consent(session, page.visit, page.choice(told.ordinary)), Redirect)
        for number, until in (("99999999", None), ("10000002", story.NOW + timedelta(days=3))):
            tries = LoginTries(customer_number=number, failures=3, locked_until=until, last_at=story.NOW)
            session.add(tries)

    async def kept() -> tuple[int, int, int]:
        counted = [
            await database.reading(lambda s, table=table: len(s.exec(select(table)).all()))
            for table in (AuthorizationCode, BrowserSession, LoginTries)
        ]
        return counted[0], counted[1], counted[2]

    await database.writing(come)
    first = story.NOW + timedelta(days=1)  # the last tries were then; the code lives a minute, the session two hours
    for at, left in (
        (first - timedelta(seconds=1), (1, 1, 2)),
        (first, (1, 1, 1)),
        (first + timedelta(minutes=1), (0, 1, 1)),
        (first + timedelta(hours=2) - timedelta(seconds=1), (0, 1, 1)),
        (first + timedelta(hours=2), (0, 0, 1)),
        (story.NOW + timedelta(days=3) - timedelta(seconds=1), (0, 0, 1)),
        (story.NOW + timedelta(days=3), (0, 0, 0)),
    ):
        await database.writing(sweep, at)
        assert await kept() == left, at
    ended = await database.reading(lambda s: s.exec(select(Registration)).one())
    assert ended.ended_cause == Cause.ABANDONED


async def test_serving_sweeps_by_itself_and_survives_a_sweep_that_fails(bank: Bank) -> None:
    await bank.kakeibo.code()
    bank.clock.pass_(60)
    failures = [RuntimeError("the database is away")]

    class Failing:
        reading = bank.database.reading

        async def writing(self, procedure: Any, *args: Any, **kwargs: Any) -> Any:
            if failures:
                raise failures.pop()
            done = await bank.database.writing(procedure, *args, **kwargs)
            swept.set()
            return done

    swept = asyncio.Event()
    assert await bank.ends() == [(PENDING, None)]
    async with timer(Failing(), bank.clock, timedelta(milliseconds=10)):
        async with asyncio.timeout(30):
            await swept.wait()
    assert await bank.ends() == [(ENDED, Cause.ABANDONED)]
    assert failures == []


@pytest.mark.clause("4-1")
async def test_a_sweep_ends_a_pending_registration_once_its_code_is_past(bank: Bank) -> None:
    await bank.kakeibo.code()
    bank.clock.pass_(59)
    await bank.database.writing(sweep, bank.clock())
    assert await bank.ends() == [(PENDING, None)]
    bank.clock.pass_(1)
    await bank.database.writing(sweep, bank.clock())
    assert await bank.ends() == [(ENDED, Cause.ABANDONED)]


@pytest.mark.clause("2-4")
@pytest.mark.both_databases
async def test_a_withdrawn_row_is_known_until_a_month_after_its_day_has_left_the_window(database: Database) -> None:
    """The window is 13 months: on 24 November 2026 it begins on 24 October 2025."""

    def tell(session: Session) -> list[date]:
        here = story.tell(session)
        for change, day in enumerate((date(2025, 9, 22), date(2025, 9, 23), date(2026, 11, 20)), 1):
            session.add(
                RemovedTransaction(
                    account_id=here.ordinary, change=change, transaction_id=change, booked_on=day, removed_at=story.NOW
                )
            )
        session.flush()
        sweep(session, story.NOW)
        return list(session.exec(select(col(RemovedTransaction.booked_on)).order_by(col(RemovedTransaction.change))))

    assert await database.writing(tell) == [date(2025, 9, 23), date(2026, 11, 20)]

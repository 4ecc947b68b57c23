"""Opening, closing and stopping: what an officer sets holds for the next admission, and the stored body is the rows."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from madoguchi import opaque
from madoguchi.procedures import service
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.reading import admit
from madoguchi.records.bank import Account, Contract
from madoguchi.records.database import Database
from madoguchi.rules import facts
from madoguchi.rules.decision import Reason
from madoguchi.rules.service_hours import hours_on
from madoguchi.rules.vocabulary import AccountState, ContractState, DayType, Product, Scope, StopTarget
from tests import story

pytestmark = pytest.mark.both_databases
OFFICER = "os-user:officer"
LATER = story.NOW + timedelta(seconds=1)


async def reasons(database: Database, token: str, at: datetime = LATER) -> list[Reason]:
    """Why the whole request is refused at `at`."""
    admission = await database.reading(admit, opaque.stored(token), at)
    assert admission is not None
    return [refusal.reason for refusal in admission.access.refusals]


def body_is_rows(session: Session) -> bool:
    return service.institution_facts(session) == service.facts_of_rows(session, service.institution(session), LATER)


@pytest.mark.clause("2-1")
async def test_a_closed_service_refuses_from_that_second_and_says_when_it_opens(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    assert await reasons(database, token) == []
    opens = story.NOW + timedelta(seconds=200)
    await database.writing(service.close_service, opens, "点検", OFFICER, story.NOW)
    admission = await database.reading(admit, opaque.stored(token), LATER)
    assert admission is not None
    (refusal,) = admission.access.refusals
    assert (refusal.reason, refusal.retry_at) == (Reason.OUTSIDE_SERVICE_HOURS, opens)
    assert await reasons(database, token, opens - timedelta(seconds=1)) == [Reason.OUTSIDE_SERVICE_HOURS]
    assert await reasons(database, token, opens) == []
    assert await database.reading(body_is_rows)
    assert await database.writing(service.open_service, OFFICER, LATER) == 1
    assert await reasons(database, token) == []
    assert await database.reading(body_is_rows)


@pytest.mark.clause("2-1")
async def test_new_hours_hold_from_their_first_day_and_leave_the_days_before_alone(database: Database) -> None:
    await database.writing(story.tell)
    tomorrow = story.NOW.date() + timedelta(days=1)
    hours = [facts.Hours(Product.PERSONAL, day_type, 420, 1380, tomorrow, None) for day_type in DayType]
    await database.writing(service.set_hours, hours, OFFICER, story.NOW)
    institution = await database.reading(service.institution_facts)
    assert hours_on(story.NOW.date(), Product.PERSONAL, institution) == (range(1440),)
    assert hours_on(tomorrow, Product.PERSONAL, institution) == (range(420, 1380),)
    assert await database.reading(body_is_rows)


@pytest.mark.clause("7-3")
@pytest.mark.parametrize("kind", [StopTarget.ALL, StopTarget.AGGREGATOR, StopTarget.CUSTOMER, StopTarget.REGISTRATION])
async def test_a_stop_committed_before_the_admission_refuses_it_and_lifting_serves_again(
    database: Database, kind: StopTarget
) -> None:
    told = await database.writing(story.tell)
    registered = await database.writing(story.register, told)
    token = registered.access_token
    target = {
        StopTarget.ALL: "",
        StopTarget.AGGREGATOR: told.kakeibo,
        StopTarget.CUSTOMER: str(told.hanako),
        StopTarget.REGISTRATION: registered.registration_id,
    }[kind]
    until = story.NOW + timedelta(hours=2)
    stop_id = await database.writing(
        service.set_stop, kind, target, story.NOW, until, None, "不正の疑い", OFFICER, story.NOW
    )
    assert await reasons(database, token) == [Reason.SERVICE_STOPPED]
    assert await database.writing(service.lift_stop, stop_id, "確認が済んだため", OFFICER, LATER)
    assert not await database.writing(service.lift_stop, stop_id, "もう一度", OFFICER, LATER)
    assert await reasons(database, token) == []
    assert await database.reading(body_is_rows)


@pytest.mark.clause("7-3")
async def test_a_stop_of_one_customer_leaves_the_others_served(database: Database) -> None:
    told = await database.writing(story.tell)
    jiro = await database.writing(
        lambda s: (
            story.register(
                s, told, accounts=[told.jiro_ordinary], customer=(told.jiro, told.jiro_contract)
            ).access_token
        )
    )
    review = story.NOW.date() + timedelta(days=7)
    await database.writing(
        service.set_stop, StopTarget.CUSTOMER, str(told.hanako), story.NOW, None, review, "調査", OFFICER, story.NOW
    )
    assert await reasons(database, jiro) == []


@pytest.mark.clause("7-3")
async def test_a_stop_of_one_function_withholds_that_function_only(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    until = story.NOW + timedelta(hours=2)
    await database.writing(
        service.set_stop, StopTarget.FUNCTION, Scope.BALANCES, story.NOW, until, None, "障害", OFFICER, story.NOW
    )
    admission = await database.reading(admit, opaque.stored(token), LATER)
    assert admission is not None
    assert admission.access.refusals == ()
    (refusal,) = admission.access.function_refusals(Scope.BALANCES)
    assert (refusal.reason, refusal.retry_at) == (Reason.FUNCTION_STOPPED, until)
    assert admission.access.function_refusals(Scope.TRANSACTIONS) == ()


@pytest.mark.clause("7-3")
async def test_stops_that_officers_set_at_the_same_moment_all_hold(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token
    until = story.NOW + timedelta(hours=2)
    reach = [(StopTarget.ALL, "")] + [(StopTarget.BRANCH, f"{number:03}") for number in range(2, 9)]
    await asyncio.gather(
        *(
            database.writing(service.set_stop, kind, target, story.NOW, until, None, "障害", OFFICER, story.NOW)
            for kind, target in reach
        )
    )
    held = await database.reading(service.institution_facts)
    assert sorted((stop.kind, stop.target) for stop in held.stops) == sorted(reach)
    assert await reasons(database, token) == [Reason.SERVICE_STOPPED]


@pytest.mark.clause("7-3")
async def test_what_is_over_no_longer_swells_the_facts(database: Database) -> None:
    await database.writing(story.tell)
    before = await database.reading(service.institution_facts)
    for hour in range(3):
        at = story.NOW + timedelta(hours=hour)
        await database.writing(service.close_service, at + timedelta(minutes=10), "点検", OFFICER, at)
    at = story.NOW + timedelta(hours=3)
    await database.writing(service.set_holidays, [(story.NOW.date(), "休日")], OFFICER, at)
    assert (await database.reading(service.institution_facts)).closures == before.closures == ()


async def test_a_stop_without_an_end_needs_a_date_of_review(database: Database) -> None:
    await database.writing(story.tell)
    with pytest.raises(ValueError, match="date of review"):
        await database.writing(service.set_stop, StopTarget.ALL, "", story.NOW, None, None, "理由", OFFICER, story.NOW)


@pytest.mark.clause("5-2")
async def test_a_token_issued_before_the_customer_cancelled_internet_banking_reads_nothing(database: Database) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token

    def cancel(session: Session) -> None:  # as if the event's own end of the registrations had been lost
        session.get_one(Contract, told.hanako_contract).state = ContractState.CANCELLED

    await database.writing(cancel)
    assert await reasons(database, token) == [Reason.INTERNET_BANKING_ENDED]


@pytest.mark.clause("1-2-2")
async def test_the_end_of_an_aggregators_contract_ends_its_registrations_and_nobody_elses(database: Database) -> None:
    told = await database.writing(story.tell)
    mine = await database.writing(story.register, told)
    other = await database.writing(lambda s: story.register(s, told, aggregator=told.kaikei))
    assert await database.writing(end_contract, told.kakeibo, OFFICER, story.NOW) == [mine.registration_id]
    assert set(await reasons(database, mine.access_token)) == {
        Reason.REGISTRATION_NOT_ACTIVE,
        Reason.AGGREGATOR_NOT_CONTRACTED,
    }
    assert await reasons(database, other.access_token) == []


@pytest.mark.clause("2-2")
async def test_an_account_taken_out_of_internet_banking_after_consent_is_not_among_the_accounts(
    database: Database,
) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token

    def remove(session: Session) -> None:
        session.get_one(Account, told.current).state = AccountState.REMOVED

    await database.writing(remove)
    admission = await database.reading(admit, opaque.stored(token), LATER)
    assert admission is not None
    assert [account.account_id for account in admission.access.accounts] == [told.ordinary]


@pytest.mark.clause("1-2-1")
async def test_an_account_that_moved_to_the_customers_other_contract_is_not_read_under_the_first(
    database: Database,
) -> None:
    told = await database.writing(story.tell)
    token = (await database.writing(story.register, told)).access_token

    def move(session: Session) -> None:
        other = Contract(customer_id=told.hanako, product=Product.BUSINESS, state_since=story.NOW)
        session.add(other)
        session.flush()
        session.get_one(Account, told.current).contract_id = other.contract_id or 0

    await database.writing(move)
    admission = await database.reading(admit, opaque.stored(token), LATER)
    assert admission is not None
    assert [account.account_id for account in admission.access.accounts] == [told.ordinary]

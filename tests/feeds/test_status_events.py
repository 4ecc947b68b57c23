"""The status feed acted on: contracts and accounts as they stand, and the registrations that end with them."""

import pytest
from sqlmodel import col, select

from madoguchi.procedures.feeds.values import AccountKey, Damage, FileRefused
from madoguchi.records.audit import Act
from madoguchi.records.bank import Customer
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState, RegistrationState
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import account, event, opened, registered
from tests.feeds.status import Feed

pytestmark = pytest.mark.both_databases


@pytest.mark.clause("5-2")
@pytest.mark.clause("1-2-1")
async def test_cancelling_internet_banking_ends_every_registration_under_the_contract(feed: Feed) -> None:
    assert (await feed.send(event(1, "contract.cancelled"))).events_applied == 1
    assert (await feed.contract()).state == ContractState.CANCELLED
    registration = await feed.registration()
    assert (registration.state, registration.ended_cause, registration.ended_by) == (
        RegistrationState.ENDED, Cause.INTERNET_BANKING_CANCELLED, "system:status-feed",
    )  # fmt: skip


@pytest.mark.clause("1-2-1")
async def test_a_suspended_contract_is_paused_and_resumes_with_its_registration(feed: Feed) -> None:
    await feed.send(event(1, "contract.suspended"))
    assert (await feed.contract()).state == ContractState.SUSPENDED
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    await feed.send(event(2, "contract.resumed"))
    assert (await feed.contract()).state == ContractState.LIVE


async def test_a_cancelled_contract_does_not_resume_but_can_be_opened_again_without_its_registrations(
    feed: Feed,
) -> None:
    await feed.send(event(1, "contract.cancelled"))
    refused = await feed.send(event(2, "contract.resumed"))
    assert refused.refused == FileRefused(Damage(1, 0, "kind", "contract.resumed", "contract.opened(解約済みの契約)"))
    await feed.send(opened(2))
    assert (await feed.contract()).state == ContractState.LIVE
    assert (await feed.registration()).state == RegistrationState.ENDED


@pytest.mark.clause("2-2")
@pytest.mark.clause("5-2")
@pytest.mark.parametrize("kind", ["account.removed", "account.closed"])
async def test_a_registration_lives_until_its_last_account_goes(feed: Feed, kind: str) -> None:
    await feed.send(event(1, kind, account=account(ORDINARY)))
    assert (await feed.account(feed.story.ordinary)).state in (AccountState.REMOVED, AccountState.CLOSED)
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    await feed.send(event(2, kind, account=account(CURRENT)))
    assert (await feed.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


@pytest.mark.clause("1-2-1")
@pytest.mark.clause("5-2")
async def test_an_account_that_moves_to_another_contract_leaves_the_registration_of_the_first(feed: Feed) -> None:
    await feed.send(opened(1, product="business"), registered(2, CURRENT, product="business"))
    await feed.send(event(3, "account.removed", account=account(CURRENT), product="business"))
    assert (await feed.registration()).state == RegistrationState.ACTIVE  # the ordinary account is left
    await feed.send(registered(4, ORDINARY, product="business"))
    assert (await feed.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


@pytest.mark.clause("2-2")
async def test_a_frozen_account_is_not_shown_but_keeps_its_registration(feed: Feed) -> None:
    await feed.send(
        event(1, "account.frozen", account=account(ORDINARY)), event(2, "account.removed", account=account(CURRENT))
    )
    assert (await feed.account(feed.story.ordinary)).state == AccountState.FROZEN
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    await feed.send(registered(3, ORDINARY, label="生活口座"))
    assert (await feed.account(feed.story.ordinary)).state == AccountState.REGISTERED


@pytest.mark.clause("2-2")
async def test_what_internet_banking_has_lost_is_not_brought_back_by_freezing_or_removing_it(feed: Feed) -> None:
    await feed.send(
        event(1, "account.removed", account=account(ORDINARY)), event(2, "account.frozen", account=account(ORDINARY)),
        event(3, "account.closed", account=account(CURRENT)), event(4, "account.removed", account=account(CURRENT)),
        event(5, "account.frozen", account=account(CURRENT)),
    )  # fmt: skip
    assert (await feed.account(feed.story.ordinary)).state == AccountState.REMOVED
    assert (await feed.account(feed.story.current)).state == AccountState.CLOSED


@pytest.mark.clause("2-2")
async def test_an_account_taken_out_of_the_contract_that_it_has_left_stays_in_its_new_one(feed: Feed) -> None:
    await feed.send(opened(1, product="business"), registered(2, CURRENT, product="business"))
    await feed.send(event(3, "account.removed", account=account(CURRENT)))  # of the personal contract
    moved = await feed.account(feed.story.current)
    assert moved.state == AccountState.REGISTERED
    assert moved.contract_id != feed.story.hanako_contract


async def test_the_death_of_a_customer_pauses_every_contract_at_once(feed: Feed) -> None:
    deceased = event(1, "customer.deceased")
    del deceased["product"]
    await feed.send(deceased)
    assert (await feed.contract()).state == ContractState.SUSPENDED
    assert (await feed.registration()).state == RegistrationState.ACTIVE, "what ends, and when, an officer decides"


@pytest.mark.clause("5-2")
@pytest.mark.clause("7-3")
async def test_an_older_event_may_narrow_a_contract_but_never_widen_it_again(feed: Feed) -> None:
    """The order is the sequence; times of two hosts may contradict it."""
    await feed.send(event(1, "contract.suspended", time="2026-11-24T10:00:00+09:00"))
    older = await feed.send(event(2, "contract.resumed", time="2026-11-24T09:59:59+09:00"))
    assert older.refused is not None
    assert older.refused.message == (
        "ファイルを受け付けません。1件目: 契約は、このイベントより後の日時(2026-11-24 10:00:00)に停止されています。"
        "古いイベントでは戻せません"
    )
    assert not older.refused.waiting
    await feed.send(event(2, "contract.resumed", time="2026-11-24T10:00:00+09:00"))
    assert (await feed.contract()).state == ContractState.LIVE
    await feed.send(event(3, "contract.cancelled", time="2026-11-24T09:00:00+09:00"))
    cancelled = await feed.contract()
    assert (cancelled.state, cancelled.state_since.hour) == (ContractState.CANCELLED, 1), "10:00 in Japan stays"
    assert (await feed.registration()).state == RegistrationState.ENDED
    again = await feed.send(opened(4, time="2026-11-24T09:30:00+09:00"))
    assert again.refused is not None
    assert again.refused.damage.item == "time"


async def test_an_event_of_tomorrow_is_taken_one_of_the_day_after_is_not(feed: Feed) -> None:
    """Else it would make every later change of the contract look older."""
    refused = await feed.send(event(1, "contract.suspended", time="2026-11-25T14:02:01+09:00"))
    assert str(refused) == "ファイルを受け付けません。1件目: time が、まだ来ていない日時です"
    assert (await feed.send(event(1, "contract.suspended", time="2026-11-25T14:02:00+09:00"))).clean


async def test_a_changed_contact_leaves_what_is_absent_as_it_was(feed: Feed) -> None:
    await feed.send(event(1, "contact.changed", mail_address="hanako@mail.example"))
    customer = await feed.database.reading(lambda session: session.get_one(Customer, feed.story.hanako))
    assert (customer.mail_address, customer.phrase) == ("hanako@mail.example", "雪どけの朝")


async def test_an_event_that_fits_nothing_refuses_the_whole_file(feed: Feed) -> None:
    stranger = event(2, "contract.suspended", customer_number="99999999")
    report = await feed.send(event(1, "contract.suspended"), stranger)
    assert report.refused is not None
    assert (report.refused.damage.record, report.refused.damage.item) == (2, "customer_number")
    assert (await feed.contract()).state == ContractState.LIVE, "nothing of the file acts"
    refused = await feed.database.reading(
        lambda session: session.exec(select(Act).where(Act.action == "feed.refused")).all()
    )
    assert len(refused) == 1
    others = await feed.send(event(1, "account.frozen", account=account(AccountKey("003", "1", "0777777"))))
    assert others.refused is not None, "the account is another customer's"


async def test_every_event_leaves_an_act_with_its_clause_and_no_name(feed: Feed) -> None:
    await feed.send(
        opened(1, product="business", phrase="焼きたて七時"),
        registered(2, AccountKey("003", "2", "0017007"), product="business"),
        event(3, "contract.suspended", product="business"),
    )
    acts = await feed.database.reading(
        lambda session: session.exec(
            select(Act).where(col(Act.actor) == "system:status-feed").order_by(col(Act.act_id))
        ).all()
    )
    assert [(act.action, act.clause, act.detail) for act in acts[:3]] == [
        ("contract.opened", "1-2-1", {"event_id": "E-1"}),
        ("account.registered", "2-2", {"event_id": "E-2"}),
        ("contract.suspended", "7-3", {"event_id": "E-3"}),
    ]
    assert (await feed.contract()).state == ContractState.LIVE, "the personal contract is another one"

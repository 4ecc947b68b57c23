"""The status feed acted on: contracts and accounts as they stand, and the registrations that end with them."""

from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.procedures.feed_files import FileReport
from madoguchi.procedures.feed_values import AccountKey, Damage, FileRefused
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Contract, Customer
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState, RegistrationState
from tests import story
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import account, event, opened, registered, status_file

pytestmark = pytest.mark.both_databases


class Feed:
    """The status feed of the story's credit union; 見本花子 has registered her ordinary and her current account."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self._path = directory / "status.jsonl"

    async def begin(self) -> None:
        def tell(session: Session) -> tuple[story.Story, str]:
            told = story.tell(session)
            return told, story.register(session, told).registration_id

        self.story, self.registration_id = await self.database.writing(tell)

    async def send(self, *events: dict[str, object]) -> FileReport:
        self._path.write_bytes(status_file(*events))
        return await import_file(self.database, self._path, "2999", story.NOW, actor="system:status-feed")

    async def registration(self) -> Registration:
        return await self.database.reading(lambda session: session.get_one(Registration, self.registration_id))

    async def contract(self) -> Contract:
        return await self.database.reading(lambda session: session.get_one(Contract, self.story.hanako_contract))

    async def account(self, account_id: int) -> Account:
        return await self.database.reading(lambda session: session.get_one(Account, account_id))


@pytest.fixture
async def feed(database: Database, tmp_path: Path) -> Feed:
    feed = Feed(database, tmp_path)
    await feed.begin()
    return feed


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


async def test_a_renumbered_account_stays_the_same_account(feed: Feed) -> None:
    new = AccountKey("003", "1", "7000001")
    await feed.send(event(1, "account.renumbered", account=account(ORDINARY), new_account=account(new)))
    renumbered = await feed.account(feed.story.ordinary)
    assert (renumbered.branch_code, renumbered.number) == ("003", "7000001")


async def test_the_death_of_a_customer_pauses_every_contract_at_once(feed: Feed) -> None:
    deceased = event(1, "customer.deceased")
    del deceased["product"]
    await feed.send(deceased)
    assert (await feed.contract()).state == ContractState.SUSPENDED


async def test_a_changed_contact_leaves_what_is_absent_as_it_was(feed: Feed) -> None:
    await feed.send(event(1, "contact.changed", mail_address="hanako@mail.example"))
    customer = await feed.database.reading(lambda session: session.get_one(Customer, feed.story.hanako))
    assert (customer.mail_address, customer.phrase) == ("hanako@mail.example", "雪どけの朝")


async def test_events_known_already_are_passed_over_and_the_new_ones_act(feed: Feed) -> None:
    first = event(1, "contract.suspended")
    await feed.send(first)
    report = await feed.send(first, event(2, "contract.resumed"))
    assert (report.events_known, report.events_applied) == (1, 1)
    assert str(report) == "イベント1件を反映(取込済み1件)"


async def test_a_gap_in_the_sequence_refuses_the_file_and_names_the_event_that_is_missing(feed: Feed) -> None:
    await feed.send(event(1, "contract.suspended"))
    report = await feed.send(event(3, "contract.cancelled"))
    assert report.refused == FileRefused(Damage(1, 0, "sequence", "3", "2"), waiting=True)
    assert str(report) == (
        "ファイルを受け付けません。1件目: sequence 2 のイベントが届いていません。"
        "抜けているファイルが届くまで、このファイルのイベントは1件も反映しません"
    )
    assert (await feed.contract()).state == ContractState.SUSPENDED


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

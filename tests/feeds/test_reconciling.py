"""全件照合: the nightly full file brings the books to what it says, and ends what has lost its ground (5-2)."""

from datetime import datetime

import pytest
from sqlmodel import Session, select

from madoguchi.doors.core_banking.status_feed import write_full_file
from madoguchi.procedures.feeds.values import AccountKey, FileRefused
from madoguchi.procedures.status_feed.full_file import FullBegin
from madoguchi.procedures.status_feed.reconciled import CHANGES_TOLD, Reconciled
from madoguchi.records.bank import Account, Contract, Customer, StatusCursor
from madoguchi.rules.vocabulary import AccountState, Cause, ContractState, RegistrationState
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import (
    account,
    event,
    full_account,
    full_file,
    read_contracts,
    status_file,
)
from tests.feeds.full_files import JIRO, SAVINGS, TIME, hers, his
from tests.feeds.status import Feed

BEGAN = "2024-02-01T09:00:00+09:00"
both = pytest.mark.both_databases


@pytest.fixture
async def known(feed: Feed) -> Feed:
    """The feed after one full file: nothing differs any more; event 4 was the last."""
    assert (await feed.send_bytes(full_file(4, hers(), his()))).clean
    return feed


async def rows(feed: Feed, table: type) -> list[object]:
    return await feed.database.reading(lambda session: [one.model_dump() for one in session.exec(select(table))])


async def sequence(feed: Feed) -> int:
    return await feed.database.reading(lambda session: session.get_one(StatusCursor, "status").sequence)


@both
@pytest.mark.clause("5-2")
async def test_a_contract_that_the_file_does_not_have_is_cancelled_and_its_registration_ends(known: Feed) -> None:
    report = await known.send_bytes(full_file(4, his(), as_of="2026-11-24T13:30:00+09:00"))
    assert str(report) == "全件照合: 契約1件・口座1件。5件を直し、利用登録を1件終了しました。"
    contract = await known.contract()
    assert report.details == [
        f"契約 {contract.contract_id}(お客さま …0001、個人): 利用中 → 解約",
        f"口座 {known.story.ordinary}(002-1-…4567): 登録 → 登録なし",
        f"口座 {known.story.current}(002-2-…3210): 登録 → 登録なし",
        f"口座 {known.story.savings}(003-1-…8901): 登録 → 登録なし",
        f"口座 {known.story.time}(002-6-…1122): 登録 → 登録なし",
    ]
    assert contract.state == ContractState.CANCELLED
    assert contract.state_since == datetime.fromisoformat("2026-11-24T13:30:00+09:00")
    registration = await known.registration()
    assert (registration.ended_cause, registration.ended_by) == (
        Cause.INTERNET_BANKING_CANCELLED, "system:status-feed",
    )  # fmt: skip
    act = (await known.acts("contract.reconciled"))[-1]
    assert (act.clause, act.subject) == ("5-2", f"contract:{contract.contract_id}")
    assert act.detail == {"sequence": 4, "changed": ["state"], "before": "live", "after": "cancelled"}


@both
async def test_a_file_that_says_what_is_known_changes_nothing_and_says_so(known: Feed) -> None:
    before = [await rows(known, table) for table in (Customer, Contract, Account)]
    report = await known.send_bytes(full_file(4, his(), hers()))
    assert (str(report), report.details) == ("全件照合: 契約2件・口座5件。違いはありません。", [])
    assert [await rows(known, table) for table in (Customer, Contract, Account)] == before
    assert (await known.send_bytes(full_file(4, his(), hers()))).known_before, "and the same file again is no work"


@both
@pytest.mark.clause("2-2")
async def test_every_difference_is_set_right_told_and_written_down_without_names(known: Feed) -> None:
    changed = hers(
        full_account(ORDINARY, "frozen"),
        full_account(CURRENT, label="新しい屋号", holder_kana="ﾐﾎﾝｺ-ﾋ-"),
        full_account(SAVINGS),
        full_account(AccountKey("005", "1", "5555555"), product_code="X1"),
        customer_name="見本 華子", phrase="夏の川", state="suspended", since="2026-11-24T12:00:00+09:00",
    )  # fmt: skip
    report = await known.send_bytes(full_file(7, changed, his()))
    new = await known.database.reading(
        lambda session: session.exec(select(Account).where(Account.number == "5555555")).one()
    )
    assert report.details == [
        "お客さま …0001: 氏名・合言葉を変更",
        f"契約 {known.story.hanako_contract}(お客さま …0001、個人): 利用中 → 停止中、状態の日時を変更",
        f"口座 {known.story.ordinary}(002-1-…4567): 登録 → 凍結",
        f"口座 {known.story.current}(002-2-…3210): 口座名義・呼び名を変更",
        f"口座 {new.account_id}(005-1-…5555): 追加(登録)",
        f"口座 {known.story.time}(002-6-…1122): 登録 → 登録なし",
        "届いていなかった sequence 5〜7 のイベントの分は、この全件照合で埋まりました。",
    ]  # fmt: skip
    assert (new.branch_code, new.contract_id, new.product_code) == ("005", known.story.hanako_contract, "X1")
    customer = await known.database.reading(lambda session: session.get_one(Customer, known.story.hanako))
    assert (customer.name, customer.phrase, customer.mail_address) == ("見本 華子", "夏の川", None)
    assert (await known.registration()).state == RegistrationState.ACTIVE, "paused, not ended"
    kinds = ("customer.reconciled", "contract.reconciled", "account.reconciled", "feed.reconciled")
    acts = [act for kind in kinds for act in await known.acts(kind)]
    assert len([act for act in acts if act.detail.get("sequence") == 7]) == 7
    assert not any(word in str(act.detail) for act in acts for word in ("見本", "夏", "屋号", "ﾐﾎﾝ", "10000001"))


@both
@pytest.mark.clause("5-2")
async def test_a_contract_cancelled_and_opened_again_unseen_does_not_bring_the_old_registration_back(
    known: Feed,
) -> None:
    """The events in between were lost: the file shows it by the moment at which the contract began."""
    again = {"opened": "2026-11-20T09:00:00+09:00", "since": "2026-11-20T09:00:00+09:00"}
    report = await known.send_bytes(full_file(6, hers(**again), his()))
    assert report.details[0] == (
        f"契約 {known.story.hanako_contract}(お客さま …0001、個人): 状態の日時・解約とその後の再契約を変更"
    )
    assert (await known.contract()).state == ContractState.LIVE
    assert (await known.registration()).ended_cause == Cause.INTERNET_BANKING_CANCELLED


@both
@pytest.mark.clause("5-2")
@pytest.mark.clause("2-2")
async def test_a_registration_without_an_account_left_ends_also_when_its_event_was_lost_long_ago(known: Feed) -> None:
    def lose(session: Session) -> None:
        for account_id in (known.story.ordinary, known.story.current):
            session.get_one(Account, account_id).state = AccountState.REMOVED

    await known.database.writing(lose)
    told = hers(full_account(SAVINGS), full_account(TIME))
    report = await known.send_bytes(full_file(4, told, his()))
    assert str(report) == "全件照合: 契約2件・口座3件。0件を直し、利用登録を1件終了しました。"
    assert (await known.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


@both
async def test_a_full_file_fills_a_gap_and_the_feed_goes_on_behind_it(known: Feed) -> None:
    await known.send_bytes(full_file(6, hers(), his()))
    assert await sequence(known) == 6
    assert (await known.acts("feed.reconciled"))[-1].detail["skipped"] == [5, 6]
    late = await known.send(event(5, "contract.cancelled"), event(6, "contract.suspended"))
    assert (late.events_applied, late.events_known) == (0, 2), "what the file made up for does not act any more"
    assert (await known.send(event(7, "contract.suspended"))).events_applied == 1
    assert (await known.contract()).state == ContractState.SUSPENDED


@both
async def test_a_file_that_waited_behind_the_gap_follows_the_full_file_that_fills_it(known: Feed) -> None:
    assert not (await known.send(event(7, "contract.suspended"))).clean
    report = await known.send_bytes(full_file(6, hers(), his()))
    assert [one.events_applied for one in report.followed] == [1]
    assert (await known.contract()).state == ContractState.SUSPENDED
    assert await sequence(known) == 7


@both
async def test_a_file_that_knows_less_than_we_do_is_refused_as_stale(known: Feed) -> None:
    await known.send(event(5, "contract.suspended"))
    report = await known.send_bytes(full_file(4, hers(), his(), as_of="2026-11-24T13:59:00+09:00"))
    assert str(report) == (
        "ファイルを受け付けません。1件目: 全件照合のファイルが古すぎます(sequence 4 までの内容ですが、"
        "5 までのイベントを反映済みです)"
    )
    assert report.refused is not None
    assert not report.refused.waiting, "it will not get younger"
    assert (await known.contract()).state == ContractState.SUSPENDED
    assert (await known.send_bytes(full_file(5, hers(), his()))).clean, "with the same last event it is taken"


@both
async def test_an_account_that_the_file_knows_under_a_new_number_stays_the_same_account(known: Feed) -> None:
    """The event of its renumbering was lost; two accounts have even passed a number on."""
    first, second = AccountKey("002", "2", "0099999"), CURRENT
    told = hers(
        full_account(second, former_accounts=[account(ORDINARY)]),
        full_account(first, former_accounts=[account(AccountKey("001", "1", "0000001")), account(CURRENT)]),
        full_account(SAVINGS), full_account(TIME),
    )  # fmt: skip
    report = await known.send_bytes(full_file(5, told, his()))
    assert report.reconciled is not None
    assert report.reconciled.changed == 2
    assert f"口座 {known.story.ordinary}(002-2-…3210): 店番・口座番号を変更" in report.details
    moved = [await known.account(one) for one in (known.story.ordinary, known.story.current)]
    assert [(one.branch_code, one.kind, one.number) for one in moved] == [second, first]
    assert (await known.registration()).state == RegistrationState.ACTIVE
    assert not (await known.send_bytes(full_file(5, told, his(), as_of=BEGAN))).details, "the next night nothing moves"


@both
async def test_another_customers_account_refuses_the_file_and_changes_nothing(known: Feed) -> None:
    report = await known.send_bytes(
        full_file(5, hers(phrase="夏の川"), his(full_account(ORDINARY), full_account(JIRO)))
    )
    assert str(report).startswith("ファイルを受け付けません。3件目: 同じ口座が、前にもあります")
    stolen = full_file(5, hers(full_account(CURRENT), phrase="夏の川"), his(full_account(ORDINARY)))
    report = await known.send_bytes(stolen)
    assert str(report) == (
        "ファイルを受け付けません。3件目「account」: このお客さまの口座 のはずですが、002-1-…4567 です"
    )
    customer = await known.database.reading(lambda session: session.get_one(Customer, known.story.hanako))
    assert (customer.phrase, await sequence(known)) == ("雪どけの朝", 4)


def refusal(content: bytes) -> str:
    found = read_contracts(content)
    assert isinstance(found, FileRefused)
    return found.damage.message


WHOLE = full_file(4, hers(), his())
BEGIN, FIRST, SECOND, END = (line + b"\n" for line in WHOLE.splitlines())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BEGIN + FIRST + SECOND, "3件目: 最後の行が full.end ではありません(ファイルが途中で切れています)"),
        (BEGIN, "1件目: 最後の行が full.end ではありません(ファイルが途中で切れています)"),
        (BEGIN + FIRST + END,
         "3件目: 件数が合いません(full.end は契約2件・口座5件、ファイルの中は契約1件・口座4件)"),
        (WHOLE + FIRST, "5件目: full.end の後に行があります(除いてください)"),
        (BEGIN + FIRST + FIRST + END, "3件目: 同じお客さまの同じ product の契約が、前の行にもあります"),
        (BEGIN + FIRST + BEGIN + SECOND + END,
         "3件目: full.begin は、ここには置けません(full.begin と full.end の間は full.contract だけです)"),
        (BEGIN + FIRST + status_file(event(5, "contract.cancelled")) + SECOND + END,
         "3件目: contract.cancelled は、ここには置けません(full.begin と full.end の間は full.contract だけです)"),
        (FIRST + SECOND, "1件目: 全件照合の行が、イベントのファイルに入っています(ファイルを分けてください)"),
        (status_file(event(5, "contract.cancelled")) + END,
         "2件目: 全件照合の行が、イベントのファイルに入っています(ファイルを分けてください)"),
        (full_file(4, hers(), hers(full_account(JIRO), product="business", customer_name="見本 華子")),
         "3件目: 同じお客さまの氏名が、前の行と違います"),
        (full_file(4, hers(since="2026-11-24T13:00:01+09:00")), "2件目: since が full.begin の as_of より後です"),
        (full_file(4, hers(opened="2024-02-01T09:00:01+09:00")),
         "2件目: full.contract の since が opened より前です(opened 以後の日時にしてください)"),
        (full_file(4, hers(accounts="x")), "2件目: full.contract の accounts を JSON の配列([…])にしてください"),
        (full_file(4, hers(full_account(ORDINARY, former_accounts=[account(CURRENT)] * 11))),
         "2件目: full.contract の accounts.0.former_accounts を10個以内にしてください"),
    ],
    ids=range(1, 15),
)  # fmt: skip
def test_a_full_file_that_is_damaged_is_refused_whole_and_told(content: bytes, told: str) -> None:
    assert refusal(content) == told


def test_a_full_file_reads_as_it_was_written() -> None:
    contracts = read_contracts(WHOLE)
    assert not isinstance(contracts, FileRefused)
    begin = FullBegin.model_validate_json(BEGIN)
    assert read_contracts(write_full_file(begin, contracts)) == contracts
    assert read_contracts(full_file(4)) == []


def test_a_long_report_tells_the_first_changes_and_how_many_more_there_are() -> None:
    done = Reconciled(1, 1)
    for number in range(CHANGES_TOLD + 3):
        done.tell(f"口座 {number}", {"nickname": ("a", "b")})
    assert len(done.details) == CHANGES_TOLD + 1
    assert done.details[-1] == "ほか 3件を直しました(すべて記録にあります)。"

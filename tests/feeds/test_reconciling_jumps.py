"""全件照合: a full file cannot carry the feed past events that are still to come (5-2)."""

from itertools import pairwise

import pytest
from sqlmodel import Session

from madoguchi.procedures.feeds.accounts import account_now
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed import full_lines
from madoguchi.procedures.status_feed.reconciling import LARGEST_JUMP, EndingBound
from madoguchi.records.bank import Account
from madoguchi.rules.vocabulary import ContractState, RegistrationState
from tests.feeds.events import account, event, full_account, full_file
from tests.feeds.full_files import hers, his
from tests.feeds.status import Feed

pytestmark = pytest.mark.clause("5-2")
AFTER_THE_FILE = "2026-11-24T13:00:01+09:00"


@pytest.fixture
async def known(feed: Feed) -> Feed:
    assert (await feed.send_bytes(full_file(4, hers(), his()))).clean
    return feed


async def test_a_full_file_whose_sequence_leaps_is_refused_until_an_officer_forces_it(known: Feed) -> None:
    leaping = full_file(4 + LARGEST_JUMP + 1, hers(), his())
    assert str(await known.send_bytes(leaping)) == (
        "ファイルを受け付けません。1件目: sequence 100005 は、反映済みの 4 から離れすぎています(100,000件まで)。"
        "送り元で番号を確かめ、正しければ --force を付けて取り込んでください"
    )
    assert (await known.send(event(5, "contract.suspended"))).events_applied == 1, "the feed goes on where it was"
    assert (await known.send_bytes(full_file(5 + LARGEST_JUMP, hers(), his()))).clean
    assert (await known.send_bytes(full_file(10**15 - 1, hers(), his()), EndingBound(may_end_many=True))).clean


async def test_a_long_chain_of_renumbered_accounts_is_moved_with_one_look_at_each(
    known: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [AccountKey("002", "1", f"07000{number:02}") for number in range(13)]
    before = hers(*map(full_account, keys[:-1]))
    assert (await known.send_bytes(full_file(4, before, his()), EndingBound(may_end_many=True))).clean
    looks = 0

    def counted(session: Session, key: AccountKey) -> Account | None:
        nonlocal looks
        looks += 1
        return account_now(session, key)

    monkeypatch.setattr(full_lines, "account_now", counted)
    chain = [full_account(new, former_accounts=[account(old)]) for old, new in pairwise(keys)]
    report = await known.send_bytes(full_file(4, hers(*chain), his()))
    assert report.reconciled is not None
    assert (report.reconciled.changed, looks) == (12, 12)


async def test_numbers_that_a_full_file_skips_raise_the_alarm(known: Feed) -> None:
    assert not await known.acts("feed.alarm"), "before the first full file nothing was missed"
    assert (await known.send_bytes(full_file(6, hers(), his()))).clean
    (alarm,) = await known.acts("feed.alarm")
    assert alarm.detail == {"skipped": [5, 6]}


@pytest.mark.both_databases
async def test_an_event_that_is_later_than_the_full_file_over_its_number_is_refused_not_passed_over(
    known: Feed,
) -> None:
    assert (await known.send_bytes(full_file(40, hers(), his()))).clean
    report = await known.send(event(38, "contract.cancelled", time=AFTER_THE_FILE))
    assert str(report) == (
        "ファイルを受け付けません。1件目: sequence 38 のイベント(2026-11-24 13:00)は、"
        "その番号まで含むはずの全件照合(2026-11-24 13:00 現在)より後のものです。"
        "送り元で番号を確かめ、新しい全件照合のファイルを取り込んでください"
    )
    assert (await known.registration()).state == RegistrationState.ACTIVE
    later = full_file(40, hers(state="cancelled", since=AFTER_THE_FILE), his(), as_of=AFTER_THE_FILE)
    assert (await known.send_bytes(later)).clean
    assert (await known.contract()).state == ContractState.CANCELLED


async def test_events_that_a_full_file_holds_are_told_as_such(known: Feed) -> None:
    assert (await known.send_bytes(full_file(6, hers(), his()))).clean
    assert (await known.send(event(7, "contract.suspended"))).clean
    report = await known.send(*(event(number, "contract.suspended") for number in (5, 6, 7)))
    assert str(report) == "イベント0件を反映(取込済み3件、うち全件照合に含まれるもの2件)"

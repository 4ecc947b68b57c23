"""The sequence of the status feed: behind a gap nothing acts, a repeat does no harm, a contradiction is told (5-2)."""

import pytest

from madoguchi.procedures.status_feed.sequence import missing_numbers
from madoguchi.rules.vocabulary import ContractState, RegistrationState
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import account, event
from tests.feeds.status import Feed

SUSPENDED = event(1, "contract.suspended")
RESUMED = event(2, "contract.resumed")
CANCELLED = event(3, "contract.cancelled")
pytestmark = pytest.mark.both_databases


@pytest.mark.clause("5-2")
async def test_nothing_behind_a_gap_acts_and_the_alarm_is_raised(feed: Feed) -> None:
    await feed.send(SUSPENDED)
    report = await feed.send(CANCELLED)
    assert report.refused is not None
    assert report.refused.waiting, "nothing is wrong with the file but what has not come"
    assert str(report) == (
        "ファイルを受け付けません。1件目: sequence 2 のイベントが届いていません。"
        "抜けているファイルが届くまで、このファイルのイベントは1件も反映しません"
    )
    assert (await feed.contract()).state == ContractState.SUSPENDED
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    (alarm,) = await feed.acts("feed.alarm")
    assert (alarm.clause, alarm.detail) == ("5-2", {"missing_from": 2, "found": 3})


async def test_a_gap_inside_a_file_refuses_all_of_it_and_names_the_numbers(feed: Feed) -> None:
    report = await feed.send(SUSPENDED, event(6, "contract.cancelled"), event(3, "contract.resumed"))
    assert report.refused is not None
    assert (report.refused.waiting, report.refused.damage.record) == (True, 3), "the first event behind the gap"
    assert "sequence 2、4〜5 のイベントが届いていません。" in str(report)
    assert (await feed.contract()).state == ContractState.LIVE


async def test_the_first_file_begins_with_number_one(feed: Feed) -> None:
    report = await feed.send(CANCELLED)
    assert "sequence 1〜2 のイベントが届いていません(はじめて取り込むときは、sequence 1 からか、全件照合の" in str(
        report
    )
    assert (await feed.send(SUSPENDED, RESUMED, CANCELLED)).events_applied == 3


def test_the_missing_numbers_are_those_between_what_was_applied_and_the_last() -> None:
    assert missing_numbers([4, 4, 5, 9], 1) == [(2, 3), (6, 8)]
    assert missing_numbers([2, 3], 1) == missing_numbers([1, 2], 7) == missing_numbers([], 0) == []


async def test_events_act_in_their_sequence_whatever_their_order_of_lines(feed: Feed) -> None:
    assert (await feed.send(RESUMED, SUSPENDED)).events_applied == 2
    assert (await feed.contract()).state == ContractState.LIVE
    acts = [act.action for act in await feed.acts("contract.suspended") + await feed.acts("contract.resumed")]
    assert acts == ["contract.suspended", "contract.resumed"]


async def test_events_known_already_are_passed_over_and_the_new_ones_act(feed: Feed) -> None:
    await feed.send(SUSPENDED)
    report = await feed.send(RESUMED, SUSPENDED, RESUMED)
    assert (report.events_known, report.events_applied) == (2, 1)
    assert str(report) == "イベント1件を反映(取込済み2件)"
    same_moment = {**SUSPENDED, "time": "2026-11-24T00:00:00Z"}
    assert (await feed.send(same_moment)).events_known == 1, "another writing of the same moment"


@pytest.mark.parametrize("in_one_file", [True, False])
async def test_a_number_that_comes_again_with_other_content_is_refused_with_its_place(
    feed: Feed, in_one_file: bool
) -> None:
    other = event(1, "contract.cancelled")
    if in_one_file:
        report = await feed.send(SUSPENDED, RESUMED, other)
    else:
        await feed.send(SUSPENDED)
        report = await feed.send(RESUMED, other)
    line = 3 if in_one_file else 2
    assert str(report) == (
        f"ファイルを受け付けません。{line}件目: sequence 1 の内容が、同じ番号で届いたイベントと違います"
    )
    assert report.refused is not None
    assert not report.refused.waiting
    assert (await feed.contract()).state == (ContractState.LIVE if in_one_file else ContractState.SUSPENDED)


@pytest.mark.parametrize("in_one_file", [True, False])
async def test_an_event_that_comes_again_under_another_number_is_refused_with_its_place(
    feed: Feed, in_one_file: bool
) -> None:
    twice = {**RESUMED, "event_id": "E-1"}
    if not in_one_file:
        await feed.send(SUSPENDED)
    report = await feed.send(SUSPENDED, twice)
    assert str(report) == (
        "ファイルを受け付けません。2件目: event_id が、sequence 1 のイベントと同じです"
        "(イベントごとに別の event_id にしてください)"
    )
    assert (await feed.send(SUSPENDED, RESUMED)).clean, "the number and the id are free still"


async def test_what_a_refused_file_would_have_done_is_not_remembered(feed: Feed) -> None:
    stranger = event(2, "account.frozen", account=account(ORDINARY), customer_number="99999999")
    assert not (await feed.send(SUSPENDED, stranger)).clean
    report = await feed.send(SUSPENDED, event(2, "account.frozen", account=account(CURRENT)))
    assert (report.events_applied, report.events_known) == (2, 0)

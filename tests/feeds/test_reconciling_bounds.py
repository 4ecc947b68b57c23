"""全件照合: a full file that would end too much at once is a damaged one until an officer says otherwise (5-2)."""

import pytest
from sqlmodel import col, select

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed.reconciling import EndingBound
from madoguchi.records.bank import Contract, StatusCursor
from madoguchi.rules.vocabulary import AccountState, Cause, RegistrationState
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import event, full_account, full_contract, full_file
from tests.feeds.full_files import SAVINGS, TIME, hers, his
from tests.feeds.status import Feed

both = pytest.mark.both_databases
FORCED = EndingBound(may_end_many=True)


async def sequence(feed: Feed) -> int:
    return await feed.database.reading(lambda session: session.get_one(StatusCursor, "status").sequence)


@pytest.mark.clause("5-2")
async def test_a_file_that_would_end_too_many_contracts_is_refused_with_the_numbers_unless_forced(feed: Feed) -> None:
    many = [full_contract(customer_number=f"2{number:07}") for number in range(298)]
    assert (await feed.send_bytes(full_file(4, hers(), his(), *many))).clean
    thirty_one = full_file(5, hers(), his(), *many[31:])
    report = await feed.send_bytes(thirty_one)
    assert str(report) == (
        "ファイルを受け付けません。解約になる契約が多すぎます(300件のうち31件。上限は30件)。"
        "ファイルが欠けていないか確かめ、正しければ --force を付けて取り込んでください"
    )
    assert await sequence(feed) == 4
    states = await feed.database.reading(lambda session: list(session.exec(select(col(Contract.state)))))
    assert states == ["live"] * 300
    assert (await feed.send_bytes(full_file(5, hers(), his(), *many[30:]))).clean, "a tenth may end"
    assert (await feed.send_bytes(thirty_one, FORCED)).clean


@both
@pytest.mark.clause("5-2")
@pytest.mark.parametrize("how", ["left out", "removed", "under another contract"])
async def test_a_file_that_takes_too_many_accounts_out_is_refused_although_every_contract_stands(
    feed: Feed, how: str
) -> None:
    """A damaged full file can lose the accounts and keep the contracts: nobody's registration ends by that."""
    keys = [AccountKey("003", "1", f"09000{number:02}") for number in range(40)]
    business = hers(full_account(TIME), product="business")
    whole = hers(*map(full_account, [ORDINARY, CURRENT, SAVINGS, *keys]))
    assert (await feed.send_bytes(full_file(4, whole, business), FORCED)).clean

    def without(lost: int) -> bytes:
        there = [full_account(key) for key in [SAVINGS, *keys[lost - 2 :]]]
        gone = [full_account(key, "removed") for key in [ORDINARY, CURRENT, *keys[: lost - 2]]]
        if how == "removed":
            return full_file(4, hers(*there, *gone), business)
        moved = [{**one, "state": "registered"} for one in gone] if how == "under another contract" else []
        return full_file(4, hers(*there), hers(full_account(TIME), *moved, product="business"))

    report = await feed.send_bytes(without(21))
    assert str(report) == (
        "ファイルを受け付けません。インターネットバンキングから外れる口座が多すぎます"
        "(44件のうち21件。上限は20件)。"
        "ファイルが欠けていないか確かめ、正しければ --force を付けて取り込んでください"
    )
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    assert (await feed.account(feed.story.ordinary)).state == AccountState.REGISTERED
    assert (await feed.send_bytes(without(20))).clean, "twenty may go, as they are no more than half"
    assert (await feed.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


async def test_accounts_of_a_contract_that_ended_before_are_not_counted_again(feed: Feed) -> None:
    """An event cancelled it in the day; at night the file, which does not have it, takes its many accounts out."""
    keys = [AccountKey("003", "1", f"09000{number:02}") for number in range(21)]
    assert (await feed.send_bytes(full_file(4, hers(*map(full_account, keys)), his()), FORCED)).clean
    assert (await feed.send(event(5, "contract.cancelled"))).clean
    report = await feed.send_bytes(full_file(5, his()))
    assert report.clean, report


@pytest.mark.clause("5-2")
async def test_what_the_full_files_of_one_day_end_is_bound_together(feed: Feed) -> None:
    """Damaged files in a row must not end bit by bit what one of them could not."""
    many = [full_contract(customer_number=f"2{number:07}") for number in range(38)]
    assert (await feed.send_bytes(full_file(4, hers(), his(), *many))).clean
    assert (await feed.send_bytes(full_file(5, hers(), his(), *many[15:]))).clean
    report = await feed.send_bytes(full_file(6, hers(), his(), *many[21:]))
    assert "(40件のうち21件、この24時間のほかのファイルの分15件を含む。上限は20件)" in str(report)
    assert (await feed.send_bytes(full_file(6, hers(), his(), *many[20:]))).clean
    assert (await feed.send_bytes(full_file(6, hers(), his(), *many[21:]), FORCED)).clean
    assert (await feed.send_bytes(full_file(7, hers(), his(), *many[21:]))).clean, "ends nothing"


@pytest.mark.clause("5-2")
@pytest.mark.parametrize(
    ("before", "most"), [(1, 1), (2, 2), (3, 1), (12, 6), (39, 19), (40, 20), (200, 20), (210, 21), (10_000, 1_000)]
)
def test_few_may_end_if_they_are_no_more_than_half(before: int, most: int) -> None:
    bound = EndingBound(percent=10)
    assert not bound.refuses(most, before)
    assert bound.refuses(most + 1, before)
    assert not EndingBound(percent=10, may_end_many=True).refuses(before, before)
    assert not EndingBound(percent=0).refuses(20, 10_000)

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


async def sequence(feed: Feed) -> int:
    return await feed.database.reading(lambda session: session.get_one(StatusCursor, "status").sequence)


@pytest.mark.clause("5-2")
async def test_a_file_that_would_end_too_many_contracts_is_refused_with_the_numbers_unless_forced(feed: Feed) -> None:
    many = [full_contract(customer_number=f"2{number:07}") for number in range(298)]
    assert (await feed.send_bytes(full_file(4, hers(), his(), *many))).clean
    thirty_one = full_file(5, hers(), his(), *many[31:])
    report = await feed.send_bytes(thirty_one)
    assert str(report) == (
        "ファイルを受け付けません。解約になる契約が多すぎます(300件のうち31件。上限は10%、ただし20件までは可)。"
        "ファイルが欠けていないか確かめ、正しければ --force を付けて取り込んでください"
    )
    assert await sequence(feed) == 4
    states = await feed.database.reading(lambda session: list(session.exec(select(col(Contract.state)))))
    assert states == ["live"] * 300
    assert (await feed.send_bytes(full_file(5, hers(), his(), *many[30:]))).clean, "a tenth may end"
    assert (await feed.send_bytes(thirty_one, EndingBound(10, may_end_many=True))).clean


@both
@pytest.mark.clause("5-2")
@pytest.mark.parametrize("how", ["left out", "removed", "under another contract"])
async def test_a_file_that_takes_too_many_accounts_out_is_refused_although_every_contract_stands(
    feed: Feed, how: str
) -> None:
    """A damaged full file can lose the accounts and keep the contracts: nobody's registration ends by that."""
    keys = [AccountKey("003", "1", f"09000{number:02}") for number in range(21)]
    business = hers(full_account(TIME), product="business")
    whole = hers(*map(full_account, [ORDINARY, CURRENT, SAVINGS, *keys]))
    assert (await feed.send_bytes(full_file(4, whole, business))).clean

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
        "(25件のうち21件。上限は10%、ただし20件までは可)。"
        "ファイルが欠けていないか確かめ、正しければ --force を付けて取り込んでください"
    )
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    assert (await feed.account(feed.story.ordinary)).state == AccountState.REGISTERED
    assert (await feed.send_bytes(without(20))).clean, "twenty may always go"
    assert (await feed.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


async def test_accounts_of_a_contract_that_ended_before_are_not_counted_again(feed: Feed) -> None:
    """An event cancelled it in the day; at night the file, which does not have it, takes its many accounts out."""
    keys = [AccountKey("003", "1", f"09000{number:02}") for number in range(21)]
    assert (await feed.send_bytes(full_file(4, hers(*map(full_account, keys)), his()))).clean
    assert (await feed.send(event(5, "contract.cancelled"))).clean
    report = await feed.send_bytes(full_file(5, his()))
    assert report.clean, report


def test_few_ends_are_always_possible_and_contracts_that_began_anew_count_as_ends() -> None:
    bound = EndingBound(percent=10)
    assert not bound.refuses(20, 20)
    assert bound.refuses(21, 200)
    assert not bound.refuses(21, 210)
    assert not EndingBound(percent=0).refuses(20, 10_000)

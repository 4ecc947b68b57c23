"""Status files that came before the one they follow: kept as they came, and taken in when that one has come (5-2)."""

import zlib
from datetime import timedelta
from typing import Any

import pytest

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.status_feed import files
from madoguchi.records.bank import Account
from madoguchi.rules.vocabulary import Settlement
from tests.feeds.bank import NOW, Bank
from tests.feeds.events import account, event, registered, status_file
from tests.feeds.quarantine import entries, settled

pytestmark = pytest.mark.clause("5-2")

LATER = NOW + timedelta(hours=1)


@pytest.mark.both_databases
async def test_a_status_file_that_waits_is_kept_and_taken_in_when_the_missing_one_has_come(bank: Bank) -> None:
    """Three files in the wrong order: the second and the first to come wait, each for the one before it."""
    more = [AccountKey("002", "1", f"765432{digit}") for digit in range(3)]
    files = [status_file(registered(4 + place, key)) for place, key in enumerate(more)]
    third = await bank.send(files[2], suffix="jsonl")
    assert third.refused is not None
    assert third.refused.waiting
    second = await bank.send(files[1], suffix="jsonl")
    assert [zlib.decompress(entry.content) for entry in await entries(bank)] == [files[2], files[1]]
    assert await settled(bank) == [None, None]

    first = await bank.send(files[0], LATER, suffix="jsonl")
    assert (first.clean, first.events_applied) == (True, 1)
    assert [(one.name, one.events_applied) for one in first.followed] == [(second.name, 1), (third.name, 1)]
    assert await settled(bank) == [Settlement.TAKEN_IN] * 2
    assert await bank.count(Account) == 5
    assert (await bank.send(files[2], suffix="jsonl")).known_before


async def test_what_still_waits_is_left_alone(bank: Bank) -> None:
    await bank.send(status_file(registered(9, AccountKey("002", "1", "7654321"))), suffix="jsonl")
    report = await bank.send(status_file(registered(4, AccountKey("002", "1", "7654322"))), LATER, suffix="jsonl")
    assert report.followed == []
    (entry,) = await entries(bank)
    assert (entry.refused_at, entry.settled_as) == (NOW, None)


async def test_a_waiting_file_that_does_not_fit_when_its_turn_has_come_stays_with_the_new_reason(bank: Bank) -> None:
    await bank.send(
        status_file(event(5, "account.closed", account=account(AccountKey("002", "1", "7000000")))), suffix="jsonl"
    )
    report = await bank.send(status_file(registered(4, AccountKey("002", "1", "7654322"))), LATER, suffix="jsonl")
    assert [one.refused is None for one in report.followed] == [False]
    assert report.clean, "nothing is wrong with the file that came"
    (entry,) = await entries(bank)
    assert (entry.damage["item"], entry.settled_as) == ("account", None)
    later = await bank.send(status_file(registered(5, AccountKey("002", "1", "7654323"))), LATER, suffix="jsonl")
    assert later.followed == [], "it is not tried again and again"


@pytest.mark.both_databases
async def test_a_file_whose_missing_one_came_while_it_was_refused_is_taken_in_at_once(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two imports at once: the first file is committed after the second looked, and before its refusal is kept."""
    first, second = (AccountKey("002", "1", f"765432{digit}") for digit in range(2))
    writing, came = bank.database.writing, False

    async def between(procedure: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal came
        if procedure is files._refuse and not came:
            came = True
            assert (await bank.send(status_file(registered(4, first)), suffix="jsonl")).clean
        return await writing(procedure, *args, **kwargs)

    monkeypatch.setattr(bank.database, "writing", between)
    report = await bank.send(status_file(registered(5, second)), suffix="jsonl")
    assert (came, report.clean, report.events_applied) == (True, True, 1)
    assert await entries(bank) == []
    assert await bank.acts("feed.alarm") == []

"""What is too long for quarantine is known there by its reason alone, and asked for again (5-2, 6-1)."""

import pytest

from madoguchi.cli.feed_words import particulars
from madoguchi.doors.core_banking import importing
from madoguchi.doors.core_banking.retrying import judge_again
from madoguchi.procedures.feeds.listing import list_entries
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records.bank import Account
from madoguchi.rules.vocabulary import Settlement
from tests.feeds.bank import NOW, Bank
from tests.feeds.books import BANK
from tests.feeds.events import registered, status_file
from tests.feeds.quarantine import entries, settled

AGAIN = "長いため、内容を隔離に残していません。同じファイルを、もう一度取り込んでください"


@pytest.mark.clause("5-2")
async def test_a_very_long_status_file_that_waits_is_asked_for_again_once_the_missing_one_has_come(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "packed", lambda stream: b"")
    second = status_file(registered(5, AccountKey("002", "1", "7654322")))
    waiting = await bank.send(second, suffix="jsonl")
    assert list(particulars(waiting)) == [
        "長いため、内容を隔離に残していません。抜けているファイルのあとで、もう一度取り込んでください。"
    ]
    (entry,) = await entries(bank)
    assert (entry.content, entry.settled_as) == (b"", None), "it is known that something waits"
    first = await bank.send(status_file(registered(4, AccountKey("002", "1", "7654321"))), suffix="jsonl")
    assert [str(one) for one in first.followed] == [f"ファイルを受け付けません。{AGAIN}"]
    assert first.details == [f"続けて取り込めませんでした: {waiting.name}: ファイルを受け付けません。{AGAIN}"]
    assert await settled(bank) == [None]
    assert await bank.count(Account) == 3
    assert (await bank.send(second, suffix="jsonl")).events_applied == 1
    assert await settled(bank) == [Settlement.TAKEN_IN]


@pytest.mark.both_databases
@pytest.mark.clause("6-1")
async def test_judging_again_what_was_not_kept_asks_for_the_file(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "packed", lambda stream: b"")
    await bank.send(status_file(registered(5, AccountKey("002", "1", "7654322"))), suffix="jsonl")
    (line,) = await bank.database.reading(list_entries)
    assert not line.has_content
    report = await judge_again(bank.database, line.number, BANK.bank_code, "os-user:tests", NOW)
    assert report is not None
    assert str(report) == f"ファイルを受け付けません。{AGAIN}"
    assert await settled(bank) == [None]

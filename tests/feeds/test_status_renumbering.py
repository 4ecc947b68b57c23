"""Accounts under new numbers and branches that merge: the account stays the same one, to everybody (domain.md)."""

from datetime import date

import pytest
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.procedures.feeds.accounts import find_account
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.procedures.reading import admit
from madoguchi.records.bank import Branch
from madoguchi.rules.vocabulary import Cause, RegistrationState
from tests import story
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import account, event, registered
from tests.feeds.status import Feed

NEW = AccountKey("003", "1", "7000001")
TOWN = {"branch_code": "010", "branch_name": "まちなか支店", "branch_kana": "ﾏﾁﾅｶ"}
pytestmark = pytest.mark.both_databases


def renumbered(sequence: int, old: AccountKey, new: AccountKey) -> dict[str, object]:
    return event(sequence, "account.renumbered", account=account(old), new_account=account(new))


def merged(sequence: int, branch: str, successor: dict[str, str], last_day: str = "2026-11-20") -> dict[str, object]:
    told = event(sequence, "branch.merged", branch_code=branch, successor=successor, last_day=last_day)
    return {key: value for key, value in told.items() if key not in ("customer_number", "product")}


async def found(feed: Feed, key: AccountKey) -> int | None:
    def find(session: Session) -> int | None:
        account = find_account(session, key)
        return None if account is None else account.account_id

    return await feed.database.writing(find)


async def branch(feed: Feed, code: str) -> Branch:
    return await feed.database.reading(lambda session: session.get_one(Branch, code))


async def test_a_renumbered_account_keeps_its_id_its_registration_and_what_aggregators_call_it(feed: Feed) -> None:
    token = (await feed.database.writing(story.register, feed.story, aggregator=feed.story.kaikei)).access_token
    ids = Ids(b"m" * 32, feed.story.kaikei)
    (before,) = ids.seal(Kind.ACCOUNT, [feed.story.ordinary])
    assert (await feed.send(renumbered(1, ORDINARY, NEW))).clean
    account = await feed.account(feed.story.ordinary)
    assert (account.branch_code, account.kind, account.number) == NEW
    assert ids.open(before, [Kind.ACCOUNT]) == (Kind.ACCOUNT, account.account_id)

    def look(session: Session) -> None:
        admission = admit(session, opaque.stored(token), story.NOW)
        assert admission is not None
        seen = {one.account_id: one.branch_code for one in admission.registration.accounts}
        assert seen == {feed.story.ordinary: "003", feed.story.current: "002"}
        assert len(story.rows_of(session, feed.story.ordinary)) > 300, "its history is there"

    await feed.database.reading(look)
    assert (await feed.registration()).state == RegistrationState.ACTIVE


async def test_a_late_file_reaches_the_account_by_its_former_number_until_another_account_has_it(feed: Feed) -> None:
    await feed.send(renumbered(1, ORDINARY, NEW))
    assert await found(feed, ORDINARY) == await found(feed, NEW) == feed.story.ordinary
    await feed.send(event(2, "account.frozen", account=account(ORDINARY)))
    assert (await feed.account(feed.story.ordinary)).state == "frozen", "an event, too"
    await feed.send(registered(3, ORDINARY))
    newcomer = await found(feed, ORDINARY)
    assert newcomer not in (None, feed.story.ordinary), "the number means the new account from now on"
    assert await found(feed, NEW) == feed.story.ordinary
    await feed.send(renumbered(4, ORDINARY, AccountKey("003", "1", "7000002")))
    assert await found(feed, ORDINARY) == newcomer, "who had the number last"
    assert await found(feed, AccountKey("002", "1", "9999999")) is None


async def test_an_account_that_moves_back_is_found_by_both_numbers(feed: Feed) -> None:
    await feed.send(renumbered(1, ORDINARY, NEW), renumbered(2, NEW, ORDINARY))
    assert (await feed.account(feed.story.ordinary)).number == ORDINARY.number
    assert await found(feed, ORDINARY) == await found(feed, NEW) == feed.story.ordinary


async def test_a_number_that_another_account_has_is_not_given_again(feed: Feed) -> None:
    refused = await feed.send(renumbered(1, ORDINARY, CURRENT))
    assert str(refused) == (
        "ファイルを受け付けません。1件目「new_account」: まだ使われていない口座番号 のはずですが、002-2-…3210 です"
    )
    assert (await feed.send(renumbered(1, ORDINARY, ORDINARY))).clean, "its own it may keep"


@pytest.mark.clause("2-2")
@pytest.mark.clause("5-2")
async def test_an_account_that_becomes_a_time_deposit_is_lost_to_its_registration(feed: Feed) -> None:
    await feed.send(event(1, "account.closed", account=account(CURRENT)))
    await feed.send(renumbered(2, ORDINARY, AccountKey("002", "6", "7000003")))
    assert (await feed.registration()).ended_cause == Cause.NO_ACCOUNT_LEFT


async def test_a_merged_branch_has_a_last_day_and_a_successor_to_which_its_accounts_move(feed: Feed) -> None:
    moved = AccountKey("010", "1", "1234567")
    assert (await feed.send(merged(1, "002", TOWN), renumbered(2, ORDINARY, moved))).clean
    old, new = await branch(feed, "002"), await branch(feed, "010")
    assert (old.name, old.valid_until, old.successor) == ("本店営業部", date(2026, 11, 20), "010")
    assert (new.name, new.name_kana, new.valid_until, new.successor) == ("まちなか支店", "ﾏﾁﾅｶ", None, None)
    assert await found(feed, ORDINARY) == await found(feed, moved) == feed.story.ordinary
    assert (await feed.registration()).state == RegistrationState.ACTIVE
    (act,) = await feed.acts("branch.merged")
    assert (act.subject, act.detail) == ("branch:002", {"event_id": "E-1"})


async def test_a_number_at_a_branch_that_nobody_knows_is_refused(feed: Feed) -> None:
    refused = await feed.send(renumbered(1, ORDINARY, AccountKey("010", "1", "1234567")))
    assert "「new_account.branch_code」: 知られている店番 のはずですが、010 です" in str(refused)


async def test_branches_do_not_succeed_each_other_in_a_circle(feed: Feed) -> None:
    south = {"branch_code": "003", "branch_name": "みなみ支店", "branch_kana": "ﾐﾅﾐ"}
    main = {"branch_code": "002", "branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝ"}
    await feed.send(merged(1, "002", TOWN), merged(2, "010", south))
    refused = await feed.send(merged(3, "003", main))
    assert str(refused) == ("ファイルを受け付けません。1件目: 店番 003 は、引き継ぐ店 002 をすでに引き継いでいます")
    assert (await feed.send(merged(3, "099", main))).clean, "of a branch without accounts here nothing is kept"
    codes = await feed.database.reading(lambda session: set(session.exec(select(Branch.branch_code))))
    assert codes == {"002", "003", "010"}

"""Which days are held: blocks that join, replace, leave gaps and fill them, and the moment a history holds at."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise, repeat

import pytest
from sqlmodel import Session, col, select

from madoguchi.doors.core_banking.zengin_writer import write_statements
from madoguchi.procedures.banking_days import is_banking_day
from madoguchi.procedures.feeds.days import held_pieces
from madoguchi.procedures.feeds.rows import says_the_same
from madoguchi.procedures.feeds.values import AccountKey, BlockRefused, StatementRow
from madoguchi.records.bank import Statement
from madoguchi.rules.vocabulary import Completeness, Direction
from tests.feeds.bank import FRIDAY, NOW, TUESDAY, Bank
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, row
from tests.feeds.history import History

pytestmark = pytest.mark.both_databases


async def test_other_content_replaces_the_days_and_equal_rows_keep_their_ids(bank: Bank) -> None:
    equal = row(500, FRIDAY)
    first = block(equal, equal, row(70, FRIDAY, description="ATM"), row(300))
    await bank.send(write_statements(BANK, [first]))
    before = {(one.amount, one.occurrence): one.transaction_id for one in await bank.rows()}
    second = block(row(70, FRIDAY, description="ATM"), equal, equal, row(310, inquiry_number="00000009"))
    report = await bank.send(write_statements(BANK, [second]))
    assert (report.rows_added, report.rows_removed) == (1, 1)
    after = {(one.amount, one.occurrence): one.transaction_id for one in await bank.rows()}
    assert {key: after[key] for key in ((70, 0), (500, 0), (500, 1))} == {
        key: before[key] for key in ((70, 0), (500, 0), (500, 1))
    }
    assert (300, 0) not in after
    assert [one.balance_after for one in await bank.rows()] == [100_070, 100_570, 101_070, 101_380]


async def test_a_replacement_that_changes_the_closing_balance_must_reach_the_last_day_held(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), row(300))]))
    friday_only = block(row(600, FRIDAY), to_day=FRIDAY)
    refused = await bank.send(write_statements(BANK, [friday_only]))
    (one,) = refused.blocks_refused
    assert (one.damage.record, one.damage.column, one.damage.item) == (3, 41, "取引後残高")
    assert (one.damage.found, one.damage.expected) == (
        "100,600", "取込済みの残高 100,500(残高を変えるなら 2026-11-24 までの明細)",
    )  # fmt: skip
    assert [row_.amount for row_ in await bank.rows()] == [500, 300]
    reaching = await bank.send(write_statements(BANK, [block(row(600, FRIDAY), row(300))]))
    assert (reaching.rows_added, reaching.rows_removed) == (1, 1)
    split = block(row(200, FRIDAY), row(400, FRIDAY), to_day=FRIDAY)
    same_closing = await bank.send(write_statements(BANK, [split]))
    assert same_closing.clean
    assert [row_.amount for row_ in await bank.rows()] == [200, 400, 300]
    assert [days[:2] for days in await bank.days()] == [(FRIDAY, FRIDAY), (date(2026, 11, 21), TUESDAY)]


async def test_the_opening_balance_must_be_the_closing_balance_held_when_no_banking_day_lies_between(
    bank: Bank,
) -> None:
    await bank.send(write_statements(BANK, [block(row(500, FRIDAY), to_day=FRIDAY)]))
    tuesday = block(row(1), opening=100_501, from_day=TUESDAY)
    refused = await bank.send(write_statements(BANK, [tuesday]))
    (one,) = refused.blocks_refused
    assert one.damage.message == ("1件目 116桁目「取引前残高」: 取込済みの残高 100,500 のはずですが、100,501 です")
    joined = await bank.send(
        write_statements(BANK, [replace(tuesday, opening_balance=100_500, closing_balance=100_501)])
    )
    assert joined.clean
    assert [completeness for *_, completeness in await bank.days()] == [
        Completeness.COMPLETE, Completeness.MAY_LACK_LATER,
    ]  # fmt: skip


@pytest.mark.clause("6-1")
async def test_missing_banking_days_are_accepted_and_told_until_they_come(bank: Bank) -> None:
    thursday = date(2026, 11, 19)
    await bank.send(write_statements(BANK, [block(row(500, thursday), from_day=thursday, to_day=thursday)]))
    await bank.send(write_statements(BANK, [block(row(1), opening=100_700, from_day=TUESDAY)]))
    assert [days[2] for days in await bank.days()] == [Completeness.COMPLETE, Completeness.GAP]
    friday = block(row(200, FRIDAY), opening=100_500, from_day=FRIDAY, to_day=FRIDAY)
    assert (await bank.send(write_statements(BANK, [friday]))).clean
    assert [days[2] for days in await bank.days()] == [
        Completeness.COMPLETE, Completeness.COMPLETE, Completeness.MAY_LACK_LATER,
    ]  # fmt: skip


async def test_days_of_the_block_that_have_no_rows_any_more_lose_them(bank: Bank) -> None:
    thursday = date(2026, 11, 19)
    every_day = block(row(1, thursday), row(2, FRIDAY), row(3), from_day=thursday)
    await bank.send(write_statements(BANK, [every_day]))
    for left in ([row(1, thursday), row(3)], [row(1, thursday)], []):
        report = await bank.send(write_statements(BANK, [block(*left, from_day=thursday)]))
        assert report.rows_removed == 1
        assert [one.amount for one in await bank.rows()] == [one.amount for one in left]


async def test_a_file_without_a_row_holds_its_days_as_well(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(5, FRIDAY), to_day=FRIDAY)]))
    quiet = block(opening=100_005, from_day=date(2026, 11, 21))
    assert (await bank.send(write_statements(BANK, [quiet]))).blocks_accepted == 1
    assert (await bank.days())[-1] == (date(2026, 11, 21), TUESDAY, Completeness.MAY_LACK_LATER)


@pytest.mark.clause("6-1")
async def test_a_file_that_tells_missing_days_without_a_row_closes_the_gap(bank: Bank) -> None:
    thursday = date(2026, 11, 19)
    on_thursday, on_tuesday = row(500, thursday), row(1)
    await bank.send(write_statements(BANK, [block(on_thursday, from_day=thursday, to_day=thursday)]))
    await bank.send(write_statements(BANK, [block(on_tuesday, opening=100_500, from_day=TUESDAY)]))
    assert (await bank.days())[-1][2] == Completeness.GAP
    await bank.send(write_statements(BANK, [block(on_thursday, on_tuesday, from_day=thursday)]))
    assert [days[2] for days in await bank.days()] == [Completeness.MAY_LACK_LATER]


async def test_other_balances_under_the_same_rows_are_a_change(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(5))]))
    report = await bank.send(write_statements(BANK, [block(row(5), opening=200_000)]))
    assert (report.blocks_accepted, report.rows_added) == (1, 0)
    assert [one.balance_after for one in await bank.rows()] == [200_005]
    wednesday = date(2026, 11, 25)
    following = block(row(1, wednesday), opening=200_005, from_day=wednesday, to_day=wednesday)
    assert (await bank.send(write_statements(BANK, [following]))).clean


@pytest.mark.parametrize("seed", range(6))
async def test_in_whatever_pieces_a_history_comes_it_is_held_as_if_it_had_come_at_once(bank: Bank, seed: int) -> None:
    """The current account gets one file; the ordinary one the same days in overlapping pieces."""
    draw = random.Random(seed)
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    days = [first + timedelta(days=offset) for offset in range(31)]
    booked = sorted(day for day in draw.choices(days, k=40) if is_banking_day(day))
    rows = [row(draw.choice([100, 100, 250]), day, draw.choice(list(Direction))) for day in booked]

    def window(account: AccountKey, begin: date, end: date) -> bytes:
        opening = 100_000 + sum(one.change for one in rows if one.booked_on < begin)
        inside = [one for one in rows if begin <= one.booked_on <= end]
        piece = block(
            *inside, account=account, opening=opening, from_day=begin, to_day=end, created_on=date(2026, 11, 2)
        )
        return write_statements(BANK, [piece])

    await bank.send(window(CURRENT, first, last))
    pieces = [sorted(draw.choices(days, k=2)) for _ in range(8)]
    pieces += [[begin, begin + timedelta(days=9)] for begin in (first, days[10], days[21])] + [[days[8], days[24]]]
    draw.shuffle(pieces)
    for begin, end in pieces:
        report = await bank.send(window(ORDINARY, begin, end))
        assert report.clean, report.details

    whole, pieced = await bank.rows(CURRENT), await bank.rows(ORDINARY)
    columns = ("position", "balance_after", "amount", "direction", "occurrence")
    assert [[getattr(one, name) for name in columns] for one in pieced] == [
        [getattr(one, name) for name in columns] for one in whole
    ]
    held = await bank.days(ORDINARY)
    assert {completeness for *_, completeness in held} == {Completeness.COMPLETE}
    assert (held[0][0], held[-1][1]) == (first, last)
    assert all(earlier[1] + timedelta(days=1) == later[0] for earlier, later in pairwise(held))


@pytest.mark.clause("6-1")
async def test_a_day_whose_file_was_made_on_it_is_complete_once_a_later_file_has_told_it_again(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(1))]))
    assert (await bank.days())[-1][2] == Completeness.MAY_LACK_LATER
    next_day = block(row(1), created_on=date(2026, 11, 25))
    report = await bank.send(write_statements(BANK, [next_day]), at=NOW + timedelta(days=1))
    assert (report.blocks_accepted, report.rows_added, report.rows_removed) == (1, 0, 0)
    assert await bank.days() == [(FRIDAY, TUESDAY, Completeness.COMPLETE)]


@pytest.mark.clause("6-1")
async def test_a_history_never_claims_a_moment_after_its_file_came(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(1))]))
    as_of = await bank.database.reading(lambda session: session.exec(select(col(Statement.as_of))).one())
    assert as_of == NOW


async def test_a_file_made_earlier_than_what_is_held_comes_too_late(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(500))]))
    monday = block(row(400), created_on=date(2026, 11, 23))
    refused = await bank.send(write_statements(BANK, [monday]))
    assert [one.damage.item for one in refused.blocks_refused] == ["作成日"]
    assert [one.amount for one in await bank.rows()] == [500]


async def test_a_file_that_reaches_further_back_holds_the_earlier_days_as_well(bank: Bank) -> None:
    await bank.send(write_statements(BANK, [block(row(5), from_day=TUESDAY)]))
    assert (await bank.send(write_statements(BANK, [block(row(5), from_day=FRIDAY)]))).blocks_accepted == 1
    assert [days[:2] for days in await bank.days()] == [(FRIDAY, TUESDAY)]


async def test_an_older_file_that_agrees_adds_the_days_that_a_newer_one_did_not_tell(bank: Bank) -> None:
    thursday, wednesday = date(2026, 11, 19), date(2026, 11, 25)
    newer = block(row(5, FRIDAY), row(6), opening=100_500, created_on=wednesday)
    await bank.send(write_statements(BANK, [newer]), at=NOW + timedelta(days=1))
    older = block(row(500, thursday), row(5, FRIDAY), from_day=thursday, to_day=FRIDAY, created_on=FRIDAY)
    report = await bank.send(write_statements(BANK, [older]), at=NOW + timedelta(days=1))
    assert (report.blocks_accepted, report.rows_added, report.rows_removed) == (1, 1, 0)
    assert await bank.days() == [
        (thursday, thursday, Completeness.COMPLETE), (FRIDAY, TUESDAY, Completeness.COMPLETE),
    ]  # fmt: skip


async def test_what_the_newest_file_has_confirmed_no_file_made_in_between_can_undo(bank: Bank) -> None:
    def told(amount: int, made: int) -> bytes:
        return write_statements(BANK, [block(row(amount, FRIDAY), to_day=FRIDAY, created_on=date(2026, 11, made))])

    await bank.send(told(5, 21))
    assert (await bank.send(told(5, 24))).blocks_unchanged == 1
    refused = await bank.send(told(6, 23))
    assert [one.damage.message for one in refused.blocks_refused] == [
        "1件目: 作成日 2026-11-23 の内容が、取込済みの、より新しいファイル(作成日 2026-11-24)の内容と異なります"
        "(新しいほうが正しければ、何もしなくてかまいません)"
    ]
    assert [one.amount for one in await bank.rows()] == [5]


async def test_each_block_of_a_file_is_as_new_as_its_own_day_of_making(bank: Bank) -> None:
    """A file put together from files of several days: its last block makes the others neither newer nor older."""
    thursday = date(2026, 11, 19)
    first = block(row(5, thursday), from_day=thursday, to_day=thursday, created_on=FRIDAY)
    second = block(row(7), account=CURRENT, created_on=TUESDAY)
    assert (await bank.send(write_statements(BANK, [first, second]))).clean
    corrected = block(row(6, thursday), from_day=thursday, to_day=thursday, created_on=date(2026, 11, 21))
    assert (await bank.send(write_statements(BANK, [corrected]))).clean
    assert [one.amount for one in await bank.rows()] == [6]


async def test_a_day_of_more_rows_than_can_be_told_apart_is_refused(bank: Bank) -> None:
    def send(session: Session, rows: int) -> object:
        many = replace(block(), rows=_Repeated(rows), record_count=rows + 2, closing_balance=100_000 + rows)
        return History(session).send(many)

    refused = await bank.database.writing(send, 1_000_001)
    assert isinstance(refused, BlockRefused)
    assert refused.damage.message == (
        "1件目: 勘定日 2026-11-24 の明細が 1,000,000件を超えています。1口座1日の明細は 1,000,000件までです"
    )
    assert not await bank.rows()


@dataclass(frozen=True)
class _Repeated(Iterable[StatementRow]):
    count: int

    def __iter__(self) -> Iterator[StatementRow]:
        return repeat(row(1), self.count)


async def test_an_older_block_is_read_once_against_however_many_newer_pieces(bank: Bank) -> None:
    days = [date(2026, 11, day) for day in (17, 18, 19, 20)]
    rows = _Counted([row(10 + at, day) for at, day in enumerate(days)])

    def send(session: Session) -> object:
        history = History(session)
        for at, day in enumerate(days):
            opening = 100_000 + sum(10 + earlier for earlier in range(at))
            history.send(block(row(10 + at, day), opening=opening, from_day=day, to_day=day, created_on=TUESDAY))
        older = block(*rows, from_day=days[0], to_day=days[-1], created_on=FRIDAY)
        rows.times = 0
        account = history.account(ORDINARY)
        pieces = held_pieces(session, account, older)
        assert len(pieces) == 4
        return says_the_same(session, account.account_id or 0, replace(older, rows=rows), pieces)

    assert await bank.database.writing(send) is True
    assert rows.times <= 2, "once for the balances at the pieces' beginnings, once for the rows"


class _Counted(list[StatementRow]):
    times = 0

    def __iter__(self) -> Iterator[StatementRow]:
        self.times += 1
        return super().__iter__()

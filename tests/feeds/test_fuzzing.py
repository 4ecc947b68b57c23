"""Whatever bytes come as a feed file: the books are then what an independent little model says, or the file or block is
refused with a place and a sentence; never an exception of ours, never half a block.

`pytest tests/feeds/test_fuzzing.py --hypothesis-profile=long` draws many more cases.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, delete, select, update

from madoguchi.doors.core_banking.era import write_wareki
from madoguchi.doors.core_banking.zengin_code import JIS, KANA_TABLES, Code
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.values import AccountKey, Damage
from madoguchi.records import bank as tables
from madoguchi.records.bank import Account, Balance, Transaction
from madoguchi.rules.vocabulary import Direction
from tests.feeds.bank import Bank, bank_in_a_hurry
from tests.feeds.books import BANK, CURRENT, ORDINARY, TODAY, block, notice, notices, row
from tests.feeds.events import opened, registered, status_file
from tests.feeds.zengin_items import WIDTHS
from tests.feeds.zengin_model import Books, take_in

FRIDAY = date(2026, 11, 20)
KNOWN = frozenset(
    (key.branch_code.encode(), key.kind_code.encode(), key.number.encode()) for key in (ORDINARY, CURRENT)
)
FORGOTTEN = (
    tables.QuarantinedBlock, tables.FeedArrival, tables.RemovedTransaction, Balance, Transaction, tables.Statement,
    tables.FeedFile,
)  # fmt: skip


MOST = 10**12 - 1  # yen, what one row can hold
EBCDIC = KANA_TABLES["cp290"]


OUT = Direction.WITHDRAWAL
BLOCKS = (  # two of one account, one of another with a 訂正, one of nobody's account, one that is passed over
    block(row(500, FRIDAY), row(20, FRIDAY, OUT), row(500, FRIDAY), opening=1_000, to_day=FRIDAY),
    block(row(7, value_on=date(2026, 11, 22)), opening=1_980, from_day=TODAY),
    block(row(3_000, FRIDAY), row(3_000, TODAY, OUT, kind_code="19", value_on=FRIDAY), opening=-100, account=CURRENT),
    block(row(1), account=AccountKey("002", "1", "7654321")),
    block(row(1), account=AccountKey("002", "6", "1234567")),
)
NOTICES = (notice(), notice(CURRENT, -5), notice(AccountKey("002", "6", "0000001")))


def statements(code: Code = JIS) -> bytes:
    return write_statements(BANK, BLOCKS, code=code)


def balances(code: Code = JIS) -> bytes:
    return write_notices(BANK, [notices(*NOTICES), notices(notice(current=7))], code=code)


@dataclass
class Fuzzed:
    """A bank that has only just begun, again and again, in one event loop."""

    runner: asyncio.Runner
    bank: Bank

    def check(self, file: bytes, held_before: bytes | None = None) -> None:
        """Take the file in, into books that hold another or nothing, and hold the books against the model's."""
        books = Books(KNOWN)
        if held_before is not None:
            take_in(books, held_before, TODAY)
            self.runner.run(self.bank.send(held_before))
        verdicts = take_in(books, file, TODAY)
        report = self.runner.run(self.bank.send(file))
        held, shown = self.runner.run(self.bank.database.writing(_look_and_forget))
        found = [report.refused.damage] if report.refused else [each.damage for each in report.blocks_refused]
        for damage in found:
            _is_told(damage, file)
        assert (report.refused is None) == (verdicts is not None), (verdicts, report)
        assert report.refused or len(report.blocks_refused) == (verdicts or []).count("refused"), (verdicts, report)
        assert held == {account: books.rows(account) for account in KNOWN}
        assert shown == {account: balance[2:] for account, balance in books.balances.items()}


def _is_told(damage: Damage, file: bytes) -> None:
    """A place inside the file, and a sentence that can be printed."""
    assert 0 <= damage.record <= len(file) // 200 + 1
    assert 0 <= damage.column <= 201
    assert damage.record or not file
    assert damage.message.isprintable()
    assert damage.told or not damage.expected.startswith(damage.found), damage.message
    assert len(damage.message) < 300


def _look_and_forget(session: Session) -> tuple[dict[object, object], dict[object, object]]:
    accounts = {
        one.account_id: (one.branch_code.encode(), one.kind.encode(), one.number.encode())
        for one in session.exec(select(Account))
    }
    rows: dict[object, list[object]] = {account: [] for account in accounts.values()}
    for one in session.exec(select(Transaction).order_by(col(Transaction.position))):
        rows[accounts[one.account_id]].append((
            one.booked_on, one.direction, one.value_on, one.kind, one.amount, one.description_raw, one.counterparty,
            one.balance_after,
        ))  # fmt: skip
    shown: dict[object, object] = {
        accounts[one.account_id]: (one.current, one.uncleared, one.available, one.previous_day)
        for one in session.exec(select(Balance))
    }
    for table in FORGOTTEN:
        session.execute(delete(table))
    session.execute(update(Account).values(last_change=0))
    return dict(rows), shown


@pytest.fixture(scope="module")
def fuzzed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with bank_in_a_hurry(sqlite_template, tmp_path_factory.mktemp("fuzzed")) as (runner, bank):
        customer = status_file(opened(1), registered(2, ORDINARY), registered(3, CURRENT))
        assert runner.run(bank.send(customer, suffix="jsonl")).events_applied == 3
        runner.run(bank.database.writing(_look_and_forget))
        yield Fuzzed(runner, bank)


SOUND = [statements(), balances(), statements(EBCDIC), balances(EBCDIC)]


@pytest.mark.parametrize("file", SOUND, ids=["03", "04", "03 in EBCDIC", "04 in EBCDIC"])
def test_the_sound_files_are_taken_in_as_the_model_says(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)
    assert take_in(Books(KNOWN), file, TODAY).count("refused") == 0  # type: ignore[union-attr]


def records_of(file: bytes) -> list[bytes]:
    return [file[at : at + 202] for at in range(0, len(file), 202)]


@st.composite
def mutated(draw: st.DrawFn, sound: bytes, code: Code = JIS) -> bytes:
    """The file after a few faults: bytes overwritten, pieces cut out or repeated, records swapped, repeated or lost."""
    file = sound
    for _ in range(draw(st.integers(1, 4))):
        records = records_of(file)
        at = draw(st.integers(0, max(len(file) - 1, 0)))
        one, other = (draw(st.integers(0, len(records) - 1)) for _ in "ab") if records else (0, 0)
        fault = draw(st.sampled_from(("digit", "byte", "piece", "swap", "repeat", "lose", "copy", "made")))
        if fault == "digit":
            file = file[:at] + draw(st.sampled_from(b"0129 ")).to_bytes().translate(code.from_jis) + file[at + 1 :]
        elif fault == "byte":
            file = file[:at] + draw(st.binary(min_size=1, max_size=3)) + file[at + 1 :]
        elif fault == "piece":
            file = file[:at] + file[at + draw(st.integers(1, 500)) :]
        elif records and fault == "made":  # another 作成日, where the record is a header
            column = 4 if records[one][2:3] == b"3".translate(code.from_jis) else 5
            day = write_wareki(TODAY + timedelta(draw(st.integers(-4, 4)))).encode().translate(code.from_jis)
            if records[one][:1] == b"1".translate(code.from_jis):
                records[one] = records[one][:column] + day + records[one][column + 6 :]
            file = b"".join(records)
        elif records and fault == "copy":  # one item of a record in the place of another record's
            column, width = draw(st.integers(0, 199)), draw(st.integers(1, 14))
            item = records[one][column : column + width]
            records[other] = records[other][:column] + item + records[other][column + width :]
            file = b"".join(records)
        elif records:
            moved = records[one]
            if fault == "swap":
                records[one], records[other] = records[other], moved
            elif fault == "repeat":
                records.insert(other, moved)
            else:
                del records[one]
            file = b"".join(records)
    return file


RULES = settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))


@RULES
@given(mutated(statements()))
def test_whatever_happens_to_a_statement_file_the_books_are_the_models(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)


@RULES
@given(mutated(balances()))
def test_whatever_happens_to_a_balance_file_the_books_are_the_models(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)


FEWER = settings(max_examples=settings().max_examples // 4, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("write", [statements, balances])
@FEWER
@given(st.data())
def test_whatever_happens_to_a_file_in_ebcdic_the_books_are_the_models(
    fuzzed: Fuzzed, write: Callable[[Code], bytes], data: st.DataObject
) -> None:
    fuzzed.check(data.draw(mutated(write(EBCDIC), EBCDIC)))


@st.composite
def statements_again(draw: st.DrawFn, code: Code) -> bytes:
    """Blocks that chain and tell days of the sound file again: the same or other rows, days, balances, 作成日."""
    again = []
    for told in draw(st.lists(st.sampled_from(BLOCKS[:3]), min_size=1, max_size=3)):
        made = TODAY + timedelta(draw(st.integers(-1, 1)))
        first, last = (day + timedelta(draw(st.sampled_from(more))) for day, more in (
            (told.from_day, (0, 0, 0, -1, -4)), (told.to_day, (0, 0, 0, 1, 4)),
        ))  # fmt: skip
        others = st.lists(st.sampled_from([*told.rows, row(20, FRIDAY), row(500), row(MOST)]), max_size=4)
        rows = draw(st.just(list(told.rows)) | others)
        fitting = sorted((one for one in rows if first <= one.booked_on <= last), key=lambda one: one.booked_on)
        opening = told.opening_balance + draw(st.sampled_from((0, 0, 0, 20)))
        again.append(
            block(*fitting, account=told.account, opening=opening, from_day=first, to_day=last, created_on=made)
        )
    return write_statements(BANK, again, code=code)


@st.composite
def balances_again(draw: st.DrawFn, code: Code) -> bytes:
    """Balances of the sound file's moment and others, the same and others, of other days of making."""
    again = []
    for told in draw(st.lists(st.sampled_from(NOTICES), min_size=1, max_size=3)):
        moved = {
            "as_of": told.as_of + draw(st.sampled_from([timedelta(0), timedelta(minutes=-1), timedelta(days=1)])),
            "current": told.current + draw(st.integers(0, 1)),
        }
        again.append(notices(replace(told, **moved), created_on=TODAY + timedelta(draw(st.integers(-1, 1)))))
    return write_notices(BANK, again, code=code)


@RULES
@given(st.data(), st.sampled_from([JIS, EBCDIC]))
@pytest.mark.parametrize(
    ("sound", "told_again"), [(statements(), statements_again), (balances(), balances_again)], ids=["03", "04"]
)
def test_whatever_is_sent_again_on_top_of_the_sound_file_the_books_are_the_models(
    fuzzed: Fuzzed,
    sound: bytes,
    told_again: Callable[[Code], st.SearchStrategy[bytes]],
    data: st.DataObject,
    code: Code,
) -> None:
    """Rows move, come and go, and blocks made before what is held agree with it or are refused."""
    file = data.draw(told_again(code))
    if data.draw(st.booleans()):
        file = data.draw(mutated(file, code))
    fuzzed.check(file, held_before=sound)


@RULES
@given(st.binary(max_size=1500) | st.binary(max_size=900).map(lambda tail: statements()[:404] + tail))
def test_no_bytes_at_all_do_anything_else(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)


@pytest.mark.parametrize("file", [statements(), balances()], ids=["03", "04"])
def test_every_column_of_every_record_is_damaged_once(fuzzed: Fuzzed, file: bytes) -> None:
    """Every item of every record, overwritten as a whole: a number by nines, a text by what is no text."""
    for number, record in enumerate(records_of(file)):
        widths, texts = WIDTHS[file[1:3].decode() + chr(record[0])]
        column = 0
        for item, width in enumerate(widths):
            at = number * 202 + column
            fuzzed.check(file[:at] + (b"\x00" if item in texts else b"9") * width + file[at + width :])
            column += width


def test_a_file_that_was_cut_anywhere_is_refused_as_a_whole(fuzzed: Fuzzed) -> None:
    file = statements()
    for length in [*range(0, len(file), 97), len(file) - 3, len(file) - 203]:
        fuzzed.check(file[:length])

"""Whatever bytes come as a file of the status feed: all of it acts, or nothing and a sentence tells why (5-2).

What was taken in is as if its events had come one by one; of a full file the books hold what it says and nothing else.
The watched folder, which sees files before anybody has examined them, is never stopped by one.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete, select

from madoguchi.doors.core_banking.watching import Delivery, Turn, is_whole, turn_of
from madoguchi.doors.core_banking.zengin_writer import write_notices, write_statements
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.records import bank as tables
from tests.feeds.bank import NOW, Bank, bank_in_a_hurry
from tests.feeds.books import BANK, CURRENT, ORDINARY, block, notice, notices, row
from tests.feeds.events import account, event, full_account, full_contract, full_file, opened, registered, status_file

MOVED = AccountKey("004", "1", "0999999")
EVENTS = status_file(
    opened(1, mail_address="hanako@example.test"),
    registered(2, ORDINARY, label="家計"),
    registered(3, CURRENT),
    opened(4, product="business"),
    event(5, "account.frozen", account=account(CURRENT)),
    event(6, "contract.suspended"),
    event(7, "contract.resumed"),
    event(8, "contact.changed", phrase="雪どけの朝"),
    {
        "event_id": "E-9", "sequence": 9, "time": "2026-11-24T09:00:00+09:00", "kind": "branch.merged",
        "branch_code": "002", "last_day": "2026-11-22",
        "successor": {"branch_code": "004", "branch_name": "南支店", "branch_kana": "ﾐﾅﾐ"},
    },
    event(10, "account.renumbered", account=account(ORDINARY), new_account=account(MOVED)),
    event(11, "account.removed", account=account(CURRENT)),
    event(12, "contract.cancelled", product="business"),
)  # fmt: skip
FULL = full_file(
    7,
    full_contract(full_account(ORDINARY), full_account(MOVED, "frozen", former_accounts=[account(CURRENT)])),
    full_contract(product="business", state="cancelled"),
    full_contract(full_account(CURRENT), customer_number="10000002", phrase="夏の川"),
)
FORGOTTEN = (
    tables.QuarantinedBlock, tables.FeedArrival, tables.FeedFile, tables.AppliedEvent, tables.StatusCursor,
    tables.FormerAccountNumber, tables.Account, tables.Branch, tables.Contract, tables.Customer,
)  # fmt: skip

Shown = dict[Any, Any]


def _look_and_forget(session: Session) -> Shown:
    """The books by the bank's own numbers, without ours; afterwards nothing is known."""
    customers = {one.customer_id: one for one in session.exec(select(tables.Customer))}
    contracts = {one.contract_id: one for one in session.exec(select(tables.Contract))}
    whose = {one: (customers[row.customer_id].customer_number, row.product) for one, row in contracts.items()}
    shown: Shown = {
        **{one.customer_number: (one.name, one.name_kana, one.mail_address, one.phrase) for one in customers.values()},
        **{whose[one]: (row.state, row.state_since) for one, row in contracts.items()},
    }
    for one in session.exec(select(tables.Account)):
        key = AccountKey(one.branch_code, one.kind, one.number)
        assert customers[one.customer_id].customer_number == whose[one.contract_id][0]
        shown[key] = (whose[one.contract_id], one.state, one.holder_kana, one.nickname, one.product_code)
    for branch in session.exec(select(tables.Branch)):
        shown["branch", branch.branch_code] = branch.name, branch.name_kana, branch.valid_until, branch.successor
    for applied in session.exec(select(tables.AppliedEvent)):
        shown["event", applied.sequence] = applied.event_id, applied.digest
    cursor = session.get(tables.StatusCursor, "status")
    shown["sequence"] = cursor.sequence if cursor else 0
    for table in FORGOTTEN:
        session.execute(delete(table))
    return shown


@dataclass
class Fuzzed:
    """An institution that has only just begun, again and again, in one event loop."""

    runner: asyncio.Runner
    bank: Bank

    def take_in(self, *files: bytes) -> tuple[list[FileReport], Shown]:
        """What was reported of these files, and the books after them."""
        reports = [self.runner.run(self.bank.send(file, suffix="jsonl")) for file in files]
        return reports, self.runner.run(self.bank.database.writing(_look_and_forget))

    def check(self, file: bytes) -> FileReport:
        """Take the file in, and see that all of it is in the books, or nothing."""
        (report,), shown = self.take_in(file)
        if report.refused:
            damage = report.refused.damage
            assert shown == {"sequence": 0}, (damage, shown)
            assert 0 <= damage.record <= file.count(b"\n") + 1
            assert damage.message.isprintable()
            assert len(damage.message) < 400
            return report
        lines = [json.loads(line) for line in file.removeprefix(b"\xef\xbb\xbf").splitlines()]
        if report.reconciled is not None:
            assert shown == {**shown, **_told_by(lines)}
            assert len([key for key in shown if isinstance(key, AccountKey)]) == lines[-1]["accounts"]
        else:
            one_by_one = [status_file(line) for line in sorted(lines, key=lambda line: line["sequence"])]
            assert shown == self.take_in(*one_by_one)[1]
            assert report.events_applied == shown["sequence"] == len({line["sequence"] for line in lines})
        return report


def _told_by(lines: list[dict[str, Any]]) -> Shown:
    told: Shown = {"sequence": lines[0]["sequence"]}
    for line in lines[1:-1]:
        for one in line["accounts"]:
            key = AccountKey(*(one["account"][name] for name in ("branch_code", "kind", "number")))
            whose = line["customer_number"], line["product"]
            told[key] = whose, one["state"], one["holder_kana"], one.get("label") or "", one.get("product_code") or ""
    return told


@pytest.fixture(scope="module")
def fuzzed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with bank_in_a_hurry(sqlite_template, tmp_path_factory.mktemp("fuzzed")) as (runner, bank):
        yield Fuzzed(runner, bank)


ODD = (
    b"null", b"true", b"-1", b"0", b"13", b"1e400", b"9" * 5000, b'""', b'"\\ud800"', b'"\\u0000"', b"{}", b"[" * 2000,
    b'"10000001"', b'"personal"', b'"9999-12-31T23:59:59+09:00"', b'"2026-11-24T09:00:00"', b"\xff",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, sound: bytes) -> bytes:
    """The file after a few faults: bytes and values overwritten, pieces cut out, lines swapped, repeated or lost."""
    file = sound
    for _ in range(draw(st.integers(1, 3))):
        lines = file.splitlines(keepends=True) or [b"\n"]
        at = draw(st.integers(0, max(len(file) - 1, 0)))
        one, other = (draw(st.integers(0, len(lines) - 1)) for _ in "ab")
        fault = draw(st.sampled_from(("digit", "byte", "piece", "value", "swap", "repeat", "lose", "other lines")))
        if fault == "digit":
            file = file[:at] + draw(st.sampled_from([b"0", b"1", b"2", b"9", b"x"])) + file[at + 1 :]
        elif fault == "byte":
            file = file[:at] + draw(st.binary(min_size=1, max_size=3)) + file[at + 1 :]
        elif fault == "piece":
            file = file[:at] + file[at + draw(st.integers(1, 300)) :]
        elif fault == "value":  # what stands between a colon and the next comma or brace
            begin = file.find(b":", at) + 1
            end = min((found for mark in b",}" if (found := file.find(mark, begin)) > 0), default=len(file))
            file = file[:begin] + draw(st.sampled_from(ODD)) + file[end:]
        elif fault == "swap":
            lines[one], lines[other] = lines[other], lines[one]
            file = b"".join(lines)
        elif fault == "repeat":
            file = b"".join([*lines[:other], lines[one], *lines[other:]])
        elif fault == "lose":
            file = b"".join(lines[:one] + lines[one + 1 :])
        else:
            file = b"".join([*lines[:one], *draw(st.sampled_from((EVENTS, FULL))).splitlines(keepends=True)[:3]])
    return file


RULES = settings(max_examples=settings().max_examples // 2, suppress_health_check=list(HealthCheck))


def test_the_sound_files_are_taken_in_whole(fuzzed: Fuzzed) -> None:
    assert fuzzed.check(EVENTS).events_applied == 12
    assert fuzzed.check(FULL).reconciled is not None
    assert fuzzed.check(b"").clean


@RULES
@example(b'{"kind":' + b"[" * 30_000)
@given(mutated(EVENTS))
def test_whatever_happens_to_a_file_of_events_it_acts_whole_or_not_at_all(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)


@RULES
@given(mutated(FULL))
def test_whatever_happens_to_a_full_file_it_acts_whole_or_not_at_all(fuzzed: Fuzzed, file: bytes) -> None:
    fuzzed.check(file)


def test_a_full_file_that_was_cut_anywhere_changes_nothing_and_is_not_whole(fuzzed: Fuzzed, tmp_path: Path) -> None:
    for length in [*range(1, len(FULL), 131), len(FULL) - 2]:
        assert fuzzed.check(FULL[:length]).refused is not None
        (tmp_path / "full.jsonl").write_bytes(FULL[:length])
        assert not is_whole(tmp_path / "full.jsonl", Delivery.UNKNOWN, NOW), length


SOUND = (
    write_statements(BANK, [block(row(1), row(2))]),
    write_notices(BANK, [notices(notice(), notice(CURRENT))]),
    EVENTS,
    FULL,
)


@RULES
@example(b'{"kind":' + b"[" * 30_000, "x.jsonl")
@given(st.sampled_from(SOUND).flatmap(mutated) | st.binary(max_size=600), st.sampled_from(["x.txt", "x.jsonl"]))
def test_no_bytes_stop_a_watched_folder_and_each_file_has_its_turn(
    tmp_path_factory: pytest.TempPathFactory, file: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(file)
    turn, sound = turn_of(path), turn_of(_sound(path.parent))
    assert isinstance(turn, Turn)
    assert turn == sound or (turn < sound) != (sound < turn)
    whole = [is_whole(path, delivery, NOW) for delivery in Delivery]
    assert sorted(whole) == whole, "the more is known of how it came, the sooner it is whole"
    assert whole[Delivery.MOVED]


def _sound(folder: Path) -> Path:
    path = folder / "sound.jsonl"
    path.write_bytes(EVENTS)
    return path

"""What refuses a file is told in Japanese: what to mend, what was computed and what was written, never a value."""

import json
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest

from madoguchi.doors.core_banking.status_lines import LINE_LIMIT, read_line
from madoguchi.doors.core_banking.zengin_file import examine
from madoguchi.doors.core_banking.zengin_writer import write_statements
from madoguchi.procedures.feeds.values import FileRefused
from tests.feeds.bank import Bank
from tests.feeds.books import BANK, ORDINARY, block, row
from tests.feeds.events import event, full_account, full_contract, opened, read_events, registered, status_file


def told(line: bytes) -> str:
    """What is said of a file whose second line is this."""
    found = read_events(status_file(opened(1)) + line)
    assert isinstance(found, FileRefused)
    return found.damage.message


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (status_file(opened(2))[:60], "行が途中で切れています(JSON として読めません)"),
        (b"\n", "空の行です(除いてください)"),
        (b'{"a":1} x\n', "JSON として読めません"),
        (b"[1]\n", "行が JSON のオブジェクト({…})ではありません"),
        (b'{"a":1}\n', "kind がありません(contract.opened などのどれかにしてください)"),
        (b'{"kind":"x"}\n', "kind が知られていない値です(contract.opened などのどれかにしてください)"),
    ],
)
def test_a_line_that_is_no_event_is_told_as_what_it_is(line: bytes, sentence: str) -> None:
    assert told(line) == f"2件目: {sentence}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"customer_name": None}, 'customer_name を文字列("…")にしてください'),
        ({"customer_name": ""}, "customer_name を1文字以上にしてください"),
        ({"customer_name": "花" * 101}, "customer_name を100文字以内にしてください"),
        ({"customer_name": "花\x1b子"},
         "customer_name に、改行や制御文字など、見えない文字が入っています(除いてください)"),
        ({"label": "花"}, "label は、ここには置けないキーです(除いてください)"),
        ({"customer_number": "1"}, "customer_number の形が違います(数字8桁にしてください)"),
        ({"product": "x"}, "product を personal、business のどれかにしてください"),
        ({"sequence": "2"}, "sequence を整数にしてください"),
        ({"sequence": 0}, "sequence を 1 以上にしてください"),
        ({"time": "2026-11-24T09:00:00"},
         "time を、時差のある日時(例: 2026-11-24T09:00:00+09:00)にしてください"),
        ({"time": "きのう"}, "time を、時差のある日時(例: 2026-11-24T09:00:00+09:00)にしてください"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_told_with_its_key_and_what_to_write(
    change: dict[str, object], sentence: str
) -> None:
    said = told(status_file({**opened(2), **change}))
    assert said == f"2件目: contract.opened の {sentence}"
    assert "花" not in said


def test_a_key_that_is_absent_and_an_account_that_is_none_are_told() -> None:
    absent = {key: value for key, value in opened(2).items() if key != "customer_kana"}
    assert told(status_file(absent)) == "2件目: contract.opened の customer_kana がありません(必ず入れてください)"
    no_account = {**registered(2, ORDINARY), "account": 7}
    expected = "account.registered の account を JSON のオブジェクト({…})にしてください"
    assert told(status_file(no_account)) == f"2件目: {expected}"


def test_a_line_of_very_many_accounts_is_refused_at_the_first_fault_and_within_little_memory() -> None:
    line = json.dumps({**full_contract(), "accounts": [{}] * 80_000}, separators=(",", ":")).encode()
    assert len(line) < LINE_LIMIT
    tracemalloc.start()
    try:
        found = read_line(line, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, FileRefused)
    assert found.damage.message == "2件目: full.contract の accounts.0.account がありません(必ず入れてください)"
    assert peak < 20 * 1024 * 1024
    many = read_line(json.dumps(full_contract(*[full_account(ORDINARY)] * 501)).encode(), 2)
    assert isinstance(many, FileRefused)
    assert many.damage.message == "2件目: full.contract の accounts を500個以内にしてください"


def test_a_key_that_no_line_of_the_feed_has_is_not_repeated_since_it_may_be_a_name() -> None:
    said = told(json.dumps(opened(2) | {"花" * 30_000: 1}, ensure_ascii=False).encode())
    assert said == "2件目: contract.opened に、知られていないキーがあります(除いてください)"


def test_choices_are_parted_one_way_only() -> None:
    said = read_line(json.dumps(full_contract(state="x")).encode(), 2)
    assert isinstance(said, FileRefused)
    expected = "live、suspended、cancelled のどれかにしてください"
    assert said.damage.message == f"2件目: full.contract の state を {expected}"


def test_every_fault_that_is_not_listed_is_told_in_japanese_too() -> None:
    said = told(json.dumps(event(2, "contact.changed", mail_address="a" * 300)).encode())
    assert "contact.changed の mail_address" in said
    assert "String" not in said


async def test_an_empty_file_is_told_to_be_empty(bank: Bank, tmp_path: Path) -> None:
    found = examine(BytesIO(), BANK.bank_code)
    assert isinstance(found, FileRefused)
    assert found.message == "ファイルを受け付けません。ファイルが空です"
    report = await bank.send(b"")
    assert (report.clean, str(report)) == (False, "ファイルを受け付けません。ファイルが空です")
    marked = await bank.send(b"\xef\xbb\xbf" + write_statements(BANK, [block(row(1))]))
    assert (marked.kind, str(marked)) == (
        "unknown",
        "ファイルを受け付けません。1件目 1桁目: ファイルの先頭に BOM(0xefbbbf)が付いています。"
        "付いていないファイルを受け取ってください",
    )
    nothing_new = await bank.send(b"", suffix="jsonl")
    assert (nothing_new.clean, str(nothing_new)) == (True, "ファイルが空です(イベントはありません)。")

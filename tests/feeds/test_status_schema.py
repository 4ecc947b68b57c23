"""The published JSON Schema of the status feed takes what the reader takes and refuses what the reader refuses."""

import json
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from madoguchi.doors.core_banking.sample_books import generate
from madoguchi.doors.core_banking.status_feed import read_status_file
from madoguchi.procedures.feeds.values import FileRefused
from madoguchi.procedures.status_feed.schema import status_feed_schema
from madoguchi.rules.plain_text import is_plain
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import account, event, full_account, full_contract, full_file, opened, registered, status_file
from tests.support.desk import Desk

SCHEMA: dict[str, Any] = json.loads(status_feed_schema())
CHECK = Draft202012Validator(SCHEMA, format_checker=FormatChecker(["date"]))

MERGED = {
    key: value
    for key, value in event(
        1, "branch.merged", branch_code="003", last_day="2026-11-20",
        successor={"branch_code": "002", "branch_name": "本店営業部", "branch_kana": ""},
    ).items()
    if key not in ("customer_number", "product")
}  # fmt: skip
DECEASED = {key: value for key, value in event(1, "customer.deceased").items() if key != "product"}
EVENTS = [
    opened(1, mail_address="hanako@mail.example", phrase="雪どけの朝"),
    *(event(1, f"contract.{kind}") for kind in ("suspended", "resumed", "cancelled")),
    registered(1, ORDINARY, label="生活口座", product_code="A1"),
    *(event(1, f"account.{kind}", account=account(CURRENT)) for kind in ("removed", "closed", "frozen")),
    event(1, "account.renumbered", account=account(ORDINARY), new_account=account(CURRENT)),
    DECEASED,
    event(1, "contact.changed", phrase="川沿いの散歩"),
    MERGED,
]


def is_read(line: dict[str, object]) -> bool:
    return not isinstance(read_status_file(BytesIO(status_file(line))), FileRefused)


def test_it_is_a_schema_that_describes_every_kind_of_line() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    kinds = {SCHEMA["$defs"][one["$ref"].rsplit("/")[-1]]["properties"]["kind"]["const"] for one in SCHEMA["oneOf"]}
    assert kinds == {str(one["kind"]) for one in EVENTS} | {"full.begin", "full.contract", "full.end"}
    undescribed = [name for name, definition in SCHEMA["$defs"].items() if not definition.get("description")]
    assert undescribed == []


def test_the_sample_feed_and_a_full_file_are_valid_line_by_line() -> None:
    (sample,) = (file for name, file in generate(date(2026, 11, 24)).items() if name.startswith("status"))
    full = full_file(9, full_contract(full_account(ORDINARY, former_accounts=[account(CURRENT)])))
    for line in [*sample.splitlines(), *full.splitlines()]:
        CHECK.validate(json.loads(line))


@pytest.mark.parametrize("line", EVENTS, ids=lambda line: line["kind"])
def test_every_key_of_every_event_is_judged_by_the_schema_as_by_the_reader(line: dict[str, object]) -> None:
    assert is_read(line)
    CHECK.validate(line)
    for key in line:
        for value in ("\x1b", "", "x" * 300, "１２３", 0, 1.5, None, [], {}, "2026-02-30T00:00:00Z"):
            changed = {**line, key: value}
            if value == "2026-02-30T00:00:00Z" and key == "time":
                continue  # a day that does not exist is a matter of `format`, which validators may leave out
            assert CHECK.is_valid(changed) == is_read(changed), changed
        without = {name: told for name, told in line.items() if name != key}
        assert CHECK.is_valid(without) == is_read(without), without
    assert not CHECK.is_valid({**line, "unknown": 1})


@pytest.mark.parametrize(
    "sign", ["\x00", "\n", "\x7f", "\x9f", "\xad", "\u200b", "\u2028", "\u202e", "\ufeff", "\U000e0001"]
)
def test_a_sign_that_nobody_sees_is_refused_by_the_schema_too(sign: str) -> None:
    assert not is_plain(sign)
    assert not CHECK.is_valid(opened(1, customer_name=f"見本{sign}花子"))
    assert CHECK.is_valid(opened(1, customer_name="葛󠄀城　𠮷田\ue000"))
    assert sign == "\n" or sign not in status_feed_schema(), "the text of the schema itself is plain"


def test_the_command_prints_it(desk: Desk) -> None:
    said = desk("feed", "schema")
    assert (said.code, said.out) == (0, status_feed_schema())

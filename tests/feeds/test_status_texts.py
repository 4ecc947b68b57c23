"""Texts of the status feed come onto pages and into terminals: a line with signs that nobody sees is refused."""

import json

import pytest

from madoguchi.procedures.feeds.values import FileRefused
from tests.feeds.books import ORDINARY
from tests.feeds.events import event, opened, read_events, registered, status_file


@pytest.mark.parametrize("sign", ["\r", "\n", "\t", "\x00", "\x1b", "\x9b", "\u200f", "\u202e", "\u2066"])
@pytest.mark.parametrize(
    "key",
    ["customer_name", "customer_kana", "mail_address", "phrase", "event_id", "branch_name", "branch_kana",
     "holder_kana", "label", "product_code"],
)  # fmt: skip
def test_a_text_with_a_sign_that_nobody_sees_refuses_the_line_and_names_the_key(key: str, sign: str) -> None:
    spoilt = {key: "mihon@mihon.example" if key == "mail_address" else "みほん"}
    spoilt = {key: f"{text[:2]}{sign}{text[2:]}" for key, text in spoilt.items()}
    of_account = key in ("branch_name", "branch_kana", "holder_kana", "label", "product_code")
    line = {**(registered(2, ORDINARY) if of_account else opened(2)), **spoilt}
    found = read_events(status_file(event(1, "contract.suspended"), line))
    assert isinstance(found, FileRefused)
    assert (found.damage.record, found.damage.item.split(".")[-1]) == (2, key)
    assert sign not in found.message, "what is told of it holds it no more"


def test_a_name_with_gaiji_a_variant_and_an_ideographic_space_is_taken() -> None:
    line = opened(1, customer_name="葛󠄀城　𠮷田\ue000", phrase="雪どけの朝")
    found = read_events(json.dumps(line).encode())
    assert not isinstance(found, FileRefused), found

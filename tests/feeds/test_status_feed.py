"""The status feed (JSON Lines): strict, in sequence, refused as a whole with line and key."""

import json
from io import BytesIO

import pytest

from madoguchi.doors.core_banking.status_feed import read_status_events, write_status_events
from madoguchi.procedures.feed_events import AccountRegistered, ContractOpened
from madoguchi.procedures.feed_values import AccountKey, FileRefused
from madoguchi.rules.vocabulary import Product

COMMON = {"event_id": "E-1", "sequence": 1, "time": "2024-03-01T09:00:00+09:00", "customer_number": "10000001"}
ACCOUNT = {"branch_code": "002", "kind": "1", "number": "1234567"}
OPENED = {
    **COMMON, "kind": "contract.opened", "product": "personal",
    "customer_name": "見本 花子", "customer_kana": "ﾐﾎﾝ ﾊﾅｺ", "phrase": "雪どけの朝",
}  # fmt: skip
REGISTERED = {
    **COMMON, "event_id": "E-2", "sequence": 2, "kind": "account.registered", "product": "personal",
    "account": ACCOUNT, "branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝ",
    "holder_kana": "ﾐﾎﾝ ﾊﾅｺ", "label": "生活口座",
}  # fmt: skip


def lines(*events: dict[str, object]) -> BytesIO:
    return BytesIO(b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events))


def test_events_read_as_they_were_written() -> None:
    events = read_status_events(lines(OPENED, REGISTERED))
    assert not isinstance(events, FileRefused)
    opened, registered = events
    assert isinstance(opened, ContractOpened)
    assert (opened.product, opened.phrase, opened.mail_address) == (Product.PERSONAL, "雪どけの朝", None)
    assert isinstance(registered, AccountRegistered)
    assert registered.account.key == AccountKey("002", "1", "1234567")
    assert read_status_events(BytesIO(write_status_events(events))) == events


@pytest.mark.parametrize(
    "extra",
    [
        {"kind": "contract.suspended", "product": "personal"},
        {"kind": "contract.resumed", "product": "personal"},
        {"kind": "contract.cancelled", "product": "business"},
        {"kind": "account.removed", "product": "personal", "account": ACCOUNT},
        {"kind": "account.closed", "product": "personal", "account": ACCOUNT},
        {"kind": "account.frozen", "product": "personal", "account": ACCOUNT},
        {"kind": "account.renumbered", "product": "personal", "account": ACCOUNT, "new_account": ACCOUNT},
        {"kind": "customer.deceased"},
        {"kind": "contact.changed", "product": "personal", "mail_address": "hanako@mail.example"},
    ],
)
def test_every_kind_of_event_can_be_read(extra: dict[str, object]) -> None:
    events = read_status_events(lines({**COMMON, **extra}))
    assert not isinstance(events, FileRefused)
    assert [event.kind for event in events] == [extra["kind"]]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"kind": "contract.paused"}, "kind"),
        ({"sequence": "2"}, "contract.opened.sequence"),
        ({"time": "2024-03-01T09:00:00"}, "contract.opened.time"),
        ({"customer_number": "1000000"}, "contract.opened.customer_number"),
        ({"password": "x"}, "contract.opened.password"),
    ],
)
def test_a_line_that_does_not_fit_refuses_the_file_without_telling_its_values(
    change: dict[str, object], key: str
) -> None:
    found = read_status_events(lines(OPENED, {**OPENED, "sequence": 2, **change}))
    assert isinstance(found, FileRefused)
    assert (found.damage.record, found.damage.item) == (2, key)
    assert "花子" not in found.message


def test_a_gap_in_the_sequence_and_a_broken_line_refuse_the_file() -> None:
    gap = read_status_events(lines(OPENED, {**REGISTERED, "sequence": 3}))
    assert isinstance(gap, FileRefused)
    assert (gap.damage.record, gap.damage.found, gap.damage.expected) == (2, "3", "2")
    broken = read_status_events(BytesIO(json.dumps(OPENED).encode()[:40]))
    assert isinstance(broken, FileRefused)
    assert broken.damage.record == 1

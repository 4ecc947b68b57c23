"""The status feed (JSON Lines) is strict: a line that does not fit refuses the file, with its place and key."""

import json
from io import BytesIO
from itertools import count

import pytest

from madoguchi.doors.core_banking.status_feed import read_status_file, write_status_events
from madoguchi.procedures.feeds.values import AccountKey, Damage, FileRefused
from madoguchi.procedures.status_feed.events import AccountRegistered, ContractOpened, EventFile
from madoguchi.rules.vocabulary import Product
from tests.feeds.events import read_events

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


def lines(*events: dict[str, object]) -> bytes:
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)


def damage_of(content: bytes) -> Damage:
    found = read_status_file(BytesIO(content))
    assert isinstance(found, FileRefused), found
    return found.damage


def test_events_read_as_they_were_written() -> None:
    events = read_events(lines(OPENED, REGISTERED))
    assert not isinstance(events, FileRefused)
    opened, registered = events
    assert isinstance(opened, ContractOpened)
    assert (opened.product, opened.phrase, opened.mail_address) == (Product.PERSONAL, "雪どけの朝", None)
    assert isinstance(registered, AccountRegistered)
    assert registered.account.key == AccountKey("002", "1", "1234567")
    assert read_events(write_status_events(events)) == events


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
        {"kind": "branch.merged", "branch_code": "009", "last_day": "2024-03-29",
         "successor": {"branch_code": "002", "branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝ"}},
    ],
)  # fmt: skip
def test_every_kind_of_event_can_be_read(extra: dict[str, object]) -> None:
    common = {
        key: value for key, value in COMMON.items() if key != "customer_number" or extra["kind"] != "branch.merged"
    }
    events = read_events(lines({**common, **extra}))
    assert not isinstance(events, FileRefused)
    assert [event.kind for event in events] == [extra["kind"]]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"kind": "contract.paused"}, "kind"),
        ({"sequence": "2"}, "contract.opened.sequence"),
        ({"time": "2024-03-01T09:00:00"}, "contract.opened.time"),
        ({"customer_number": "1000000"}, "contract.opened.customer_number"),
        ({"password": "x"}, "contract.opened"),
    ],
)
def test_a_line_that_does_not_fit_refuses_the_file_without_telling_its_values(
    change: dict[str, object], key: str
) -> None:
    damage = damage_of(lines(OPENED, {**OPENED, "sequence": 2, **change}))
    assert (damage.record, damage.item) == (2, key)
    assert "花子" not in damage.message


def test_events_stand_in_any_order_of_lines_and_are_given_in_their_sequence() -> None:
    suspended = {**COMMON, "event_id": "E-3", "sequence": 3, "kind": "contract.suspended", "product": "personal"}
    found = read_status_file(BytesIO(lines(suspended, REGISTERED, OPENED, REGISTERED)))
    assert isinstance(found, EventFile)
    assert list(found.sequences) == [1, 2, 2, 3]
    for _ in range(2):  # it can be gone through again
        assert [(placed.line, placed.event.sequence) for placed in found.events] == [(3, 1), (2, 2), (4, 2), (1, 3)]


def test_a_byte_order_mark_before_the_first_line_and_cr_lf_are_taken() -> None:
    plain = read_events(lines(OPENED, REGISTERED))
    assert read_events(b"\xef\xbb\xbf" + lines(OPENED, REGISTERED).replace(b"\n", b"\r\n")) == plain
    assert read_events(lines(OPENED, REGISTERED).rstrip(b"\n")) == plain, "the last line may have no end"
    assert damage_of(lines(OPENED) + b"\xef\xbb\xbf" + lines(REGISTERED)).record == 2, "later it is no mark"


LINE = lines(OPENED).rstrip(b"\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "空の行です(除いてください)"),
        (b" \t\r", "空の行です(除いてください)"),
        (LINE[:-1] + b',"phrase":"x"}', "phrase が2つあります(1つにしてください)"),
        (lines(REGISTERED).replace(b'"kind": "1"', b'"kind": "1", "kind": "2"').rstrip(b"\n"),
         "kind が2つあります(1つにしてください)"),
        (LINE.replace(b'"sequence": 1', b'"sequence": NaN'), "contract.opened の sequence を整数にしてください"),
        (LINE.replace(b'"sequence": 1', b'"sequence": 1.0'), "contract.opened の sequence を整数にしてください"),
        (LINE.replace(b'"sequence": 1', b'"sequence": 1000000000000000'),
         "contract.opened の sequence を 999999999999999 以下にしてください"),
        (LINE.replace(b'"sequence": 1', b'"sequence": ' + b"9" * 5000), "JSON として読めません"),
        (LINE.replace(b'"sequence": 1', b'"sequence": ' + b"[" * 60_000), "JSON として読めません"),
        (b'{"a":' * 40_000 + b"1", "JSON として読めません"),
        (LINE.replace("見本 花子".encode(), b"\\ud800"), "JSON として読めません"),
        (LINE.replace("見本 花子".encode(), b"\xff\xfe"), "JSON として読めません"),
        (LINE.replace("見本 花子".encode(), b"\\u0000"),
         "contract.opened の customer_name に、改行や制御文字など、見えない文字が入っています(除いてください)"),
        (LINE + LINE, "JSON として読めません"),
        (LINE.split(b",")[0] + b",", "行が途中で切れています(JSON として読めません)"),
        (b"x" * 300_000, "「行の長さ」: 262144バイト未満 のはずですが、262144バイト以上 です"),
    ],
    ids=count(1),
)  # fmt: skip
def test_a_damaged_line_refuses_the_file_with_its_place_and_says_what_is_wrong(line: bytes, told: str) -> None:
    message = damage_of(lines(REGISTERED) + line + b"\n" + lines(OPENED)).message
    assert message in (f"2件目: {told}", f"2件目{told}")


@pytest.mark.parametrize(
    "time",
    ["1700000000", "2024-03-01", "2024-03-01T09:00:00", "2024-03-01T24:00:00+09:00", "2024-03-01 09:00:00+09:00",
     "1969-12-31T23:59:59+00:00", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"],
)  # fmt: skip
def test_a_moment_is_written_in_one_way_and_lies_where_every_database_can_keep_it(time: str) -> None:
    told = damage_of(lines({**OPENED, "time": time})).told
    assert told == "contract.opened の time を、時差のある日時(例: 2026-11-24T09:00:00+09:00)にしてください"


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999+09:00"])
def test_the_first_and_the_last_moment_are_taken(time: str) -> None:
    assert not isinstance(read_events(lines({**OPENED, "time": time})), FileRefused)


def test_a_branch_is_not_merged_into_itself() -> None:
    successor = {"branch_code": "009", "branch_name": "しらかば支店", "branch_kana": "ｼﾗｶﾊﾞ"}
    merged = {**COMMON, "kind": "branch.merged", "branch_code": "009", "last_day": "2024-03-29", "successor": successor}
    del merged["customer_number"]
    told = "branch.merged の successor が、統合される店そのものです(引き継ぐ店にしてください)"
    assert damage_of(lines(merged)).told == told
    assert damage_of(lines({**merged, "last_day": "2024-02-30"})).told == (
        "branch.merged の last_day を、日付(例: 2026-11-24)にしてください"
    )

"""Status events of one customer, as lines of the feed."""

import json
from io import BytesIO

from madoguchi.doors.core_banking.status_feed import read_status_file
from madoguchi.procedures.feeds.values import AccountKey, FileRefused
from madoguchi.procedures.status_feed.events import EventFile, StatusEvent
from madoguchi.procedures.status_feed.full_file import FullContract, FullFile

CUSTOMER = "10000001"


def event(sequence: int, kind: str, **more: object) -> dict[str, object]:
    """`product` is personal unless it is given."""
    return {
        "event_id": f"E-{sequence}",
        "sequence": sequence,
        "time": "2026-11-24T09:00:00+09:00",
        "customer_number": CUSTOMER,
        "kind": kind,
        "product": "personal",
        **more,
    }


def account(key: AccountKey) -> dict[str, str]:
    return {"branch_code": key.branch_code, "kind": key.kind_code, "number": key.number}


def opened(sequence: int, **more: object) -> dict[str, object]:
    names = {"customer_name": "見本 花子", "customer_kana": "ﾐﾎﾝ ﾊﾅｺ"}
    return event(sequence, "contract.opened", **{**names, **more})


def registered(sequence: int, key: AccountKey, **more: object) -> dict[str, object]:
    branch = {"branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝｴｲｷﾞﾖｳﾌﾞ", "holder_kana": "ﾐﾎﾝ ﾊﾅｺ"}
    return event(sequence, "account.registered", account=account(key), **{**branch, **more})


def status_file(*events: dict[str, object]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in events)


def full_account(key: AccountKey, state: str = "registered", **more: object) -> dict[str, object]:
    branch = {"branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝｴｲｷﾞﾖｳﾌﾞ", "holder_kana": "ﾐﾎﾝ ﾊﾅｺ"}
    return {"account": account(key), "state": state, **branch, **more}


def full_contract(*accounts: dict[str, object], **more: object) -> dict[str, object]:
    """A line of a full file; the contract is 見本花子's, live since long ago, unless it is told otherwise."""
    return {
        "kind": "full.contract",
        "customer_number": CUSTOMER,
        "customer_name": "見本 花子",
        "customer_kana": "ﾐﾎﾝ ﾊﾅｺ",
        "product": "personal",
        "state": "live",
        "opened": "2024-02-01T09:00:00+09:00",
        "since": "2024-02-01T09:00:00+09:00",
        "accounts": list(accounts),
        **more,
    }


def full_file(sequence: int, *contracts: dict[str, object], as_of: str = "2026-11-24T13:00:00+09:00") -> bytes:
    accounts = sum(len(contract["accounts"]) for contract in contracts)  # type: ignore[arg-type]
    begin = {"kind": "full.begin", "as_of": as_of, "sequence": sequence}
    return status_file(begin, *contracts, {"kind": "full.end", "contracts": len(contracts), "accounts": accounts})


def read_events(content: bytes) -> list[StatusEvent] | FileRefused:
    """The events of a file in the order of their sequence, or its refusal."""
    found = read_status_file(BytesIO(content))
    if isinstance(found, FileRefused):
        return found
    assert isinstance(found, EventFile)
    events = [placed.event for placed in found.events]
    assert [event.sequence for event in events] == list(found.sequences)
    return events


def read_contracts(content: bytes) -> list[FullContract] | FileRefused:
    """The contracts of a full file, or its refusal."""
    found = read_status_file(BytesIO(content))
    if isinstance(found, FileRefused):
        return found
    assert isinstance(found, FullFile)
    return [placed.contract for placed in found.contracts]

"""What an officer cannot mean: a contract that is over, a second aggregator of the same name or key, a stop of nothing.

The answer says which of them it was, and nothing is changed (1-2-2, 2-1, 7-3).
"""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from madoguchi.procedures.aggregators import AggregatorRefused, change_client, list_aggregators
from tests import story
from tests.support.desk import Desk, Said

ADDRESS = "https://a.example/callback"


def new_key() -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256").as_dict(private=False))


def add(desk: Desk, folder: Path, *more: str, name: str = "よその家計簿", keys: list[Any] | None = None) -> Said:
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": keys or [new_key()]}))
    return desk(
        "aggregator", "add", "--name", name, "--jwks", str(path), "--redirect-uri", ADDRESS,
        "--scope", "accounts balances", *more,
    )  # fmt: skip


def key_of(desk: Desk, name: str) -> dict[str, Any]:
    return next(row.jwks["keys"][0] for row in desk.ask(list_aggregators) if row.name == name)


@pytest.mark.clause("1-2-2")
def test_a_contract_may_end_today_and_not_yesterday(desk: Desk, tmp_path: Path) -> None:
    over = add(desk, tmp_path, "--contract-until", "2026-11-23")
    assert (over.code, over.out) == (3, "")
    assert "契約の最後の日が過ぎています" in over.err
    assert len(desk.ask(list_aggregators)) == 2
    assert add(desk, tmp_path, "--contract-until", "2026-11-24").code == 0


@pytest.mark.clause("1-2-2")
@pytest.mark.parametrize("name", ["みほん家計簿", " みほん家計簿 ", "ﾐﾎﾝ会計"])
def test_two_aggregators_in_force_never_have_the_same_name(desk: Desk, tmp_path: Path, name: str) -> None:
    desk.ask(story.designate, "ミホン会計", (ADDRESS,))
    said = add(desk, tmp_path, name=name)
    assert said.code == 3
    assert "同じサービス名の事業者" in said.err
    assert any(f"「{other}」" in said.err for other in ("みほん家計簿", "ミホン会計"))


@pytest.mark.clause("1-2-2")
def test_two_aggregators_in_force_never_share_a_key_whatever_it_is_called(desk: Desk, tmp_path: Path) -> None:
    theirs = {**key_of(desk, "みほん会計"), "kid": "renamed"}
    said = add(desk, tmp_path, keys=[new_key(), theirs])
    assert said.code == 3
    assert "「みほん会計」と同じ鍵" in said.err
    with pytest.raises(AggregatorRefused, match="みほん会計"):
        desk.ask(change_client, desk.told.kakeibo, {"keys": [theirs]}, (ADDRESS,), "os-user:tests", story.NOW)


@pytest.mark.clause("1-2-2")
def test_name_and_key_of_an_ended_contract_may_be_registered_again(desk: Desk, tmp_path: Path) -> None:
    key = key_of(desk, "みほん家計簿")
    assert desk("aggregator", "stop", desk.told.kakeibo).code == 0
    said = add(desk, tmp_path, name="みほん家計簿", keys=[key])
    assert said.code == 0, said.err


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(
    ("kind", "target", "sentence"),
    [
        ("branch", "999", "店 999 はありません"),
        ("aggregator", "agg_0", "事業者 agg_0 は登録されていません"),
        ("customer", "99999999", "お客さま番号 99999999 の方はいません"),
        ("registration", "reg_0", "登録 reg_0 はありません"),
        ("function", "openid", "機能は accounts、balances、transactions のどれか"),
        ("account_kind", "9", "預金種目は 1(普通)か 2(当座)"),
    ],
)
def test_a_stop_reaches_something_that_is_there(desk: Desk, kind: str, target: str, sentence: str) -> None:
    said = desk("stop", "set", kind, target, "--reason", "点検", "--review-on", "2026-12-01")
    assert said.code != 0
    assert sentence in said.err
    assert desk("stop", "list", "--json").json == []


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(("day", "code"), [("2026-11-23", 2), ("2026-11-24", 2), ("2026-11-25", 0)])
def test_a_stop_is_reviewed_after_today(desk: Desk, day: str, code: int) -> None:
    said = desk("stop", "set", "branch", "002", "--reason", "点検", "--review-on", day)
    assert said.code == code
    assert ("見直す日は今日より後にしてください" in said.err) is (code == 2)


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(("until", "code"), [("2026-11-24 14:02", 2), ("2026-11-24 14:03", 0)])
def test_a_stop_ends_after_now_even_when_it_began_before(desk: Desk, until: str, code: int) -> None:
    said = desk("stop", "set", "all", "--reason", "点検", "--from", "2026-11-24 9:00", "--until", until)
    assert said.code == code, said.err


@pytest.mark.clause("2-1")
@pytest.mark.parametrize("until", [(), ("--until", "2026-11-24 16:00")])
def test_closing_what_is_closed_changes_nothing_and_says_so(desk: Desk, until: tuple[str, ...]) -> None:
    assert "受付を休みました" in desk("service", "close", *until).out
    again = desk("service", "close", *until)
    assert again.code == 0
    assert again.out.startswith("すでに休んでいます。")
    assert len(desk.acts("service.closed")) == 1


@pytest.mark.clause("2-1")
def test_a_closing_is_made_longer_by_closing_again(desk: Desk) -> None:
    desk("service", "close", "--until", "2026-11-24 16:00")
    longer = desk("service", "close", "--until", "2026-11-24 17:00")
    assert "受付を休みました。次の受付: 2026年11月24日 17:00" in longer.out
    desk.at = story.NOW.replace(hour=16, minute=59)
    assert not desk.is_open()

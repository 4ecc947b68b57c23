"""`madoguchi` at an officer's desk: aggregators, registrations, stops and hours."""

import json
import os
import pwd
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from madoguchi.procedures.aggregators import find_client
from madoguchi.records.registrations import Registration
from madoguchi.rules.vocabulary import JST, Cause
from tests import story
from tests.support.desk import Desk

OFFICER = f"os-user:{pwd.getpwuid(os.getuid()).pw_name}"


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """The public keys of a client that nobody here wrote."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    return path


def add(desk: Desk, jwks: Path, *more: str) -> list[str]:
    return ["aggregator", "add", "--name", "よその家計簿", "--jwks", str(jwks), *more]


@pytest.mark.clause("1-2-2")
def test_a_client_nobody_here_wrote_is_designated_with_name_keys_address_and_scope(desk: Desk, jwks: Path) -> None:
    address = "http://127.0.0.1:9000/cb"
    said = desk(*add(desk, jwks, "--redirect-uri", address, "--scope", "accounts balances", "--json"))
    assert said.code == 0, said.err
    assert said.json["issuer"] == story.ISSUER
    row = desk.ask(find_client, said.json["client_id"])
    assert (row.name, row.company, row.redirect_uris, row.scopes) == (
        "よその家計簿",
        "よその家計簿",
        [address],
        ["accounts", "balances"],
    )
    assert desk.acts("aggregator.added")[-1].actor == OFFICER


@pytest.mark.clause("1-2-2")
def test_in_production_an_aggregator_has_a_registration_number_and_a_sample_says_it_is_one(
    desk: Desk, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = add(desk, jwks, "--redirect-uri", "https://a.example/cb", "--scope", "accounts balances", "--json")
    sample = desk(*arguments).json
    assert sample["registration_number"] == "見本"
    assert desk("aggregator", "stop", sample["client_id"]).code == 0
    for key, value in (("MODE", "production"), ("ISSUER", "https://api.mihon.example"), ("BANK_CODE", "2999")):
        monkeypatch.setenv(f"MADOGUCHI_{key}", value)
    refused = desk(*arguments)
    assert (refused.code, "--registration-number" in refused.err) == (2, True)
    assert desk(*arguments, "--registration-number", "みほん財務局長(電代)第1号").json["name"] == "よその家計簿"


@pytest.mark.clause("1-2-2")
def test_a_contract_holds_through_its_last_day_and_no_longer(desk: Desk, jwks: Path) -> None:
    said = desk(
        *add(desk, jwks, "--redirect-uri", "https://a.example/cb", "--scope", "accounts", "--scope", "balances"),
        "--contract-until", "2026-12-31", "--history-days", "90", "--json",
    )  # fmt: skip
    row = desk.ask(find_client, said.json["client_id"])
    assert row.contract_until == datetime(2027, 1, 1, tzinfo=JST)
    assert row.history_days == 90


def test_details_that_break_the_profile_are_refused_with_what_to_mend(desk: Desk, jwks: Path) -> None:
    plain = desk(*add(desk, jwks, "--redirect-uri", "http://a.example/cb", "--scope", "accounts balances"))
    assert (plain.code, plain.out) == (3, "")
    assert "https" in plain.err
    private = jwks.with_name("private.json")
    private.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    secret = desk(*add(desk, private, "--redirect-uri", "https://a.example/cb", "--scope", "accounts balances"))
    assert secret.code == 3
    assert "秘密鍵" in secret.err
    broken = jwks.with_name("broken.json")
    broken.write_text("{")
    unread = desk(*add(desk, broken, "--redirect-uri", "https://a.example/cb", "--scope", "accounts balances"))
    assert unread.code == 3
    assert "JWK Set" in unread.err
    missing = desk(*add(desk, jwks.with_name("no.json"), "--redirect-uri", "https://a.example/cb", "--scope", "x"))
    assert missing.code == 1
    assert "no.json がありません" in missing.err
    assert len(desk("aggregator", "list", "--json").json) == 2


@pytest.mark.clause("5-2")
def test_ending_an_aggregators_contract_ends_its_registrations_and_no_others(desk: Desk) -> None:
    ours = desk.ask(story.register, desk.told)
    other = desk.ask(story.register, desk.told, aggregator=desk.told.kaikei)
    said = desk("aggregator", "stop", desk.told.kakeibo_client)
    assert said.code == 0
    assert "終わった登録: 1件" in said.out
    assert not desk.reads(ours.access_token)
    assert desk.reads(other.access_token)
    listed = {line["name"]: line["in_force"] for line in desk("aggregator", "list", "--json").json}
    assert listed == {"みほん家計簿": False, "みほん会計": True}
    shown = desk("aggregator", "list").out
    assert all(part in shown for part in ("みほん家計簿", desk.told.kakeibo, desk.told.kakeibo_client))
    again = desk("aggregator", "stop", desk.told.kakeibo_client)
    assert "終わった登録: 0件" in again.out


def test_who_is_not_there_is_told_so(desk: Desk) -> None:
    for arguments in (
        ("aggregator", "stop", "client_0"),
        ("registration", "stop", "reg_0"),
        ("registration", "list", "--customer", "99999999"),
        ("stop", "set", "customer", "99999999", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "lift", "7", "--reason", "x"),
        ("explain", "rq_0"),
        ("customer", "code", "99999999"),
    ):
        said = desk(*arguments)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1), arguments
        assert "ありません" in said.err or "いません" in said.err, arguments


@pytest.mark.clause("7-3")
def test_a_registration_stopped_by_the_credit_union_reads_nothing_from_then_on(desk: Desk) -> None:
    kept = desk.ask(story.register, desk.told, customer=(desk.told.jiro, desk.told.jiro_contract),
                    accounts=(desk.told.jiro_ordinary,))  # fmt: skip
    stopped = desk.ask(story.register, desk.told)
    assert desk.reads(stopped.access_token)
    assert desk("registration", "stop", stopped.registration_id).code == 0
    assert not desk.reads(stopped.access_token)
    assert desk.reads(kept.access_token)
    row = desk.ask(lambda session: session.get(Registration, stopped.registration_id))
    assert (row.ended_cause, row.ended_by) == (Cause.STOPPED_BY_CREDIT_UNION, OFFICER)
    assert "すでに終わっています" in desk("registration", "stop", stopped.registration_id).out
    live = desk("registration", "list", "--json").json
    assert [line["registration_id"] for line in live] == [kept.registration_id]
    both = desk("registration", "list", "--all", "--json").json
    assert {line["state"] for line in both} == {"active", "ended"}
    hers = desk("registration", "list", "--all", "--customer", "10000001", "--json").json
    assert [line["ended_by"] for line in hers] == [OFFICER]
    assert "当組合が停止した" in desk("registration", "list", "--all").out


@pytest.mark.clause("4-1")
def test_a_registration_whose_last_day_is_over_is_listed_as_lapsed(desk: Desk) -> None:
    desk.ask(story.register, desk.told)
    assert "有効" in desk("registration", "list").out
    desk.at = story.NOW + timedelta(days=181)
    assert "期間切れ" in desk("registration", "list").out


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(
    ("kind", "target", "whole"),
    [
        ("all", "", True),
        ("aggregator", "client of みほん家計簿", True),
        ("customer", "10000001", True),
        ("registration", "hers", True),
        ("function", "balances", False),
        ("account_kind", "2", False),
        ("branch", "002", False),
    ],
)
def test_a_stop_holds_until_it_is_lifted_whatever_it_reaches(desk: Desk, kind: str, target: str, whole: bool) -> None:
    hers = desk.ask(story.register, desk.told)
    named = {"client of みほん家計簿": desk.told.kakeibo_client, "hers": hers.registration_id}.get(target, target)
    said = desk("stop", "set", kind, *([named] if named else []), "--reason", "点検", "--review-on", "2026-12-01")
    assert said.code == 0, said.err
    (stop,) = desk("stop", "list", "--json").json
    assert (stop["kind"], stop["reason"], stop["set_by"]) == (kind, "点検", OFFICER)
    assert desk.reads(hers.access_token) is not whole
    assert "点検" in desk("stop", "list").out
    assert desk("stop", "lift", str(stop["stop_id"]), "--reason", "済み").code == 0
    assert desk.reads(hers.access_token)
    assert "停止はありません" in desk("stop", "list").out
    assert "すでに終わっています" in desk("stop", "lift", str(stop["stop_id"]), "--reason", "済み").out


@pytest.mark.clause("7-3")
def test_a_planned_stop_begins_and_ends_at_its_minutes(desk: Desk) -> None:
    hers = desk.ask(story.register, desk.told, at=story.NOW)
    token = hers.access_token
    said = desk("stop", "set", "all", "--from", "2026-11-24 14:05", "--until", "2026-11-24 14:06", "--reason", "点検")
    assert said.code == 0, said.err
    read = []
    for second in (179, 180, 239, 240):
        desk.at = story.NOW + timedelta(seconds=second)
        read.append(desk.reads(token))
    assert read == [True, False, False, True]


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop", "set", "all", "--review-on", "2026-12-01"),
        ("stop", "set", "all", "--reason", "x"),
        ("stop", "set", "all", "002", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "branch", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "branch", "2", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "function", "payments", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "account_kind", "6", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "all", "--reason", "x", "--until", "2026-11-24 14:02"),
        ("stop", "set", "all", "--reason", "x", "--until", "2026-13-01"),
        ("stop", "set", "everything", "--reason", "x", "--review-on", "2026-12-01"),
        ("stop", "set", "all", "--reason", "x", "--review-on", "tomorrow"),
        ("service", "close", "--until", "2026-11-24 14:02"),
        ("stop", "lift", "1"),
        ("stop",),
        ("stops",),
    ],
)
def test_a_command_that_cannot_be_meant_like_this_changes_nothing(desk: Desk, arguments: tuple[str, ...]) -> None:
    said = desk(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err
    assert "Traceback" not in said.err
    assert desk("stop", "list", "--json").json == []
    assert desk.is_open()


@pytest.mark.clause("2-1")
def test_the_printed_command_closes_the_sample_until_the_drawn_hours_begin_and_open_undoes_it(desk: Desk) -> None:
    assert "いつでも" in desk("service", "status").out
    closed = desk("service", "close")
    assert closed.code == 0, closed.err
    assert "2026年11月25日 7:00" in closed.out
    assert not desk.is_open()
    desk.at = datetime(2026, 11, 25, 6, 59, 59, tzinfo=JST)
    assert not desk.is_open()
    desk.at = datetime(2026, 11, 25, 7, 0, tzinfo=JST)
    assert desk.is_open()
    desk.at = datetime(2026, 11, 25, 23, 0, tzinfo=JST)
    assert not desk.is_open()
    desk.at = datetime(2026, 11, 28, 21, 0, tzinfo=JST)  # a Saturday
    assert not desk.is_open()
    assert "2026年11月29日 8:00に受付" in desk("service", "status").out
    opened = desk("service", "open")
    assert (opened.code, opened.out) == (0, "受付を始めました。\n")
    assert desk.is_open()
    assert desk("service", "status", "--json").json["products"]["personal"] == {"open": True, "next_change": None}
    assert "すでに始まっています" in desk("service", "open").out
    assert {act.actor for act in desk.acts("hours.set")[1:]} == {OFFICER}


@pytest.mark.clause("2-1")
def test_closing_until_a_moment_leaves_the_calendar_alone(desk: Desk) -> None:
    said = desk("service", "close", "--until", "2026-11-24 16:00", "--reason", "点検")
    assert said.code == 0, said.err
    desk.at = story.NOW.replace(hour=15, minute=59)
    assert not desk.is_open()
    desk.at = story.NOW.replace(hour=16, minute=0)
    assert desk.is_open()
    assert len(desk.acts("hours.set")) == 1
    assert desk.acts("service.closed")[0].detail["reason"] == "点検"


@pytest.mark.clause("2-1")
def test_opening_inside_a_stop_says_that_the_stop_still_holds(desk: Desk) -> None:
    desk("stop", "set", "all", "--reason", "点検", "--review-on", "2026-12-01")
    said = desk("service", "open")
    assert said.code == 0
    assert "停止" in said.out
    assert "停止 1: 全体" in desk("service", "status").out

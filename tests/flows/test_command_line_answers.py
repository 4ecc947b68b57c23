"""`madoguchi explain`, `customer code` and `schema`: what the command answers, for people and for programs."""

from datetime import timedelta
from typing import Any

import pytest

from madoguchi import opaque
from madoguchi.procedures import sample_logins
from madoguchi.procedures.reading import admit
from madoguchi.procedures.recording import ANSWERED, REFUSED, Recorder, Use
from madoguchi.records.audit import AccessRecord
from madoguchi.records.database import Database
from madoguchi.records.login import LoginSecret
from tests import story
from tests.support.desk import Command, Desk
from tests.support.tree import ROOT

MASTER = b"m" * 32


def record_of_a_refusal(desk: Desk) -> str:
    """A use that was refused while the service was stopped."""
    token = desk.ask(story.register, desk.told).access_token
    desk("stop", "set", "function", "balances", "--reason", "点検", "--review-on", "2026-12-01")
    desk("service", "close", "--until", "2026-11-24 16:00")

    async def record(database: Database) -> None:
        admission = await database.reading(admit, opaque.stored(token), story.NOW)
        assert admission is not None
        use = Use(
            "rq_1",
            story.NOW,
            "query",
            REFUSED,
            attended=True,
            asked=("accounts", "accounts.balance"),
            refusals=({"code": "OUTSIDE_SERVICE_HOURS", "clause": "2-1", "path": "accounts.balance"},),
        )
        assert await Recorder(database, "9.9.9").commit("dpop:1", story.NOW, admission, use)

    desk.run(record)
    return "rq_1"


@pytest.mark.clause("4-3")
def test_explain_prints_every_rules_answer_with_its_clause_and_what_was_recorded(desk: Desk) -> None:
    request = record_of_a_refusal(desk)
    desk("service", "open")
    said = desk("explain", request)
    assert said.code == 0, said.err
    for part in (
        "2026年11月24日 14:02",
        "照会",
        "断った項目: accounts.balance OUTSIDE_SERVICE_HOURS(第2条第1項)",
        "9.9.9",
        "accounts.balance",
    ):
        assert part in said.out, part
    rows = [line for line in said.out.splitlines() if line.startswith("│")]
    hours = next(line for line in rows if "within_service_hours" in line)
    assert "第2条第1項" in hours
    assert "全体" in hours
    assert "いいえ OUTSIDE_SERVICE_HOURS(次は 2026年11月24日 16:00)" in hours
    assert "よい" in next(line for line in rows if "is_designated" in line)
    stopped = [line for line in rows if "function_stopped" in line]
    assert [scope in line for scope, line in zip(story.ALL_SCOPES, stopped, strict=True)] == [True, True, True]
    assert ["FUNCTION_STOPPED" in line for line in stopped] == [False, True, False]


@pytest.mark.clause("5-1")
def test_explain_says_which_rules_an_end_of_the_registration_does_not_ask(desk: Desk) -> None:
    """Ended while the service was closed: carried out, and nothing in the explanation speaks against it."""
    registered = desk.ask(story.register, desk.told)
    desk("service", "close", "--until", "2026-11-24 16:00")

    async def end(database: Database) -> None:
        admission = await database.reading(admit, opaque.stored(registered.access_token), story.NOW)
        assert admission is not None
        use = Use("rq_2", story.NOW, "mutation", ANSWERED, attended=True, answered=("endRegistration.endedAt",))
        assert await Recorder(database, "9.9.9").commit_end("dpop:2", story.NOW, admission, use) == ()

    desk.run(end)
    said = desk("explain", "rq_2")
    assert said.code == 0, said.err
    assert "登録の終了" in said.out
    assert "いいえ" not in said.out
    assert "渡せた明細の期間" not in said.out, "an end hands out no history"
    rows = [line for line in said.out.splitlines() if line.startswith("│")]
    assert "たずねない" in next(line for line in rows if "within_service_hours" in line)
    assert "よい" in next(line for line in rows if "is_designated" in line)
    asked = {one["rule"]: one["asked"] for one in desk("explain", "rq_2", "--json").json["answers"]}
    assert (asked["within_service_hours"], asked["within_registration"]) == (False, True)


@pytest.mark.clause("2-1")
def test_explain_says_why_a_closed_service_answered_about_itself(desk: Desk) -> None:
    token = desk.ask(story.register, desk.told).access_token
    desk("service", "close", "--until", "2026-11-24 16:00")

    async def ask(database: Database, name: str, answered: tuple[str, ...], outcome: str) -> None:
        admission = await database.reading(admit, opaque.stored(token), story.NOW)
        assert admission is not None
        use = Use(name, story.NOW, "query", outcome, attended=True, answered=answered)
        assert await Recorder(database, "9.9.9").commit(name, story.NOW, admission, use)

    desk.run(lambda database: ask(database, "rq_3", ("service.open",), ANSWERED))
    desk.run(lambda database: ask(database, "rq_4", (), REFUSED))
    sentence = "service と registration の項目には、時間外や停止中でも答えます。"
    assert sentence in desk("explain", "rq_3").out
    assert sentence not in desk("explain", "rq_4").out


@pytest.mark.clause("4-3")
def test_explain_last_is_the_newest_recorded_use(desk: Desk) -> None:
    empty = desk("explain", "--last")
    assert (empty.code, empty.err) == (1, "照会の記録は、まだありません。\n")
    token = desk.ask(story.register, desk.told).access_token

    async def ask(database: Database, name: str, minutes: int) -> None:
        at = story.NOW + timedelta(minutes=minutes)
        admission = await database.reading(admit, opaque.stored(token), at)
        assert admission is not None
        assert await Recorder(database, "9.9.9").commit(name, at, admission, Use(name, at, "query", REFUSED, True))

    for name, minutes in (("rq_b", 1), ("rq_a", 3), ("rq_c", 2)):
        desk.run(lambda database, name=name, minutes=minutes: ask(database, name, minutes))
    assert desk("explain", "--last", "--json").json["record"]["request_id"] == "rq_a"
    assert desk("explain", "--last").out == desk("explain", "rq_a").out


def test_explain_asks_for_an_id_or_the_last_and_not_for_both(desk: Desk) -> None:
    for arguments in ((), ("rq_1", "--last")):
        said = desk("explain", *arguments)
        assert (said.code, said.out) == (2, "")
        assert said.err == "お問い合わせ番号(ID)か --last の、どちらか一つを指定してください。\n"


def test_the_number_of_a_page_is_looked_for_in_the_servers_log(desk: Desk) -> None:
    page = desk("explain", opaque.new_id("rq_"))
    assert (page.code, page.out) == (1, "")
    assert page.err == "照会の記録ではありません。画面のお問い合わせ番号は、サーバーのログ(request_id)で調べます。\n"
    assert desk("explain", "12").err == "照会 12 の記録はありません。\n"


@pytest.mark.clause("4-3")
def test_explain_for_programs_holds_digests_facts_and_answers(desk: Desk) -> None:
    request = record_of_a_refusal(desk)
    answer: dict[str, Any] = desk("explain", request, "--json").json
    row = desk.ask(lambda session: session.get(AccessRecord, request))
    assert answer["record"]["institution_digest"] == row.institution_digest
    assert answer["record"]["at"] == "2026-11-24T14:02:00+09:00"
    assert answer["registration"]["registration_id"] == row.registration_id
    refused = {one["rule"]: one["refusals"] for one in answer["answers"] if one["refusals"]}
    assert refused == {
        "within_service_hours": [{"code": "OUTSIDE_SERVICE_HOURS", "retry_at": "2026-11-24T16:00:00+09:00"}],
        "function_stopped": [{"code": "FUNCTION_STOPPED", "retry_at": None}],
    }


def test_evidence_that_was_changed_is_told_to_be_worthless(desk: Desk) -> None:
    request = record_of_a_refusal(desk)

    def forge(session: Any) -> None:
        for (name,) in session.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
            session.exec_driver_sql(f"DROP TRIGGER {name}")
        session.exec_driver_sql("UPDATE fact SET body = replace(body, 'active', 'ended')")

    desk.ask(lambda session: forge(session.connection()))
    said = desk("explain", request)
    assert said.code == 1
    assert "証拠として使えません" in said.err


def test_the_one_time_code_is_the_customers_and_changes_every_half_minute(desk: Desk) -> None:
    secret = sample_logins.sample_totp_secret(MASTER, "10000001")
    desk.ask(
        lambda session: session.add(LoginSecret(customer_id=desk.told.hanako, password_hash="x", totp_secret=secret))
    )
    codes = []
    for seconds in (0, 29, 30):
        desk.at = story.NOW + timedelta(seconds=seconds)
        said = desk("customer", "code", "10000001")
        assert said.code == 0
        assert len(said.out.strip()) == 6
        codes.append(said.out)
    assert codes[0] == codes[1] != codes[2]
    assert "あと 30 秒" in said.err


def test_a_number_of_nobody_is_sent_to_the_page_of_the_sample_customers(desk: Desk) -> None:
    said = desk("customer", "code", "99999999")
    assert said.code == 1
    assert "http://127.0.0.1:8000/sample/customers で確かめられます。" in said.err


def test_the_printed_schema_is_the_file(command: Command) -> None:
    said = command("schema")
    assert (said.code, said.out) == (0, (ROOT / "schema.graphql").read_text("utf-8"))
    assert not command.data.exists()


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    said = command()
    assert said.code == 0
    for name in ("serve", "feed", "aggregator", "service", "stop", "registration", "customer", "explain", "schema"):
        assert f"  {name} " in said.out

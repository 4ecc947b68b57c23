"""`madoguchi doctor`: each thing the service stands on, broken once; it says so, says what to do, and goes on."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from madoguchi.cli.doctor import machine
from madoguchi.cli.doctor.findings import Level
from madoguchi.cli.holding import held as directory_held
from madoguchi.clock import SteppedClock
from madoguchi.installation import CLOCK, MASTER, make_keys
from madoguchi.procedures.inspecting import SqliteFacts, engine_facts
from madoguchi.records.service import TermsVersion
from madoguchi.settings import Mode, Settings
from tests import story
from tests.feeds.events import opened, status_file
from tests.support.desk import Command, Desk
from tests.support.postgres import Cluster


def levels(desk: Desk | Command) -> dict[str, str]:
    """Each check's level; the worst where a check tells more than one thing."""
    said = desk("doctor", "--json")
    worst: dict[str, str] = {}
    for one in said.json["checks"]:
        assert one["message"].endswith("。"), one
        assert (one["remedy"] is None) == (one["level"] in ("ok", "unchecked")), one
        worst[one["check"]] = max(worst.get(one["check"], ""), one["level"], key=("", *Level).index)
    assert said.json["healthy"] is ("error" not in worst.values())
    assert said.code == (0 if said.json["healthy"] else 1)
    return worst


def settings_of(desk: Desk, tmp_path: Path, mode: Mode = Mode.SANDBOX) -> Settings:
    return Settings(mode=mode, issuer=story.ISSUER, database_url=desk.url, data_dir=tmp_path / "data", bank_code="2999")


@pytest.fixture
def well(desk: Desk, tmp_path: Path) -> Desk:
    """A desk at which all is well, so that a test breaks one thing."""
    make_keys(settings_of(desk, tmp_path))
    desk("institution", "holidays", "--years", "2026-2027")
    (tmp_path / "feeds.toml").write_text(
        '[[feeds]]\nfeed = "04"\ndays = "every_day"\ndue = "07:00"\ncovers = "same_day"\n', "utf-8"
    )
    desk("institution", "feeds", str(tmp_path / "feeds.toml"))
    return desk


def test_what_is_well_is_told_line_by_line_and_ends_with_0(well: Desk) -> None:
    said = well("doctor")
    assert said.code == 0, said.out
    assert "[異常]" not in said.out
    assert "[未確認]" not in said.out
    for check in ("settings", "disk", "files", "keys.master", "database", "database.migrations", "calendar.holidays",
                  "terms", "feeds.timetable", "clock.database", "clock.zone", "server"):  # fmt: skip
        assert f"[ok] {check}: " in said.out, check
    assert said.out.rstrip().splitlines()[-1].startswith("ok ")


def test_it_changes_nothing_and_works_before_there_is_an_installation(command: Command) -> None:
    found = levels(command)
    assert found["database"] == "error"
    assert {found[check] for check in ("database.migrations", "institution", "calendar", "terms", "feeds")} == {
        "unchecked"
    }
    assert found["clock.zone"] == found["settings"] == "ok", "what can be looked at is looked at"
    assert "madoguchi db upgrade" in command("doctor").out
    assert not command.data.exists()


def test_settings_that_are_missing_are_all_told_and_the_rest_is_unchecked(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_MODE", "production")
    said = command("doctor")
    assert said.code == 1
    assert all(f"MADOGUCHI_{key}" in said.out for key in ("ISSUER", "DATABASE_URL", "BANK_CODE"))
    assert "[未確認] keys: " in said.out


def test_a_fresh_database_is_behind_and_then_without_an_institution(command: Command) -> None:
    command.data.mkdir()
    (command.data / "madoguchi.db").touch()
    found = levels(command)
    assert (found["database.migrations"], found["institution"]) == ("error", "unchecked")
    assert "「madoguchi db upgrade」" in command("doctor").out
    command("db", "upgrade")
    found = levels(command)
    assert (found["database.migrations"], found["institution"], found["terms"]) == ("ok", "error", "unchecked")


def test_a_file_that_is_no_database_is_told_to_be_damaged(command: Command) -> None:
    command.data.mkdir()
    (command.data / "madoguchi.db").write_text("not at all a database\n" * 500)
    said = command("doctor")
    assert (said.code, said.err) == (1, "")
    assert "壊れているか、SQLite のものではありません" in said.out


def test_a_key_that_others_may_read_is_an_error_and_so_is_one_of_the_sandbox_in_production(
    well: Desk, tmp_path: Path
) -> None:
    key = tmp_path / "data" / MASTER
    for mode, level in ((0o640, "error"), (0o604, "error"), (0o600, "ok")):
        key.chmod(mode)
        assert levels(well)["keys.master"] == level, oct(mode)
    key.chmod(0o644)
    assert f"chmod 600 {key}" in well("doctor").out
    key.chmod(0o600)
    (tmp_path / "data").chmod(0o755)
    assert levels(well)["keys.directory"] == "error"


def test_production_refuses_the_sandboxs_keys_institution_and_terms(
    well: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in (("MODE", "production"), ("ISSUER", "https://api.mihon.example"), ("BANK_CODE", "2999")):
        monkeypatch.setenv(f"MADOGUCHI_{key}", value)
    found = levels(well)
    assert {found[check] for check in ("keys.master", "keys.server", "institution", "terms")} == {"error"}
    assert "keys.sample_aggregator" not in found
    monkeypatch.setenv("MADOGUCHI_BANK_CODE", "2998")
    assert "2999" in well("doctor").out


@pytest.mark.clause("2-1")
def test_a_holiday_of_next_year_that_is_missing_is_told_with_the_command(well: Desk) -> None:
    assert well("institution", "holidays", "--remove", "2027-05-03").code == 0
    assert levels(well)["calendar.holidays"] == "warning"
    said = well("doctor").out
    assert "はじめは 2027年5月3日" in said
    assert "madoguchi institution holidays --years 2027" in said
    well("institution", "holidays", "--years", "2027")
    assert levels(well)["calendar.holidays"] == "ok"
    well.at = datetime(2027, 1, 1, tzinfo=story.NOW.tzinfo)
    assert levels(well)["calendar.holidays"] == "warning", "2028 is not there yet"


@pytest.mark.clause("8-1")
def test_without_terms_in_force_nobody_can_register(well: Desk) -> None:
    well.ask(lambda session: [session.delete(row) for row in session.exec(select(TermsVersion)).all()])
    assert levels(well)["terms"] == "error"


@pytest.mark.clause("6-1")
def test_feeds_that_are_late_in_quarantine_or_waiting_are_told(well: Desk, tmp_path: Path) -> None:
    assert levels(well)["feeds.04"] == "warning", "it never came"
    (tmp_path / "5.jsonl").write_bytes(status_file(opened(5)))
    assert well("feed", "import", str(tmp_path / "5.jsonl")).code == 3
    found = levels(well)
    assert (found["feeds.quarantine"], found["feeds.waiting"]) == ("warning", "error")
    assert "5.jsonl" in well("doctor").out
    well("institution", "feeds", str(_empty(tmp_path)), "--from", "2026-11-24")
    assert levels(well)["feeds.timetable"] == "warning"


def _empty(folder: Path) -> Path:
    (folder / "none.toml").write_text("feeds = []\n")
    return folder / "none.toml"


def test_a_server_that_holds_the_directory_is_told_with_its_address(well: Desk, tmp_path: Path) -> None:
    assert "窓口は動いていません" in well("doctor").out
    with directory_held(settings_of(well, tmp_path)):
        assert f"窓口は動いています({story.ISSUER})" in well("doctor").out


def test_a_sandboxs_stepped_clock_is_told(well: Desk, tmp_path: Path) -> None:
    SteppedClock(tmp_path / "data" / CLOCK, lambda: story.NOW).step_to(story.NOW + timedelta(days=2, hours=3))
    assert "2日3時間" in well("doctor").out
    assert levels(well)["clock.step"] == "warning"
    (tmp_path / "data" / CLOCK).write_text("soon")
    assert machine.stepped(machine._ahead(SteppedClock(tmp_path / "data" / CLOCK))).level is Level.ERROR


def test_it_asks_a_real_postgresql(
    postgres: Cluster, postgres_template: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", postgres.url(postgres_template))
    found = levels(command)
    assert (found["database"], found["database.version"], found["database.connections"]) == ("ok", "ok", "ok")
    assert found["database.durability"] == "error", "the tests' own cluster has fsync off"
    assert found["database.migrations"] == "ok"
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", postgres.url("no_such_database"))
    said = command("doctor")
    assert (said.code, said.err) == (1, "")
    assert "その名前のデータベースがありません。" in said.out
    assert "[未確認] terms: " in said.out
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/bank")
    assert "データベースにつながりません。" in command("doctor").out


def test_the_facts_of_sqlite_are_those_of_the_open_file(desk: Desk) -> None:
    assert desk.ask(engine_facts) == SqliteFacts("wal", 2, True)


def test_programs_are_told_the_same(well: Desk) -> None:
    told = json.loads(well("doctor", "--json").out)
    lines = well("doctor").out
    assert all(f"{one['check']}: {one['message']}" in lines for one in told["checks"])
    assert (told["at"], os.environ.get("MADOGUCHI_MODE")) == ("2026-11-24T14:02:00+09:00", None)

"""What `madoguchi doctor` judges: figures at the edge, without breaking a machine for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from madoguchi import main as composition
from madoguchi.cli.doctor import books, database, machine
from madoguchi.cli.doctor.books import Held
from madoguchi.cli.doctor.findings import Level
from madoguchi.installation import load_keys, make_keys
from madoguchi.procedures.feeds.states import FeedState
from madoguchi.procedures.inspecting import PostgresFacts, SqliteFacts
from madoguchi.procedures.service import institution_facts
from madoguchi.procedures.terms import terms_now
from madoguchi.rules.feed_lateness import FeedLateness
from madoguchi.rules.vocabulary import Feed
from madoguchi.settings import Settings
from tests import story
from tests.support.desk import Desk


@pytest.mark.clause("6-1")
@pytest.mark.parametrize(
    ("lateness", "level"),
    [
        (FeedLateness(), Level.WARNING),
        (FeedLateness(late_since=story.NOW), Level.WARNING),
        (FeedLateness(late_since=story.NOW, unavailable=True), Level.ERROR),
    ],
)
def test_a_feed_whose_data_is_withheld_is_an_error(desk: Desk, lateness: FeedLateness, level: Level) -> None:
    seen = held(desk)
    state = {Feed.BALANCES: FeedState(None, lateness)}
    found = {one.check: one.level for one in books.feeds(replace(seen, feeds=state))}
    assert found["feeds.04"] is level


def held(desk: Desk) -> Held:
    facts = desk.ask(institution_facts)
    return Held("みほん信用組合", "2999", True, facts, desk.ask(terms_now, story.NOW), {}, 0, ())


@pytest.mark.clause("2-1")
def test_a_calendar_that_never_opens_is_told(desk: Desk) -> None:
    seen = held(desk)
    never = replace(seen, facts=replace(seen.facts, hours=()))
    today = date(2026, 11, 24)
    assert [one.level for one in books.calendar(seen, (), story.NOW, today)] == [Level.OK, Level.OK]
    assert next(books.calendar(never, (), story.NOW, today)).level is Level.WARNING


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (machine.SHOULD_BE_FREE, Level.OK),
        (machine.SHOULD_BE_FREE - 1, Level.WARNING),
        (machine.MUST_BE_FREE, Level.WARNING),
        (machine.MUST_BE_FREE - 1, Level.ERROR),
    ],
)
def test_a_disk_that_fills_up_is_told_before_it_is_full(free: int, level: Level) -> None:
    (found,) = machine.disk(Path("data"), free, True)
    assert found.level is level
    (read_only,) = machine.disk(Path("data"), free, False)
    assert read_only.level is Level.ERROR


def test_the_limit_of_open_files_is_held_against_the_connections() -> None:
    assert machine.files(700, 700 + machine.OTHER_FILES).level is Level.OK
    assert machine.files(700, 699 + machine.OTHER_FILES).level is Level.ERROR
    assert machine.files(700, -1).level is Level.OK, "no limit"


@pytest.mark.parametrize(("state", "level"), [(0, Level.OK), (machine.TIME_ERROR, Level.WARNING), (None, Level.OK)])
def test_a_clock_that_nothing_keeps_right_is_told(state: int | None, level: Level) -> None:
    assert machine.synchronised(state).level is level


POSTGRES = PostgresFacts(170004, "UTF8", True, True, "on", 97, False, 3, story.NOW)
OURS = Settings(issuer=story.ISSUER, database_url="postgresql+asyncpg://u@h/bank", bank_code="2999", workers=2)


@pytest.mark.parametrize(
    ("change", "check", "level"),
    [
        ({}, "database.durability", Level.OK),
        ({"fsync": False}, "database.durability", Level.ERROR),
        ({"full_page_writes": False}, "database.durability", Level.ERROR),
        ({"synchronous_commit": "off"}, "database.durability", Level.ERROR),
        ({"synchronous_commit": "remote_apply"}, "database.durability", Level.OK),
        ({"in_recovery": True}, "database.durability", Level.ERROR),
        ({"version": 140012}, "database.version", Level.ERROR),
        ({"version": 150000}, "database.version", Level.OK),
        ({"encoding": "SQL_ASCII"}, "database.encoding", Level.ERROR),
        ({"connections": 80}, "database.connections", Level.OK),
        ({"connections": 79}, "database.connections", Level.ERROR),
    ],
)
def test_a_postgresql_that_could_lose_or_refuse_something_is_an_error(
    change: dict[str, Any], check: str, level: Level
) -> None:
    """2 workers with 8 at work each: 2 x (4 x 8 + 3) connections, and 10 for commands."""
    found = {one.check: one.level for one in database.postgresql(replace(POSTGRES, **change), OURS)}
    assert found[check] is level


def test_what_the_workers_hold_is_what_the_composition_root_opens(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_: list[int] = []
    open_: Callable[..., Any] = composition._open

    def counting(settings: Settings, connections: int) -> Any:
        opened_.append(connections)
        return open_(settings, connections)

    monkeypatch.setattr(composition, "_open", counting)
    settings = Settings(issuer=story.ISSUER, database_url=desk.url, data_dir=tmp_path / "data", bank_code="2999")
    make_keys(settings)
    composition.build_app(settings, load_keys(settings))
    assert sum(opened_) == database.connections_needed(settings)


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (3, Level.OK), (4, Level.WARNING), (12, Level.ERROR)])
def test_the_databases_clock_is_held_against_the_machines(seconds: int, level: Level) -> None:
    """Asked for 2 seconds: it may have answered at their beginning or at their end."""
    facts = replace(POSTGRES, now=story.NOW + timedelta(seconds=seconds))
    before, after = story.NOW - timedelta(seconds=1), story.NOW + timedelta(seconds=1)
    assert database.clock(facts, before, after).level is level


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (SqliteFacts("wal", 2, True), Level.OK),
        (SqliteFacts("delete", 2, True), Level.ERROR),
        (SqliteFacts("wal", 1, True), Level.ERROR),
        (SqliteFacts("wal", 2, False), Level.ERROR),
    ],
)
def test_an_sqlite_that_could_lose_something_is_an_error(facts: SqliteFacts, level: Level) -> None:
    assert [one.level for one in database.sqlite(facts)] == [level]

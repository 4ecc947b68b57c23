"""What a script reads: one JSON document, stable keys, ISO times; every command that shows something has it."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from madoguchi import opaque
from madoguchi.cli.manual import Page
from madoguchi.cli.manual.pages import PAGES
from madoguchi.installation import make_keys
from madoguchi.procedures import sample_logins
from madoguchi.procedures.reading import admit
from madoguchi.procedures.recording import REFUSED, Recorder, Use
from madoguchi.records.database import Database
from madoguchi.settings import Settings
from tests import story
from tests.feeds.events import opened, status_file
from tests.flows.test_command_line_help import COMMANDS, options_of
from tests.support.desk import Command, Desk

SHOWING = {words: page for words, page in PAGES.items() if not page.changes and words != "help"}
AS_TYPED = {
    "backup": ("{folder}/copy.db",),
    "customer code": ("10000001",),
    "explain": ("rq_1",),
    "feed show": ("1",),
    "registration list": ("--all",),
}
"""What a showing command is called with, when it cannot be called bare."""

ALSO_SHOWING = ("institution hours", "institution holidays", "institution feeds", "sandbox clock")
"""Change something or show it."""

TOLD_OTHERWISE = ("schema", "feed schema", "feed list", "feed show", "doctor")
"""Their keys are GraphQL's, JSON Schema's, another command's, or those of two levels."""

IS_JSON_ANYWAY = "feed schema"


def test_what_only_shows_something_has_json_and_a_name_that_shows_is_no_change() -> None:
    assert [words for words in SHOWING if "--json" not in options_of(COMMANDS[words])] == [IS_JSON_ANYWAY]
    named = [words for words in PAGES if words.split()[-1] in ("list", "show", "status", "explain", "doctor", "code")]
    assert set(named) <= set(SHOWING), "whoever lists something says so"
    assert {words for words in SHOWING if "list" in words} >= {
        f"{group} list" for group in ("aggregator", "registration", "stop", "feed", "terms", "customer")
    }


def prepare(desk: Desk, tmp_path: Path) -> None:
    """Something of everything that can be listed."""
    token = desk.ask(story.register, desk.told).access_token
    desk("stop", "set", "branch", "002", "--reason", "点検", "--review-on", "2026-12-01")
    desk("institution", "holidays", "--years", "2027")
    (tmp_path / "feeds.toml").write_text(
        '[[feeds]]\nfeed = "04"\ndays = "every_day"\ndue = "07:00"\ncovers = "same_day"\n', "utf-8"
    )
    desk("institution", "feeds", str(tmp_path / "feeds.toml"))
    (tmp_path / "status.jsonl").write_bytes(status_file(opened(2)))
    desk("feed", "import", str(tmp_path / "status.jsonl"))
    keys = Settings(issuer=story.ISSUER, database_url=desk.url, data_dir=tmp_path / "data", bank_code="2999")
    make_keys(keys)

    async def ask(database: Database) -> None:
        await sample_logins.seed_sample_logins(database, b"m" * 32)
        admission = await database.reading(admit, opaque.stored(token), story.NOW)
        assert admission is not None
        use = Use("rq_1", story.NOW, "query", REFUSED, attended=True)
        assert await Recorder(database, "9.9.9").commit("proof", story.NOW, admission, use)

    desk.run(ask)


def documented(page: Page) -> set[str]:
    return {name for names, _ in page.keys for name in names.split(", ")}


def strings(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, whatever the depth."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def test_each_writes_one_document_with_the_keys_that_its_help_tells(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    prepare(desk, tmp_path)
    for words in (*SHOWING, *ALSO_SHOWING):
        flag = () if words == IS_JSON_ANYWAY else ("--json",)
        typed = (word.format(folder=tmp_path) for word in AS_TYPED.get(words, ()))
        said = desk(*words.split(), *typed, *flag)
        assert said.code in ((0, 1) if words == "doctor" else (0,)), (words, said.err)
        assert said.err == "", words
        value = json.loads(said.out)
        assert value, f"{words}: something is there"
        if words not in TOLD_OTHERWISE:
            first = value[0] if isinstance(value, list) else value
            assert set(first) == documented(PAGES[words]), words
    listed = desk("feed", "list", "--json").json["files"][0]
    assert [key for key in listed if not re.search(rf"\b{key}\b", str(PAGES["feed list"].keys))] == []
    assert set(desk("feed", "show", "1", "--json").json) == {*listed, "quarantine"}


def test_keys_are_small_letters_and_times_carry_their_zone(desk: Desk, tmp_path: Path) -> None:
    prepare(desk, tmp_path)
    for words in ("service status", "registration list", "stop list", "feed list", "terms list", "explain", "doctor"):
        value = desk(*words.split(), *AS_TYPED.get(words, ()), "--json").json
        for key, one in strings(value):
            assert re.fullmatch(r"[a-z0-9_.]+", key), (words, key)
            if isinstance(one, str) and re.match(r"\d{4}-\d\d-\d\dT", one):
                assert datetime.fromisoformat(one).utcoffset() is not None, (words, key)
                assert one.endswith("+09:00"), (words, key)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("explain rq_0 --json", 1),
        ("feed show 99 --json", 1),
        ("feed show x --json", 2),
        ("registration list --customer 99999999 --json", 1),
        ("customer code 99999999 --json", 1),
        ("institution hours --from 2027-01-01 --json", 2),
        ("stop list --jsn", 2),
    ],
)
def test_a_failure_leaves_the_document_away_and_keeps_its_code_and_sentence(desk: Desk, typed: str, code: int) -> None:
    said = desk(*typed.split())
    assert (said.code, said.out) == (code, "")
    assert re.search("[ぁ-ん]", said.err)


def test_an_empty_list_is_an_empty_array(command: Command) -> None:
    command("db", "upgrade")
    for group in ("aggregator", "registration", "stop", "terms"):
        assert command(group, "list", "--json").json == [], group
    assert command("feed", "list", "--json").json == {"files": [], "quarantine": []}

"""A production installation comes from nothing through commands alone, and every wrong document is told."""

import asyncio
import http.client
import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from madoguchi.procedures.service import institution_facts
from madoguchi.records.database import Database
from tests import story
from tests.support.desk import Command, Desk, Said
from tests.support.server import COMMAND, running_server

MADOGUCHI = COMMAND[0]
SAMPLE = story.SAMPLE
TERMS, BANKING_RULES = "api-terms-2026-10-01.toml", "internet-banking-rules-2026-10-01.toml"


def document(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A real institution's document: the sample's, which says no more that it is one, with some changes."""
    text = (SAMPLE / name).read_text("utf-8").replace("sample = true", "sample = false")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def production(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command of a production installation with keys and tables, and nothing in them."""
    for key, value in {
        "MODE": "production",
        "ISSUER": "https://api.mihon.example",
        "BANK_CODE": "2999",
        "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'production.db'}",
    }.items():
        monkeypatch.setenv(f"MADOGUCHI_{key}", value)
    assert command("keys", "new").code == 0
    assert command("db", "upgrade").code == 0
    return command


async def holidays_at(url: str) -> set[date]:
    database = Database(url, 1)
    try:
        return set((await database.reading(institution_facts)).holidays)
    finally:
        await database.close()


def test_production_is_set_up_from_zero_by_commands_and_serves(tmp_path: Path) -> None:
    data = tmp_path / "keys"
    environment = {
        "MADOGUCHI_MODE": "production",
        "MADOGUCHI_ISSUER": "https://api.mihon.example",
        "MADOGUCHI_BANK_CODE": "2999",
        "MADOGUCHI_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'production.db'}",
        "MADOGUCHI_DATA_DIR": str(data),
    }
    (tmp_path / "closed.toml").write_text('2027-05-06 = "組合の休日"\n')
    for arguments in (
        ("keys", "new"),
        ("db", "upgrade"),
        ("institution", "set-up", str(document(tmp_path, "institution.toml"))),
        ("institution", "holidays", str(tmp_path / "closed.toml")),
        ("terms", "load", str(document(tmp_path, TERMS)), "--attach", str(document(tmp_path, BANKING_RULES))),
    ):
        done = subprocess.run(
            [MADOGUCHI, *arguments], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, ""), arguments
    with running_server(environment) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for path in ("/.well-known/oauth-authorization-server", "/"):
            connection.request("GET", path, headers={"Host": "api.mihon.example"})
            answer = connection.getresponse()
            body = answer.read().decode()
            assert answer.status == 200, (path, body)
            if path != "/":
                assert json.loads(body)["issuer"] == "https://api.mihon.example"
        connection.close()
        assert "みほん信用組合の窓口を開きました" in server.log
        assert server.terminate() == 0


def test_serving_says_which_command_is_due(production: Command, tmp_path: Path) -> None:
    bare = production("serve", "--port", "18995")
    assert (bare.code, "madoguchi institution set-up FILE" in bare.err) == (1, True)
    assert production("institution", "set-up", str(document(tmp_path, "institution.toml"))).code == 0
    without_terms = production("serve", "--port", "18994")
    assert (without_terms.code, "madoguchi terms load FILE --attach FILE" in without_terms.err) == (1, True)


def test_an_institution_is_set_up_once_with_the_holidays_of_two_years(production: Command, tmp_path: Path) -> None:
    file = str(document(tmp_path, "institution.toml"))
    said = production("institution", "set-up", file)
    assert (said.code, "「みほん信用組合」を登録しました。" in said.out, "2026年、2027年" in said.out) == (
        0,
        True,
        True,
    )
    again = production("institution", "set-up", file)
    assert (again.code, again.out, "すでに登録されています" in again.err) == (1, "", True)
    holidays = asyncio.run(holidays_at(os.environ["MADOGUCHI_DATABASE_URL"]))
    assert {date(2026, 11, 23), date(2027, 1, 1), date(2027, 12, 31)} <= holidays
    assert {day.year for day in holidays} == {2026, 2027}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('bank_code = "2999"', 'bank_code = "2998"', "MADOGUCHI_BANK_CODE 2999 と違います"),
        ('bank_code = "2999"', "bank_code = 2999", "bank_code は、文字列で"),
        ('bank_code = "2999"', 'bank_code = "２９９９"', "bank_code は、数字4桁で"),
        ('name = "みほん信用組合"', "", "name がありません"),
        ('name = "みほん信用組合"', 'name = ""', "name は、文字列で"),
        ("is_sample = false", "is_sample = true", "見本です"),
        ("is_sample = false", "is_sample = 0", "is_sample は、true または false の値で"),
        ("registration_days = 180", "registration_days = 0", "registration_days は、1 以上の整数で"),
        ("registration_days = 180", "registration_days = true", "registration_days は、1 以上の整数で"),
        ("history_months = 13", 'history_months = "13"', "history_months は、1 以上の整数で"),
        ("excluded_products", "exclude_products", "exclude_products は、知らない項目です"),
        ("excluded_products = []", "excluded_products = [2]", "excluded_products は、商品コード"),
        ("[hours.business]", "[hours.other]", "hours.business.weekday がありません"),
        ('weekday = ["00:00-24:00"]', 'weekday = "00:00-24:00"', "hours.personal.weekday がありません"),
        ('weekday = ["00:00-24:00"]', 'weekday = ["23:00-07:00"]', "時間帯「23:00-07:00」"),
        ('weekday = ["00:00-24:00"]', "weekday = [7]", "時間帯「7」"),
        ("[hours.personal]", "[hours.personal", "TOML(UTF-8)として読めません"),
    ],
)
def test_a_document_that_is_no_institutions_of_ours_is_refused_with_what_to_mend(
    production: Command, tmp_path: Path, old: str, new: str, told: str
) -> None:
    refused = production("institution", "set-up", str(document(tmp_path, "institution.toml", (old, new))))
    assert (refused.code, refused.out) == (3, "")
    assert told in refused.err
    assert production("institution", "holidays", "--years", "2028").code == 1  # none was set up


@pytest.mark.clause("2-1")
def test_holidays_are_added_from_a_document_and_for_whole_years(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "closed.toml"
    file.write_text('2027-05-06 = "組合の休日"\n2027-05-07 = "設備の点検"\n')
    said = desk("institution", "holidays", str(file))
    assert (said.code, said.out) == (0, "休日を入れました: 2日(2027-05-06 から 2027-05-07 まで)\n")
    assert desk("institution", "holidays", "--years", "2028-2029").code == 0
    days = set(desk.ask(institution_facts).holidays)
    assert {date(2027, 5, 6), date(2027, 5, 7), date(2028, 1, 1), date(2029, 12, 31)} <= days
    assert [act.clause for act in desk.acts("holidays.set")][-2:] == ["2-1", "2-1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('2027-02-29 = "休日"', "休日「2027-02-29」は、2027-05-06 の形"),
        ("2027-05-06 = 1", "休日 2027-05-06 の名前"),
        ("", "1日も書かれていません"),
        ("2027-05-06", "読めません"),
    ],
)
def test_holidays_that_cannot_be_read_are_told_and_none_is_added(
    desk: Desk, tmp_path: Path, text: str, told: str
) -> None:
    before = desk.ask(institution_facts).holidays
    file = tmp_path / "closed.toml"
    file.write_text('2027-05-07 = "休日"\n' + text if told != "1日も書かれていません" else text)
    refused = desk("institution", "holidays", str(file))
    assert (refused.code, told in refused.err) == (3, True)
    assert desk.ask(institution_facts).holidays == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("closed.toml", "--years", "2028"),
        ("--years", "2028", "--remove", "2027-05-06"),
        *(("--years", years) for years in ("28", "2029-2028", "2028-2048", "1999")),
    ],
)
def test_holidays_come_from_one_document_or_from_at_most_ten_years(desk: Desk, arguments: tuple[str, ...]) -> None:
    said = desk("institution", "holidays", *arguments)
    assert (said.code, said.out) == (2, "")
    assert len(desk.acts("holidays.set")) == 1


@pytest.mark.clause("9-1")
def test_terms_are_loaded_once_and_a_changed_text_needs_a_new_date(desk: Desk, tmp_path: Path) -> None:
    rules = ("--attach", str(SAMPLE / BANKING_RULES))
    assert "すでに加えてあります" in desk("terms", "load", str(SAMPLE / TERMS), *rules).out
    file = tmp_path / "next.toml"
    changed = (SAMPLE / TERMS).read_text("utf-8") + "\n"
    file.write_text(changed)
    refused = desk("terms", "load", str(file), *rules)
    assert (refused.code, "別の内容で登録済みです" in refused.err) == (3, True)
    file.write_text(changed.replace("as_of = 2026-10-01", "as_of = 2027-04-01", 1))
    assert desk("terms", "load", str(file), *rules).out == "next.toml を加えました。\n"
    versions = [str(terms.version) for terms in desk.ask(institution_facts).terms]
    assert versions == ["2026-10-01", "2027-04-01"]


@pytest.mark.clause("8-1")
def test_terms_without_the_internet_banking_rules_are_refused(desk: Desk) -> None:
    assert desk("terms", "load", str(SAMPLE / TERMS)).code == 2
    refused = desk("terms", "load", str(SAMPLE / TERMS), "--attach", str(SAMPLE / TERMS))
    assert (refused.code, "インターネットバンキング利用規定が添えられていません" in refused.err) == (3, True)
    missing = desk("terms", "load", str(SAMPLE / TERMS), "--attach", "no.toml")
    assert (missing.code, "no.toml がありません" in missing.err) == (1, True)


@pytest.mark.parametrize("sample", [TERMS, BANKING_RULES])
def test_production_takes_no_sample_as_its_terms(production: Command, tmp_path: Path, sample: str) -> None:
    def load() -> Said:
        return production("terms", "load", str(files[TERMS]), "--attach", str(files[BANKING_RULES]))

    files = {name: document(tmp_path, name) for name in (TERMS, BANKING_RULES)}
    assert load().code == 1  # no institution yet
    assert production("institution", "set-up", str(document(tmp_path, "institution.toml"))).code == 0
    kept, files[sample] = files[sample], SAMPLE / sample
    refused = load()
    assert (refused.code, f"{SAMPLE / sample} は見本です" in refused.err) == (3, True)
    files[sample] = kept
    assert load().code == 0

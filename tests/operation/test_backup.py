"""Backup and restore: taken while the bank writes, whole or not at all, and nothing acknowledged is missing from it."""

import asyncio
import shlex
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, select

from madoguchi.cli.backups import postgresql_commands
from madoguchi.procedures.backing_up import back_up, restore
from madoguchi.records.audit import AccessRecord
from madoguchi.records.copying import GUARDS
from madoguchi.records.database import Database
from tests import story
from tests.flows.load import Software
from tests.support.databases import sqlite_url
from tests.support.desk import Desk
from tests.support.postgres import Cluster
from tests.support.server import free_port, running_server
from tests.support.tree import ROOT
from tests.support.whole import COMMAND, environment


def request_ids(session: Session) -> set[str]:
    return set(session.exec(select(AccessRecord.request_id)))


async def test_a_backup_under_load_holds_every_use_acknowledged_before_it_and_serves_when_it_is_restored(
    database: Database, tmp_path: Path
) -> None:
    told = await database.writing(story.tell)
    known = await database.writing(story.register, told)
    await database.close()
    served, copied, restored = tmp_path / "madoguchi.db", tmp_path / "backup.db", tmp_path / "new" / "madoguchi.db"
    restored.parent.mkdir()
    acknowledged: list[str] = []
    over = asyncio.Event()

    async def keep_asking(software: Software) -> None:
        while not over.is_set():
            answer = await software.query(known.access_token)
            assert answer.status_code == 200
            acknowledged.append(answer.headers["x-request-id"])

    async def until_asked(times: int) -> None:
        while len(acknowledged) < times:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    port = free_port()
    given = environment(port, sqlite_url(served), tmp_path / "data")
    with running_server(given, command=COMMAND, port=port, folder=ROOT) as server:
        load = [asyncio.create_task(keep_asking(Software(server.url, told))) for _ in range(3)]
        await until_asked(20)
        before = set(acknowledged)
        await asyncio.to_thread(back_up, served, copied)
        await until_asked(len(acknowledged) + 10)
        over.set()
        await asyncio.gather(*load)
        later = Software(server.url, told)
        assert (await later.query(known.access_token)).headers["x-request-id"] not in before
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600

    assert restore(copied, restored, story.NOW) is None
    opened = Database(sqlite_url(restored))
    kept = await opened.reading(request_ids)
    assert before <= kept <= set(acknowledged)
    await opened.close()
    with running_server(
        given | {"MADOGUCHI_DATABASE_URL": sqlite_url(restored)}, command=COMMAND, port=port, folder=ROOT
    ) as server:
        again = await Software(server.url, told, httpx.AsyncClient(timeout=30)).query(known.access_token)
        assert again.status_code == 200
    with sqlite3.connect(restored) as books:
        assert {name for (name,) in books.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")} >= GUARDS
        with pytest.raises(sqlite3.IntegrityError, match="takes inserts only"):
            books.execute("DELETE FROM access_record")


def test_a_backup_never_replaces_a_file_and_says_that_the_keys_are_not_in_it(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    said = desk("backup", str(file))
    assert said.code == 0
    assert "鍵(MADOGUCHI_DATA_DIR)は入っていません" in said.out
    first = file.read_bytes()
    again = desk("backup", str(file))
    assert (again.code, "すでにあります" in again.err) == (1, True)
    assert file.read_bytes() == first
    told = desk("backup", str(tmp_path / "other.db"), "--json").json
    assert (told["keys"], told["octets"]) == (False, (tmp_path / "other.db").stat().st_size)
    nowhere = desk("backup", str(tmp_path / "nowhere" / "backup.db"))
    assert (nowhere.code, f"{tmp_path / 'nowhere'} がありません" in nowhere.err) == (1, True)
    assert not list(tmp_path.glob("*unfinished*")) + list(tmp_path.glob(".*unfinished*"))


def test_a_restore_asks_before_it_replaces_and_keeps_what_was_there(desk: Desk, tmp_path: Path) -> None:
    file, database = tmp_path / "backup.db", tmp_path / "madoguchi.db"
    assert desk("backup", str(file)).code == 0
    desk.ask(story.register, desk.told)
    refused = desk("restore", str(file))
    assert (refused.code, "--replace" in refused.err) == (1, True)
    done = desk("restore", str(file), "--replace", "--json").json
    assert done["database"] == str(database)
    registrations = "SELECT count(*) FROM registration"
    with sqlite3.connect(done["kept"]) as before, sqlite3.connect(database) as now:
        assert before.execute(registrations).fetchone() == (1,)
        assert now.execute(registrations).fetchone() == (0,)


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 9] = b"\xff" * 4096 * 6
    file.write_bytes(content)


def no_database(file: Path) -> None:
    file.write_bytes(b"something else" * 1000)


def without_a_guard(file: Path) -> None:
    with sqlite3.connect(file) as books:
        books.execute("DROP TRIGGER access_record_no_delete")


def without_a_parent(file: Path) -> None:
    with sqlite3.connect(file) as books:
        books.execute("DELETE FROM customer")


@pytest.mark.parametrize("spoil", [damaged, no_database, without_a_guard, without_a_parent])
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    desk: Desk, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    file, database = tmp_path / "backup.db", tmp_path / "madoguchi.db"
    assert desk("backup", str(file)).code == 0
    spoil(file)
    before = sorted(tmp_path.iterdir()), database.read_bytes()
    said = desk("restore", str(file), "--replace")
    assert (said.code, "正しい控えではありません" in said.err) == (1, True)
    after = sorted(path for path in tmp_path.iterdir() if path.suffix != ".lock")
    assert (after, database.read_bytes()) == before


def test_a_database_that_is_broken_is_put_aside_whole_and_replaced(desk: Desk, tmp_path: Path) -> None:
    file, database = tmp_path / "backup.db", tmp_path / "madoguchi.db"
    assert desk("backup", str(file)).code == 0
    no_database(database)
    (tmp_path / "madoguchi.db-wal").write_bytes(b"left behind")
    kept = Path(desk("restore", str(file), "--replace", "--json").json["kept"])
    assert kept.read_bytes().startswith(b"something else")
    assert not (tmp_path / "madoguchi.db-wal").exists(), "nothing of the old one lies beside the new one"
    assert desk("service", "status").code == 0


def test_while_somebody_has_the_database_open_nothing_is_restored(desk: Desk, tmp_path: Path) -> None:
    file, database = tmp_path / "backup.db", tmp_path / "madoguchi.db"
    assert desk("backup", str(file)).code == 0
    other = sqlite3.connect(database)
    other.execute("SELECT count(*) FROM customer").fetchone()
    said = desk("restore", str(file), "--replace")
    assert (said.code, "使っています" in said.err) == (1, True)
    other.close()
    assert desk("restore", str(file), "--replace").code == 0


def test_while_a_server_serves_the_file_nothing_is_restored_even_before_its_first_request(
    desk: Desk, tmp_path: Path
) -> None:
    file, database = tmp_path / "backup.db", tmp_path / "madoguchi.db"
    assert desk("backup", str(file)).code == 0
    serving = {"MADOGUCHI_DATABASE_URL": desk.url, "MADOGUCHI_DATA_DIR": str(tmp_path / "data")}
    with running_server(serving, answers_at="/static/x"):
        said = desk("restore", str(file), "--replace")
        assert (said.code, "サーバー(madoguchi serve)が使っています" in said.err) == (1, True)
    assert desk("restore", str(file), "--replace").code == 0
    assert database.exists()


@pytest.fixture
def desk_on_postgresql(
    postgres: Cluster,
    postgres_template: str,
    new_postgres_database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    url = postgres.url(new_postgres_database(postgres_template))
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", url)
    monkeypatch.setenv("MADOGUCHI_BANK_CODE", "2999")
    desk = Desk(url, None, capsys)  # type: ignore[arg-type]
    desk.told = desk.ask(story.tell)
    return desk


def test_on_postgresql_the_very_commands_are_told_and_they_bring_everything_back(
    desk_on_postgresql: Desk, postgres: Cluster, tmp_path: Path
) -> None:
    file, desk, cluster = tmp_path / "backup.dump", desk_on_postgresql, postgres
    dump, restoring = postgresql_commands(desk.url, str(file))
    for command in ("backup", "restore"):
        said = desk(command, str(file))
        assert said.code == 1
        assert all(line in said.err for line in (dump, *restoring))
    for line in (dump, *restoring):
        subprocess.run(shlex.split(line), check=True, capture_output=True)
    new = shlex.split(restoring[0])[-1]
    opened = Desk(cluster.url(new), desk.told, desk.capture)
    token = opened.ask(story.register, desk.told).access_token
    assert opened.reads(token)
    guarded = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
    counted = [
        subprocess.run(
            ["psql", f"--host={cluster.home}", "--username=madoguchi", "--tuples-only", f"--dbname={name}",
             f"--command={guarded}"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
        for name in (new.removesuffix("_restored"), new)
    ]  # fmt: skip
    assert counted[0] == counted[1] != "0"
    cluster.execute(f'DROP DATABASE "{new}" WITH (FORCE)')


def test_no_password_is_in_the_commands_that_are_told() -> None:
    dump, restoring = postgresql_commands("postgresql+asyncpg://bank:secret@db.example:5433/books", "f.dump")
    told = "\n".join((dump, *restoring))
    assert "secret" not in told
    assert "--host=db.example --port=5433 --username=bank" in dump

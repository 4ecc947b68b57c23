"""Starts that cannot succeed say all that is wrong, in sentences, and prepare nothing."""

import ctypes
import os
import socket
import sys
from pathlib import Path

import pytest

from madoguchi.cli import main
from madoguchi.installation import make_keys
from madoguchi.settings import Mode, Settings
from tests.support.desk import Command, Desk, Said

PRODUCTION = {
    "MADOGUCHI_MODE": "production",
    "MADOGUCHI_ISSUER": "https://api.mihon.example",
    "MADOGUCHI_DATABASE_URL": "postgresql+asyncpg://127.0.0.1:1/none",
    "MADOGUCHI_BANK_CODE": "2999",
}


def keys_of(mode: Mode, data: Path) -> None:
    make_keys(Settings(mode=mode, issuer="https://a.example", database_url="x", bank_code="2999", data_dir=data))


def test_production_names_every_setting_that_is_missing(command: Command) -> None:
    said = command("serve", MADOGUCHI_MODE="production")
    assert said.code == 1
    for key in ("MADOGUCHI_ISSUER", "MADOGUCHI_DATABASE_URL", "MADOGUCHI_BANK_CODE"):
        assert f"{key}: 設定がありません" in said.err
    assert not command.data.exists()


def test_production_refuses_http_sample_login_and_a_missing_secret_and_says_which(command: Command) -> None:
    wrong = {**PRODUCTION, "MADOGUCHI_ISSUER": "http://127.0.0.1:8000", "MADOGUCHI_SAMPLE_LOGIN": "true"}
    said = command("serve", **wrong)
    assert said.code == 1
    assert "MADOGUCHI_ISSUER: 本番では http を使えません" in said.err
    assert "MADOGUCHI_SAMPLE_LOGIN: 本番では見本のログインを使えません" in said.err
    assert f"{command.data / 'master.key'} がありません" in said.err
    assert not command.data.exists()


def test_production_refuses_keys_that_a_sandbox_made(command: Command) -> None:
    keys_of(Mode.SANDBOX, command.data)
    said = command("serve", **PRODUCTION)
    assert said.code == 1
    assert f"{command.data / 'master.key'} は本番のために作られたものではありません" in said.err


def test_production_takes_its_own_keys_and_goes_on_to_the_database(command: Command) -> None:
    assert command("keys", "new", **PRODUCTION).code == 0
    assert sorted(path.name for path in command.data.iterdir()) == ["master.key", "server.jwks.json"]
    said = command("serve", "--port", "18999", **PRODUCTION)
    assert said.code == 1
    assert said.err.startswith("データベースにつながりません")


def test_production_serves_no_sample(command: Command) -> None:
    keys_of(Mode.PRODUCTION, command.data)
    said = command("serve", "--sample", **PRODUCTION)
    assert said.code == 1
    assert "--sample: 本番では、見本の信用組合を動かせません" in said.err
    assert "customer" not in said.out
    assert "ワンタイムパスワードを表示しません" in command("customer", "code", "10000001").err


def test_more_than_one_worker_asks_for_postgresql(command: Command) -> None:
    said = command("serve", "--sample", "--workers", "2")
    assert said.code == 1
    assert "MADOGUCHI_WORKERS: 2つ以上にするには PostgreSQL が必要です" in said.err


def test_a_setting_that_cannot_be_read_is_named_without_its_value(command: Command) -> None:
    said = command("serve", MADOGUCHI_WORKERS="secret-word", MADOGUCHI_BANK_CODE="12", MADOGUCHI_DRAIN="15")
    assert said.code == 1
    assert "MADOGUCHI_WORKERS: 読めない値です" in said.err
    assert "MADOGUCHI_BANK_CODE: 銀行コードは数字4けたです" in said.err
    assert "MADOGUCHI_DRAIN: 時間を読めません。「PT15S」" in said.err
    assert "secret-word" not in said.err


@pytest.mark.parametrize(
    "address",
    [
        "mysql://officer:secret-word@host/bank",
        "postgresql://officer:secret-word@host/bank",
        "postgresql+asyncpg://officer:secret-word@host:port/bank",
        "sqlite:///secret-word.db",
        "sqlite+aiosqlite://",
        "secret-word",
        "",
    ],
)
@pytest.mark.parametrize("arguments", [("serve",), ("service", "status"), ("db", "upgrade")])
def test_an_address_of_another_kind_of_database_is_told_without_repeating_it(
    command: Command, address: str, arguments: tuple[str, ...]
) -> None:
    said = command(*arguments, MADOGUCHI_DATABASE_URL=address)
    assert (said.code, said.out) == (1, "")
    assert "MADOGUCHI_DATABASE_URL: sqlite+aiosqlite:///ファイル名 か postgresql+asyncpg://… の形に" in said.err
    assert "secret-word" not in said.err
    assert not command.data.exists()


@pytest.mark.parametrize(
    "issuer",
    [
        "https://api.mihon.example/",
        "https://api.mihon.example/bank",
        "https://api.mihon.example?a=b",
        "https://api.mihon.example#top",
        "https://officer@api.mihon.example",
        "https://api.mihon.example:99999",
        "https://[api",
        "https://",
        "api.mihon.example",
    ],
)
def test_an_issuer_is_scheme_and_host_and_nothing_else(command: Command, issuer: str) -> None:
    for arguments in (("serve",), ("aggregator", "list")):
        said = command(*arguments, **{**PRODUCTION, "MADOGUCHI_ISSUER": issuer})
        assert said.code == 1
        assert "MADOGUCHI_ISSUER: https://api.example のように" in said.err


def test_a_port_in_use_is_told_before_anything_is_prepared(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = command("serve", "--sample", "--port", str(port))
    assert said.code == 1
    assert f"ポート {port} は、ほかのプログラムが使っています" in said.err
    assert f"make run PORT={port + 1}" in said.err
    assert not command.data.exists()


def test_a_data_directory_that_is_a_file_is_told(command: Command) -> None:
    command.data.write_text("")
    said = command("serve", "--sample", "--port", "18998")
    assert said.code == 1
    assert said.err.startswith(str(command.data))


def test_a_read_only_directory_is_told(command: Command) -> None:
    command.data.mkdir()
    command.data.chmod(0o555)
    said = unprivileged(command, "serve", "--sample", "--port", "18997")
    assert said.code == 1
    assert said.err.startswith(f"{command.data} を読み書きする権限がありません。")
    assert list(command.data.iterdir()) == []
    assert unprivileged(command, "keys", "new").err == said.err


def test_records_that_cannot_be_written_are_told(desk: Desk, command: Command, database_url: str) -> None:
    file = Path(database_url.removeprefix("sqlite+aiosqlite:///"))
    file.chmod(0o444)
    file.parent.chmod(0o555)
    try:
        said = unprivileged(command, "service", "close", MADOGUCHI_DATABASE_URL=database_url)
    finally:
        file.parent.chmod(0o755)
    assert said.code == 1
    assert "データベースのファイルに書き込めません" in said.err


def test_records_that_are_not_there_or_of_another_release_are_told(command: Command, empty_database_url: str) -> None:
    missing = command("service", "status")
    assert missing.code == 1
    assert "madoguchi serve --sample" in missing.err
    assert not command.data.exists()
    Path(empty_database_url.removeprefix("sqlite+aiosqlite:///")).touch()
    old = command("service", "status", MADOGUCHI_DATABASE_URL=empty_database_url)
    assert (old.code, "madoguchi db upgrade" in old.err) == (1, True)
    assert command("db", "upgrade").code == 0
    bare = command("serve", "--port", "18996")
    assert (bare.code, "金融機関が登録されていません" in bare.err) == (1, True)


def test_what_nobody_foresaw_gets_a_number_and_shows_nobodys_data(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise RuntimeError("ミホン ハナコ 1234567")

    monkeypatch.setattr("madoguchi.doors.api.schema.printed_schema", fail)
    said = command("schema")
    assert said.code == 1
    assert "予期しない問題が起きました(番号 err_" in said.err
    assert "RuntimeError" in said.err
    assert "1234567" not in said.err + said.out


def unprivileged(command: Command, *arguments: str, **environment: str) -> Said:
    """Run a command in a child to which the modes of files apply, as they do not to root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            drop_capabilities()
            os.environ.update(environment)
            sys.stdout = sys.stderr = os.fdopen(writer, "w")
            code = main(arguments)
            sys.stderr.flush()
            os._exit(code)
        finally:
            os._exit(70)
    os.close(writer)
    with os.fdopen(reader) as stream:
        err = stream.read()
    return Said(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "", err)


def drop_capabilities() -> None:
    """capset(2) with nothing left: root without CAP_DAC_OVERRIDE."""
    version_and_process = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(version_and_process, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")

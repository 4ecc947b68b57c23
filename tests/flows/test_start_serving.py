"""`madoguchi serve` over a real socket: how it starts, what it logs, and how it ends."""

import asyncio
import base64
import http.client
import json
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyotp
import pytest

from madoguchi.procedures.sample_logins import sample_totp_secret
from madoguchi.records.database import Database
from tests import story
from tests.support.postgres import Cluster
from tests.support.sample import FirstStart
from tests.support.server import COMMAND, Server, free_port, running_server

MADOGUCHI = COMMAND[0]
SECONDS_OF_WORK = 10.0


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def desk(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another process at the same installation, with nothing but the data directory in its environment."""
    environment = {"PATH": "/usr/bin:/bin", "MADOGUCHI_DATA_DIR": str(data)}
    return subprocess.run([MADOGUCHI, *arguments], env=environment, capture_output=True, text=True, check=False)


def lines_of(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.fixture
def spare(new_sample: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A data directory that no other test serves."""
    return new_sample(tmp_path / "data")


@pytest.fixture(scope="module")
def data(new_sample: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that `server` holds."""
    return new_sample(tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with running_server({"MADOGUCHI_DATA_DIR": str(data)}, "--sample") as running:
        yield running


def test_a_first_start_imports_thirteen_months_of_feeds_and_says_so(sample_first_start: FirstStart) -> None:
    assert "勘定系からの13か月分の連携ファイルを取り込んでいます。" in sample_first_start.log
    assert sample_first_start.log.endswith("終わりました。\n")


def test_it_prints_the_first_page_the_logins_the_codes_and_the_command_that_closes(server: Server, data: Path) -> None:
    assert f"はじめに開くページ: {server.url}/" in server.log
    assert "10000001" in server.log
    assert "mihon-" in server.log
    assert "見本のお客さま(備考は、その方で試せることです):" in server.log
    assert "備考" in next(line for line in server.log.splitlines() if "お客さま番号" in line)
    assert f"{server.url}/sample/customers" in server.log
    assert "service close" in server.log
    assert f"{server.url}/sample" in server.log
    assert get(server.port, "/")[0] == get(server.port, "/sample/customers")[0] == 200


def test_issuer_and_return_address_follow_the_port(server: Server, data: Path) -> None:
    status, metadata = get(server.port, "/.well-known/oauth-authorization-server")
    assert (status, json.loads(metadata)["issuer"]) == (200, server.url)
    listed = json.loads(desk(data, "aggregator", "list", "--json").stdout)
    assert [row["redirect_uris"] for row in listed if row["name"] == "みほん家計簿"] == [
        [f"{server.url}/sample/callback", f"{server.url}/developer/graphiql/callback"]
    ]


def test_commands_act_on_what_is_served_and_know_its_address(server: Server, data: Path, tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(json.loads(get(server.port, "/jwks")[1])))
    added = desk(
        data, "aggregator", "add", "--name", "よその家計簿", "--jwks", str(keys),
        "--redirect-uri", "http://127.0.0.1:9000/cb", "--scope", "accounts balances", "--json",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["issuer"] == server.url
    code = desk(data, "customer", "code", "10000001").stdout.strip()
    master = base64.urlsafe_b64decode((data / "master.key").read_text().split()[-1])
    assert pyotp.TOTP(sample_totp_secret(master, "10000001")).verify(code, valid_window=3)  # it was slow to start


@pytest.mark.clause("2-1")
def test_the_printed_command_closes_the_service_that_is_running(server: Server, data: Path) -> None:
    assert "サービス時間外です" not in get(server.port, "/")[1]
    assert desk(data, "service", "close").returncode == 0
    try:
        closed = get(server.port, "/")[1]
    finally:
        assert desk(data, "service", "open").returncode == 0
    assert closed != get(server.port, "/")[1]


def test_a_log_line_names_request_and_template_and_nothing_anybody_typed(server: Server) -> None:
    for path in ("/hours?customer=10000001", "/authorize?client_id=c&request_uri=urn:secret", "/10000001"):
        get(server.port, path)
    lines: list[dict[str, Any]] = []
    deadline = time.monotonic() + 30
    while [line["path"] for line in lines][-1:] != ["-"] and time.monotonic() < deadline:  # written after the answer
        lines = [line for line in lines_of(server.log) if line["event"] == "request"][-3:]
        time.sleep(0.05)
    assert [line["path"] for line in lines] == ["/hours", "/authorize", "-"]
    assert all(line["request_id"].startswith("rq_") and line["ms"] >= 0 for line in lines)
    for typed in ("10000001", "secret", "client_id"):
        assert typed not in json.dumps(lines)


def test_a_second_start_on_the_same_data_is_refused_and_the_first_goes_on_unchanged(server: Server, data: Path) -> None:
    before = {path.name: path.read_bytes() for path in (data / "issuer", data / "serving.lock")}
    for sample in (("--sample",), ()):
        refused = desk(data, "serve", *sample, "--port", str(free_port()))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == (
            f"この data はほかの madoguchi({server.url})が使っています。"
            "止めてから始めるか、MADOGUCHI_DATA_DIR を別にしてください。\n"
        )
    assert {path.name: path.read_bytes() for path in (data / "issuer", data / "serving.lock")} == before
    test_issuer_and_return_address_follow_the_port(server, data)


def test_a_server_that_was_killed_leaves_its_data_free(spare: Path) -> None:
    environment = {"MADOGUCHI_DATA_DIR": str(spare)}
    with running_server(environment, "--sample") as first:
        first.kill()
    with running_server(environment, "--sample") as second:
        assert second.terminate() == 0


def test_the_server_does_not_say_what_it_is_made_of(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/")
    headers = dict(connection.getresponse().getheaders())
    connection.close()
    assert "server" not in {name.lower() for name in headers}


def test_a_second_start_is_ready_after_few_seconds_of_work(spare: Path) -> None:
    """Ten seconds at most; counted in processor time, as other tests may share this machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with running_server({"MADOGUCHI_DATA_DIR": str(spare)}, "--sample") as server:
        assert server.terminate() == 0
        assert "勘定系からの13か月分" not in server.log
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS_OF_WORK


def test_a_request_that_was_accepted_is_answered_after_sigterm_and_new_ones_are_not(spare: Path) -> None:
    with running_server({"MADOGUCHI_DATA_DIR": str(spare)}, "--sample") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as accepted:
            body = b"client_id=nobody&scope=accounts"
            head = f"POST /par HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n"
            accepted.sendall(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body[:5])
            assert get(server.port, "/")[0] == 200  # the loop has turned: the request before this one was taken
            server.process.terminate()
            wait_until_refused(server.port)
            assert server.process.poll() is None
            accepted.sendall(body[5:])
            answer = http.client.HTTPResponse(accepted)
            answer.begin()
            assert answer.status == 401
            assert json.loads(answer.read())["error"] == "invalid_client"
        assert server.process.wait(30) == 0
        assert server.log.rstrip().splitlines()[-1] != ""
        assert "終わりました。" in server.log


def test_a_request_that_never_ends_does_not_keep_the_server_from_ending(spare: Path) -> None:
    environment = {"MADOGUCHI_DATA_DIR": str(spare), "MADOGUCHI_DRAIN": "PT1S"}
    with (
        running_server(environment, "--sample") as server,
        socket.create_connection(("127.0.0.1", server.port)) as stuck,
    ):
        stuck.sendall(f"POST /par HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 10\r\n\r\n".encode())
        assert get(server.port, "/")[0] == 200
        assert server.terminate() == 0


def test_two_workers_on_postgresql_serve_and_end_together(
    postgres: Cluster, postgres_template: str, new_postgres_database: Any, tmp_path: Path
) -> None:
    name = new_postgres_database(postgres_template)
    environment = {"MADOGUCHI_DATA_DIR": str(tmp_path / "data"), "MADOGUCHI_DATABASE_URL": postgres.url(name)}
    with running_server(environment, "--sample", "--workers", "2") as server:
        workers = workers_of(server)
        assert len(workers) == 2
        assert [get(server.port, "/")[0] for _ in range(8)] == [200] * 8
        assert server.terminate() == 0
        assert not [worker for worker in workers if worker.exists()]


def workers_of(server: Server) -> list[Path]:
    """The processes that serve, as folders of /proc: children of the one that the command has started to fork them."""
    (forking,) = (each for each in children(server.process.pid) if b"forkserver" in (each / "cmdline").read_bytes())
    return children(int(forking.name))


def children(pid: int) -> list[Path]:
    return [Path("/proc", child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_production_serves_with_its_own_keys_and_has_no_sample(database_url: str, tmp_path: Path) -> None:
    asyncio.run(told(database_url))
    environment = {
        "MADOGUCHI_MODE": "production",
        "MADOGUCHI_ISSUER": "https://api.mihon.example",
        "MADOGUCHI_BANK_CODE": "2999",
        "MADOGUCHI_DATABASE_URL": database_url,
        "MADOGUCHI_DATA_DIR": str(tmp_path / "keys"),
    }
    made = subprocess.run([MADOGUCHI, "keys", "new"], env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    behind_a_proxy = {"Host": "api.mihon.example"}
    with running_server(environment) as server:
        status, metadata = get(server.port, "/.well-known/oauth-authorization-server", behind_a_proxy)
        assert (status, json.loads(metadata)["issuer"]) == (200, "https://api.mihon.example")
        assert [get(server.port, path, behind_a_proxy)[0] for path in ("/sample", "/sample/customers")] == [404, 404]
        assert get(server.port, "/")[0] == 421
        assert "mihon-" not in server.log
        assert server.terminate() == 0
    left = sorted(path.name for path in (tmp_path / "keys").iterdir())
    assert left == ["master.key", "server.jwks.json"], "it writes nothing beside its keys: they may be read-only"


async def told(url: str) -> None:
    database = Database(url, 1)
    try:
        await database.writing(story.tell)
    finally:
        await database.close()


def wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("it still takes new connections")

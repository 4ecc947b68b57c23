"""A PostgreSQL cluster of the tests' own: one for a pytest run, in a folder of its own, reached by its socket only.

Started by the first test that asks for it (under a lock, as pytest-xdist's workers share it) and stopped by the process
that started pytest, through its own data directory. Debian's clusters are neither used nor touched.
PostgreSQL refuses to run as root: then the cluster belongs to Debian's user `postgres`.
"""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SUPERUSER = "madoguchi"
HOME = pytest.StashKey[Path]()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The running cluster; `home` holds its data, its log and its socket."""

    home: Path

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one of its databases."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?host={self.home}"

    def execute(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own (CREATE DATABASE wants that)."""
        commands = [part for statement in statements for part in ("-c", statement)]
        flags = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--host={self.home}", f"--username={SUPERUSER}"]
        _run("psql", *flags, "--dbname=postgres", *commands)

    def start(self, **wanted: str) -> None:
        """Make and start it. `wanted`: settings of PostgreSQL that this cluster has instead of the tests' own."""
        data = self.home / "data"
        whose = (f"--username={SUPERUSER}", "--auth=trust")
        _run("initdb", f"--pgdata={data}", *whose, "--encoding=UTF8", "--locale=C", "--no-sync")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.home),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "fsync": "off",  # a machine that loses power takes the tests with it; killed processes lose nothing
            **wanted,
        }
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        _run("pg_ctl", f"--pgdata={data}", f"--log={self.home / 'log'}", "--wait", "--timeout=60", "start")

    def stop(self) -> None:
        _run("pg_ctl", f"--pgdata={self.home / 'data'}", "--mode=immediate", "--wait", "stop")


def _program(name: str) -> str:
    """The newest installed server's program: Debian keeps them outside PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.fail(f"PostgreSQL の {name} がありません。root で「make test-packages」を。", pytrace=False)
    return str(found[-1])


def _run(program: str, *arguments: str) -> None:
    """As the cluster's owner. Output goes to a file: the server inherits it, and a pipe would never be closed."""
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [_program(program), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **owner
        )
        output.seek(0)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{output.read().decode(errors='replace')}")


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", {}).get("postgres_home")
    # Not below TMPDIR: another user has to reach it, and a socket's path is at most 107 bytes long.
    config.stash[HOME] = Path(given or tempfile.mkdtemp(prefix="madoguchi-postgres-", dir="/tmp"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the cluster of this run is, or will be."""
    node.workerinput["postgres_home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    home = config.stash[HOME]
    if (home / "data" / "postmaster.pid").exists():
        Cluster(home).stop()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Cluster:
    """The cluster of this run, started when the first test needs it."""
    home = pytestconfig.stash[HOME]
    cluster = Cluster(home)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "data" / "postmaster.pid").exists():
            if os.geteuid() == 0:
                owner = pwd.getpwnam("postgres")
                os.chown(home, owner.pw_uid, owner.pw_gid)
            cluster.start()
    return cluster

"""The files by which it is run elsewhere, held as far as a machine without an engine can hold them."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from madoguchi.cli.running import AFTER_DRAIN_SECONDS, OTHER_FILES
from madoguchi.settings import Settings
from tests.support.tree import ROOT

DEPLOY = ROOT / "backend/deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
EXPOSED_AT_MOST = {"madoguchi.service": 1.5, "madoguchi-backup.service": 3.0}
"""systemd-analyze's measure, from 0 (closed) to 10; what is not hardened has 9.6."""


def instructions(text: str) -> list[tuple[str, str]]:
    """A Containerfile's instructions: word and rest, with continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined)]


CONTAINER = instructions((DEPLOY / "Containerfile").read_text("utf-8"))


def every(word: str) -> list[str]:
    return [rest for found, rest in CONTAINER if found == word]


def test_the_container_is_made_in_two_stages_of_one_named_and_dated_base() -> None:
    assert every("ARG") == ["BASE=python:3.11-slim-bookworm"]
    assert every("FROM") == ["${BASE} AS build", "${BASE}"]
    assert not [rest for _, rest in CONTAINER if "latest" in rest]
    # A name of a host would stand before a slash: the engine's own settings say where images come from.
    assert not re.search(r"\w\.\w+/|https?://(?!127\.0\.0\.1)", "\n".join(rest for _, rest in CONTAINER))


def test_all_that_is_copied_is_in_the_tree() -> None:
    sources = [word for rest in every("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert {"requirements.txt", "pyproject.toml", "backend/madoguchi", "frontend"} <= set(sources)
    assert not [source for source in sources if not (ROOT / source).exists()]


def test_packages_come_by_hash_and_as_wheels_and_ours_without_asking_anybody() -> None:
    """The same steps run in tests/house/test_wheel.py, in an environment that holds nothing else."""
    installing = [rest for rest in every("RUN") if "pip install" in rest]
    assert len(installing) == 2
    assert {"--no-deps", "--only-binary", "--require-hashes"} <= set(installing[0].split())
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(installing[1].split())
    assert "hatchling==" in (ROOT / "requirements.txt").read_text("utf-8"), "what builds it is in the lock too"


def test_it_runs_as_a_user_without_rights_and_writes_in_its_volume_only() -> None:
    words = [word for word, _ in CONTAINER]
    assert every("USER") == ["10001:10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert every("VOLUME") == ["/var/lib/madoguchi"]
    assert "MADOGUCHI_DATA_DIR=/var/lib/madoguchi" in " ".join(every("ENV"))


def test_what_it_starts_is_a_command_of_ours_and_its_health_is_asked_at_the_operators_port() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert every("ENTRYPOINT") == ['["madoguchi"]']
    assert "madoguchi" in scripts
    assert "MADOGUCHI_OPERATION_PORT=9464" in " ".join(every("ENV"))
    assert "http://127.0.0.1:9464/health/live" in every("HEALTHCHECK")[0]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that is there: systemd looks for it."""
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/madoguchi/bin/madoguchi", str(shutil.which("true"))))
    return tmp_path


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "madoguchi" in line]
    assert (done.returncode, ours) == (0, [])
    (units / "broken.service").write_text("[Service]\nExecStart=/nowhere/madoguchi\nTypo=yes\n")
    broken = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(units / "broken.service")], capture_output=True, check=False
    )
    assert broken.returncode != 0 or b"Typo" in broken.stderr, "it looks"


@pytest.mark.parametrize("name", EXPOSED_AT_MOST)
def test_the_services_are_as_closed_as_systemd_can_make_them(units: Path, name: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(units / name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) <= EXPOSED_AT_MOST[name]


def test_systemd_waits_longer_than_a_drain_and_allows_the_connections_that_are_the_default() -> None:
    unit = dict(line.split("=", 1) for line in (DEPLOY / "madoguchi.service").read_text().splitlines() if "=" in line)
    settings = Settings(issuer="http://127.0.0.1:1", database_url="sqlite+aiosqlite:///x", bank_code="2999")
    assert int(unit["TimeoutStopSec"]) > settings.drain.total_seconds() + AFTER_DRAIN_SECONDS
    assert int(unit["LimitNOFILE"]) >= settings.connections + OTHER_FILES
    assert unit["KillMode"] == "mixed", "the parent tells its workers"
    assert unit["Type"] == "exec"

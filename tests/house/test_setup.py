"""`make` on a machine where something is missing: one sentence that helps, and nothing half done."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.tree import ROOT

PARTS = ("Makefile", "pyproject.toml", "requirements.txt", "requirements-test.txt")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The part of a clone that makes its environment."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "backend/setup", folder / "backend/setup")
    for part in PARTS:
        shutil.copy(ROOT / part, folder / part)
    return folder


def make(clone: Path, target: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/make", "--no-print-directory", target],
        cwd=clone, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


def tools(folder: Path, *names: str) -> str:
    """A PATH that knows these programs only."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return str(folder)


SHELL = ("bash", "env", "dirname", "cat", "sha256sum", "cut", "id")


def test_help_lists_every_target_with_its_purpose(clone: Path) -> None:
    listed = make(clone, "help").stdout
    assert all(f"make {name} " in listed for name in ("run", "test", "lock", "schema", "clean"))


def test_without_python_it_says_which_version_to_install(clone: Path, tmp_path: Path) -> None:
    done = make(clone, "run", PATH=tools(tmp_path / "bin", *SHELL))
    assert done.returncode != 0
    assert "Python 3.11 以上が見つかりません" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_python_that_is_too_old_is_not_taken(clone: Path, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin", *SHELL))
    (path / "python3").write_text("#!/bin/sh\nexit 1\n")  # what 3.9 answers to the question for its version
    (path / "python3").chmod(0o755)
    assert "Python 3.11 以上が見つかりません" in make(clone, "run", PATH=str(path)).stderr


def test_a_python_without_ensurepip_and_pip_names_the_package_to_install(clone: Path, tmp_path: Path) -> None:
    path = Path(tools(tmp_path / "bin", *SHELL))
    (path / "python3").write_text(
        '#!/bin/sh\ncase "$*" in *ensurepip*|*pip*) exit 1;; --version) echo Python 3.11.2;; esac\n'
    )
    (path / "python3").chmod(0o755)
    done = make(clone, "run", PATH=str(path))
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(clone: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as above:  # pytest's own folders are closed to other users
        fixed = shutil.copytree(clone, Path(above) / "clone")
        Path(above).chmod(0o755)
        fixed.chmod(0o555)
        owner = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [fixed / "backend/setup/environment.sh", "requirements.txt"],
            cwd="/", capture_output=True, text=True, check=False, **owner,
        )  # fmt: skip
        fixed.chmod(0o755)
    assert done.returncode != 0
    assert f"書き込めません: {fixed}" in done.stderr


def test_another_user_than_root_is_told_the_one_line_that_root_runs(clone: Path, tmp_path: Path) -> None:
    """Below an empty root folder nothing of Debian's is there."""
    path = Path(tools(tmp_path / "bin", "bash", "env", "dirname"))
    (path / "id").write_text("#!/bin/sh\necho 1000\n")
    (path / "id").chmod(0o755)
    done = make(clone, "test-packages", PATH=str(path), MACHINE=str(tmp_path / "empty"))
    assert done.returncode != 0
    assert "chromium-headless-shell fonts-noto-cjk libatomic1 postgresql" in done.stderr
    assert f"make -C '{clone}' test-packages" in done.stderr


def test_without_npm_the_server_can_do_and_the_tests_cannot(clone: Path) -> None:
    """`make run` goes on with one line; `make test` ends there. What was built stays, and nothing is built twice."""
    without_modules = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "frontend/graphiql", clone / "frontend/graphiql", ignore=without_modules)
    (clone / ".venv/bin").mkdir(parents=True)
    for name, code in (("npm", 1), ("node", 0)):
        (clone / ".venv/bin" / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (clone / ".venv/bin" / name).chmod(0o755)

    def build(*words: str) -> subprocess.CompletedProcess[str]:
        script = clone / "backend/setup/graphiql.sh"
        return subprocess.run([script, *words], capture_output=True, text=True, check=False)

    served = build("optional")
    assert (served.returncode, "ほかの画面は、このまま使えます" in served.stdout) == (0, True)
    tested = build()
    assert (tested.returncode, "GraphiQL を用意できませんでした" in tested.stderr) == (1, True)
    (clone / ".venv/bin/npm").write_text("#!/bin/sh\nexit 0\n")
    assert (build().returncode, build().stdout) == (0, ""), "the second time there is nothing to do"

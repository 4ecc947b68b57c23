"""Linter, type checker and dependency checker find nothing. What they look for stands in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import ROOT

CHECKS = {
    "linter": ("ruff", "check", "--quiet", "--output-format=concise", "."),
    "types": ("mypy",),
    "dependencies": ("deptry", "."),
    # Development dependencies are what tests may import; whether each is used is not asked: some are commands.
    "dependencies of the tests": ("deptry", "tests", "--exclude=node_modules", "--ignore=DEP002,DEP004"),
}


@pytest.mark.parametrize("check", CHECKS)
def test_it_finds_nothing(check: str) -> None:
    tool, *arguments = CHECKS[check]
    program = Path(sys.executable).parent / tool
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{check}:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\nat = datetime.now()\n",
        "import datetime\nat = datetime.datetime.utcnow()\n",
        "from datetime import date\non = date.today()\n",
        "import time\nat = time.time()\n",
        "import random\n",
        "import secrets\n",
        "from uuid import uuid4\n",
        "import os\nkey = os.urandom(16)\n",
    ],
)
def test_time_and_chance_are_banned_outside_their_two_files(source: str) -> None:
    def finds(name: str) -> bool:
        check = [Path(sys.executable).parent / "ruff", "check", "--select=TID251", f"--stdin-filename={name}", "-"]
        done = subprocess.run(check, cwd=ROOT, input=source, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return "TID251" in done.stdout

    assert finds("backend/madoguchi/procedures/reading.py")
    assert not finds("backend/madoguchi/clock.py")
    assert not finds("backend/madoguchi/opaque.py")

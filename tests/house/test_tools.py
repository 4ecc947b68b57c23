"""Linter, type checker and dependency checker find nothing. What they look for stands in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import ROOT

TOOLS = {
    "ruff": ("check", "--quiet", "--output-format=concise", "."),
    "mypy": (),
    "deptry": (".",),
}


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / tool
    return subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tool", TOOLS)
def test_it_finds_nothing(tool: str) -> None:
    done = run(tool, *TOOLS[tool])
    assert done.returncode == 0, f"{tool}:\n{done.stdout}{done.stderr}"


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

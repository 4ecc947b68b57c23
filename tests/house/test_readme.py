"""What README.md tells a newcomer to type is typed here, in its order."""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.readme import Block, UnmarkedBlock, blocks, unprinted
from tests.support.server import free_port, running_server
from tests.support.tree import ROOT

PRINTED_ADDRESS = "127.0.0.1:8000"
LONGEST_SECONDS = 120

EXAMPLE = """
```sh run
echo one; echo 2026-11-24 two
```

```text
… two
```

```sh shown: needs another machine
false
```
"""


def test_a_block_says_what_it_is_for_and_what_it_prints() -> None:
    first, second = blocks(EXAMPLE)
    assert (first.line, first.mark, second.mark) == (2, "run", "shown: needs another machine")
    assert not unprinted(first, "one\n2026-11-24 two\n")
    assert unprinted(first, "one\n2026-11-24 three\n")


@pytest.mark.parametrize("info", ["sh", "bash", "sh shown:", "console run"])
def test_a_block_that_is_silently_left_out_is_refused(info: str) -> None:
    with pytest.raises(UnmarkedBlock, match="line 1"):
        list(blocks(f"```{info}\ntrue\n```\n"))


def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    """From the first to the last, in one place, as the walk-through is read."""
    walk = list(blocks((ROOT / "README.md").read_text("utf-8")))
    assert any(block.mark == "serve" for block in walk), "the walk-through starts the house"
    port = free_port()
    mine = {"MADOGUCHI_DATA_DIR": str(tmp_path / "data"), "PORT": str(port)}
    with ExitStack() as served:
        for block in walk:
            commands = block.commands.replace(PRINTED_ADDRESS, f"127.0.0.1:{port}")
            if block.mark == "serve":
                shell = ("bash", "-euo", "pipefail", "-c", commands.replace("{", "{{").replace("}", "}}"))
                served.enter_context(running_server(mine, command=shell, port=port, folder=ROOT))
            elif block.mark == "run":
                _run(block, commands, mine)


def _run(block: Block, commands: str, mine: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT, env={**os.environ, **mine}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=LONGEST_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"README.md line {block.line}:\n{done.stdout}{done.stderr}"
    assert not unprinted(block, done.stdout), f"README.md line {block.line} promises other words than\n{done.stdout}"

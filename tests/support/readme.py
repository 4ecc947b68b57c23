"""The commands of README.md and of the documentation, made ready to run.

Every ```sh block says in its info string what the tests do with it:

    ```sh run            run it; a ```text block right after it is what it prints, line by line (… stands for anything)
    ```sh serve          start it, and let it serve while the blocks after it run
    ```sh shown: reason  not run, and why

In the documentation blocks have headings (`sh run: Make your keys`, `text What it prints`); there a reason is one.

The walk-through's address http://127.0.0.1:8000 becomes a free port's, and its records go to a folder of the test's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"sh (?:(?P<mark>run|serve)(?:: \S.*)?|(?P<shown>shown: \S.*))")
LANGUAGES_OF_COMMANDS = ("sh", "bash", "shell", "console")


@dataclass(frozen=True, slots=True)
class Block:
    """One block of commands; `mark` is run, serve, or `shown: ` with a reason; `prints` are patterns of its output."""

    line: int
    mark: str
    commands: str
    prints: tuple[re.Pattern[str], ...]


class UnmarkedBlock(ValueError):
    """A block of commands that does not say what the tests do with it."""


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of commands in their order. Raises UnmarkedBlock."""
    fences = list(FENCE.finditer(markdown))
    for fence, following in zip_longest(fences, fences[1:]):
        info, line = fence["info"].strip(), markdown.count("\n", 0, fence.start()) + 1
        if info.split(" ")[0] not in LANGUAGES_OF_COMMANDS:
            continue
        mark = MARK.fullmatch(info)
        if mark is None:
            raise UnmarkedBlock(f"line {line}: ```{info}: say `sh run`, `sh serve` or `sh shown: reason`")
        expected: list[str] = []
        is_output = following is not None and following["info"].strip().split(" ")[0] == "text"
        if is_output and not markdown[fence.end() : following.start()].strip():
            expected = following["body"].splitlines()
        yield Block(line, mark["mark"] or mark["shown"], fence["body"], tuple(map(_pattern, expected)))


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, line.strip().split("…"))))


def unprinted(block: Block, output: str) -> list[str]:
    """The promised lines that the output does not hold."""
    lines = [line.strip() for line in output.splitlines()]
    return [wanted.pattern for wanted in block.prints if not any(wanted.fullmatch(line) for line in lines)]

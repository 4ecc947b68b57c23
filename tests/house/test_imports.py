"""Who may import whom. The layers stand in pyproject.toml under import-linter; the rules' own closure stands here."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.tree import ROOT

RULES = ROOT / "backend/madoguchi/rules"

# The whole of the standard library that a rule may use: values, dates, text, digests; no I/O, no clock, no chance.
PURE = {
    "__future__", "abc", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "itertools", "json", "math", "operator", "re", "string", "types",
    "typing", "unicodedata", "zoneinfo",
}  # fmt: skip


def imported_packages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import of a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def test_the_layers_of_the_house_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_uses_other_rules_and_the_pure_part_of_the_standard_library_only() -> None:
    strangers = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in RULES.rglob("*.py")
        for line, name in imported_packages(path)
        if name.split(".")[0] not in PURE and name.split(".")[:2] != ["madoguchi", "rules"]
    ]
    assert not strangers, "\n".join(strangers)

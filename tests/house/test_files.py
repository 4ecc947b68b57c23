"""What stands in the tree: files of a readable length, locks without a host, nothing of one machine."""

import re
from pathlib import Path

import pytest

from tests.support.tree import ROOT, python_files, tracked_files

LONGEST = 300
LONGER_WITH_REASON = {
    "backend/madoguchi/records/migrations/versions/0001_tables.py": "the first migration makes every table, and a "
    "migration that has run somewhere is never cut up again",
}
"""Path -> why one subject needs more than LONGEST lines."""

LOCK_NAME = re.compile(r"requirements.*\.txt|.*[.-]lock(?:\.\w+)?")
LOCKS = (
    "requirements.txt",
    "requirements-test.txt",
    "tests/clients/package-lock.json",
    "frontend/graphiql/package-lock.json",
)
HOST = re.compile(r"\w+://|--(?:index-url|extra-index-url|find-links|trusted-host)")
OF_ONE_MACHINE = re.compile(r"(?<![\w.~/-])/(?:home/\w|root/|work/|Users/\w)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_one_subject_needs() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in python_files()}
    too_long = {path for path, length in lengths.items() if length > LONGEST}
    assert too_long == set(LONGER_WITH_REASON), "two subjects in one file? else say why in LONGER_WITH_REASON"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    found = [line for line in (ROOT / lock).read_text("utf-8").splitlines() if HOST.search(line)]
    assert not found


def test_there_is_no_other_lock() -> None:
    assert {name(path) for path in tracked_files() if LOCK_NAME.fullmatch(path.name)} == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_every_package_of_a_lock_has_one_version_and_its_hashes(lock: str) -> None:
    pins = pinned(lock)
    assert len(pins) > 50
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) and hashes for pin, hashes in pins.items())


def test_the_tests_use_the_very_versions_that_are_served() -> None:
    served, tested = pinned(LOCKS[0]), pinned(LOCKS[1])
    assert {pin: tested.get(pin) for pin in served} == served


def pinned(lock: str) -> dict[str, set[str]]:
    """`name==version` -> its hashes."""
    entries = re.split(r"\n(?=[a-z])", (ROOT / lock).read_text("utf-8"))[1:]
    return {entry.split()[0]: set(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)) for entry in entries}


def test_nothing_in_the_tree_names_a_folder_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # pictures and feed files
        found += [f"{name(path)}: {match[0]}" for match in OF_ONE_MACHINE.finditer(text)]
    assert not found

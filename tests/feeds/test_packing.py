"""A long file that waits in quarantine comes out as it went in, and is never in memory as a whole."""

import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest

from madoguchi.doors.core_banking.packing import packed, unpacked
from tests.feeds.books import ORDINARY
from tests.feeds.events import registered, status_file

MIB = 1024 * 1024


@pytest.mark.parametrize("content", [b"", b"\n", status_file(*(registered(one, ORDINARY) for one in range(1, 500)))])
def test_what_was_packed_comes_out_as_it_was(content: bytes) -> None:
    stream = BytesIO(content)
    stream.read(3)
    with unpacked(packed(stream)) as again:
        assert again.read() == content
        again.seek(0)
        assert again.readlines() == content.splitlines(keepends=True)


def test_a_file_of_a_hundred_thousand_events_needs_a_few_megabytes(tmp_path: Path) -> None:
    some = status_file(*(registered(one, ORDINARY) for one in range(1, 1001)))
    with (tmp_path / "long.jsonl").open("w+b") as file:
        for _ in range(100):
            file.write(some)
        length = file.tell()
        tracemalloc.start()
        try:
            with unpacked(packed(file)) as again:
                assert sum(map(len, iter(lambda: again.read(MIB), b""))) == length > 30 * MIB
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 10 * MIB


def test_a_file_that_is_very_long_even_when_packed_is_not_kept() -> None:
    content = bytes(range(256)) * 4096
    length = len(packed(BytesIO(content)))
    assert packed(BytesIO(content), at_most=length) != b""
    assert packed(BytesIO(content), at_most=length - 1) == b""

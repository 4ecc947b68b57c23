"""One block of a Zengin file, header to trailer, in bounded memory however many records it has.

A block is read once to be checked. What a short block holds is kept from that reading; a long one's is read again from
the file each time it is wanted. What the records mean: zengin_statements.py and zengin_notices.py.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, TypeVar

from madoguchi.doors.core_banking.zengin_file import FileOutline, records
from madoguchi.doors.core_banking.zengin_layout import LAYOUTS, FileLayouts, Layout
from madoguchi.doors.core_banking.zengin_record import Damaged, Record

KEPT = 5_000
"""The most data records of a block that are kept in memory."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlockAt:
    """Where a block stands: an examined file and the record number of the block's header."""

    stream: BinaryIO
    outline: FileOutline
    first: int

    @property
    def layouts(self) -> FileLayouts:
        return LAYOUTS[self.outline.file_type]

    def header(self) -> Record:
        """Its text is not checked: a block that is passed over may hold anything."""
        return self._record(self.layouts.header, self.first)

    def trailer(self, data_count: int) -> Record:
        return self._record(self.layouts.trailer, self.first + 1 + data_count)

    def _record(self, layout: Layout, number: int) -> Record:
        for _, raw in records(self.stream, self.outline, number):
            return Record(layout, number, raw, self.outline.code)
        raise changed()

    def data(self) -> Iterator[Record]:
        """The data records, their text checked. Nobody else may move the stream in between."""
        layout, code = self.layouts.data, self.outline.code
        for number, raw in records(self.stream, self.outline, self.first + 1):
            if raw.startswith(b"8"):
                return
            if not raw.startswith(b"2"):
                raise changed()
            record = Record(layout, number, raw, code)
            record.check_text()
            yield record

    def record_count(self) -> int:
        """Header and trailer included; only the type of each record is looked at."""
        try:
            for number, raw in records(self.stream, self.outline, self.first):
                if raw.startswith(b"8"):
                    return number - self.first + 1
        except Damaged:
            pass
        raise changed()


def checked(read: Callable[[], Iterator[T]]) -> tuple[Iterable[T], int]:
    """All that `read` finds, and how many: read to its end, which raises Damaged where something is wrong."""
    values = read()
    kept = tuple(islice(values, KEPT))
    more = sum(1 for _ in values)
    return (_ReadAgain(read) if more else kept), len(kept) + more


class _ReadAgain(Iterable[T]):
    """What a long block holds, read from the file each time it is iterated."""

    def __init__(self, read: Callable[[], Iterator[T]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._read()
        except Damaged:
            raise changed() from None


def changed() -> OSError:
    """For a file that was whole when it was examined and is not now: somebody writes in it."""
    return OSError(errno.EBUSY, "読んでいるあいだに、ほかのプログラムが書き換えました")

"""Reading the internet-banking status feed: JSON Lines, UTF-8; a file of events, or the nightly full file (全件照合).

Source: the models in procedures/status_feed/events.py and status_feed/full_file.py; a line that does not fit refuses
the file before any of it acts (status_lines.py). A file is gone through twice, first to examine it, then to act on
it, so that a million lines need little memory: of each only its place is kept. A byte-order mark before the first
line (RFC 8259 lets a reader pass it over) and CR LF are taken, an empty line is not. Whether events join those known
so far, and what a full file changes, are the procedures' questions.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from pydantic import TypeAdapter

from madoguchi.doors.core_banking.status_lines import LINE_LIMIT, read_line, refused
from madoguchi.doors.core_banking.zengin_blocks import changed
from madoguchi.procedures.feeds.values import AccountKey, FileRefused
from madoguchi.procedures.status_feed.events import AnyEvent, EventFile, PlacedEvent, StatusEvent
from madoguchi.procedures.status_feed.full_file import (
    FullBegin,
    FullContract,
    FullEnd,
    FullFile,
    PlacedContract,
    StatusLine,
)
from madoguchi.rules.vocabulary import Product

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_LINE: TypeAdapter[StatusLine] = TypeAdapter(StatusLine)


def read_status_file(stream: BinaryIO) -> EventFile | FullFile | FileRefused:
    """What the file holds, or the first thing wrong with it. The stream stays in use as long as what is returned."""
    lines = _lines(stream)
    first = next(lines, None)
    if first is None:
        return EventFile((), ())
    if isinstance(first.says, FileRefused):
        return first.says
    if isinstance(first.says, FullBegin):
        return _full_file(stream, first.says, lines)
    return _event_file(stream, first, lines)


def write_status_events(events: Iterable[StatusEvent]) -> bytes:
    """The same lines again, absent keys left out."""
    return _written(events)


def write_full_file(begin: FullBegin, contracts: Iterable[FullContract]) -> bytes:
    """A full file of these contracts, with the counts that it must end with."""
    told = list(contracts)
    accounts = sum(len(contract.accounts) for contract in told)
    return _written([begin, *told, FullEnd(kind="full.end", contracts=len(told), accounts=accounts)])


def _written(lines: Iterable[StatusLine]) -> bytes:
    return b"".join(_LINE.dump_json(line, exclude_none=True) + b"\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: its number from 1, the byte at which it begins, what it says."""

    number: int
    offset: int
    says: StatusLine | FileRefused


@dataclass(frozen=True, slots=True)
class _Places:
    """Where lines of a stream stand, sixteen bytes a line, to read them again in any order."""

    stream: BinaryIO
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))

    def keep(self, line: _Line) -> None:
        self.numbers.append(line.number)
        self.offsets.append(line.offset)

    def again(self, which: int) -> tuple[int, StatusLine]:
        """The line and its number. Raises OSError when the file is not what it was when it was examined."""
        number = self.numbers[which]
        self.stream.seek(self.offsets[which])
        says = read_line(self.stream.readline(LINE_LIMIT), number)
        if isinstance(says, FileRefused):
            raise changed()
        return number, says


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    stream.seek(0)
    offset = len(BYTE_ORDER_MARK) if stream.read(len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK else 0
    stream.seek(offset)
    number = 0
    while line := stream.readline(LINE_LIMIT):
        number += 1
        yield _Line(number, offset, read_line(line, number))
        offset += len(line)


def _event_file(stream: BinaryIO, first: _Line, others: Iterator[_Line]) -> EventFile | FileRefused:
    places, sequences = _Places(stream), array("q")
    line: _Line | None = first
    while line is not None:
        if isinstance(line.says, FileRefused):
            return line.says
        if not isinstance(line.says, AnyEvent):
            told = "全件照合の行が、イベントのファイルに入っています(ファイルを分けてください)"
            return refused(line.number, "kind", line.says.kind, "イベント", told)
        places.keep(line)
        sequences.append(line.says.sequence)
        line = next(others, None)
    order = array("q", sorted(range(len(sequences)), key=lambda which: sequences[which]))  # stable: by line in a number
    return EventFile(array("q", (sequences[which] for which in order)), _EventsInOrder(places, order))


@dataclass(frozen=True, slots=True)
class _EventsInOrder:
    places: _Places
    order: "array[int]"

    def __iter__(self) -> Iterator[PlacedEvent]:
        for which in self.order:
            number, says = self.places.again(which)
            if isinstance(says, AnyEvent):  # it was, when the file was examined
                yield PlacedEvent(number, says)


@dataclass(frozen=True, slots=True)
class _Contracts:
    places: _Places

    def __iter__(self) -> Iterator[PlacedContract]:
        for which in range(len(self.places.numbers)):
            number, says = self.places.again(which)
            if isinstance(says, FullContract):
                yield PlacedContract(number, says)


@dataclass(slots=True)
class _Census:
    """What stood in the full file so far: nothing may stand twice, and a customer has one name."""

    contracts: set[tuple[str, Product]] = field(default_factory=set)
    accounts: set[AccountKey] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)

    def fault(self, begin: FullBegin, contract: FullContract) -> tuple[str, str] | None:
        """Key and sentence of what does not fit the lines before."""
        whose = (contract.customer_number, contract.product)
        if whose in self.contracts:
            return "product", "同じお客さまの同じ product の契約が、前の行にもあります"
        self.contracts.add(whose)
        name = hash((contract.customer_name, contract.customer_kana))
        if self.names.setdefault(contract.customer_number, name) != name:
            return "customer_name", "同じお客さまの氏名が、前の行と違います"
        if contract.since > begin.as_of:
            return "since", "since が full.begin の as_of より後です"
        for account in contract.accounts:
            if account.account.key in self.accounts:
                return "accounts", "同じ口座が、前にもあります"
            self.accounts.add(account.account.key)
        return None


def _full_file(stream: BinaryIO, begin: FullBegin, lines: Iterator[_Line]) -> FullFile | FileRefused:
    places, census, number = _Places(stream), _Census(), 1
    for line in lines:
        number = line.number
        match line.says:
            case FileRefused():
                return line.says
            case FullContract():
                fault = census.fault(begin, line.says)
                if fault is not None:
                    return refused(number, fault[0], "", "", fault[1])
                places.keep(line)
            case FullEnd():
                return _ended(begin, line.says, census, places, lines, number)
            case other:
                told = f"{other.kind} は、ここには置けません(full.begin と full.end の間は full.contract だけです)"
                return refused(number, "kind", other.kind, "full.contract", told)
    told = "最後の行が full.end ではありません(ファイルが途中で切れています)"
    return refused(number, "kind", "", "full.end", told)


def _ended(
    begin: FullBegin, end: FullEnd, census: _Census, places: _Places, others: Iterator[_Line], number: int
) -> FullFile | FileRefused:
    held = FullEnd(kind="full.end", contracts=len(census.contracts), accounts=len(census.accounts))
    if end != held:
        told = (
            f"件数が合いません(full.end は契約{end.contracts}件・口座{end.accounts}件、"
            f"ファイルの中は契約{held.contracts}件・口座{held.accounts}件)"
        )
        return refused(number, "full.end", "", "", told)
    if next(others, None) is not None:
        return refused(number + 1, "行", "", "", "full.end の後に行があります(除いてください)")
    return FullFile(begin, end, _Contracts(places))

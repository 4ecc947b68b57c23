"""A process that takes two blocks in and stands still in the second one, to be killed there (test_killed_import.py).

    python -m tests.feeds.stopping_import DATABASE-URL ROWS

ROWS of the second block are told; then it says so on its output and waits for ever.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from sqlmodel import Session

from madoguchi.procedures.feeds.values import StatementBlock, StatementRow
from madoguchi.records.database import Database
from tests.feeds.books import block, row
from tests.feeds.history import History

ROWS = 1_200
FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)


def both_blocks() -> tuple[StatementBlock, StatementBlock]:
    """A day, and the next days, with that day's rows told otherwise in part."""
    first = block(*(row(1 + number % 7, FRIDAY) for number in range(ROWS)), to_day=FRIDAY)
    rows = [row(1 + number % 5, FRIDAY) for number in range(ROWS // 2)]
    rows += [row(1 + number % 7, TUESDAY) for number in range(ROWS // 2)]
    return first, block(*rows)


class _StandsStill(Iterable[StatementRow]):
    """Rows that end in waiting."""

    def __init__(self, rows: Iterable[StatementRow]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[StatementRow]:
        yield from self._rows
        print("here", flush=True)
        time.sleep(3600)


def send(session: Session, one: StatementBlock, files: str) -> None:
    """Store a block in a transaction of its own."""
    History(session, files).send(one)


async def main(url: str, rows: int) -> None:
    database = Database(url)
    first, second = both_blocks()
    await database.writing(send, first, "first")
    await database.writing(send, replace(second, rows=_StandsStill(tuple(second.rows)[:rows])), "killed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

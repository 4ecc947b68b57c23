"""An import that is killed leaves a block whole or nothing of it, and run again it ends where it would have ended."""

import subprocess
import sys

import pytest
from sqlmodel import Session

from madoguchi.records.database import Database
from tests.feeds.books import ORDINARY
from tests.feeds.history import Held, History
from tests.feeds.stopping_import import ROWS, both_blocks, send
from tests.support.tree import ROOT


def held(session: Session) -> Held:
    return History(session).held(ORDINARY)


def killed(database_url: str, after_rows: int) -> None:
    """Start an import in another process, and kill it (SIGKILL) once it has been told so many rows of its 2nd block."""
    command = [sys.executable, "-m", "tests.feeds.stopping_import", database_url, str(after_rows)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()


@pytest.mark.both_databases
@pytest.mark.parametrize("after_rows", [ROWS * 3 // 4, ROWS], ids=["half written", "all rows told"])
async def test_a_killed_import_leaves_a_block_whole_or_not_at_all_and_can_be_run_again(
    database: Database, database_url: str, after_rows: int
) -> None:
    first, second = both_blocks()
    await database.writing(lambda session: History(session).open(ORDINARY))
    killed(database_url, after_rows)
    left = await database.writing(held)  # writing waits until the dead process's transaction is gone
    assert [row["booked_on"] for row in left.rows] == [first.to_day] * ROWS
    assert ([row["last_change"] for row in left.rows], left.last_change) == (list(range(1, ROWS + 1)), ROWS)
    assert (len(left.pieces), left.removed) == (1, ())

    await database.writing(send, first, "first again")
    assert await database.reading(held) == left
    await database.writing(send, second, "second again")
    ended = await database.reading(held)
    assert len(ended.rows) == ROWS
    assert ended.rows[-1]["balance_after"] == second.closing_balance
    balances = [second.opening_balance, *(row["balance_after"] for row in ended.rows)]
    signs = {"1": 1, "2": -1}
    assert all(
        after - before == signs[row["direction"]] * row["amount"]
        for before, after, row in zip(balances, balances[1:], ended.rows, strict=False)
    )
    changes = [row["last_change"] for row in ended.rows if row["last_change"] > ROWS]
    changes += [one["change"] for one in ended.removed]
    assert sorted(changes) == list(range(ROWS + 1, ended.last_change + 1))

"""An import that is killed leaves a block whole or nothing of it, and run again it ends where it would have ended."""

import asyncio
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from madoguchi.doors.core_banking.zengin_writer import write_statements
from madoguchi.procedures.feeds.values import StatementBlock
from madoguchi.records.bank import FeedFile, Statement, Transaction
from madoguchi.records.database import Database
from tests.feeds.books import BANK, ORDINARY, TODAY, block, row
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


DAYS, ROWS_A_DAY = 120, 10


def a_block_a_day() -> list[StatementBlock]:
    """So many that a killed import has certainly begun and certainly not ended."""
    days = [TODAY - timedelta(days=back) for back in range(DAYS)][::-1]
    rows = [row(1 + order, TODAY) for order in range(ROWS_A_DAY)]
    sum_of_day = sum(one.amount for one in rows)
    return [
        block(*(row(one.amount, day) for one in rows), opening=number * sum_of_day, from_day=day, to_day=day)
        for number, day in enumerate(days)
    ]


def feed_import(database_url: str, path: Path) -> subprocess.Popen[str]:
    """The command as an officer or a timer runs it."""
    command = [str(Path(sys.executable).parent / "madoguchi"), "feed", "import", str(path), "--as-of", f"{TODAY}"]
    own = {"MADOGUCHI_DATABASE_URL": database_url, "MADOGUCHI_BANK_CODE": BANK.bank_code}
    return subprocess.Popen(
        command, cwd=path.parent, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.both_databases
async def test_the_command_killed_at_any_moment_leaves_whole_blocks_and_run_again_it_takes_in_the_rest(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    def blocks_held(session: Session) -> int:
        return session.exec(select(func.count()).select_from(Statement)).one()

    def rows_by_day(session: Session) -> dict[date, int]:
        by_day = select(col(Transaction.booked_on), func.count()).group_by(col(Transaction.booked_on))
        return dict(session.exec(by_day).all())

    path = tmp_path / "many.txt"
    path.write_bytes(write_statements(BANK, a_block_a_day()))
    await database.writing(lambda session: History(session).open(ORDINARY))
    process = feed_import(database_url, path)
    give_up = time.monotonic() + 60
    while await database.reading(blocks_held) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up, f"still at work: {process.pid}"
        await asyncio.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -9

    await database.writing(lambda session: None)  # waits until the dead process's transaction is gone
    held = await database.reading(blocks_held)
    assert 3 <= held < DAYS
    whole = {one.from_day: ROWS_A_DAY for one in a_block_a_day()}
    assert await database.reading(rows_by_day) == dict(list(whole.items())[:held])
    file = await database.reading(lambda session: session.exec(select(FeedFile).where(FeedFile.kind == "03")).one())
    assert (file.finished_at, file.blocks_accepted, file.rows_added) == (None, held, held * ROWS_A_DAY)

    again = feed_import(database_url, path)
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert f"{DAYS - held}ブロックを取込、変わりなし{held}、拒否0" in said
    assert await database.reading(rows_by_day) == whole

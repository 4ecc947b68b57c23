"""How fast a big 種別 03 file comes into the books, and in how much memory. Not a test: a tool that prints figures.

    python -m tests.bench.import_feed --accounts 500 --rows 2000
    python -m tests.bench.import_feed --accounts 5 --rows 200000 --database postgresql --fsync

Writes a file of ACCOUNTS blocks with ROWS rows each over DAYS banking days, and takes it in, each time in a process of
its own, into a fresh database in a temporary folder:

    first      nothing is stored yet
    known      the very same file again (known by its digest)
    same       the same content in another file (every row is compared, nothing changes)
    text       one row in the middle of the first block has another 摘要 (one row goes, one comes)
    amount     that row has another amount as well: the balances of all rows after it are corrected

One line of JSON for each: seconds, rows a second, the peak resident memory of the importing process in MB (that of an
idle one is told first), and the summary that the operator reads. PostgreSQL is a cluster of its own (tests/support),
without fsync unless --fsync is given; SQLite always syncs (synchronous=FULL).
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from sqlmodel import Session, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.zengin_writer import write_statements
from madoguchi.procedures.banking_days import banking_day_until, days, is_banking_day
from madoguchi.procedures.feeds.values import AccountKey, StatementRow
from madoguchi.records.bank import Account, Branch, Contract, Customer, Transaction
from madoguchi.records.database import Database
from madoguchi.records.upgrading import upgrade
from madoguchi.rules.vocabulary import JST, Direction
from tests.feeds.books import BANK, block, row
from tests.support.databases import sqlite_url
from tests.support.postgres import Cluster

LAST = date(2026, 11, 24)
NOW = datetime(2026, 11, 25, 6, 0, tzinfo=JST)
TEXTS = ("ｷﾕｳﾖ", "ﾌﾘｺﾐ ｶ)ﾐﾎﾝﾔ", "ATM", "ｶ-ﾄﾞ", "ﾃﾞﾝｷﾀﾞｲ", "ｺﾝﾋﾞﾆATM", "ﾘｿｸ", "ﾃｽｳﾘﾖｳ")
RECORD_BYTES = 202
RUNS = ("first", "known", "same", "text", "amount")


def key(number: int) -> AccountKey:
    return AccountKey("002", "1", f"{number:07}")


def rows_of(account: int, count: int, booked: list[date], odd: str = "") -> Iterator[StatementRow]:
    """Rows over the banking days. `odd`: what is different about the row in the middle."""
    for number in range(count):
        deposit = number % 3 == 0
        one = row(
            (number * 7919 + account * 104_729) % 90_000 + 1,
            booked[number * len(booked) // count],
            Direction.DEPOSIT if deposit else Direction.WITHDRAWAL,
            inquiry_number=f"{number % 100_000_000:08}",
            kind_code="19" if number % 1000 == 999 else "11",
            description=TEXTS[number % len(TEXTS)],
            counterparty=f"ｶ)ﾐﾎﾝ{number % 5000}" if deposit else None,
        )
        if odd and number == count // 2:
            one = replace(one, description="ﾃｲｾｲｺﾞ", amount=one.amount + (odd == "amount"))
        yield one


def write(path: Path, accounts: int, rows: int, booked: list[date], odd: str = "") -> None:
    """Block after block, so that the writing process stays small, too."""
    with path.open("wb") as file:
        for account in range(accounts):
            content = list(rows_of(account, rows, booked, odd if account == 0 else ""))
            told = block(
                *content, account=key(account), opening=10_000_000_000, from_day=booked[0], to_day=booked[-1],
                created_on=NOW.date(),
            )  # fmt: skip
            written = write_statements(BANK, [told])
            file.write(written[:-RECORD_BYTES])
        end = bytearray(written[-RECORD_BYTES:])
        end[1:16] = f"{accounts * (rows + 2) + 1:010}{accounts:05}".encode()
        file.write(end)


async def prepare(url: str, accounts: int) -> None:
    """A migrated database with one customer who has all the accounts."""

    def register(session: Session) -> None:
        session.add(Branch(branch_code="002", name="本店営業部", name_kana="ﾎﾝﾃﾝ"))
        customer = Customer(customer_number="10000001", name="見本 花子", name_kana="ﾐﾎﾝ ﾊﾅｺ")
        session.add(customer)
        session.flush()
        whose = {"customer_id": customer.customer_id or 0}
        contract = Contract(**whose, product="personal", state="live", state_since=NOW)
        session.add(contract)
        session.flush()
        for number in range(accounts):
            session.add(
                Account(
                    **whose, contract_id=contract.contract_id or 0, branch_code="002", kind="1",
                    number=key(number).number, holder_kana="ﾐﾎﾝ ﾊﾅｺ",
                )
            )  # fmt: skip

    database = Database(url)
    await upgrade(database)
    await database.writing(register)
    await database.close()


def peak_mb() -> int:
    """The most memory that this process has held at once. (getrusage would tell its parent's, if that held more.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


async def take_in(url: str, path: Path, rows: int) -> None:
    """In the importing process: import, and print the figures."""
    database = Database(url)
    await database.reading(lambda session: session.exec(select(Transaction).limit(1)).first())
    idle_mb, cpu, begun = peak_mb(), time.process_time(), time.perf_counter()
    report = await import_file(database, path, BANK.bank_code, NOW)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    await database.close()
    figures = {
        "seconds": round(seconds, 1),
        "rows_a_second": round(rows / seconds),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": peak_mb(),
        "idle_mb": idle_mb,
        "summary": str(report),
    }
    print(json.dumps(figures, ensure_ascii=False))


@contextmanager
def fresh_database(kind: str, folder: Path, fsync: bool) -> Iterator[str]:
    if kind == "sqlite":
        yield sqlite_url(folder / "madoguchi.db")
        return
    home = Path(tempfile.mkdtemp(prefix="madoguchi-bench-", dir="/tmp"))
    shutil.chown(home, "postgres", "postgres")
    cluster = Cluster(home)
    cluster.start()
    try:
        if fsync:
            cluster.execute("ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()")
        cluster.execute('CREATE DATABASE "bench"')
        yield cluster.url("bench")
    finally:
        cluster.stop()
        shutil.rmtree(home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--rows", type=int, default=2000, help="rows of each account")
    parser.add_argument("--days", type=int, default=20, help="banking days that the rows are spread over")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--fsync", action="store_true", help="PostgreSQL syncs to disk at each commit")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS, help="in this order; all of them by default")
    parser.add_argument("--take-in", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take_in:
        asyncio.run(take_in(asked.take_in[0], Path(asked.take_in[1]), asked.accounts * asked.rows))
        return

    last = banking_day_until(LAST)
    back = (day for day in reversed(list(days(date(2025, 1, 1), last))) if is_banking_day(day))
    booked = sorted(islice(back, asked.days))
    with tempfile.TemporaryDirectory() as name, fresh_database(asked.database, Path(name), asked.fsync) as url:
        asyncio.run(prepare(url, asked.accounts))
        path = Path(name) / "feed.txt"
        for run in asked.runs:
            if run == "same":  # one separator less: another digest
                path.write_bytes(path.read_bytes()[:-2])
            elif run != "known":
                write(path, asked.accounts, asked.rows, booked, run if run != "first" else "")
            command = [sys.executable, "-m", "tests.bench.import_feed", "--take-in", url, str(path)]
            command += [f"--accounts={asked.accounts}", f"--rows={asked.rows}"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            print(json.dumps({"run": run} | json.loads(done.stdout), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

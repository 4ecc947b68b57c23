"""The data to measure on: two credit unions in one PostgreSQL, the larger one grown out of the smaller."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from madoguchi.clock import system_clock
from madoguchi.rules.vocabulary import JST
from tests.bench.bank import open_bank, register
from tests.bench.books import customer_numbers, feed_files, groups
from tests.bench.copying import copy_books, copy_registrations, look
from tests.bench.peer_security import TABLES
from tests.bench.workloads import Caller, Signer
from tests.support.postgres import SUPERUSER, Cluster

SMALL: Final = "small"
LARGE: Final = "large"
COUNTED: Final = ("customer", "account", "ledger_row", "registration")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How much data: customers that the generator writes (`busy` of them twice, tests/bench/books.py), and how many of
    the smaller and of the larger database they are copied into, themselves included."""

    written: int = 100
    busy: int = 2
    small: int = 20
    large: int = 200
    months: int = 13
    seed: int = 1

    @property
    def customers(self) -> int:
        return self.written * self.large


@dataclass(frozen=True, slots=True)
class Data:
    """What stands in both databases. `callers`: database -> group -> registrations."""

    size: Size
    callers: Mapping[str, Mapping[str, list[Caller]]]
    counted: Mapping[str, Mapping[str, int]]
    gigabytes: float


async def prepare(cluster: Cluster, size: Size, folder: Path, signer: Signer, tell: Tell) -> Data:
    """Make both databases; `tell` gets a sentence for each step."""
    at = system_clock()
    told = groups(size.written - 2 * size.busy, size.busy, size.months)
    as_of = (at - timedelta(minutes=1)).replace(second=0, microsecond=0)
    files = feed_files(told, size.seed, at.astimezone(JST).date(), as_of)
    tell(f"feed files of {size.written} customers are written")
    cluster.execute(f'CREATE DATABASE "{SMALL}"')
    await open_bank(cluster.url(SMALL), files, folder, at)
    tell("they are imported")
    group_of = dict(customer_numbers(told))
    tokens = await register(cluster.url(SMALL), signer.thumbprint, list(group_of), at)
    tell("all of them have agreed and have tokens")
    wallets: dict[str, dict[str, str]] = {SMALL: dict(tokens)}
    async with _connected(cluster, SMALL) as connection:
        written = await look(connection)
        wallets[SMALL] |= await _copy(connection, written, tokens, (1, size.small - 1), size.seed)
    tell(f"{size.written * size.small:,} customers stand in the smaller database")
    cluster.execute(f'CREATE DATABASE "{LARGE}" TEMPLATE "{SMALL}"')
    async with _connected(cluster, LARGE) as connection:
        more = await _copy(connection, written, tokens, (size.small, size.large - 1), size.seed)
        wallets[LARGE] = {**wallets[SMALL], **more}
        for statement in TABLES:
            await connection.execute(statement)
    tell(f"{size.customers:,} customers stand in the larger one")
    callers, counted, octets = {}, {}, 0
    for name, wallet in wallets.items():
        async with _connected(cluster, name) as connection:
            await connection.execute("VACUUM (ANALYZE)")
            octets += await connection.fetchval("SELECT pg_database_size(current_database())")
            counted[name] = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in COUNTED}
            callers[name] = _grouped(await _callers(connection, wallet), list(group_of.values()))
    tell(f"vacuumed and analysed: {counted[LARGE]['ledger_row']:,} rows")
    return Data(size, callers, counted, octets / 1e9)


async def show(cluster: Cluster, database: str, names: Iterable[str]) -> dict[str, Any]:
    """PostgreSQL's version and these settings, as the server itself tells them."""
    async with _connected(cluster, database) as connection:
        version = await connection.fetchval("SHOW server_version")
        settings = {name: await connection.fetchval(f"SHOW {name}") for name in names}
    return {"version": version.split()[0], "settings": settings}


async def _copy(
    connection: asyncpg.Connection, written: Any, tokens: Mapping[str, str], copies: tuple[int, int], seed: int
) -> dict[str, str]:
    if copies[0] > copies[1]:
        return {}
    await copy_books(connection, written, *copies, seed)
    return await copy_registrations(connection, written, tokens, *copies)


async def _callers(connection: asyncpg.Connection, wallet: Mapping[str, str]) -> list[tuple[int, Caller]]:
    """Everybody's place among the customers, and registration with token, in the order of customers."""
    rows = await connection.fetch(
        "SELECT customer_number, registration_id FROM registration JOIN customer USING (customer_id) "
        "ORDER BY customer_number"
    )
    return [(place, Caller(row["registration_id"], wallet[row["customer_number"]])) for place, row in enumerate(rows)]


def _grouped(callers: list[tuple[int, Caller]], pattern: list[str]) -> dict[str, list[Caller]]:
    """By group: copies follow the originals in the same order, over and over."""
    found: dict[str, list[Caller]] = {name: [] for name in pattern}
    for place, caller in callers:
        found[pattern[place % len(pattern)]].append(caller)
    return found


@asynccontextmanager
async def _connected(cluster: Cluster, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(host=str(cluster.home), user=SUPERUSER, database=database)
    try:
        yield connection
    finally:
        await connection.close()

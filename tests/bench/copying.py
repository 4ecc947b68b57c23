"""Many customers out of the few that the real procedures made: every row is copied with keys of its own, in bulk.

For the benchmark only. Books are copied inside PostgreSQL (INSERT ... SELECT), a customer's copies each with another
balance; what agreeing leaves (registration, tokens, facts, records) is copied by asyncpg's COPY, as its hashes are made
here. All columns are copied, whatever tables come to have; all constraints, indexes and triggers of the migrations hold
at the end (those of the rows are taken away meanwhile and checked to be what they were). Rows lie in the order of their
days, as they would have come in night after night.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import asyncpg

from madoguchi import opaque
from madoguchi.records.bank import Account, Balance, Contract, Customer, Statement, Transaction
from madoguchi.records.database import table_of
from madoguchi.rules import facts
from madoguchi.rules.facts import RegistrationFacts

STEP: Final = 1_000
"""Yen between the balances of two copies of an account; whole thousands, so that no odd yen comes of copying."""

ROWS: Final = "ledger_row"
BOOKS: Final = (Customer, Contract, Account, Balance, Statement, Transaction)
KEYS: Final = ("customer_id", "contract_id", "account_id", "statement_id", "transaction_id")
BALANCES: Final = ("current", "available", "previous_day", "opening_balance", "closing_balance", "balance_after")


@dataclass(frozen=True, slots=True)
class Written:
    """What the real procedures wrote: how many customers, and the largest of each key."""

    customers: int
    largest: Mapping[str, int]

    def key(self, name: str, copy: int, original: int) -> int:
        """The key of a copy; copy 0 is the original."""
        return original + copy * self.largest[name]


async def look(connection: asyncpg.Connection) -> Written:
    """How much is there before anything is copied."""
    largest = {name: await connection.fetchval(f"SELECT coalesce(max({name}), 0) FROM {_owner(name)}") for name in KEYS}
    return Written(await connection.fetchval("SELECT count(*) FROM customer"), largest)


async def copy_books(connection: asyncpg.Connection, written: Written, first: int, last: int, seed: int) -> None:
    """Copies `first` to `last` of all books."""
    await connection.execute("SET maintenance_work_mem = '512MB'")
    before = await _guards(connection)
    await _drop(connection, before)
    for model in BOOKS:
        await connection.execute(_copying(table_of(model), written, first, last, seed))
    for guard in before:
        await connection.execute(guard.making)
    if await _guards(connection) != before:
        raise RuntimeError("the rows' constraints and indexes are not what the migrations made")
    for name in KEYS:
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{_owner(name)}', '{name}'), "
            f"(SELECT max({name}) FROM {_owner(name)}))"
        )


async def copy_registrations(
    connection: asyncpg.Connection, written: Written, tokens: Mapping[str, str], first: int, last: int
) -> dict[str, str]:
    """Copies `first` to `last` of all registrations; customer number -> access token of the copies.

    tokens  customer number -> access token of the originals.
    """
    originals = await _originals(connection, tokens)
    made: dict[str, list[dict[str, Any]]] = {}
    wallet = {}
    for copy in range(first, last + 1):
        for original in originals:
            token, rows = _copied(original, written, copy)
            wallet[f"{int(original.number) + copy * written.customers:08}"] = token
            for table, row in rows:
                made.setdefault(table, []).append(row)
    for table, rows in made.items():
        columns = list(rows[0])
        await connection.copy_records_to_table(table, records=[tuple(row.values()) for row in rows], columns=columns)
    return wallet


def _owner(key: str) -> str:
    return {"statement_id": "statement", "transaction_id": ROWS}.get(key, key.removesuffix("_id"))


def _copying(table: Any, written: Written, first: int, last: int, seed: int) -> str:
    """One INSERT ... SELECT of a table's originals times their copies."""
    key = table.primary_key.columns.keys()[0]
    columns = [column.name for column in table.columns]
    values = ", ".join(_value(name, written, seed) for name in columns)
    order = "booked_on, account_id" if table.name == ROWS else key
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} "
        f"FROM (SELECT * FROM {table.name} WHERE {key} <= {written.largest[key]} ORDER BY {order}) AS original "
        f"CROSS JOIN generate_series({first}, {last}) AS copy"
    )


def _value(name: str, written: Written, seed: int) -> str:
    if name in KEYS:
        return f"{name} + copy * {written.largest[name]}"
    if name == "corrects_id":
        return f"corrects_id + copy * {written.largest['transaction_id']}"
    if name == "customer_number":
        return f"lpad((customer_number::bigint + copy * {written.customers})::text, 8, '0')"
    if name == "number":
        return f"lpad((number::bigint + copy * {written.customers})::text, 7, '0')"
    if name in BALANCES:
        return f"{name} + (account_id * 7919 + copy * 104729::bigint + {seed}) % 1000 * {STEP}"
    return name


@dataclass(frozen=True, slots=True)
class _Guard:
    """A constraint or an index of the rows, as the catalogue writes it."""

    dropping: str
    making: str


async def _guards(connection: asyncpg.Connection) -> list[_Guard]:
    """Those of the rows, in the order in which they can be made: keys, indexes, then references."""
    constraints = await connection.fetch(
        "SELECT conname, contype::text, pg_get_constraintdef(oid) AS definition FROM pg_constraint "
        f"WHERE conrelid = '{ROWS}'::regclass ORDER BY conname"
    )
    found = {
        kind: [
            _Guard(
                f'ALTER TABLE {ROWS} DROP CONSTRAINT "{row["conname"]}"',
                f'ALTER TABLE {ROWS} ADD CONSTRAINT "{row["conname"]}" {row["definition"]}',
            )
            for row in constraints
            if row["contype"] == kind
        ]
        for kind in "pf"
    }
    if sum(map(len, found.values())) < len([row for row in constraints if row["contype"] != "n"]):
        raise RuntimeError("the rows have constraints of a kind that is not known here")
    indexes = await connection.fetch(
        f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = '{ROWS}' AND indexname NOT IN "
        f"(SELECT conname FROM pg_constraint WHERE conrelid = '{ROWS}'::regclass) ORDER BY indexname"
    )
    made = [_Guard(f'DROP INDEX "{row["indexname"]}"', row["indexdef"]) for row in indexes]
    return [*found["p"], *made, *found["f"]]


async def _drop(connection: asyncpg.Connection, guards: Iterable[_Guard]) -> None:
    for guard in reversed(list(guards)):
        await connection.execute(guard.dropping)


@dataclass(frozen=True, slots=True)
class _Original:
    """Everything that one customer's agreeing wrote, table by table."""

    number: str
    rows: Mapping[str, list[dict[str, Any]]]

    @property
    def registration(self) -> dict[str, Any]:
        return self.rows["registration"][0]


async def _originals(connection: asyncpg.Connection, tokens: Mapping[str, str]) -> list[_Original]:
    found = []
    for number, token in tokens.items():
        name = await connection.fetchval(
            "SELECT registration_id FROM access_token WHERE token_hash = $1", opaque.stored(token)
        )

        async def read(statement: str, *values: Any) -> list[dict[str, Any]]:
            return [dict(row) for row in await connection.fetch(statement, *values)]

        tables = ("registration", "registration_account", "refresh_token", "access_token")
        rows = {table: await read(f"SELECT * FROM {table} WHERE registration_id = $1", name) for table in tables}
        rows["access_record"] = await read("SELECT * FROM access_record WHERE registration_id = $1", name)
        digests = [row["registration_digest"] for row in rows["access_record"]]
        rows["fact"] = await read("SELECT * FROM fact WHERE digest = ANY($1)", digests)
        rows["act"] = await read("SELECT * FROM act WHERE subject = $1 ORDER BY act_id", f"registration:{name}")
        found.append(_Original(number, rows))
    return found


def _copied(original: _Original, written: Written, copy: int) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """One customer's copy: the new access token, and (table, row) in an order that foreign keys allow."""
    token, old, name = opaque.new_secret(opaque.ACCESS_TOKEN), original.registration, opaque.new_id("reg_")
    customer = written.key("customer_id", copy, old["customer_id"])
    keys = {"registration_id": name, "customer_id": customer}

    def account(number: int) -> int:
        return written.key("account_id", copy, number)

    def of(table: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        return [
            (table, {**row, **{key: keys[key] for key in keys if key in row}, **change(row)})
            for row in original.rows[table]
        ]

    def detail(row: dict[str, Any]) -> dict[str, Any]:
        told = json.loads(row["detail"])
        told |= {"accounts": [account(one) for one in told["accounts"]]} if "accounts" in told else {}
        return {"subject": f"registration:{name}", "detail": json.dumps(told, separators=(",", ":"))}

    (fact,) = original.rows["fact"]
    known = facts.load(RegistrationFacts, fact["body"])
    accounts = tuple(replace(one, account_id=account(one.account_id)) for one in known.accounts)
    body = facts.canonical(replace(known, registration_id=name, accounts=accounts))
    contract = written.key("contract_id", copy, old["contract_id"])
    rows = [
        *of("fact", lambda _: {"digest": facts.digest(body), "body": body}),
        *of("registration", lambda _: {"grant_id": opaque.new_id("gr_"), "contract_id": contract}),
        *of("registration_account", lambda row: {"account_id": account(row["account_id"])}),
        *of("refresh_token", lambda _: {"token_hash": opaque.stored(opaque.new_secret(opaque.REFRESH_TOKEN))}),
        *of("access_token", lambda _: {"token_hash": opaque.stored(token)}),
        *of("access_record", lambda _: {"request_id": opaque.new_id("rq_"), "registration_digest": facts.digest(body)}),
        *of("act", detail),
    ]
    for table, row in rows:
        if table == "act":
            del row["act_id"]
            if row["actor"].startswith("customer:"):
                row["actor"] = f"customer:{customer}"
    return token, rows

"""The peer: the best endpoint that one would write by hand for the same answers (design: "L2", and "L2 + sec").

    python -m tests.bench.peer PORT DATABASE_HOME DATABASE MASTER_KEY

Starlette on uvicorn (uvloop, httptools) and asyncpg; workload A is three statements, B two; dicts, orjson. Its answers
are ours to the byte of the data, so it makes the same opaque ids, with our cipher and a page in one call, as anybody
would have to. /open/* asks no security at all and is told a registration; /secure/* is "+ sec" (peer_security.py).
"""

import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.doors.api.ids import Ids, Kind
from madoguchi.doors.api.words import AccountType, Completeness, Direction, Precision, TransactionKind
from madoguchi.rules.vocabulary import JST
from tests.bench import peer_security as security
from tests.bench.workloads import ISSUER
from tests.support.postgres import SUPERUSER

CONNECTIONS: Final = 8
PAGE: Final = 50
ROWS_A_DAY: Final = 1_000_000

ACCOUNTS: Final = """
SELECT a.account_id, a.kind, a.number, a.branch_code, b.name, s.as_of, s.as_of_precision, s.completeness
FROM registration_account ra JOIN account a ON a.account_id = ra.account_id
JOIN branch b ON b.branch_code = a.branch_code
LEFT JOIN LATERAL (
  SELECT as_of, as_of_precision, completeness FROM statement
  WHERE account_id = a.account_id ORDER BY last_day DESC, statement_id DESC LIMIT 1
) s ON true
WHERE ra.registration_id = $1 ORDER BY a.branch_code, a.kind, a.number
"""
ACCOUNT_IDS: Final = """
SELECT a.account_id FROM registration_account ra JOIN account a ON a.account_id = ra.account_id
WHERE ra.registration_id = $1 ORDER BY a.branch_code, a.kind, a.number
"""
BALANCES: Final = """
SELECT account_id, current, available, previous_day, uncleared, as_of, as_of_precision FROM balance
WHERE account_id = ANY($1)
"""
ROWS: Final = """
SELECT r.* FROM unnest($1::bigint[]) AS wanted (account_id) CROSS JOIN LATERAL (
  SELECT account_id, transaction_id, position, booked_on, value_on, direction, kind, amount, description,
    description_raw, counterparty, balance_after, corrects_id
  FROM ledger_row WHERE account_id = wanted.account_id AND position < $2 ORDER BY position DESC LIMIT 51
) r
"""
TYPES, DIRECTIONS, KINDS = (
    {one.value: one.name for one in names} for names in (AccountType, Direction, TransactionKind)
)
PRECISIONS, COMPLETENESS = ({one.value: one.name for one in names} for names in (Precision, Completeness))


class Peer:
    """The endpoint, with its pool and the installation's key of ids."""

    def __init__(self, pool: asyncpg.Pool, master_key: bytes, only_aggregator: str) -> None:
        self.pool = pool
        self.proofs = security.Proofs()
        self.ids_of = lru_cache(lambda aggregator_id: Ids(master_key, aggregator_id))
        self.only_aggregator = only_aggregator

    async def believing(self, request: Request) -> Response:
        """Without security: the registration is told and believed."""
        operation, registration_id = request.path_params["operation"], request.headers["x-registration"]
        async with self.pool.acquire() as connection:
            data, _ = await self._answer(connection, operation, registration_id, self.ids_of(self.only_aggregator))
        return _json(data)

    async def secure(self, request: Request) -> Response:
        """With everything that ours pays."""
        at, operation = datetime.now(UTC), request.path_params["operation"]
        token = request.headers["authorization"].removeprefix("DPoP ")
        try:
            url = ISSUER + request.url.path
            proof = self.proofs.verify(request.headers["dpop"], request.method, url, token, at)
            async with self.pool.acquire() as connection:
                row = await security.admit(connection, token, proof, operation, at)
                ids = self.ids_of(row["aggregator_id"])
                data, as_of = await self._answer(connection, operation, row["registration_id"], ids)
                told = orjson.dumps(as_of)
                await security.record(connection, row, proof, operation, secrets.token_hex(15), told, at)
        except security.Refused:
            return Response(b'{"errors": [{"message": "refused"}]}', 401, media_type="application/json")
        return _json(data)

    async def _answer(
        self, connection: asyncpg.Connection, operation: str, registration_id: str, ids: Ids
    ) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The accounts as they are shown, and the moments that the record keeps."""
        accounts = await connection.fetch(ACCOUNTS if operation == "a" else ACCOUNT_IDS, registration_id)
        numbers = [account["account_id"] for account in accounts]
        balances = {row["account_id"]: row for row in await connection.fetch(BALANCES, numbers)}
        shown = [
            {"id": text, "balance": _balance(balances[number])}
            for number, text in zip(numbers, ids.seal(Kind.ACCOUNT, numbers), strict=True)
        ]
        moments = [one["balance"]["freshness"]["asOf"] for one in shown]
        as_of = {f"{number}.balance": moment for number, moment in zip(numbers, moments, strict=True)}
        if operation == "a":
            today = datetime.now(JST).date()
            end = ((today.year * 100 + today.month) * 100 + today.day + 1) * ROWS_A_DAY
            rows = await connection.fetch(ROWS, numbers, end)
            for account, one in zip(accounts, shown, strict=True):
                of_account = [row for row in rows if row["account_id"] == account["account_id"]]
                one.update(_described(account), transactions=_page(account, of_account, ids))
                as_of[f"{account['account_id']}.transactions"] = one["transactions"]["freshness"]["asOf"]
        return shown, as_of


def _described(account: Any) -> dict[str, Any]:
    return {
        "type": TYPES[account["kind"]],
        "number": account["number"],
        "branch": {"code": account["branch_code"], "name": account["name"]},
    }


def _balance(row: Any) -> dict[str, Any]:
    completeness = "COMPLETE" if row["as_of_precision"] == "day" else "MAY_LACK_LATER"
    return {
        "current": row["current"],
        "available": row["available"],
        "previousDay": row["previous_day"],
        "uncleared": row["uncleared"],
        "freshness": _freshness(row, completeness),
    }


def _page(account: Any, found: Sequence[Any], ids: Ids) -> dict[str, Any]:
    rows = found[:PAGE]
    texts = ids.seal(Kind.TRANSACTION, [row["transaction_id"] for row in rows])
    end = ids.seal(Kind.CURSOR, [rows[-1]["position"]], account["account_id"])[0] if rows else None
    return {
        "nodes": [_row(row, text, ids) for row, text in zip(rows, texts, strict=True)],
        "pageInfo": {"hasNextPage": len(found) > PAGE, "endCursor": end},
        "freshness": _freshness(account, COMPLETENESS[account["completeness"]]),
    }


def _row(row: Any, text: str, ids: Ids) -> dict[str, Any]:
    corrects = row["corrects_id"]
    return {
        "id": text,
        "bookedOn": row["booked_on"],
        "orderInDay": row["position"] % ROWS_A_DAY,
        "valueOn": row["value_on"],
        "direction": DIRECTIONS[row["direction"]],
        "kind": KINDS.get(row["kind"]),
        "amount": row["amount"],
        "description": row["description"],
        "descriptionRaw": row["description_raw"],
        "counterparty": row["counterparty"],
        "balanceAfter": row["balance_after"],
        "corrects": None if corrects is None else {"id": ids.seal(Kind.TRANSACTION, [corrects])[0]},
    }


def _freshness(row: Any, completeness: str) -> dict[str, str]:
    return {
        "asOf": row["as_of"].astimezone(JST).isoformat(timespec="seconds"),
        "asOfPrecision": PRECISIONS[row["as_of_precision"]],
        "completeness": completeness,
    }


def _json(accounts: list[dict[str, Any]]) -> Response:
    body = orjson.dumps({"data": {"accounts": accounts}})
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")


def build(home: str, database: str, master_key: bytes) -> Starlette:
    """The application; its pool opens when it starts."""
    peers: list[Peer] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        where = {"host": home, "user": SUPERUSER, "database": database}
        async with asyncpg.create_pool(**where, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
            aggregator_id = await pool.fetchval("SELECT aggregator_id FROM aggregator")
            peers.append(Peer(pool, master_key, aggregator_id))
            yield

    async def believing(request: Request) -> Response:
        return await peers[0].believing(request)

    async def secure(request: Request) -> Response:
        return await peers[0].secure(request)

    routes = [Route("/open/{operation}", believing), Route("/secure/{operation}", secure)]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    port, home, database, key = sys.argv[1:]
    uvicorn.run(
        build(home, database, bytes.fromhex(key)), host="127.0.0.1", port=int(port), loop="uvloop", http="httptools",
        ws="none", log_level="warning", access_log=False,
    )  # fmt: skip

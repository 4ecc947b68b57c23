"""The door through which time comes in: what is due is done once a minute, inside `serve`, on every worker.

No decision waits for it (architecture, "What happens by time"): a sweep that fails or is late is logged and changes no
answer. Sweeps are idempotent, so that workers need not know of each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from madoguchi.clock import Clock
from madoguchi.procedures.sweeping import sweep
from madoguchi.procedures.transactions import Transactions

EVERY: Final = timedelta(minutes=1)

Swept = Callable[[bool], None]
"""Is told of each sweep whether it was done."""

_log = structlog.get_logger("madoguchi.timer")


@asynccontextmanager
async def timer(
    database: Transactions, clock: Clock, every: timedelta = EVERY, swept: Swept = lambda _: None
) -> AsyncIterator[None]:
    """Sweeps every so often until the block ends; a sweep under way is finished first."""
    ended = asyncio.Event()
    sweeping = asyncio.create_task(_sweep_until(ended, database, clock, every, swept))
    try:
        yield
    finally:
        ended.set()
        await sweeping


async def _sweep_until(
    ended: asyncio.Event, database: Transactions, clock: Clock, every: timedelta, swept: Swept
) -> None:
    while True:
        try:
            async with asyncio.timeout(every.total_seconds()):
                await ended.wait()
            return
        except TimeoutError:
            pass
        try:
            await database.writing(sweep, clock())
            swept(True)
        except Exception as failure:  # without its message: nothing of the data in the log
            swept(False)
            _log.warning("sweep failed", kind=type(failure).__name__)

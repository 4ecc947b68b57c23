"""What is in the quarantine of the institution under test, and how a block comes there."""

from collections.abc import Sequence

from sqlmodel import col, select

from madoguchi.records.bank import QuarantinedBlock
from tests.feeds.bank import Bank
from tests.feeds.books import overwritten


async def entries(bank: Bank) -> Sequence[QuarantinedBlock]:
    ordered = select(QuarantinedBlock).order_by(col(QuarantinedBlock.quarantine_id))
    return await bank.database.reading(lambda session: session.exec(ordered).all())


async def settled(bank: Bank) -> list[str | None]:
    return [entry.settled_as for entry in await entries(bank)]


def damaged(file: bytes, block_ends_at: int) -> bytes:
    """入金額合計 of a trailer says another sum."""
    return overwritten(file, block_ends_at, 8, b"9")

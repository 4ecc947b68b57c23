"""The status feed of the story's credit union, and what became of 見本花子's registration of two accounts."""

from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session, col, select

from madoguchi.doors.core_banking.importing import import_file
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.status_feed.reconciling import USUAL_BOUND, EndingBound
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Contract
from madoguchi.records.database import Database
from madoguchi.records.registrations import Registration
from tests import story
from tests.feeds.events import status_file


class Feed:
    """見本花子 has registered her ordinary and her current account at みほん家計簿."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        self._path = directory / "status.jsonl"

    async def begin(self) -> None:
        def tell(session: Session) -> tuple[story.Story, str]:
            told = story.tell(session)
            return told, story.register(session, told).registration_id

        self.story, self.registration_id = await self.database.writing(tell)

    async def send(self, *events: dict[str, object]) -> FileReport:
        return await self.send_bytes(status_file(*events))

    async def send_bytes(self, content: bytes, bound: EndingBound = USUAL_BOUND) -> FileReport:
        self._path.write_bytes(content)
        return await import_file(self.database, self._path, "2999", story.NOW, actor="system:status-feed", bound=bound)

    async def registration(self) -> Registration:
        return await self.database.reading(lambda session: session.get_one(Registration, self.registration_id))

    async def contract(self) -> Contract:
        return await self.database.reading(lambda session: session.get_one(Contract, self.story.hanako_contract))

    async def account(self, account_id: int) -> Account:
        return await self.database.reading(lambda session: session.get_one(Account, account_id))

    async def acts(self, action: str) -> Sequence[Act]:
        return await self.database.reading(
            lambda session: session.exec(select(Act).where(Act.action == action).order_by(col(Act.act_id))).all()
        )

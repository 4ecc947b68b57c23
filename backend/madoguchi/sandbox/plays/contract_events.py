"""Events of internet-banking contracts, played as the core-banking system tells them: a file of the status feed.

They are numbered on from what this sandbox has taken in; the books' own events that come later follow after them.
"""

from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlmodel import Session

from madoguchi.doors.core_banking.sample_customers import SampleCustomer, load_books
from madoguchi.doors.core_banking.status_feed import write_status_events
from madoguchi.procedures.listing import RegistrationLine, contracts_of, list_registrations
from madoguchi.procedures.status_feed.events import StatusEvent
from madoguchi.procedures.status_feed.sequence import taken_in
from madoguchi.rules.vocabulary import JST, ContractState, Product, RegistrationState
from madoguchi.sandbox.books import FEEDS, take_in
from madoguchi.sandbox.plays.telling import CannotPlay, Scene

_EVENT: Final[TypeAdapter[StatusEvent]] = TypeAdapter(StatusEvent)


async def send(scene: Scene, drafts: list[dict[str, Any]]) -> None:
    """Write these events (kind, customer_number, product and what the kind needs) into a file and take it in."""
    sequence, _ = await scene.database.reading(taken_in)
    moment = scene.at.astimezone(JST).replace(microsecond=0)
    events = [
        _EVENT.validate_python({**draft, "time": moment, "event_id": f"PLAY-{number:06}", "sequence": number})
        for number, draft in enumerate(drafts, sequence + 1)
    ]
    folder = scene.settings.data_dir / FEEDS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"status-play-{sequence + 1:06}.jsonl"
    path.write_bytes(write_status_events(events))
    await take_in(scene.settings, scene.database, path, scene.at, scene.tell)


async def contracts(scene: Scene, number: str) -> dict[Product, ContractState]:
    """The contracts of one customer. Raises CannotPlay for a number of nobody."""
    found = await scene.database.reading(contracts_of, number)
    if not found:
        raise CannotPlay(f"お客さま番号 {number} の方はいません。番号は「madoguchi customer list」で確かめられます。")
    return found


async def registered(scene: Scene, number: str | None) -> RegistrationLine:
    """The newest active registration, of this customer if one is named. Raises CannotPlay when there is none."""
    lines = await scene.database.reading(_active, scene.at)
    for line in lines:
        if number in (None, line.customer_number):
            return line
    whose = f"お客さま {number} には、" if number else ""
    raise CannotPlay(
        f"{whose}有効な登録がありません。先に、事業者の画面({scene.settings.issuer}/sample など)から登録してください。"
    )


async def played_out(scene: Scene, number: str | None, state: ContractState) -> list[SampleCustomer]:
    """The named customer, or all whose contracts stand in this state though the books do not tell so."""
    found = []
    for customer in load_books().customers:
        if number is not None and customer.number != number:
            continue
        by_books = any(event.kind == f"contract.{state.value}" for event in customer.events)
        states = await scene.database.reading(contracts_of, customer.number)
        if state in states.values() and (number is not None or not by_books):
            found.append(customer)
    return found


def _active(session: Session, at: datetime) -> list[RegistrationLine]:
    lines = list_registrations(session, ended=False)
    return [line for line in lines if line.state == RegistrationState.ACTIVE and line.until > at]

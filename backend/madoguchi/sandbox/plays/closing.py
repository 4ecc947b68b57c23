"""受付の休み (2-1): the service is closed for an hour, as an officer closes it (`madoguchi service close --until`)."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from madoguchi.procedures.service import close_service, institution_facts, open_service
from madoguchi.rules.service_hours import is_open, next_opening
from madoguchi.rules.vocabulary import JST, Product
from madoguchi.sandbox.books import ACTOR
from madoguchi.sandbox.plays.telling import Scene, Told

FOR: Final = timedelta(hours=1)
REASON: Final = "sandbox play closing"
UNDO: Final = "madoguchi sandbox play closing --undo"


async def play(scene: Scene) -> Told:
    """Close it, unless it is closed already."""
    changed, opens = await scene.database.writing(_close, scene.at)
    until = f"{opens.astimezone(JST):%-m月%-d日 %-H:%M}" if opens else "未定"
    return Told(
        happened=f"受付を休みました。次の受付は {until} です。"
        if changed
        else f"すでに休んでいます(次の受付 {until})。",
        aggregator="/graphql は HTTP 200。口座は null で、errors に OUTSIDE_SERVICE_HOURS(第2条第1項)と retryAt、"
        "Retry-After が付きます。registration と service、endRegistration(登録の終わり)、"
        "トークンの更新は、今も答えます。",
        customer="新しい登録の画面は「ただいまサービス時間外です」(503)。連携の停止は、いつでもできます。",
        undo=UNDO,
        changed=changed,
    )


async def undo(scene: Scene) -> Told:
    """Open it again; a closing by the calendar stays."""
    ended, now_open = await scene.database.writing(_open, scene.at)
    calendar = "" if now_open else "ただし、今は暦のサービス時間の外です(いつでも開けるには: madoguchi service open)。"
    return Told(
        happened=("受付を始めました。" if ended else "休みはありません。") + calendar,
        aggregator="サービス時間の中なら、口座を読めます。",
        customer="サービス時間の中なら、登録できます。",
        changed=ended,
    )


def _close(session: Session, at: datetime) -> tuple[bool, datetime | None]:
    facts = institution_facts(session)
    changed = any(is_open(at, product, facts) for product in Product)
    if changed:
        close_service(session, at + FOR, REASON, ACTOR, at)
        facts = institution_facts(session)
    openings = (next_opening(at, product, facts) for product in Product)
    return changed, min((opening for opening in openings if opening), default=None)


def _open(session: Session, at: datetime) -> tuple[bool, bool]:
    ended = open_service(session, ACTOR, at) > 0
    facts = institution_facts(session)
    return ended, all(is_open(at, product, facts) for product in Product)

"""一時的な停止 (7-3): the credit union stops the whole service, or one customer's internet banking is suspended.

The first is an officer's stop (`madoguchi stop set all`), the second an event of the status feed.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from madoguchi.procedures.service import lift_stop, set_stop, stops_now
from madoguchi.rules.vocabulary import JST, ContractState, StopTarget
from madoguchi.sandbox.books import ACTOR
from madoguchi.sandbox.plays.contract_events import contracts, played_out, send
from madoguchi.sandbox.plays.telling import CannotPlay, Scene, Told

REASON: Final = "sandbox play suspension"
UNDO: Final = "madoguchi sandbox play suspension --undo"
STOPPED: Final = "現在、一時的にご利用いただけません"
AGAIN: Final = "また口座を読めます。トークンと登録は、そのまま使えます。"


async def play(scene: Scene, number: str | None) -> Told:
    """Stop everything (7-3), or suspend the internet banking of this customer."""
    if number is not None:
        return await _suspend(scene, number)
    changed = await scene.database.writing(_stop, scene.at)
    return Told(
        happened="サービス全体を停止しました。" if changed else "サービス全体は、すでに停止しています。",
        aggregator="/graphql は HTTP 200。口座は null で、errors に SERVICE_STOPPED(第7条第3項)。いつ再開するかは"
        "分からないので、retryAt はありません。トークンは捨てず、あとで試します。",
        customer=f"新しい登録の画面は「{STOPPED}」(503)。今の登録は残り、連携の停止もできます。",
        undo=UNDO,
        changed=changed,
    )


async def undo(scene: Scene, number: str | None) -> Told:
    """Lift the stop and resume what was suspended by a play; with a number, that customer's internet banking only."""
    lifted = 0 if number is not None else await scene.database.writing(_lift, scene.at)
    resumed = await played_out(scene, number, ContractState.SUSPENDED)
    for customer in resumed:
        states = await contracts(scene, customer.number)
        paused = [product for product, state in states.items() if state is ContractState.SUSPENDED]
        drafts = [
            {"kind": "contract.resumed", "customer_number": customer.number, "product": product} for product in paused
        ]
        await send(scene, drafts)
    done = ["サービス全体の停止を解きました。"] if lifted else []
    done += [f"お客さま {customer.number} のインターネットバンキングを再開しました。" for customer in resumed]
    return Told(
        happened="".join(done) or "解く停止はありません。",
        aggregator=AGAIN,
        customer="いつもどおり登録できます。",
        changed=bool(done),
    )


async def _suspend(scene: Scene, number: str) -> Told:
    states = await contracts(scene, number)
    if ContractState.CANCELLED in states.values() and ContractState.LIVE not in states.values():
        raise CannotPlay(f"お客さま {number} のインターネットバンキングは解約済みなので、停止できません。")
    live = [product for product, state in states.items() if state is ContractState.LIVE]
    if live:
        drafts = [{"kind": "contract.suspended", "customer_number": number, "product": product} for product in live]
        await send(scene, drafts)
    done = "停止しました" if live else "すでに停止しています"
    return Told(
        happened=f"お客さま {number} のインターネットバンキング: {done}。",
        aggregator="このお客さまのトークンだけ: /graphql は HTTP 200。口座は null で、errors に "
        "INTERNET_BANKING_SUSPENDED(第7条第3項)。トークンは捨てず、あとで試します。",
        customer="新しい登録の画面は「いまは、連携を登録できません」(第7条第3項)。今の登録は残り、再開すると、また使えます。",
        undo=f"madoguchi sandbox play suspension --customer {number} --undo",
        changed=bool(live),
    )


def _stop(session: Session, at: datetime) -> bool:
    if any(stop.reason == REASON for stop in stops_now(session, at)):
        return False
    review = at.astimezone(JST).date() + timedelta(days=1)
    set_stop(session, StopTarget.ALL, "", at, None, review, REASON, ACTOR, at)
    return True


def _lift(session: Session, at: datetime) -> int:
    played = [stop.stop_id for stop in stops_now(session, at) if stop.reason == REASON]
    return sum(lift_stop(session, number, REASON, ACTOR, at) for number in played if number is not None)

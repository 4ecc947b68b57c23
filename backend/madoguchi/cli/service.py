"""`madoguchi service`: opening and closing the service (2-1), and how it and its feeds stand (6-1)."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlmodel import Session

from madoguchi import sandbox
from madoguchi.cli.context import office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import FEEDS, TARGETS, AsJson, in_words, moment, say, say_json
from madoguchi.procedures.feeds.listing import count_entries, list_waiting
from madoguchi.procedures.feeds.states import FeedState, feed_states
from madoguchi.procedures.service import close_service, institution, institution_facts, open_service, stops_now
from madoguchi.rules import service_hours
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.suspension import service_stopped
from madoguchi.rules.vocabulary import Product

app = Commands("サービスの受付(第2条第1項)。")

PRODUCTS = {Product.PERSONAL: "個人", Product.BUSINESS: "法人"}


@app.command("close")
def close(
    context: typer.Context,
    until: Annotated[
        str | None, typer.Option(help="いつまで。なければ、次の受付の始まりまで。", metavar="MOMENT")
    ] = None,
    reason: Annotated[str, typer.Option(help="理由。")] = "臨時休止",
) -> None:
    """今から受付を休みます。

    見本の信用組合では、暦も、画面に描かれた時間(平日 7:00〜23:00、土日祝 8:00〜21:00)に替わります。
    「service open」で元に戻ります。
    """
    desk = office(context)
    ends = None if until is None else moment(until)
    if ends is not None and ends <= desk.now:
        raise Trouble("--until は、今より後にしてください。", 2)
    changed, opens = desk.writing(_close, ends, reason, desk.actor, desk.now)
    done = "受付を休みました" if changed else "すでに休んでいます"
    say(f"{done}。次の受付: {in_words(opens) if opens else '未定'}")
    say("元に戻すには: madoguchi service open")


@app.command("open")
def open_(context: typer.Context) -> None:
    """今の休みを終わりにします。見本の信用組合では、暦も「いつでも」に戻ります。"""
    desk = office(context)
    is_open, changed = desk.writing(_open, desk.actor, desk.now)
    if not is_open:
        say("休みはありませんが、今はサービス時間の外か、停止中です。「madoguchi service status」で確かめてください。")
    else:
        say("受付を始めました。" if changed else "受付は、すでに始まっています。")


@app.command("status")
def status(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """今の受付、次の切り替わり、停止、連携の遅れを表示します。"""
    desk = office(context)
    at = desk.now
    facts = desk.reading(institution_facts)
    stops = desk.reading(stops_now, at)
    feeds = desk.reading(feed_states, at)
    in_quarantine, waiting = desk.reading(count_entries), desk.reading(list_waiting)
    if as_json:
        products = {
            product.value: {
                "open": service_hours.is_open(at, product, facts),
                "next_change": _next_change(at, product, facts),
            }
            for product in Product
        }
        told = {feed.value: _as_json(state) for feed, state in feeds.items()}
        held = {"in_quarantine": in_quarantine, "waiting": [line.file_name for line in waiting]}
        stopped = [stop.model_dump() for stop in stops]
        say_json({"at": at, "products": products, "stops": stopped, "feeds": told, **held})
        return
    for product, name in PRODUCTS.items():
        now_open = service_hours.is_open(at, product, facts)
        change = _next_change(at, product, facts)
        word, then = ("受付中", "まで") if now_open else ("休み", "に受付")
        say(f"{name}: {word}({in_words(change) + then if change else 'いつでも' if now_open else '次の受付は未定'})")
    for stop in stops:
        say(f"停止 {stop.stop_id}: {TARGETS[stop.kind]} {stop.target}".rstrip() + f"({in_words(stop.starts_at)}から)")
    for feed, state in feeds.items():
        say(f"連携 {FEEDS[feed]}: {_in_words(state)}")
    for line in waiting:
        say(f"連携 {line.file_name}: 前のファイルが届くのを待っています。{line.damage.message}")
    if in_quarantine:
        say(f"隔離: {in_quarantine}件。「madoguchi feed list」で確かめてください。")


def _in_words(state: FeedState) -> str:
    """今の情報の時点 of a feed, its lateness and when it is due next."""
    lateness = state.lateness
    parts = [f"{in_words(state.arrival.as_of)} 現在" if state.arrival else "まだ届いていません"]
    if lateness.late_since:
        parts.append(f"{in_words(lateness.late_since)} の予定が届かず、遅れています")
    if lateness.unavailable:
        parts.append("届くまで、この情報は渡しません(第6条第1項)")
    if lateness.next_due:
        parts.append(f"次の予定 {in_words(lateness.next_due)}")
    return "。".join(parts)


def _as_json(state: FeedState) -> dict[str, Any]:
    return {
        "as_of": state.arrival.as_of if state.arrival else None,
        "received_at": state.arrival.received_at if state.arrival else None,
        **asdict(state.lateness),
    }


def _next_change(at: datetime, product: Product, facts: InstitutionFacts) -> datetime | None:
    if service_hours.is_open(at, product, facts):
        return service_hours.next_closing(at, product, facts)
    return service_hours.next_opening(at, product, facts)


def _close(
    session: Session, until: datetime | None, reason: str, actor: str, at: datetime
) -> tuple[bool, datetime | None]:
    """Whether it was open at all, or for less long closed, and when it opens again."""
    facts = institution_facts(session)
    if not any(service_hours.is_open(at, product, facts) for product in Product):
        opens = _first_opening(at, facts)
        if until is None or opens is None or until <= opens:
            return False, opens
    if until is None and institution(session).is_sample:
        sandbox.draw_hours(session, actor, at)
    ends = until or _first_opening(at, institution_facts(session))
    if ends is None:
        raise Trouble("次の受付の始まりが暦にありません。--until で、いつまでかを指定してください。", 2)
    close_service(session, ends, reason, actor, at)
    return True, ends


def _first_opening(at: datetime, facts: InstitutionFacts) -> datetime | None:
    openings = [service_hours.next_opening(at, product, facts) for product in Product]
    return min((opening for opening in openings if opening is not None), default=None)


def _open(session: Session, actor: str, at: datetime) -> tuple[bool, bool]:
    changed = open_service(session, actor, at) > 0
    if institution(session).is_sample:
        changed = sandbox.keep_open(session, actor, at) or changed
    facts = institution_facts(session)
    is_open = all(service_hours.is_open(at, product, facts) for product in Product)
    return is_open and service_stopped(at, facts.stops) is None, changed

"""`madoguchi stop`: stopping the service, or a part of it, for a while under 7-3, and lifting the stop again."""

import re
from datetime import date, datetime
from typing import Annotated

import typer
from sqlmodel import Session

from madoguchi.cli import completing
from madoguchi.cli.context import office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import TARGETS, AsJson, day, in_words, moment, say, say_json, say_table
from madoguchi.procedures.listing import find_aggregator, find_branch, find_customer, find_registration
from madoguchi.procedures.service import lift_stop, set_stop, stops_now
from madoguchi.rules.vocabulary import AccountKind, Scope, StopTarget

app = Commands("一時的な停止(第7条第3項)。")


@app.command("set")
def set_(
    context: typer.Context,
    kind: Annotated[
        StopTarget,
        typer.Argument(
            help="止めるもの: all 全体、function 機能、aggregator 事業者、account_kind 預金種目、branch 店、"
            "customer お客さま、registration 登録。",
            show_default=False,
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="機能名、事業者の番号、預金種目(1・2)、店番、お客さま番号、登録の番号。",
            autocompletion=completing.stop_targets,
        ),
    ] = "",
    reason: Annotated[str, typer.Option(help="理由。記録に残ります。")] = "",
    starts: Annotated[str | None, typer.Option("--from", help="いつから。なければ今から。", metavar="MOMENT")] = None,
    ends: Annotated[str | None, typer.Option("--until", help="いつまで(その時刻に再開)。", metavar="MOMENT")] = None,
    review_on: Annotated[
        str | None, typer.Option(help="終わりを決めないときに、続けるかを見直す日。", metavar="DATE")
    ] = None,
) -> None:
    """止めます。お客さまの登録は残り、停止を解くか期限が来ると、また答えます。"""
    desk = office(context)
    at = desk.now
    if not reason.strip():
        raise Trouble("--reason で理由を指定してください。", 2)
    if ends is None and review_on is None:
        raise Trouble("--until(いつまで)か --review-on(見直す日)を指定してください。", 2)
    begin = at if starts is None else moment(starts)
    end = None if ends is None else moment(ends)
    if end is not None and end <= max(begin, at):
        raise Trouble("--until は、始まりと今より後にしてください。", 2)
    review = None if review_on is None else day(review_on)
    if review is not None and review <= desk.today:
        raise Trouble("見直す日は今日より後にしてください。", 2)
    number = desk.writing(_set, kind, target, begin, end, review, reason, desk.actor, at)
    say(f"停止 {number}: {TARGETS[kind]} {target}".rstrip() + f" を {in_words(begin)} から止めます。")
    say(f"解くには: madoguchi stop lift {number} --reason 理由")


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """今の停止と、これからの停止を一覧にします。"""
    desk = office(context)
    stops = desk.reading(stops_now, desk.now)
    if as_json:
        say_json([stop.model_dump() for stop in stops])
        return
    if not stops:
        say("停止はありません。")
        return
    say_table(
        ("番号", "止めるもの", "いつから", "いつまで", "見直す日", "理由", "決めた人"),
        (
            (
                str(stop.stop_id),
                f"{TARGETS[stop.kind]} {stop.target}".rstrip(),
                in_words(stop.starts_at),
                in_words(stop.ends_at) if stop.ends_at else "—",
                stop.review_on.isoformat() if stop.review_on else "—",
                stop.reason,
                stop.set_by,
            )
            for stop in stops
        ),
    )


@app.command("lift")
def lift(
    context: typer.Context,
    number: Annotated[
        int, typer.Argument(help="停止の番号。", metavar="ID", show_default=False, autocompletion=completing.stops)
    ],
    reason: Annotated[str, typer.Option(help="理由。記録に残ります。")] = "",
) -> None:
    """停止を解きます。"""
    desk = office(context)
    if not reason.strip():
        raise Trouble("--reason で理由を指定してください。", 2)
    lifted = desk.writing(lift_stop, number, reason, desk.actor, desk.now)
    say(
        f"停止 {number} を {in_words(desk.now)} に解きました。"
        if lifted
        else f"停止 {number} は、すでに終わっています。"
    )


def _set(
    session: Session,
    kind: StopTarget,
    typed: str,
    begin: datetime,
    end: datetime | None,
    review_on: date | None,
    reason: str,
    actor: str,
    at: datetime,
) -> int:
    return set_stop(session, kind, _target(session, kind, typed), begin, end, review_on, reason, actor, at)


def _target(session: Session, kind: StopTarget, typed: str) -> str:
    """What the stop's row names: our own ids. Raises Trouble or NotFound for what does not exist."""
    if (kind is StopTarget.ALL) == bool(typed):
        raise Trouble("全体(all)に対象は要りません。ほかの停止には対象を指定してください。", 2)
    match kind:
        case StopTarget.AGGREGATOR:
            return find_aggregator(session, typed).aggregator_id
        case StopTarget.CUSTOMER:
            return str(find_customer(session, typed))
        case StopTarget.REGISTRATION:
            return find_registration(session, typed).registration_id
        case StopTarget.FUNCTION if typed not in set(Scope):
            raise Trouble("機能は accounts、balances、transactions のどれかです。", 2)
        case StopTarget.ACCOUNT_KIND if typed not in (AccountKind.ORDINARY, AccountKind.CURRENT):
            raise Trouble("預金種目は 1(普通)か 2(当座)です。", 2)
        case StopTarget.BRANCH if not re.fullmatch(r"\d{3}", typed):
            raise Trouble("店番は3桁の数字です。", 2)
        case StopTarget.BRANCH:
            return find_branch(session, typed).branch_code
    return typed

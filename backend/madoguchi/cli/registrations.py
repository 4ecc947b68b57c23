"""`madoguchi registration`: the registrations (利用登録) there are, and stopping one for the credit union (7-3)."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from sqlmodel import Session

from madoguchi.cli import completing
from madoguchi.cli.context import office
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import CAUSES, STATES, AsJson, day_in_words, in_words, say, say_json, say_table
from madoguchi.procedures.listing import (
    RegistrationLine,
    find_aggregator,
    find_customer,
    find_registration,
    list_registrations,
)
from madoguchi.procedures.stopping import end_registration
from madoguchi.rules.registration_period import last_day
from madoguchi.rules.vocabulary import Cause, RegistrationState

app = Commands("お客さまの利用登録。")


@app.command("list")
def list_(
    context: typer.Context,
    aggregator: Annotated[
        str | None,
        typer.Option(help="事業者の番号か client_id。", metavar="ID", autocompletion=completing.aggregators),
    ] = None,
    customer: Annotated[
        str | None,
        typer.Option(help="お客さま番号(8桁)。", metavar="NUMBER", autocompletion=completing.sample_customers),
    ] = None,
    ended: Annotated[bool, typer.Option("--all", help="終わった登録も含めます。")] = False,
    as_json: AsJson = False,
) -> None:
    """登録を、新しい順に一覧にします。"""
    desk = office(context)
    lines = desk.reading(_lines, aggregator, customer, ended)
    if as_json:
        say_json([asdict(line) for line in lines])
        return
    if not lines:
        say("登録はありません。")
        return
    say_table(
        ("番号", "事業者", "お客さま", "範囲", "口座", "登録した日時", "最後の日", "状態"),
        (
            (
                line.registration_id,
                line.aggregator,
                line.customer_number,
                " ".join(line.scopes),
                f"{line.accounts}口座",
                in_words(line.registered_at),
                day_in_words(last_day(line.until)),
                _state(line, desk.now),
            )
            for line in lines
        ),
    )


@app.command("stop")
def stop(
    context: typer.Context,
    registration: Annotated[str, typer.Argument(help="登録の番号。", metavar="ID", show_default=False)],
) -> None:
    """登録を今すぐ終わりにします(第7条第3項)。そのトークンは、次の照会から使えません。元には戻せません。"""
    desk = office(context)
    if desk.writing(_end, registration, desk.actor, desk.now):
        say(f"登録 {registration} を {in_words(desk.now)} に停止しました。新しい情報は伝わりません。")
    else:
        say(f"登録 {registration} は、すでに終わっています。")


def _lines(session: Session, aggregator: str | None, customer: str | None, ended: bool) -> list[RegistrationLine]:
    return list_registrations(
        session,
        ended=ended,
        aggregator_id=None if aggregator is None else find_aggregator(session, aggregator).aggregator_id,
        customer_id=None if customer is None else find_customer(session, customer),
    )


def _end(session: Session, registration_id: str, actor: str, at: datetime) -> bool:
    find_registration(session, registration_id)
    return end_registration(session, registration_id, Cause.STOPPED_BY_CREDIT_UNION, actor, at)


def _state(line: RegistrationLine, at: datetime) -> str:
    if line.ended_at is not None:
        return f"終了({in_words(line.ended_at)}、{CAUSES.get(line.ended_cause or '', line.ended_cause)})"
    if line.state == RegistrationState.ACTIVE and line.until <= at:
        return "期間切れ"
    return STATES[line.state]

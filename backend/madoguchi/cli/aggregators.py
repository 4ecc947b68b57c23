"""`madoguchi aggregator`: designating API連携事業者 and ending their contracts (1-2-2).

A client that nobody here wrote needs no more than a name, its public keys and where the customer returns to.
"""

import json
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from madoguchi.cli import completing
from madoguchi.cli.context import office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import AsJson, day, day_in_words, in_words, say, say_json, say_table
from madoguchi.procedures.aggregators import (
    AggregatorDetails,
    add_aggregator,
    aggregator_facts,
    end_contract,
    list_aggregators,
)
from madoguchi.procedures.listing import find_aggregator
from madoguchi.rules.eligibility import is_designated
from madoguchi.rules.registration_period import last_day
from madoguchi.rules.vocabulary import JST

app = Commands("API連携事業者。")


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="サービス名。お客さまの画面に出ます。")],
    jwks: Annotated[Path, typer.Option(help="公開鍵の集まり(JWK Set)のファイル。", metavar="FILE")],
    redirect_uri: Annotated[list[str], typer.Option(help="お客さまが戻る先。何度でも指定できます。", metavar="URI")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="契約で認める範囲: accounts balances transactions。", metavar="SCOPE", autocompletion=completing.scopes
        ),
    ],
    company: Annotated[str | None, typer.Option(help="会社名。なければ、サービス名と同じです。")] = None,
    number: Annotated[
        str, typer.Option("--registration-number", help="電子決済等代行業者の登録番号(本番では必須)。")
    ] = "",
    contact: Annotated[str, typer.Option(help="苦情と情報の削除の窓口。")] = "",
    purpose: Annotated[
        list[str] | None, typer.Option(help="使いみちの申告。例: balances=資産の合計の表示", metavar="SCOPE=TEXT")
    ] = None,
    identifier: Annotated[
        list[str] | None, typer.Option(help="渡してよい識別項目: number(口座番号)、holder(名義)。")
    ] = None,
    processor: Annotated[
        list[str] | None, typer.Option(help="情報の預け先。例: みほんサーバー株式会社=保管", metavar="NAME=ROLE")
    ] = None,
    return_origin: Annotated[
        list[str] | None, typer.Option(help="戻る途中で通る、ほかのオリジン。", metavar="ORIGIN")
    ] = None,
    history_days: Annotated[int | None, typer.Option(help="明細の日数の契約上の上限。", min=1)] = None,
    contract_until: Annotated[
        str | None, typer.Option(help="契約の最後の日。この日まで有効です。", metavar="DATE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """事業者を登録し、client_id を作ります。"""
    desk = office(context)
    if not number and not desk.settings.is_sandbox:
        raise Trouble("--registration-number で電子決済等代行業者の登録番号を指定してください。", 2)
    details = AggregatorDetails(
        name=name,
        company=company or name,
        jwks=_read_jwks(jwks),
        redirect_uris=tuple(redirect_uri),
        scopes=tuple(" ".join(scope).replace(",", " ").split()),
        registration_number=number or "見本",
        purposes=_pairs("--purpose", purpose),
        identifiers=tuple(identifier or ()),
        return_origins=tuple(return_origin or ()),
        data_processors=tuple({"name": k, "role": v} for k, v in _pairs("--processor", processor).items()),
        complaint_contact=contact,
        history_days=history_days,
        contract_until=None if contract_until is None else _end_of(contract_until),
    )
    row = desk.writing(add_aggregator, details, desk.actor, desk.now)
    if as_json:
        say_json({"issuer": desk.settings.issuer, **_as_json(row, desk.now)})
        return
    say(f"「{row.name}」を登録しました。")
    say(f"client_id: {row.client_id}")
    say(f"issuer:    {desk.settings.issuer}")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """登録した事業者を、契約の終わったものも含めて一覧にします。"""
    desk = office(context)
    rows = desk.reading(list_aggregators)
    if as_json:
        say_json([_as_json(row, desk.now) for row in rows])
        return
    if not rows:
        say("事業者は、まだ登録されていません。「madoguchi aggregator add」で登録してください。")
        return
    say_table(
        ("番号", "サービス名", "会社", "client_id", "範囲", "契約", "最後の日"),
        (
            (
                row.aggregator_id,
                row.name,
                row.company,
                row.client_id,
                " ".join(row.scopes),
                "契約中" if _in_force(row, desk.now) else "終了",
                day_in_words(last_day(row.contract_until)) if row.contract_until else "定めなし",
            )
            for row in rows
        ),
    )


@app.command("stop")
def stop(
    context: typer.Context,
    aggregator: Annotated[
        str,
        typer.Argument(
            help="事業者の番号か client_id。", metavar="ID", show_default=False, autocompletion=completing.aggregators
        ),
    ],
) -> None:
    """事業者との契約を今すぐ終わりにし、そのすべての登録を終わりにします(第5条第2項)。元には戻せません。

    しばらく止めるだけなら「madoguchi stop set aggregator」を使います。
    """
    desk = office(context)
    name, ended = desk.writing(_end, aggregator, desk.actor, desk.now)
    say(f"「{name}」との契約を {in_words(desk.now)} に終わりにしました。終わった登録: {len(ended)}件")


def _end(session: Session, named: str, actor: str, at: datetime) -> tuple[str, list[str]]:
    row = find_aggregator(session, named)
    return row.name, end_contract(session, row.aggregator_id, actor, at)


def _read_jwks(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise Trouble(f"{path} を読めません。JWK Set(JSON)のファイルを指定してください。", 3) from None
    if not isinstance(read, dict) or "keys" not in read:
        raise Trouble(f'{path} は JWK Set ではありません。{{"keys": [...]}} の形にしてください。', 3)
    return read


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise Trouble(f"{option} 「{text}」は、名前=内容 の形で指定してください。", 2)
        pairs[key.strip()] = value.strip()
    return pairs


def _end_of(typed: str) -> datetime:
    return datetime.combine(day(typed) + timedelta(days=1), time(), JST)


def _in_force(row: Any, at: datetime) -> bool:
    return is_designated(at, aggregator_facts(row)) is None


def _as_json(row: Any, at: datetime) -> dict[str, Any]:
    return {
        "aggregator_id": row.aggregator_id,
        "client_id": row.client_id,
        "name": row.name,
        "company": row.company,
        "registration_number": row.registration_number,
        "redirect_uris": row.redirect_uris,
        "scope": " ".join(row.scopes),
        "history_days": row.history_days,
        "contract_from": row.contract_from,
        "contract_until": row.contract_until,
        "in_force": _in_force(row, at),
    }

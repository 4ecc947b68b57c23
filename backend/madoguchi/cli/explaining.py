"""`madoguchi explain`: why a use of a token was answered as it was, asked again from what was recorded (4-3)."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from madoguchi.cli.context import office
from madoguchi.cli.failures import Trouble
from madoguchi.cli.words import AsJson, clause_in_words, in_words, say, say_json, say_table
from madoguchi.procedures.explaining import Explanation, newest
from madoguchi.procedures.explaining import explain as ask_again
from madoguchi.rules.access import Answer
from madoguchi.rules.asking import Action

ACTIONS = {
    Action.QUERY: "照会",
    Action.MUTATION: "登録の終了",
    Action.REFRESH: "トークンの更新",
    Action.CODE: "認可コードの交換",
}
OUTCOMES = {"answered": "答えた", "refused": "断った"}


def explain(
    context: typer.Context,
    request: Annotated[
        str | None, typer.Argument(help="お問い合わせ番号(X-Request-Id)。", metavar="ID", show_default=False)
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="ID の代わりに、いちばん新しい記録を選びます。")] = False,
    as_json: AsJson = False,
) -> None:
    """過去の照会について、記録した事実から規定をもう一度たずね、それぞれの答えを表示します。"""
    if last is (request is not None):
        raise Trouble("お問い合わせ番号(ID)か --last の、どちらか一つを指定してください。", 2)
    desk = office(context)
    request = request or desk.reading(newest)
    if request is None:
        raise Trouble("照会の記録は、まだありません。")
    explanation = desk.reading(ask_again, request)
    if explanation is None:
        raise Trouble(
            "照会の記録ではありません。画面のお問い合わせ番号は、サーバーのログ(request_id)で調べます。"
            if request.startswith("rq_")
            else f"照会 {request} の記録はありません。"
        )
    if as_json:
        say_json(_as_json(explanation))
    else:
        _print(explanation)


def _print(explanation: Explanation) -> None:
    record = explanation.record
    facts = (
        ("お問い合わせ番号", record.request_id),
        ("日時", in_words(record.at)),
        ("すること", ACTIONS[Action(record.action)]),
        ("結果", OUTCOMES.get(record.outcome, record.outcome)),
        ("登録", record.registration_id),
        ("事業者", record.aggregator_id),
        ("トークンの範囲", " ".join(record.token_scopes)),
        ("金融機関の事実", record.institution_digest),
        ("登録の事実", record.registration_digest),
        ("たずねた項目", " ".join(record.asked) or "—"),
        ("答えた項目", " ".join(record.answered) or "—"),
        ("情報の時点", " ".join(f"{path}={at}" for path, at in record.as_of.items()) or "—"),
        ("ソフトウェアの版", record.release),
    )
    for name, value in facts:
        say(f"{name}: {value}")
    for refusal in record.refusals:
        clause = clause_in_words(str(refusal.get("clause")))
        say(f"断った項目: {refusal.get('path') or '全体'} {refusal.get('code')}({clause})")
    say()
    say("記録した事実から、規定をもう一度たずねた答え:")
    say_table(
        ("規則", "規定", "対象", "答え"),
        (
            (answer.rule, clause_in_words(answer.clause), answer.subject or "全体", _verdict(answer))
            for answer in explanation.answers
        ),
    )
    if record.action != Action.QUERY:
        return
    if explanation.access.refusals and record.answered:
        say("service と registration の項目には、時間外や停止中でも答えます。")
    window = explanation.access.window
    say(f"渡せた明細の期間: {window.first} から {window.last} まで(第2条第4項)")


def _verdict(answer: Answer) -> str:
    if not answer.asked:
        return "たずねない"
    if not answer.refusals:
        return "よい"
    return " ".join(
        f"いいえ {refusal.reason.code}" + (f"(次は {in_words(refusal.retry_at)})" if refusal.retry_at else "")
        for refusal in answer.refusals
    )


def _as_json(explanation: Explanation) -> dict[str, Any]:
    return {
        "record": explanation.record.model_dump(),
        "answers": [
            {
                "rule": answer.rule,
                "clause": answer.clause,
                "subject": answer.subject,
                "asked": answer.asked,
                "refusals": [
                    {"code": refusal.reason.code, "retry_at": refusal.retry_at} for refusal in answer.refusals
                ],
            }
            for answer in explanation.answers
        ],
        "institution": asdict(explanation.institution),
        "registration": asdict(explanation.registration),
    }

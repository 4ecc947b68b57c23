"""Pages for developers (開発): the schema, sample customers and sample files."""

from collections.abc import Mapping
from typing import Final

from madoguchi.cli.manual import Page

PAGES: Final[Mapping[str, Page]] = {
    "customer list": Page(
        when="見本のお客さまでログインするとき(試験環境だけ)。",
        examples=(("madoguchi customer list", "お客さま番号とパスワードを見ます。"),),
        shape="見本のお客さまの配列(番号の順)。1件ずつのキー:",
        keys=(
            ("customer_number", "お客さま番号(8桁)"),
            ("password", "パスワード"),
            ("name", "お名前"),
            ("code", "今のワンタイムパスワード"),
            ("contract_states", "契約の状態の配列(live、suspended、cancelled)"),
            ("accounts", "口座の配列: kind 預金種目、last_digits 番号の終わりの4桁"),
            ("remark", "この方で試せること"),
        ),
    ),
    "customer code": Page(
        when="見本のお客さまでログインする途中、ワンタイムパスワードを尋ねられたとき(試験環境だけ)。",
        examples=(
            ("madoguchi customer code 10000001", "6桁の番号だけを書き出します。"),
            ("CODE=$(madoguchi customer code 10000001)", "シェルの変数に入れます。"),
        ),
        shape="オブジェクト1つ。キー:",
        keys=(
            ("customer_number", "お客さま番号"),
            ("code", "6桁の番号"),
            ("changes_in", "次の番号に変わるまでの秒数"),
        ),
    ),
    "sandbox clock": Page(
        when="受付の終わり、登録の期限、月末など、時刻で変わることを、待たずに試すとき。",
        examples=(
            ("madoguchi sandbox clock", "見本の時刻を確かめます。"),
            ("madoguchi sandbox clock --to closing", "次の受付の終わりの5分あとまで進めます。"),
            ("madoguchi sandbox clock --forward 3d --no-feeds", "連携のないまま3日進め、「遅れ」を試します。"),
        ),
        clauses=("2-1", "4-1", "6-1"),
        changes=True,
        shape="オブジェクト1つ。キー:",
        keys=(
            ("now", "見本の日時"),
            ("machine", "この機械の日時"),
            ("ahead_seconds", "進めてある秒数"),
            ("told", "進めたときに起きたことの配列"),
        ),
    ),
    "sandbox play": Page(
        when="事業者のプログラムが、受付の休み、停止、解約、訂正、連携の遅れに正しく応じるかを試すとき。",
        examples=(
            ("madoguchi sandbox play closing", "受付を休みます。"),
            ("madoguchi sandbox play closing --undo", "元に戻します。"),
            ("madoguchi sandbox play cancellation --customer 10000001", "このお客さまが解約したことにします。"),
        ),
        clauses=("2-1", "5-2", "6-1", "7-3"),
        changes=True,
    ),
    "sandbox reset": Page(
        when="試したことをすべて消して、はじめから始めるとき。進めた時刻を今に戻すとき。",
        examples=(("madoguchi sandbox reset", "確かめてから消します。そのあと「make run」で作り直します。"),),
        changes=True,
    ),
    "schema": Page(
        when="事業者のプログラムの型を作るとき。リポジトリーの schema.graphql も、これで作ります。"
        "データベースは要りません。",
        examples=(
            ("madoguchi schema > schema.graphql", "GraphQL の言葉(SDL)で書き出します。"),
            ("madoguchi schema --json > schema.json", "イントロスペクションの結果の形で書き出します。"),
        ),
        shape="GraphQL のイントロスペクションの結果。__schema というキー1つのオブジェクト。",
    ),
    "feed schema": Page(
        when="利用状況の連携ファイルを書き出すプログラムを作るとき。データベースは要りません。",
        examples=(("madoguchi feed schema > status-feed.schema.json", "ファイルに残します。"),),
        clauses=("5-2",),
    ),
    "feed generate": Page(
        when="取込を試すとき。見本の信用組合の1年分の帳簿を、勘定系と同じ形で書き出します。",
        examples=(
            ("madoguchi feed generate --until 2026-11-24 --months 2 --out /tmp/feeds", "2か月分を書き出します。"),
        ),
        changes=True,
    ),
    "help": Page(
        when="コマンドの使い方を知りたいとき。「madoguchi コマンド --help」と同じものを表示します。",
        examples=(
            ("madoguchi help feed import", "1つのコマンドの使い方を見ます。"),
            ("madoguchi help", "コマンドの一覧を見ます。"),
        ),
    ),
}

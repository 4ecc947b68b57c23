"""Pages for officers (職員): aggregators, registrations, stops, and why a question was answered as it was."""

from collections.abc import Mapping
from typing import Final

from madoguchi.cli.manual import Page

REFUSED_DETAILS = "内容を受け付けられません。理由を表示します。何も変えていません。"

AGGREGATOR_KEYS = (
    ("aggregator_id", "事業者の番号"),
    ("client_id", "事業者のプログラムが名のる番号"),
    ("name", "サービス名"),
    ("company", "会社名"),
    ("registration_number", "電子決済等代行業者の登録番号"),
    ("redirect_uris", "お客さまが戻る先の配列"),
    ("scope", "契約で認める範囲。空白で区切ります"),
    ("history_days", "明細の日数の契約上の上限。なければ null"),
    ("contract_from", "契約の始まりの日時"),
    ("contract_until", "契約の終わりの日時(この時刻は含みません)。定めなしは null"),
    ("in_force", "今、契約中か"),
)

PAGES: Final[Mapping[str, Page]] = {
    "aggregator add": Page(
        when="API連携の契約を結んだ事業者に、つなぐことを認めるとき。公開鍵のファイルは、事業者から受け取ります。",
        examples=(
            (
                "madoguchi aggregator add --name みほん家計簿 --jwks keys.json"
                " --redirect-uri https://kakeibo.example/callback --scope 'accounts balances transactions'"
                " --registration-number 'みほん財務局長(電代)第1号'",
                "3つの範囲すべてを認めて登録し、client_id を受け取ります。",
            ),
            (
                "madoguchi aggregator add … --contract-until 2027-03-31 --history-days 90 --json",
                "契約の最後の日と明細の日数を定め、プログラムのための形で受け取ります。",
            ),
        ),
        clauses=("1-2-2",),
        codes={3: REFUSED_DETAILS},
        changes=True,
        shape="事業者1件のオブジェクト。キーは「aggregator list」と同じで、ほかに issuer(この窓口のアドレス)。",
    ),
    "aggregator list": Page(
        when="事業者の番号や client_id、契約の終わりを確かめるとき。",
        examples=(
            ("madoguchi aggregator list", "表で見ます。"),
            (
                "madoguchi aggregator list --json | jq '.[] | select(.in_force) | .name'",
                "契約中の名前だけを取り出します。",
            ),
        ),
        clauses=("1-2-2",),
        shape="事業者の配列。1件ずつのキー:",
        keys=AGGREGATOR_KEYS,
    ),
    "aggregator stop": Page(
        when="事業者との契約が終わったとき。お客さまの登録も、そのトークンも、次の照会から使えません。",
        examples=(("madoguchi aggregator stop agg_…", "番号は「madoguchi aggregator list」で確かめられます。"),),
        clauses=("5-2",),
        changes=True,
    ),
    "registration list": Page(
        when="お客さまや事業者からの問い合わせで、どの登録が、いつまで、どの範囲で有効かを確かめるとき。",
        examples=(
            ("madoguchi registration list --customer 10000001", "お客さま1人の、今ある登録を見ます。"),
            (
                "madoguchi registration list --aggregator agg_… --all --json",
                "事業者1つの、終わった登録も取り出します。",
            ),
        ),
        clauses=("4-1",),
        shape="登録の配列(新しい順)。1件ずつのキー:",
        keys=(
            ("registration_id", "登録の番号"),
            ("aggregator", "サービス名"),
            ("customer_number", "お客さま番号"),
            ("state", "pending 登録中、active 有効(期間切れを含みます)、ended 終了"),
            ("scopes", "伝える範囲の配列"),
            ("accounts", "口座の数"),
            ("registered_at", "登録した日時"),
            ("until", "終わりの日時(この時刻は含みません)"),
            ("ended_at", "終わった日時。なければ null"),
            ("ended_cause", "終わった理由。なければ null"),
            ("ended_by", "終わりにした人。なければ null"),
        ),
    ),
    "registration stop": Page(
        when="不正な利用が疑われるときなど、お客さま1人の1つの登録だけを、当組合の判断で終わりにするとき。",
        examples=(("madoguchi registration stop reg_…", "番号は「madoguchi registration list」で確かめられます。"),),
        clauses=("7-3",),
        changes=True,
    ),
    "stop set": Page(
        when="点検や障害、不正のおそれがあるとき。登録を残したまま止められる、いちばん小さい範囲を選びます。",
        examples=(
            (
                "madoguchi stop set all --from '2026-12-05 1:00' --until '2026-12-05 5:00' --reason 定期点検",
                "前もって、夜間の全体の停止を決めます。",
            ),
            (
                "madoguchi stop set aggregator agg_… --reason 情報流出のおそれ --review-on 2026-12-01",
                "事業者1つを今から止め、続けるかを12月1日に見直します。",
            ),
            ("madoguchi stop set function balances --until 2026-11-26 --reason 残高の誤り", "残高照会だけを止めます。"),
        ),
        clauses=("7-3",),
        changes=True,
    ),
    "stop list": Page(
        when="何が止まっているか、いつ再開するかを確かめるとき。停止を解くための番号もここで分かります。",
        examples=(("madoguchi stop list", "表で見ます。"),),
        clauses=("7-3",),
        shape="停止の配列(古い順)。1件ずつのキー:",
        keys=(
            ("stop_id", "停止の番号"),
            ("kind", "止めるもの(all、function、aggregator、account_kind、branch、customer、registration)"),
            ("target", "その対象。all では空"),
            ("starts_at", "始まりの日時"),
            ("ends_at", "終わりの日時(この時刻に再開)。未定は null"),
            ("review_on", "続けるかを見直す日。なければ null"),
            ("reason", "理由"),
            ("set_by", "決めた人"),
        ),
    ),
    "stop lift": Page(
        when="停止を、予定より早く終わりにするとき。",
        examples=(("madoguchi stop lift 3 --reason 点検終了", "番号は「madoguchi stop list」で確かめられます。"),),
        clauses=("7-3",),
        changes=True,
    ),
    "service close": Page(
        when="受付を今から臨時に休むとき。前もって決める休みや、一部だけの停止には「madoguchi stop set」を使います。",
        examples=(
            ("madoguchi service close", "次の受付の始まりまで休みます。"),
            ("madoguchi service close --until '2026-11-25 12:00' --reason システム点検", "昼の12時まで休みます。"),
        ),
        clauses=("2-1",),
        changes=True,
    ),
    "service open": Page(
        when="「madoguchi service close」の休みを、予定より早く終わりにするとき。",
        examples=(("madoguchi service open", "今から受け付けます。"),),
        clauses=("2-1",),
        changes=True,
    ),
    "service status": Page(
        when="「今つながらない」と言われたとき。受付、停止、連携の遅れを1つの画面で確かめます。",
        examples=(
            ("madoguchi service status", "文で見ます。"),
            ("madoguchi service status --json | jq .feeds", "連携の遅れだけを取り出します。"),
        ),
        clauses=("2-1", "6-1", "7-3"),
        shape="オブジェクト1つ。キー:",
        keys=(
            ("at", "調べた日時"),
            ("products", "personal(個人)と business(法人)ごとに、open 受付中か、next_change 次の切り替わり"),
            ("stops", "停止の配列(「stop list」と同じ)"),
            (
                "feeds",
                "03、04、status ごとに、as_of 情報の時点、received_at 届いた日時、expected どこまで届くはずか、"
                "late_since いつから遅れているか、unavailable 渡さないか、next_due 次の予定",
            ),
            ("in_quarantine", "隔離中のブロックの数"),
            ("waiting", "前のファイルを待つファイルの名前の配列"),
        ),
    ),
    "explain": Page(
        when="事業者やお客さまから、「なぜ断られたか」「何を伝えたか」を尋ねられたとき。"
        "番号は、答えの X-Request-Id です。",
        examples=(
            ("madoguchi explain rq_…", "1件を、規則ごとの答えとともに見ます。"),
            ("madoguchi explain --last", "いちばん新しい照会を見ます。試験環境で、規則を学ぶのに向きます。"),
        ),
        clauses=("4-3",),
        shape="オブジェクト1つ。キー:",
        keys=(
            ("record", "書かれたままの記録(request_id、at、outcome、asked、answered、refusals など)"),
            ("answers", "規則の配列: rule、clause、subject、asked、refusals(code と retry_at)"),
            ("institution", "そのときの金融機関の事実"),
            ("registration", "そのときの登録の事実"),
        ),
    ),
}

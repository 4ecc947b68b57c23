"""Pages for operators (運用): serving, preparing, examining, and taking in feeds."""

from collections.abc import Mapping
from typing import Final

from madoguchi.cli.feed_words import REPORT_KEYS
from madoguchi.cli.interrupting import INTERRUPTED
from madoguchi.cli.manual import Page

FEED_CODES = {0: "すべて受け付けました。", 3: "受け付けないものがありました。ほかは取り込みました。"}

PAGES: Final[Mapping[str, Page]] = {
    "serve": Page(
        when="窓口を動かすとき。試すだけなら --sample を付けます(「make run」と同じです)。"
        "本番では systemd などから動かします。",
        examples=(
            ("madoguchi serve --sample", "見本の信用組合を用意し、http://127.0.0.1:8000 で動かします。"),
            (
                "MADOGUCHI_MODE=production MADOGUCHI_ISSUER=https://api.example … madoguchi serve --workers 4",
                "本番を4つのプロセスで動かします。2つ以上には PostgreSQL が要ります。",
            ),
        ),
        clauses=("1-1",),
        codes={
            0: "止めるように言われ(Ctrl+C、SIGTERM)、受け付けた照会に答え終わって、終わりました。",
            1: "始められません。直すことをすべて表示します。",
            130: "2度目の Ctrl+C で、すぐに止めました。",
            143: "2度目の SIGTERM で、すぐに止めました。",
        },
        changes=True,
    ),
    "doctor": Page(
        when="初めて動かす前、設定や版を変えたあと、様子がおかしいとき。何も変えないので、動いている間も使えます。",
        examples=(
            ("madoguchi doctor", "すべてを調べ、直すことを表示します。"),
            ("madoguchi doctor --json | jq '.checks[] | select(.level == \"error\")'", "異常だけを取り出します。"),
        ),
        clauses=("6-1",),
        codes={0: "異常はありません(注意はあるかもしれません)。", 1: "異常があります。"},
        shape="オブジェクト1つ。キー:",
        keys=(
            ("at", "調べた日時"),
            ("release", "この版"),
            ("healthy", "異常がないか(終了コードが 0 か)"),
            ("checks", "調べたことの配列: check 名前、level、message 分かったこと、remedy すること(なければ null)"),
            ("level", "ok よい、warning 注意、error 異常、unchecked 前の異常のため調べられない"),
        ),
    ),
    "db upgrade": Page(
        when="初めて動かす前と、新しい版を入れたあと。先に控え(バックアップ)を取ってください。",
        examples=(("madoguchi db upgrade", "何度実行しても、同じ結果になります。"),),
        changes=True,
    ),
    "keys new": Page(
        when="初めて動かす前に、一度。鍵をなくすと、事業者に渡した番号をもう作れません。必ず控えを保管してください。",
        examples=(
            (
                "MADOGUCHI_DATA_DIR=/var/lib/madoguchi … madoguchi keys new",
                "本番の鍵を作ります。",
            ),
        ),
        changes=True,
    ),
    "backup": Page(
        when="毎日と、新しい版を入れる前。窓口を止める必要はありません。",
        examples=(
            ("madoguchi backup /srv/backup/madoguchi-2026-11-25.db", "今の記録の控えを取ります。"),
            ("madoguchi backup FILE --json", "プログラムから使います。"),
        ),
        clauses=("4-2",),
        codes={
            0: "控えは、その名前のファイルにすべてあります。",
            1: "控えはありません。その名前のファイルも作っていません。",
        },
        shape="オブジェクト1つ。キー:",
        keys=(
            ("file", "控えのファイル"),
            ("octets", "その大きさ(バイト)"),
            ("at", "いつの記録か"),
            ("keys", "鍵が入っているか(いつも false)"),
        ),
    ),
    "restore": Page(
        when="記録のファイルが壊れたとき、別の機械に移すとき、控えから戻せることを確かめるとき。",
        examples=(
            ("madoguchi restore /srv/backup/madoguchi-2026-11-25.db", "記録のない環境に戻します。"),
            ("madoguchi restore /srv/backup/madoguchi-2026-11-25.db --replace", "今の記録を残して、入れ替えます。"),
        ),
        clauses=("4-2",),
        codes={0: "戻しました。", 1: "戻せません。何も変わっていません。"},
        changes=True,
        shape="オブジェクト1つ。キー:",
        keys=(
            ("database", "戻した記録のファイル"),
            ("kept", "今までの記録を残したファイル(なければ null)"),
            ("at", "戻した日時"),
        ),
    ),
    "feed import": Page(
        when="届いたファイルを、手で取り込むとき。届くたびに自動で取り込むには「madoguchi feed watch」を使います。",
        examples=(
            (
                "madoguchi feed import status.jsonl zengin03.txt zengin04.txt",
                "利用状況、明細、残高の順に取り込みます。",
            ),
            (
                "madoguchi feed import old.txt --as-of 2025-02-03",
                "1年より前のファイルを、その日のものとして取り込みます。",
            ),
        ),
        clauses=("5-2", "6-1"),
        codes={**FEED_CODES, 130: f"Ctrl+C。{INTERRUPTED}", 143: f"SIGTERM。{INTERRUPTED}"},
        changes=True,
        shape="ファイルごとの配列。1件ずつのキー:",
        keys=REPORT_KEYS,
    ),
    "feed watch": Page(
        when="ファイルが届くフォルダーがあるとき。窓口とは別に、1つのフォルダーに1つ動かしておきます。",
        examples=(
            ("madoguchi feed watch /srv/feeds", "止めるまで見ています。"),
            ("madoguchi feed watch /srv/feeds --json >> feeds.log", "起きたことを、1行に1つずつ残します。"),
        ),
        clauses=("5-2", "6-1"),
        codes={0: "止めるように言われ(Ctrl+C、SIGTERM)、手もとのファイルを取り込み終わって、終わりました。"},
        changes=True,
        shape="1行に1つずつのオブジェクト(JSON Lines)。キーは「説明」のとおりです。",
    ),
    "feed list": Page(
        when="ファイルが届いたか、何が隔離されているかを確かめるとき。",
        examples=(
            ("madoguchi feed list", "新しい20件を見ます。"),
            ("madoguchi feed list --all --json | jq '.quarantine | length'", "隔離中のブロックを数えます。"),
        ),
        clauses=("6-1",),
        shape="オブジェクト1つ。files と quarantine の配列(新しい順)。1件ずつのキー:",
        keys=(
            (
                "files",
                "number、kind(03、04、status、unknown)、name、sha256、created_on、imported_at、finished_at、"
                "refusal、blocks_accepted、blocks_unchanged、blocks_refused、accounts_unknown、rows_added、rows_removed、"
                "balances_changed、events_applied、in_quarantine、reconciled",
            ),
            (
                "quarantine",
                "number(q3)、file_number、file_name、kind、first_record、last_record、whose、created_on、"
                "from_day、to_day、damage、refused_at、settled_at、settled_as、has_content、set_aside_because",
            ),
            ("refusal, damage", "受け付けない理由: record、column、item、found、expected"),
        ),
    ),
    "feed show": Page(
        when="1つのファイルが何をしたか、1つのブロックがなぜ隔離されたかを、くわしく知るとき。",
        examples=(
            ("madoguchi feed show 12", "ファイル 12 を見ます。"),
            ("madoguchi feed show q3", "隔離 q3 と、することを見ます。"),
        ),
        clauses=("6-1",),
        shape="「feed list」の files か quarantine の1件と同じオブジェクト。"
        "ファイルには quarantine の配列(はじめの20件)が付きます。",
    ),
    "feed retry": Page(
        when="足りないファイルが届いたあと、または口座の移管などで事情が変わったあと。",
        examples=(
            ("madoguchi feed retry q3", "1つだけ、もう一度判定します。"),
            ("madoguchi feed retry --all", "隔離中のものすべてを、もう一度判定します。"),
        ),
        clauses=("6-1",),
        codes={0: "すべて、隔離から出ました。", 3: "隔離に残ったものがあります。"},
        changes=True,
        shape="ブロックごとの配列。1件ずつのキー:",
        keys=(
            ("quarantine", "隔離の番号(q3)"),
            ("settled", "隔離から出たか"),
            ("report", "「feed import」の1件と同じ。すでに終わっていれば null"),
        ),
    ),
    "feed set-aside": Page(
        when="送り元と話して、取り込まないと決めたとき。",
        examples=(
            ("madoguchi feed set-aside q3 --reason 送り元の誤り。直した分は取込済み", "1つの隔離を終えます。"),
            ("madoguchi feed set-aside 12 --reason 試験のファイル", "ファイル 12 の隔離をすべて終えます。"),
        ),
        clauses=("6-1",),
        changes=True,
    ),
}

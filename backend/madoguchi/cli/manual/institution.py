"""Pages for officers (職員): the institution, its calendar and timetable, and the terms of use."""

from collections.abc import Mapping
from typing import Final

from madoguchi.cli.manual import Page

REFUSED_DOCUMENT = "文書の内容を受け付けられません。理由を表示します。何も変えていません。"

PAGES: Final[Mapping[str, Page]] = {
    "institution set-up": Page(
        when="この環境を初めて用意するとき、一度だけ。見本の文書は backend/sample/institution.toml にあります。",
        examples=(("madoguchi institution set-up institution.toml", "「madoguchi db upgrade」のあとに行います。"),),
        clauses=("1-1", "2-1", "2-2", "2-4", "4-1", "6-1"),
        codes={3: REFUSED_DOCUMENT},
        changes=True,
    ),
    "institution show": Page(
        when="登録した名前、連絡先、規定が任せる値を確かめるとき。",
        examples=(("madoguchi institution show", "文で見ます。"),),
        clauses=("2-2", "2-4", "4-1"),
        shape="オブジェクト1つ。キー:",
        keys=(
            ("bank_code", "銀行コード(数字4桁)"),
            ("name", "名前"),
            ("name_kana", "名前のカナ"),
            ("phone", "お問い合わせの電話番号"),
            ("phone_hours", "電話の受付時間"),
            ("registration_days", "登録の期間(日)"),
            ("history_months", "明細を伝える期間(月)"),
            ("excluded_products", "対象にしない商品コードの配列"),
            ("is_sample", "見本か"),
        ),
    ),
    "institution hours": Page(
        when="サービス時間を改めるとき。前の日までの時間は、そのまま残ります。"
        "FILE がなければ、今とこれからの時間を確かめます。",
        examples=(
            ("madoguchi institution hours", "今とこれからの時間を見ます。"),
            (
                "madoguchi institution hours hours.toml --from 2027-01-04",
                "1月4日から、次のような文書の時間に替えます。\n"
                '[hours.personal] weekday = ["07:00-23:00"] / saturday = ["08:00-21:00"] / …',
            ),
        ),
        clauses=("2-1",),
        codes={3: REFUSED_DOCUMENT},
        changes=True,
        shape="FILE なしで使います。時間帯の配列。1件ずつのキー:",
        keys=(
            ("product", "personal 個人、business 法人"),
            ("day_type", "日の種類"),
            ("opens", "始まりの時刻(HH:MM)"),
            ("closes", "終わりの時刻(HH:MM。24:00 はその日の終わり)"),
            ("valid_from", "この日から"),
            ("valid_until", "この日の前日まで。定めなしは null"),
        ),
    ),
    "institution holidays": Page(
        when="年に一度、次の次の年の祝日を加えるとき。組合が定める休日を加えるときや、取り消すとき。",
        examples=(
            ("madoguchi institution holidays", "今日からあとの休日を見ます。"),
            ("madoguchi institution holidays --years 2028", "2028年の祝日と年末年始を入れます。"),
            ("madoguchi institution holidays closed.toml", '文書には、2027-05-06 = "組合の休日" のように書きます。'),
            ("madoguchi institution holidays --remove 2027-05-06", "その日を休日でなくします。"),
        ),
        clauses=("2-1",),
        codes={3: REFUSED_DOCUMENT},
        changes=True,
        shape="FILE などなしで使います。休日の配列(日の順)。1件ずつのキー:",
        keys=(("day", "日付"), ("name", "名前")),
    ),
    "institution feeds": Page(
        when="勘定系などからの連携の時刻が変わるとき。FILE がなければ、今の予定を確かめます。",
        examples=(
            ("madoguchi institution feeds", "今の予定を見ます。"),
            ("madoguchi institution feeds feeds.toml --from 2027-01-04", "1月4日の分から、予定をすべて入れ替えます。"),
        ),
        clauses=("6-1",),
        codes={3: REFUSED_DOCUMENT},
        changes=True,
        shape="FILE なしで使います。予定の配列。1件ずつのキー:",
        keys=(
            ("feed", "03 入出金取引明細、04 残高通知、status 利用状況"),
            ("days", "every_day 毎日、banking_days 銀行営業日"),
            ("due", "いつまでに(HH:MM)"),
            ("covers", "same_day その日の途中まで、previous_banking_day 前の銀行営業日まで"),
            ("unavailable_after", "予定から渡さなくなるまでの時間(HH:MM)。なければ null"),
            ("valid_from", "この日の分から"),
            ("valid_until", "この日の前日の分まで。定めなしは null"),
        ),
    ),
    "terms load": Page(
        when="規定を初めて定めるとき、改めるとき。効力の日(as_of)より前に加えておけます。",
        examples=(
            (
                "madoguchi terms load api-terms-2027-04-01.toml --attach internet-banking-rules.toml",
                "2027年4月1日からの規定を、インターネットバンキング利用規定を添えて加えます。",
            ),
        ),
        clauses=("1-3", "8-1", "9-1"),
        codes={3: REFUSED_DOCUMENT},
        changes=True,
    ),
    "terms list": Page(
        when="どの版が今の規定か、何が添えてあるか、これから改まるかを確かめるとき。",
        examples=(("madoguchi terms list", "表で見ます。"),),
        clauses=("1-3", "8-1", "9-1"),
        shape="規定の版の配列(新しい順)。1件ずつのキー:",
        keys=(
            ("version", "いつ現在の規定か"),
            ("effective_from", "効力の始まりの日時"),
            ("change", "none、notice(お知らせ)、agree_again(再同意)"),
            ("in_force", "今の規定か"),
            ("digest", "文書の SHA-256"),
            ("attached", "添えた規定の配列(優先する順): title と as_of"),
        ),
    ),
}

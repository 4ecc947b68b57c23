"""The sample aggregator's pages in every state, on the invented moment of tests/pages/samples.py."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from madoguchi.doors.developer.sample.chart import DayBalance, balance_chart
from madoguchi.doors.developer.sample.models import (
    AfterPage,
    App,
    AppAccount,
    AppMovement,
    BeforePage,
    Connection,
    Notice,
    PausedPage,
    Wanted,
)
from madoguchi.doors.templating.environment import Model
from madoguchi.rules.vocabulary import JST, Scope

APP = App("みほん家計簿", "株式会社みほん家計簿", "みほん信用組合")
BEFORE = BeforePage(
    APP,
    "/sample/connect",
    (
        Wanted("口座情報", "登録した口座の表示"),
        Wanted("残高", "資産の合計の表示"),
        Wanted("入出金明細", "家計簿への自動記録"),
    ),
)
CONNECTION = Connection(date(2027, 5, 23), tuple(Scope), "/sample/end", "form-token")
_AS_OF = datetime(2026, 11, 24, 14, 0, tzinfo=JST)
_FIRST = date(2026, 10, 26)
_STEPS = {
    0: 3_432_351, 1: 3_424_851, 2: 3_644_851, 4: 3_464_851, 7: 3_451_910, 9: 3_550_210, 10: 3_541_010, 14: 3_530_010,
    15: 3_483_735, 17: 3_363_735, 18: 3_393_735, 21: 3_383_735, 23: 3_365_585, 25: 3_262_910, 29: 3_391_410,
}


def _history() -> list[DayBalance]:
    days, balance = [], 0
    for offset in range(30):
        balance = _STEPS.get(offset, balance)
        days.append(DayBalance(_FIRST + timedelta(days=offset), balance))
    return days


MOVEMENTS = tuple(
    AppMovement(date(2026, 11, day), description, account, amount)
    for day, description, account, amount in (
        (24, "振込 カ）ミホンヤ", "当座 …3210", 148_500),
        (24, "ATM", "普通 …4567", -20_000),
        (20, "口座振替 デンキ", "普通 …4567", -14_826),
        (20, "手数料", "当座 …3210", -440),
        (20, "振込", "当座 …3210", -86_900),
        (18, "口座振替 トウユ", "普通 …4567", -18_150),
        (16, "コンビニATM", "普通 …4567", -10_000),
        (13, "振込 ミホン タロウ", "普通 …4567", 30_000),
        (12, "小切手", "当座 …3210", -120_000),
        (10, "カード", "普通 …4567", -46_275),
    )
)
AFTER = AfterPage(
    APP,
    CONNECTION,
    (
        AppAccount("普通預金", "本店営業部", "4567", 1_284_530, _AS_OF),
        AppAccount("当座預金", "本店営業部", "3210", 2_106_880, _AS_OF),
    ),
    received_at=datetime(2026, 11, 24, 15, 2, tzinfo=JST),
    movements=MOVEMENTS,
    chart=balance_chart(_history()),
    history_from=date(2025, 10, 24),
    next_update_at=datetime(2026, 11, 24, 17, 0, tzinfo=JST),
    just_connected=True,
    inquiry="rq_mihon0001",
)

SAMPLE_PAGES: dict[str, Model] = {
    "sample-before": BEFORE,
    **{f"sample-{notice}": replace(BEFORE, notice=notice, code="access_denied") for notice in Notice},
    "sample-after": AFTER,
    "sample-without-balances": replace(
        AFTER,
        connection=replace(CONNECTION, scopes=(Scope.ACCOUNTS, Scope.TRANSACTIONS)),
        accounts=tuple(replace(account, balance=None, as_of=None) for account in AFTER.accounts),
        chart=None,
        just_connected=False,
    ),
    "sample-without-history": replace(
        AFTER,
        connection=replace(CONNECTION, scopes=(Scope.ACCOUNTS, Scope.BALANCES)),
        movements=None,
        chart=None,
        history_from=None,
        refused=(("普通預金 …4567 の残高", "ACCOUNT_STOPPED（第7条第3項）"),),
    ),
    "sample-closed": PausedPage(
        APP, CONNECTION, True, "OUTSIDE_SERVICE_HOURS 2-1", datetime(2026, 11, 25, 7, 0, tzinfo=JST)
    ),
    "sample-stopped": PausedPage(APP, CONNECTION, False, "SERVICE_STOPPED 7-3"),
}

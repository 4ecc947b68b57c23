"""訂正 (6-1): a row of a registered account is reversed on the last day held, by new files of the core-banking system.

The account's 03 file comes again with a 訂正 row more, and its 04 with the new balance. The row belongs to its history
from then on (sandbox/played.py), until it is undone: then the day comes without it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from madoguchi.doors.core_banking.sample_books import DEFAULT_SEED, generate
from madoguchi.doors.core_banking.sample_customers import load_books
from madoguchi.doors.core_banking.sample_patterns import CORRECTION_KIND, sample_rows
from madoguchi.procedures.banking_days import banking_day_until
from madoguchi.procedures.feeds.values import AccountKey, StatementRow
from madoguchi.procedures.listing import accounts_of_registration, books_until
from madoguchi.rules.vocabulary import JST, Direction
from madoguchi.sandbox.books import FEEDS, lived_through, take_in
from madoguchi.sandbox.played import keep_played, played_rows
from madoguchi.sandbox.plays.contract_events import registered
from madoguchi.sandbox.plays.telling import CannotPlay, Scene, Told

LOOKED_AT: Final = timedelta(days=31)
"""How far back the row to correct may lie, on an account whose days are many rows."""

_ONE_DAY: Final = timedelta(days=1)
_ONE_MINUTE: Final = timedelta(minutes=1)
CHANGES: Final = "delta sync(changes)"


async def play(scene: Scene, number: str | None) -> Told:
    """Correct the latest row of a registered account of this customer, or of who registered last.

    Raises CannotPlay before a registration, and where no account has a row that can be corrected.
    """
    line = await registered(scene, number)
    played = dict(played_rows(scene.settings.data_dir))
    accounts = await scene.database.reading(accounts_of_registration, line.registration_id)
    keys = [AccountKey(each.branch_code, each.kind, each.number) for each in accounts]
    there = next((key for key in keys if key in played), None)
    if there is None:
        until, _ = await _held(scene)
        there, played[there] = _corrected(keys, until)
        await _send(scene, there, played)
        changed = True
    else:
        changed = False
    (row,) = played[there]
    word = "入金" if row.direction is Direction.DEPOSIT else "出金"
    did = "訂正の明細が届きました" if changed else "訂正の明細は、すでに届いています"
    return Told(
        happened=f"お客さま {line.customer_number} の口座 {there}: {did}({row.booked_on.isoformat()}、{word} "
        f"{row.amount:,}円、起算日 {row.value_on.isoformat()})。",
        aggregator="HTTP 200。transactions に取引区分 訂正(CORRECTION)の行が増え、元の行は残ります。"
        "corrects は、元の行が"
        f"1つに決まるときだけ、その番号です。残高も変わります。{CHANGES} には、追加の行として出ます(第6条第1項)。",
        customer="事業者の画面の明細に、訂正が1行増えます。登録は、そのままです。",
        undo=f"madoguchi sandbox play correction --customer {line.customer_number} --undo",
        changed=changed,
    )


async def undo(scene: Scene, number: str | None) -> Told:
    """The files come again without the row, of this customer's accounts or of all."""
    played = dict(played_rows(scene.settings.data_dir))
    customers = {account.key: customer for customer in load_books().customers for account in customer.accounts}
    gone = [key for key in played if number in (None, customers[key].number)]
    for key in gone:
        (row,) = played.pop(key)
        await _send(scene, key, played, row.booked_on)
    return Told(
        happened=f"訂正の明細を取り消しました({'、'.join(map(str, gone))})。" if gone else "取り消す訂正はありません。",
        aggregator=f"transactions から訂正の行がなくなり、残高が戻ります。"
        f"{CHANGES} には、取り下げられた行として出ます。",
        customer="事業者の画面の明細から、訂正がなくなります。",
        changed=bool(gone),
    )


async def _held(scene: Scene) -> tuple[date, datetime]:
    held = await scene.database.reading(books_until)
    if held is None:
        raise CannotPlay("帳簿がまだありません。「madoguchi serve --sample」を一度実行してください。")
    return held


def _corrected(keys: list[AccountKey], until: date) -> tuple[AccountKey, tuple[StatementRow, ...]]:
    """Of the first of these accounts that has one: its latest row that no correction has reversed, reversed."""
    books = load_books()
    accounts = {account.key: account for customer in books.customers for account in customer.accounts}
    for key in keys:
        if key not in accounts:
            continue
        rows = sample_rows(books, accounts[key], DEFAULT_SEED, until, until - LOOKED_AT)
        reversed_already = {(row.value_on, row.amount) for row in rows if row.kind_code == CORRECTION_KIND}
        for row in reversed(rows):
            if row.kind_code == CORRECTION_KIND or (row.value_on, row.amount) in reversed_already:
                continue
            deposit = row.direction is Direction.DEPOSIT
            correction = replace(
                row,
                inquiry_number=None,
                booked_on=banking_day_until(until),
                direction=Direction.WITHDRAWAL if deposit else Direction.DEPOSIT,
                kind_code=CORRECTION_KIND,
                description=f"ﾃｲｾｲ {row.description}"[:20].rstrip(),
                counterparty=None,
            )
            return key, (correction,)
    raise CannotPlay("登録された口座に、訂正できる明細がありません。入出金のある口座を選んで登録してください。")


async def _send(
    scene: Scene, key: AccountKey, played: dict[AccountKey, tuple[StatementRow, ...]], since: date | None = None
) -> None:
    """The account's days from the row's on, and its balance at this minute; then what was played is kept."""
    until, _ = await _held(scene)
    lived = replace(await scene.database.reading(lived_through, scene.settings.data_dir), rows=played)
    first = since or played[key][0].booked_on
    folder = scene.settings.data_dir / FEEDS
    for begins, minute in _never_sent_before(first, until, scene.at):
        files = generate(until, since=begins, base_time=minute, lived=lived, only=key)
        paths = {
            folder / f"play-{name.removesuffix('.txt')}-{minute:%H%M}-{key.number}.txt": content
            for name, content in files.items()
            if name.startswith("zengin")
        }
        if any(path.exists() for path in paths):
            continue
        keep_played(scene.settings.data_dir, played)
        for path, content in paths.items():
            path.write_bytes(content)
            await take_in(scene.settings, scene.database, path, scene.at, scene.tell)
        return


def _never_sent_before(first: date, until: date, at: datetime) -> Iterator[tuple[date, time]]:
    """Periods and 基準時刻 of which some make a file that never came: the same content again would change nothing."""
    wall = at.astimezone(JST)
    minute = wall if wall.date() == until else datetime.combine(until, time(15), JST)
    while True:
        yield first, max(minute.time().replace(second=0, microsecond=0), time(0, 1))
        first, minute = first - _ONE_DAY, minute + _ONE_MINUTE

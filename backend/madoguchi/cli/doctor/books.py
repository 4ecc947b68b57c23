"""What stands in the records: the institution, its calendar (2-1), the terms in force (8-1) and the feeds (6-1)."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from madoguchi.cli.doctor.findings import Finding, error, ok, warning
from madoguchi.cli.words import FEEDS, day_in_words, in_words
from madoguchi.procedures.feeds.listing import EntryLine
from madoguchi.procedures.feeds.states import FeedState
from madoguchi.procedures.terms import TermsText
from madoguchi.rules import service_hours
from madoguchi.rules.facts import InstitutionFacts
from madoguchi.rules.vocabulary import Feed, Product
from madoguchi.settings import Settings


@dataclass(frozen=True, slots=True)
class Held:
    """What the records hold at one moment. `terms` is None while none are in force."""

    name: str
    bank_code: str
    is_sample: bool
    facts: InstitutionFacts
    terms: TermsText | None
    feeds: Mapping[Feed, FeedState]
    in_quarantine: int
    waiting: Sequence[EntryLine]


def institution(held: Held, settings: Settings) -> Finding:
    """That it is the one the settings speak of."""
    if held.bank_code != settings.bank_code:
        return error(
            "institution",
            f"登録した銀行コード {held.bank_code} が、MADOGUCHI_BANK_CODE {settings.bank_code} と違います。",
            "設定を直すか、MADOGUCHI_DATABASE_URL が正しいデータベースかを確かめてください。",
        )
    if held.is_sample and not settings.is_sandbox:
        return error(
            "institution",
            f"「{held.name}」は見本です。本番では使えません。",
            "新しいデータベースに「madoguchi institution set-up FILE」で登録してください。",
        )
    return ok("institution", f"「{held.name}」{'(見本)' if held.is_sample else ''}が登録されています。")


def calendar(held: Held, wanted: Iterable[date], at: datetime, today: date) -> Iterator[Finding]:
    """Hours that ever open, and every national holiday of this year and the next (`wanted`) that is still to come."""
    never = [
        name
        for product, name in ((Product.PERSONAL, "個人"), (Product.BUSINESS, "法人"))
        if not service_hours.is_open(at, product, held.facts)
        and service_hours.next_opening(at, product, held.facts) is None
    ]
    if never:
        yield warning(
            "calendar.hours",
            f"{'と'.join(never)}のサービスが始まる時刻が、暦にありません。",
            "「madoguchi institution hours」で確かめ、定めてください。",
        )
    else:
        yield ok("calendar.hours", "サービス時間が定められています。")
    missing = sorted(day for day in set(wanted) - set(held.facts.holidays) if day >= today)
    if missing:
        years = sorted({day.year for day in missing})
        yield warning(
            "calendar.holidays",
            f"祝日が{len(missing)}日入っていません(はじめは {day_in_words(missing[0])})。平日の時間になります。",
            f"「madoguchi institution holidays --years {'-'.join(map(str, years))}」で入れてください。",
        )
    else:
        yield ok("calendar.holidays", "今年と来年の祝日が入っています。")


def terms(held: Held, settings: Settings) -> Finding:
    """That there are terms to agree to, the internet banking rules beside them (8-1), and no sample in production."""
    if held.terms is None:
        return error(
            "terms",
            "今有効なAPI利用規定がありません。お客さまは登録できません。",
            "「madoguchi terms load FILE --attach FILE」で加えてください。",
        )
    kinds = [tomllib.loads(text.decode()) for text in held.terms.attached]
    if not any(document.get("kind") == "internet-banking-rules" for document in kinds):
        return error(
            "terms",
            "今の規定に、インターネットバンキング利用規定が添えられていません(第8条)。",
            "日付の新しい版を「madoguchi terms load FILE --attach FILE」で加えてください。",
        )
    if not settings.is_sandbox and tomllib.loads(held.terms.document.decode()).get("sample", False):
        return error(
            "terms",
            "今の規定は見本です。本番では使えません。",
            "日付の新しい版を「madoguchi terms load FILE --attach FILE」で加えてください。",
        )
    return ok("terms", f"{day_in_words(held.terms.version)}現在の規定が有効です。")


def feeds(held: Held) -> Iterator[Finding]:
    """Each feed against its timetable, what is in quarantine, and what waits for a file that has not come."""
    if not held.facts.feeds:
        yield warning(
            "feeds.timetable",
            "連携の予定がありません。遅れを判定できません。",
            "「madoguchi institution feeds FILE」で定めてください。",
        )
    else:
        yield ok("feeds.timetable", "連携の予定が定められています。")
    for feed, state in held.feeds.items():
        yield _feed(feed, state)
    if held.in_quarantine:
        yield warning(
            "feeds.quarantine",
            f"隔離中のブロックが {held.in_quarantine:,}件あります。その口座の情報は古いままです。",
            "「madoguchi feed list」で確かめてください。",
        )
    else:
        yield ok("feeds.quarantine", "隔離中のブロックはありません。")
    if held.waiting:
        yield error(
            "feeds.waiting",
            f"利用状況のファイル {held.waiting[0].file_name} など{len(held.waiting):,}件が、"
            "前のファイルを待っています。"
            "解約が反映されていないおそれがあります。",
            "抜けているファイルを送り元に求め、「madoguchi feed import」で取り込んでください。",
        )


def _feed(feed: Feed, state: FeedState) -> Finding:
    check = f"feeds.{feed.value}"
    arrived = f"{in_words(state.arrival.as_of)} 現在の情報があります。" if state.arrival else "まだ届いていません。"
    late = state.lateness.late_since
    remedy = "送り元に確かめ、届いたら「madoguchi feed import」で取り込んでください。"
    if state.lateness.unavailable:
        return error(check, f"{FEEDS[feed]}: {arrived}遅れているため、届くまで情報を渡しません(第6条第1項)。", remedy)
    if late:
        return warning(check, f"{FEEDS[feed]}: {arrived}{in_words(late)} の予定が届かず、遅れています。", remedy)
    if state.arrival is None:
        return warning(check, f"{FEEDS[feed]}: {arrived}", "届いたら「madoguchi feed import」で取り込んでください。")
    return ok(check, f"{FEEDS[feed]}: {arrived}")

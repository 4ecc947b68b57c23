"""The sandbox: an invented credit union that is ready in one command and does not decay.

`prepare` goes the way a real installation goes: keys, schema, institution, terms, then the feeds that a core-banking
system would send, through the same import as `madoguchi feed import` (never rows put in directly), and the aggregators.
Whatever is there already stays; each start tops the books up to today. What is invented stands in `backend/sample`.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final

from joserfc.jwk import ECKey
from sqlmodel import Session

from madoguchi.clock import Clock
from madoguchi.doors.core_banking.importing import import_file
from madoguchi.doors.core_banking.sample_books import write_sample_files
from madoguchi.installation import Keys, load_keys, make_keys, public_half, sample_document
from madoguchi.procedures.aggregators import AggregatorDetails, add_aggregator, change_client, list_aggregators
from madoguchi.procedures.installing import Database, open_database, upgrade_database
from madoguchi.procedures.listing import books_until
from madoguchi.procedures.sample_logins import SampleCustomer, sample_customers, seed_sample_logins
from madoguchi.procedures.service import institution, institution_facts, set_feeds, set_holidays, set_hours
from madoguchi.procedures.setting_up import FEEDS as TIMETABLE
from madoguchi.procedures.setting_up import national_holidays, read_feeds, read_hours, set_up_institution
from madoguchi.procedures.terms import TermsRefused, load_terms
from madoguchi.rules.facts import Hours
from madoguchi.rules.vocabulary import JST
from madoguchi.settings import Settings

ACTOR: Final = "system:sample"
INSTITUTION: Final = "institution.toml"
DRAWN_HOURS: Final = "drawn-hours.toml"
TERMS: Final = "api-terms-2026-10-01.toml"
INTERNET_BANKING_RULES: Final = "internet-banking-rules-2026-10-01.toml"
AGGREGATORS: Final = "aggregators.toml"
FEEDS: Final = "feeds"
DAYS_UNATTENDED: Final = 3
"""The sample's files are made at each start only; so long after one, nothing is due (6-1)."""
LATEST_BASE_TIME: Final = time(14, 0)
"""基準時刻 of the sample's balances: the core-banking system sends them at 14:00, earlier in the day by the hour."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a newcomer has to know."""

    keys: Keys = field(repr=False)
    customers: tuple[SampleCustomer, ...] = field(repr=False)


async def prepare(settings: Settings, clock: Clock, tell: Callable[[str], None]) -> Prepared:
    """Bring the sample to the present moment; `tell` gets a sentence for each step that takes time or changes things.

    Raises ValueError in production (the caller has told the operator), and what the steps raise.
    """
    if not settings.is_sandbox:
        raise ValueError("the sample is for the sandbox only")
    from madoguchi.doors.developer.context import Designation, keep_designation

    at = clock()
    if make_keys(settings):
        tell(f"鍵を {settings.data_dir} に作りました。")
    keys = load_keys(settings)
    database = open_database(settings)
    try:
        if await upgrade_database(database):
            tell("データベースを用意しました。")
        await database.writing(_set_up, at)
        await _top_up(settings, database, at, tell)
        if await seed_sample_logins(database, keys.master):
            tell("見本のお客さまのログインを用意しました。")
        told = await database.writing(_designate, settings, keys, at)
        keep_designation(settings.data_dir, Designation(**told))
        return Prepared(keys, await database.reading(sample_customers, keys.master, at))
    finally:
        await database.close()


def draw_hours(session: Session, actor: str, at: datetime) -> bool:
    """From today on keep the hours that the sample's pages show (平日 7:00〜23:00、土日祝 8:00〜21:00)."""
    return _keep_hours(session, DRAWN_HOURS, actor, at)


def keep_open(session: Session, actor: str, at: datetime) -> bool:
    """From today on keep the sample's own hours again: 見本のため、いつでも. False when they are kept already."""
    return _keep_hours(session, INSTITUTION, actor, at)


def _keep_hours(session: Session, document: str, actor: str, at: datetime) -> bool:
    today = at.astimezone(JST).date()
    wanted = list(read_hours(tomllib.loads(sample_document(document).decode())["hours"], today))
    kept = [
        window
        for window in institution_facts(session).hours
        if window.valid_from <= today and (window.valid_until is None or today < window.valid_until)
    ]
    if {_window(window) for window in wanted} == {_window(window) for window in kept}:
        return False
    set_hours(session, wanted, actor, at)
    return True


def _window(hours: Hours) -> tuple[Any, ...]:
    return hours.product, hours.day_type, hours.opens, hours.closes


def _set_up(session: Session, at: datetime) -> None:
    year = at.astimezone(JST).year
    is_new = set_up_institution(session, sample_document(INSTITUTION), [], ACTOR, at)
    if is_new or not any(day.year == year + 1 for day in institution_facts(session).holidays):
        set_holidays(session, national_holidays(year, year + 1), ACTOR, at)
    _expect_feeds(session, at)
    try:
        load_terms(session, sample_document(TERMS), [sample_document(INTERNET_BANKING_RULES)], ACTOR, at)
    except TermsRefused as refused:
        raise TermsRefused(
            f"{refused}見本をはじめから作り直すには、data/ を別の場所に移してから、"
            "もう一度 make run を実行してください。"
        ) from None


def _expect_feeds(session: Session, at: datetime) -> None:
    """The sample's timetable, from some days after this start on: a sandbox left running is late only then."""
    today = at.astimezone(JST).date()
    first = today + timedelta(days=DAYS_UNATTENDED)
    if {line.valid_from for line in institution_facts(session).feeds if line.valid_until is None} == {first}:
        return
    document = tomllib.loads(sample_document(INSTITUTION).decode())
    set_feeds(session, read_feeds(document[TIMETABLE], first), today, ACTOR, at)


def sent_last(at: datetime) -> datetime:
    """基準日時 of the balances sent last before `at`: on the hour, 1:00 to 14:00 (00:00 means no time in a feed)."""
    wall = at.astimezone(JST)
    if wall.hour == 0:
        return datetime.combine(wall.date() - timedelta(days=1), LATEST_BASE_TIME, JST)
    return datetime.combine(wall.date(), min(LATEST_BASE_TIME, time(wall.hour)), JST)


async def _top_up(settings: Settings, database: Database, at: datetime, tell: Callable[[str], None]) -> None:
    """Write and import what the core-banking system would have sent since the last time."""
    latest = sent_last(at)
    until = latest.date()
    held = await database.reading(books_until)
    if held is not None and held >= (until, latest):
        return
    since = None if held is None else min(held[0] + timedelta(days=1), until)
    tell(
        "勘定系からの連携ファイルを取り込んでいます。"
        if held
        else "勘定系からの13か月分の連携ファイルを取り込んでいます。"
    )
    for path in write_sample_files(settings.data_dir / FEEDS, until, since=since, base_time=latest.time()):
        report = await import_file(database, path, settings.bank_code, at, actor=ACTOR)
        tell(f"{path.name}: {report}")
        if not report.clean:
            raise RuntimeError("the sample's own feed was refused")


def _designate(session: Session, settings: Settings, keys: Keys, at: datetime) -> dict[str, Any]:
    """The sample's aggregators, found again by their registration numbers; みほん家計簿 follows our address and key.

    Returns what みほん家計簿 has to be told.
    """
    documents = tomllib.loads(sample_document(AGGREGATORS).decode())
    known = {row.registration_number: row for row in list_aggregators(session)}
    for name, document in documents.items():
        there = known.get(document["registration_number"])
        paths = document.pop("redirect_paths", ())
        addresses = (*(settings.issuer + path for path in paths), *document.pop("redirect_uris", ()))
        if name == "kakeibo":
            jwks = public_half(keys.sample_aggregator)
        elif there is None:
            jwks = _key_of_nobody()
        else:
            continue
        if there is None:
            details = AggregatorDetails(jwks=jwks, redirect_uris=addresses, **_tuples(document))
            add_aggregator(session, details, ACTOR, at)
        else:
            change_client(session, there.aggregator_id, jwks, addresses, ACTOR, at)
    number = documents["kakeibo"]["registration_number"]
    kakeibo = next(row for row in list_aggregators(session) if row.registration_number == number)
    return {
        "client_id": kakeibo.client_id,
        "name": kakeibo.name,
        "company": kakeibo.company,
        "institution": institution(session).name,
        "purposes": kakeibo.purposes,
    }


def _tuples(document: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}


def _key_of_nobody() -> dict[str, Any]:
    """A public key whose private half is thrown away: this aggregator stands in the list and can never sign."""
    return {"keys": [ECKey.generate_key("P-256").as_dict(private=False) | {"use": "sig", "alg": "ES256"}]}

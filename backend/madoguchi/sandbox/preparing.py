"""The sample credit union made ready in one command, the way a real installation goes, and brought to the present.

Keys, schema, institution, terms, then the feeds that a core-banking system would send (books.py), and the aggregators.
Whatever is there already stays; each start tops the books up to today.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc.jwk import ECKey
from sqlmodel import Session

from madoguchi.clock import Clock
from madoguchi.installation import Keys, load_keys, make_keys, public_half, sample_document
from madoguchi.procedures.aggregators import AggregatorDetails, add_aggregator, change_client, list_aggregators
from madoguchi.procedures.installing import open_database, upgrade_database
from madoguchi.procedures.sample_logins import SampleCustomer, sample_customers, seed_sample_logins
from madoguchi.procedures.service import institution
from madoguchi.procedures.setting_up import set_up_institution
from madoguchi.procedures.terms import TermsRefused, load_terms
from madoguchi.sandbox.books import ACTOR, INSTITUTION, Tell, keep_calendars, top_up
from madoguchi.sandbox.one_at_a_time import one_at_a_time
from madoguchi.settings import Settings

TERMS: Final = "api-terms-2026-10-01.toml"
INTERNET_BANKING_RULES: Final = "internet-banking-rules-2026-10-01.toml"
AGGREGATORS: Final = "aggregators.toml"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a newcomer has to know."""

    keys: Keys = field(repr=False)
    customers: tuple[SampleCustomer, ...] = field(repr=False)


async def prepare(settings: Settings, clock: Clock, tell: Tell) -> Prepared:
    """Bring the sample to the present moment; `tell` gets a sentence for each step that takes time or changes things.

    Raises ValueError in production (the caller has told the operator), and what the steps raise.
    """
    if not settings.is_sandbox:
        raise ValueError("the sample is for the sandbox only")
    with one_at_a_time(settings):
        return await _prepare(settings, clock(), tell)


async def _prepare(settings: Settings, at: datetime, tell: Tell) -> Prepared:
    from madoguchi.doors.developer.context import Designation, keep_designation

    if make_keys(settings):
        tell(f"鍵を {settings.data_dir} に作りました。")
    keys = load_keys(settings)
    database = open_database(settings)
    try:
        if await upgrade_database(database):
            tell("データベースを用意しました。")
        await database.writing(_set_up, at)
        await top_up(settings, database, at, tell)
        if await seed_sample_logins(database, keys.master):
            tell("見本のお客さまのログインを用意しました。")
        told = await database.writing(_designate, settings, keys, at)
        keep_designation(settings.data_dir, Designation(**told))
        return Prepared(keys, await database.reading(sample_customers, keys.master, at))
    finally:
        await database.close()


def _set_up(session: Session, at: datetime) -> None:
    set_up_institution(session, sample_document(INSTITUTION), [], ACTOR, at)
    keep_calendars(session, at)
    try:
        load_terms(session, sample_document(TERMS), [sample_document(INTERNET_BANKING_RULES)], ACTOR, at)
    except TermsRefused as refused:
        raise TermsRefused(
            f"{refused}見本をはじめから作り直すには、data/ を別の場所に移してから、"
            "もう一度 make run を実行してください。"
        ) from None


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

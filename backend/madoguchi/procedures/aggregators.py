"""API連携事業者: designating one, listing them, ending their contract (1-2-2).

A client is known by its registered JWKS only; there is no open registration and no client secret (protocol.md).
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.clients import (
    PRIVATE_MEMBERS,
    KeyRefused,
    is_acceptable_redirect_uri,
    thumbprints,
    usable_key,
)
from madoguchi.procedures.service import NotFound
from madoguchi.procedures.stopping import stop_registrations
from madoguchi.procedures.trail import record_act
from madoguchi.records.aggregators import Aggregator
from madoguchi.rules.disclosure import IDENTIFIERS
from madoguchi.rules.facts import AggregatorFacts
from madoguchi.rules.plain_text import is_plain
from madoguchi.rules.vocabulary import Cause, Scope


class AggregatorRefused(ValueError):
    """The details cannot be registered; the message says which and why, in Japanese for the officer."""


@dataclass(frozen=True, slots=True)
class AggregatorDetails:
    """The contract's data, as the officer enters it. `contract_until` is exclusive; scopes are OAuth values."""

    name: str
    company: str
    jwks: Mapping[str, Any]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    registration_number: str = ""
    purposes: Mapping[str, str] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    return_origins: tuple[str, ...] = ()
    data_processors: tuple[Mapping[str, str], ...] = ()
    complaint_contact: str = ""
    history_days: int | None = None
    contract_from: datetime | None = None  # None: from now
    contract_until: datetime | None = None


def add_aggregator(session: Session, details: AggregatorDetails, actor: str, at: datetime) -> Aggregator:
    """Designate an aggregator and make its client_id. Raises AggregatorRefused."""
    _check(details)
    begins = details.contract_from or at
    if details.contract_until is not None and details.contract_until <= max(begins, at):
        raise AggregatorRefused("契約の最後の日が過ぎています。今日以後で、契約の始まりより後の日にしてください。")
    for other in _not_ended(session, at):
        if _alike(other.name) == _alike(details.name):
            raise AggregatorRefused(
                f"契約中に、同じサービス名の事業者「{other.name}」({other.client_id})があります。"
                "別の名にするか、先にその契約を終わりにしてください。"
            )
        _check_not_shared(details.jwks, other)
    row = Aggregator(
        aggregator_id=opaque.new_id("agg_"),
        client_id=opaque.new_id("client_"),
        name=details.name,
        company=details.company,
        registration_number=details.registration_number,
        jwks=dict(details.jwks),
        redirect_uris=list(details.redirect_uris),
        return_origins=list(details.return_origins),
        scopes=[scope.value for scope in Scope if scope in details.scopes],
        identifiers=list(details.identifiers),
        purposes=dict(details.purposes),
        data_processors=[dict(processor) for processor in details.data_processors],
        complaint_contact=details.complaint_contact,
        history_days=details.history_days,
        contract_from=begins,
        contract_until=details.contract_until,
        added_at=at,
    )
    session.add(row)
    record_act(session, at, actor, "aggregator.added", f"aggregator:{row.aggregator_id}", "1-2-2")
    session.flush()
    return row


def list_aggregators(session: Session) -> list[Aggregator]:
    """All aggregators, the ended ones too, oldest first."""
    return list(session.exec(select(Aggregator).order_by(col(Aggregator.added_at), col(Aggregator.aggregator_id))))


def find_client(session: Session, client_id: str) -> Aggregator | None:
    """The aggregator of a client_id, in force or not; whether it may act is `rules.eligibility.is_designated`."""
    return session.exec(select(Aggregator).where(Aggregator.client_id == client_id)).first()


def end_contract(session: Session, aggregator_id: str, actor: str, at: datetime) -> list[str]:
    """End the contract now: the loss of 1-2-2 ends all its registrations (5-2); returns them. Raises NotFound."""
    row = session.get(Aggregator, aggregator_id)
    if row is None:
        raise NotFound(f"事業者 {aggregator_id} は登録されていません。")
    if row.contract_until is None or row.contract_until > at:
        row.contract_until = at
        session.add(row)
        record_act(session, at, actor, "aggregator.ended", f"aggregator:{aggregator_id}", "5-2")
    return stop_registrations(session, Cause.AGGREGATOR_REMOVED, actor, at, aggregator_id=aggregator_id)


def change_client(
    session: Session,
    aggregator_id: str,
    jwks: Mapping[str, Any],
    redirect_uris: tuple[str, ...],
    actor: str,
    at: datetime,
) -> bool:
    """Replace a client's keys and addresses; False when they are these already. Raises NotFound, AggregatorRefused."""
    row = session.get(Aggregator, aggregator_id)
    if row is None:
        raise NotFound(f"事業者 {aggregator_id} は登録されていません。")
    for uri in redirect_uris:
        _check_redirect(uri)
    _check_keys(jwks)
    for other in _not_ended(session, at):
        if other.aggregator_id != aggregator_id:
            _check_not_shared(jwks, other)
    changed = [
        name
        for name, before, after in (
            ("jwks", row.jwks, dict(jwks)),
            ("redirect_uris", row.redirect_uris, list(redirect_uris)),
        )
        if before != after
    ]
    if not changed:
        return False
    row.jwks, row.redirect_uris = dict(jwks), list(redirect_uris)
    session.add(row)
    record_act(session, at, actor, "aggregator.changed", f"aggregator:{aggregator_id}", "1-2-2", changed=changed)
    return True


def aggregator_facts(row: Aggregator) -> AggregatorFacts:
    """The contract as facts."""
    return AggregatorFacts(
        aggregator_id=row.aggregator_id,
        contract_from=row.contract_from,
        contract_until=row.contract_until,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        identifiers=tuple(row.identifiers),
        history_days=row.history_days,
    )


def _check(details: AggregatorDetails) -> None:
    if not details.name.strip() or not details.company.strip():
        raise AggregatorRefused("サービス名と会社名を入れてください。")
    for item, texts in _texts(details).items():
        if not all(map(is_plain, texts)):
            raise AggregatorRefused(f"{item}に、改行や制御文字など、見えない文字が入っています。除いてください。")
    unknown = set(details.scopes) - set(Scope)
    if unknown or Scope.ACCOUNTS not in details.scopes or len(set(details.scopes)) < 2:
        raise AggregatorRefused("scope は accounts と、balances・transactions の1つ以上を指定してください。")
    if set(details.identifiers) - set(IDENTIFIERS):
        raise AggregatorRefused("identifier は number(口座番号)か holder(名義)です。")
    if not details.redirect_uris:
        raise AggregatorRefused("redirect-uri を1つ以上指定してください。")
    for uri in details.redirect_uris:
        _check_redirect(uri)
    for origin in details.return_origins:
        if not is_acceptable_redirect_uri(origin) or origin.count("/") > 2 or "?" in origin:
            raise AggregatorRefused(f"return-origin {origin!r}: https://ホスト名 の形にしてください。")
    _check_keys(details.jwks)


def _not_ended(session: Session, at: datetime) -> list[Aggregator]:
    """Whose contracts hold at `at` or are still to begin."""
    return [row for row in list_aggregators(session) if row.contract_until is None or row.contract_until > at]


def _alike(name: str) -> str:
    """Names that a customer cannot tell apart by width or case are the same."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _check_not_shared(jwks: Mapping[str, Any], other: Aggregator) -> None:
    """Who holds the key of two could act as either."""
    if thumbprints(jwks) & thumbprints(other.jwks):
        raise AggregatorRefused(
            f"契約中の事業者「{other.name}」と同じ鍵が入っています。事業者ごとに別の鍵にしてください。"
        )


def _texts(details: AggregatorDetails) -> dict[str, Iterable[str]]:
    """What people will read of it, by the name that the officer knows it under."""
    return {
        "サービス名": (details.name,),
        "会社名": (details.company,),
        "登録番号": (details.registration_number,),
        "使いみち": (*details.purposes, *details.purposes.values()),
        "情報の預け先": [text for processor in details.data_processors for text in processor.values()],
        "窓口": (details.complaint_contact,),
    }


def _check_redirect(uri: str) -> None:
    if not is_acceptable_redirect_uri(uri):
        raise AggregatorRefused(f"redirect-uri {uri!r}: https のURL(# や利用者名なし、ASCIIのみ)にしてください。")


def _check_keys(jwks: object) -> None:
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not keys:
        raise AggregatorRefused("JWKS に鍵がありません。")
    for key in keys:
        if isinstance(key, dict) and PRIVATE_MEMBERS & key.keys():
            raise AggregatorRefused("JWKS に秘密鍵が入っています。公開鍵だけを渡してください。")
        try:
            usable_key(key)
        except KeyRefused:
            raise AggregatorRefused(
                "鍵は署名用の、EC P-256、Ed25519、または2048〜4096ビットのRSAの公開鍵にしてください"
                "(alg は ES256、EdDSA、PS256)。"
            ) from None

"""API利用規定: loading a version from its document, and reading the one in force (1-3, 8-1, 9-1).

The document is TOML (`backend/sample/api-terms-*.toml` is a model) and is kept byte for byte; its SHA-256 is what a
registration names as the text the customer saw. Publishing with notice periods is a later procedure.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlmodel import Session, col, select

from madoguchi.procedures.service import NotFound, refresh_facts
from madoguchi.procedures.trail import record_act
from madoguchi.records.service import TermsVersion
from madoguchi.rules.vocabulary import JST, TermsChange


class TermsRefused(ValueError):
    """The document cannot be the terms; the message says what is wrong, in Japanese for the officer."""


@dataclass(frozen=True, slots=True)
class TermsText:
    """A version as it was loaded: the TOML document byte for byte, and those attached to it in rank order (8-1)."""

    version: date
    digest: str
    document: bytes
    attached: tuple[bytes, ...]


def load_terms(session: Session, document: bytes, attached: Sequence[bytes], actor: str, at: datetime) -> bool:
    """Add a version, effective from 00:00 JST of its date; False when exactly this version is there already.

    attached  documents of other rules of the credit union in rank order; the internet banking rules must be among them
              (8-1). Raises TermsRefused for a document that is not complete or differs from a version already loaded.
    """
    parsed = _parse(document)
    if parsed.get("kind") != "api-terms":
        raise TermsRefused("この文書はAPI利用規定ではありません(kind が api-terms ではありません)。")
    others = [_parse(text) for text in attached]
    if not any(other.get("kind") == "internet-banking-rules" for other in others):
        raise TermsRefused("インターネットバンキング利用規定が添えられていません(第8条)。")
    version = parsed["as_of"]
    digest = hashlib.sha256(document).hexdigest()
    known = session.get(TermsVersion, version)
    if known is not None:
        if known.digest == digest:
            return False
        raise TermsRefused(f"{version} 現在の規定は、別の内容で登録済みです。改めるときは日付を変えてください。")
    session.add(
        TermsVersion(
            version=version,
            effective_from=datetime.combine(version, time(), JST),
            change=TermsChange(parsed["change"]),
            document=document.decode(),
            digest=digest,
            attached=[
                {"title": other["title"], "as_of": other["as_of"].isoformat(), "document": text.decode()}
                for other, text in zip(others, attached, strict=True)
            ],
        )
    )
    record_act(session, at, actor, "terms.loaded", f"terms:{version}", "9-1", digest=digest)
    refresh_facts(session, at)
    return True


def terms_now(session: Session, at: datetime) -> TermsText:
    """The version in force at `at`. Raises NotFound when none is."""
    row = session.exec(
        select(TermsVersion)
        .where(TermsVersion.effective_from <= at)
        .order_by(col(TermsVersion.effective_from).desc(), col(TermsVersion.version).desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound("現在有効なAPI利用規定がありません。")
    return _text(row)


def terms_versions(session: Session) -> list[TermsVersion]:
    """Every version that was loaded, in force or not, the newest first."""
    return list(session.exec(select(TermsVersion).order_by(col(TermsVersion.version).desc())).all())


def terms_text(session: Session, version: date) -> TermsText:
    """One version by its date. Raises NotFound."""
    row = session.get(TermsVersion, version)
    if row is None:
        raise NotFound(f"{version} 現在の規定はありません。")
    return _text(row)


def _text(row: TermsVersion) -> TermsText:
    return TermsText(
        version=row.version,
        digest=row.digest,
        document=row.document.encode(),
        attached=tuple(other["document"].encode() for other in row.attached),
    )


def _parse(document: bytes) -> dict[str, Any]:
    try:
        parsed = tomllib.loads(document.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise TermsRefused(f"規定の文書を読めません: {problem}") from problem
    if not isinstance(parsed.get("as_of"), date) or not parsed.get("title") or not parsed.get("articles"):
        raise TermsRefused("規定の文書には as_of(日付)、title、articles が必要です。")
    if parsed.get("kind") == "api-terms" and parsed.get("change") not in set(TermsChange):
        raise TermsRefused("規定の文書の change は none、notice、agree_again のどれかにしてください。")
    return parsed

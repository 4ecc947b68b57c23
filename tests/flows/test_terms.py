"""The terms in force are one version with the rules attached to it, kept byte for byte (1-3, 8-1, 9-1)."""

import hashlib
from datetime import date, timedelta

import pytest

from madoguchi.procedures.service import NotFound
from madoguchi.procedures.terms import TermsRefused, load_terms, terms_now, terms_text
from madoguchi.records.database import Database
from tests import story

TERMS = (story.SAMPLE / "api-terms-2026-10-01.toml").read_bytes()
BANKING_RULES = (story.SAMPLE / "internet-banking-rules-2026-10-01.toml").read_bytes()
NEXT = TERMS.replace(b"as_of = 2026-10-01\nsample", b"as_of = 2026-12-01\nsample")
OFFICER = "os-user:officer"
NEXT_FROM = story.NOW.replace(month=12, day=1, hour=0, minute=0)


@pytest.mark.clause("8-1")
async def test_the_internet_banking_rules_are_always_among_what_the_terms_name(database: Database) -> None:
    with pytest.raises(TermsRefused, match="インターネットバンキング利用規定"):
        await database.writing(load_terms, TERMS, [], OFFICER, story.NOW)
    with pytest.raises(TermsRefused, match="インターネットバンキング利用規定"):
        await database.writing(load_terms, TERMS, [TERMS], OFFICER, story.NOW)
    with pytest.raises(NotFound):
        await database.reading(terms_now, story.NOW)


@pytest.mark.clause("8-1")
@pytest.mark.clause("1-3")
async def test_the_terms_and_the_rules_attached_come_back_byte_for_byte(database: Database) -> None:
    await database.writing(story.tell)
    found = await database.reading(terms_now, story.NOW)
    assert (found.version, found.document, found.attached) == (date(2026, 10, 1), TERMS, (BANKING_RULES,))
    assert found.digest == hashlib.sha256(TERMS).hexdigest()


@pytest.mark.clause("9-1")
async def test_a_coming_version_holds_from_its_date_and_the_old_text_stays_retrievable(database: Database) -> None:
    await database.writing(story.tell)
    assert await database.writing(load_terms, NEXT, [BANKING_RULES], OFFICER, story.NOW)
    assert (await database.reading(terms_now, NEXT_FROM - timedelta(seconds=1))).version == date(2026, 10, 1)
    assert (await database.reading(terms_now, NEXT_FROM)).version == date(2026, 12, 1)
    assert (await database.reading(terms_text, date(2026, 10, 1))).document == TERMS


@pytest.mark.clause("9-1")
async def test_a_version_is_loaded_once_and_never_changed_under_its_date(database: Database) -> None:
    await database.writing(story.tell)
    assert not await database.writing(load_terms, TERMS, [BANKING_RULES], OFFICER, story.NOW)
    with pytest.raises(TermsRefused, match="別の内容"):
        await database.writing(load_terms, TERMS + b"\n", [BANKING_RULES], OFFICER, story.NOW)


async def test_another_document_is_not_loaded_as_the_terms(database: Database) -> None:
    await database.writing(story.tell)
    later = BANKING_RULES.replace(b"2026-10-01", b"2027-10-01")
    with pytest.raises(TermsRefused, match="API利用規定ではありません"):
        await database.writing(load_terms, later, [BANKING_RULES], OFFICER, story.NOW)

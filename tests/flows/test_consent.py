"""The decision on a consent page, as the procedures make it: completed once, checked again, and provable (4-1)."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.procedures.consent_page import ConsentView, show_consent
from madoguchi.procedures.consenting import Choice, Mistake, Mistakes
from madoguchi.procedures.proceeding import Halt, Obstacle
from madoguchi.procedures.terms import load_terms
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account
from madoguchi.records.database import Database
from madoguchi.records.registrations import AuthorizationCode, PushedRequest, Registration, RegistrationAccount
from madoguchi.rules.vocabulary import JST, AccountState, RegistrationState, Scope
from tests.flows.visits import BOTH, CHECKS, MINUTE, Shown, all_of, answer, ask, logged_in, push, shown
from tests.story import CALLBACK, ISSUER, NOW, SAMPLE, WHO, Story, register


@pytest.mark.clause("4-1")
@pytest.mark.both_databases
async def test_consent_completes_a_pending_registration_with_everything_that_proves_it(
    database: Database, story: Story, page: Shown
) -> None:
    at = NOW + 3 * MINUTE
    choice = page.choice(story.ordinary, story.current, scopes=["balances"])
    given = answer(await ask(database, page.later(3 * MINUTE), choice))
    assert given.keys() == {"code", "state", "iss"}
    assert (given["state"], given["iss"]) == ("state-1", ISSUER)

    [made] = await all_of(database, Registration)
    assert (made.state, made.registered_at, made.activated_at) == (RegistrationState.PENDING, at, None)
    assert (made.customer_id, made.contract_id) == (story.hanako, story.hanako_contract)
    assert made.scopes == ["accounts", "balances"]
    assert (made.terms_version, made.terms_digest) == (date(2026, 10, 1), page.view.terms.digest)
    assert set(made.confirmed) == CHECKS
    assert (made.logged_in_at, made.login_method) == (NOW, "password+totp")
    assert made.until.astimezone(JST).isoformat() == "2027-05-24T00:00:00+09:00"
    chosen = await all_of(database, RegistrationAccount)
    assert {one.account_id for one in chosen} == {story.ordinary, story.current}
    [code] = await all_of(database, AuthorizationCode)
    assert code.code_hash == opaque.stored(given["code"])
    assert (code.redirect_uri, code.expires_at - at) == (CALLBACK, timedelta(seconds=60))
    [act] = [act for act in await all_of(database, Act) if act.action == "registration.completed"]
    assert (act.actor, act.subject) == (f"customer:{story.hanako}", f"registration:{made.registration_id}")
    [request] = await all_of(database, PushedRequest)
    assert (request.decision, request.registration_id) == ("approved", made.registration_id)


async def test_without_state_the_answer_carries_none(database: Database, story: Story) -> None:
    page = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo, state=None)))
    given = answer(await ask(database, page.visit, page.choice(story.ordinary)))
    assert given.keys() == {"code", "iss"}


async def test_a_redirect_uri_with_a_query_of_its_own_keeps_it(database: Database, story: Story) -> None:
    """RFC 6749 section 4.1.2: the query component of the redirect URI is retained."""
    uri = f"{CALLBACK}?bank=mihon"
    page = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo, uri)))
    given = answer(await ask(database, page.visit, page.choice(story.ordinary)))
    assert given["bank"] == "mihon"


MISTAKES: list[tuple[str, Callable[[Shown, Story], Choice], set[Mistake]]] = [
    ("no account", lambda page, _: page.choice(), {Mistake.NO_ACCOUNT}),
    ("another's account", lambda page, s: page.choice(s.jiro_ordinary), {Mistake.ACCOUNT_NOT_OFFERED}),
    ("another's beside one's own", lambda page, s: page.choice(s.ordinary, s.jiro_ordinary),
     {Mistake.ACCOUNT_NOT_OFFERED}),
    ("a time deposit", lambda page, s: page.choice(s.ordinary, s.time), {Mistake.ACCOUNT_NOT_OFFERED}),
    ("an unknown account", lambda page, _: page.choice(999_999), {Mistake.ACCOUNT_NOT_OFFERED}),
    ("neither function", lambda page, s: page.choice(s.ordinary, scopes=["accounts"]), {Mistake.NO_INFORMATION}),
    ("an invented scope", lambda page, s: page.choice(s.ordinary, scopes=["balances", "transfers"]),
     {Mistake.SCOPE_NOT_OFFERED}),
    ("no contract with the aggregator", lambda page, s: page.choice(s.ordinary, confirmed=CHECKS - {"1-2-2"}),
     {Mistake.NO_CONTRACT}),
    ("terms not agreed to", lambda page, s: page.choice(s.ordinary, confirmed=CHECKS - {"1-3"}), {Mistake.NO_TERMS}),
    ("risks not accepted", lambda page, s: page.choice(s.ordinary, confirmed=CHECKS - {"4-7"}), {Mistake.NO_RISKS}),
    ("another text", lambda page, s: page.choice(s.ordinary, terms_digest="0" * 64), {Mistake.TERMS_CHANGED}),
    ("another last day", lambda page, s: page.choice(s.ordinary, last_day=date(2027, 5, 22)),
     {Mistake.LAST_DAY_CHANGED}),
    ("nothing at all", lambda page, _: page.choice(scopes=[], confirmed=[]),
     {Mistake.NO_ACCOUNT, Mistake.NO_INFORMATION, Mistake.NO_CONTRACT, Mistake.NO_TERMS, Mistake.NO_RISKS}),
]  # fmt: skip


@pytest.mark.clause("1-2-3")
@pytest.mark.parametrize(("choose", "mistakes"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
async def test_a_choice_that_is_not_complete_registers_nothing_and_names_all_that_is_missing(
    database: Database, story: Story, page: Shown, choose: Callable[[Shown, Story], Choice], mistakes: set[Mistake]
) -> None:
    found = await ask(database, page.visit, choose(page, story))
    assert isinstance(found, Mistakes)
    assert set(found.mistakes) == mistakes
    assert await all_of(database, Registration) == []
    assert await all_of(database, AuthorizationCode) == []
    # The page lives on: mended, the same request is completed.
    answer(await ask(database, page.visit, page.choice(story.ordinary)))


@pytest.mark.clause("2-2")
async def test_an_account_taken_out_of_internet_banking_while_the_page_was_open_cannot_be_registered(
    database: Database, story: Story, page: Shown
) -> None:
    def take_out(session: Session) -> None:
        session.get_one(Account, story.current).state = AccountState.REMOVED

    await database.writing(take_out)
    found = await ask(database, page.visit, page.choice(story.ordinary, story.current))
    assert isinstance(found, Mistakes)
    assert found.mistakes == (Mistake.ACCOUNT_NOT_OFFERED,)
    assert [line.eligible for line in found.view.accounts if line.account.account_id == story.current] == [False]


@pytest.mark.clause("2-2")
async def test_without_any_account_to_choose_there_is_no_consent_page(database: Database, story: Story) -> None:
    def close_all(session: Session) -> ConsentView | Halt:
        for account in session.exec(select(Account).where(Account.customer_id == story.hanako)):
            account.state = AccountState.FROZEN
        return show_consent(session, logged_in(session, story, push(session, story.kakeibo)))

    found = await database.writing(close_all)
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.NO_ELIGIBLE_ACCOUNT


@pytest.mark.clause("4-3")
async def test_what_the_aggregator_did_not_ask_for_or_has_no_contract_for_is_neither_offered_nor_granted(
    database: Database, story: Story
) -> None:
    page = await database.writing(
        lambda session: shown(session, story, push(session, story.kakeibo, scopes=[Scope.ACCOUNTS, Scope.BALANCES]))
    )
    assert page.view.offered == (Scope.ACCOUNTS, Scope.BALANCES)
    found = await ask(database, page.visit, page.choice(story.ordinary, scopes=BOTH))
    assert isinstance(found, Mistakes)
    assert found.mistakes == (Mistake.SCOPE_NOT_OFFERED,)


@pytest.mark.clause("1-3")
@pytest.mark.clause("9-1")
async def test_terms_that_change_while_the_page_is_open_bring_the_page_back_with_both_versions(
    database: Database, story: Story, page: Shown
) -> None:
    document = (SAMPLE / "api-terms-2026-10-01.toml").read_text()
    rules = (SAMPLE / "internet-banking-rules-2026-10-01.toml").read_bytes()
    changed = document.replace("as_of = 2026-10-01", "as_of = 2026-11-24", 1).encode()
    await database.writing(load_terms, changed, [rules], WHO, NOW)
    found = await ask(database, page.later(MINUTE), page.choice(story.ordinary))
    assert isinstance(found, Mistakes)
    assert found.mistakes == (Mistake.TERMS_CHANGED,)
    assert found.view.terms_before is not None
    assert (found.view.terms_before.version, found.view.terms.version) == (date(2026, 10, 1), date(2026, 11, 24))
    again = page.choice(story.ordinary, terms_digest=found.view.terms.digest)
    answer(await ask(database, page.later(2 * MINUTE), again))
    [made] = await all_of(database, Registration)
    assert made.terms_version == date(2026, 11, 24)


@pytest.mark.clause("4-1")
async def test_after_midnight_the_page_comes_back_because_the_last_day_is_another(
    database: Database, story: Story
) -> None:
    evening = NOW.replace(hour=23, minute=59)
    page = await database.writing(
        lambda session: shown(session, story, push(session, story.kakeibo, at=evening), evening)
    )
    assert page.view.last_day == date(2027, 5, 23)
    found = await ask(database, page.later(MINUTE), page.choice(story.ordinary))
    assert isinstance(found, Mistakes)
    assert found.mistakes == (Mistake.LAST_DAY_CHANGED,)
    assert found.view.last_day == date(2027, 5, 24)


@pytest.mark.clause("4-1")
async def test_a_renewal_stays_in_its_chain_and_leaves_the_old_registration_serving(
    database: Database, story: Story
) -> None:
    await database.writing(lambda session: register(session, story) and None)
    [serving] = await all_of(database, Registration)
    page = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo)))
    answer(await ask(database, page.visit, page.choice(story.ordinary)))
    made = {one.state: one.grant_id for one in await all_of(database, Registration)}
    assert made == {"active": serving.grant_id, "pending": serving.grant_id}


async def test_another_aggregators_registration_is_another_chain(database: Database, story: Story) -> None:
    await database.writing(lambda session: register(session, story, aggregator=story.kaikei) and None)
    page = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo)))
    answer(await ask(database, page.visit, page.choice(story.ordinary)))
    assert len({one.grant_id for one in await all_of(database, Registration)}) == 2

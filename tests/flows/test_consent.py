"""The decision on a consent page, as the procedures make it: completed once, checked again, and provable (4-1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.consent_page import ConsentView, extend_page, is_extendable, show_consent
from madoguchi.procedures.consenting import Choice, Mistake, Mistakes, Redirect, deny_consent, give_consent
from madoguchi.procedures.proceeding import Halt, Obstacle, Visit
from madoguchi.procedures.terms import load_terms
from madoguchi.records.audit import Act
from madoguchi.records.bank import Account, Contract
from madoguchi.records.database import Database
from madoguchi.records.registrations import AuthorizationCode, PushedRequest, Registration, RegistrationAccount
from madoguchi.rules.vocabulary import JST, AccountState, RegistrationState, Scope
from tests.flows.visits import BOTH, CHECKS, MINUTE, SECOND, Shown, logged_in, push, shown
from tests.story import CALLBACK, ISSUER, NOW, SAMPLE, WHO, Story, register, tell


@pytest.fixture
async def story(database: Database) -> Story:
    return await database.writing(tell)


@pytest.fixture
async def page(database: Database, story: Story) -> Shown:
    """見本花子 stands before the consent page of みほん家計簿."""

    def come(session: Session) -> Shown:
        return shown(session, story, push(session, story.kakeibo))

    return await database.writing(come)


async def ask(database: Database, visit: Visit, choice: Choice) -> Redirect | Mistakes | Halt:
    return await database.writing(give_consent, visit, choice)


def answer(found: object) -> dict[str, str]:
    """The parameters that go back to the aggregator."""
    assert isinstance(found, Redirect), found
    assert found.url.startswith(CALLBACK + "?")
    given = parse_qs(urlsplit(found.url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in given.values())
    return {name: values[0] for name, values in given.items()}


async def all_of(database: Database, kind: type[Any]) -> list[Any]:
    return list(await database.reading(lambda session: session.exec(select(kind)).all()))


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


@pytest.mark.both_databases
async def test_a_double_click_burns_the_first_code_and_gives_another_for_the_same_registration(
    database: Database, story: Story, page: Shown
) -> None:
    choice = page.choice(story.ordinary)
    first = answer(await ask(database, page.visit, choice))
    second = answer(await ask(database, page.later(SECOND), choice))
    assert first["code"] != second["code"]
    [code] = await all_of(database, AuthorizationCode)
    assert code.code_hash == opaque.stored(second["code"])
    assert len(await all_of(database, Registration)) == 1


@pytest.mark.both_databases
async def test_ten_clicks_at_once_make_one_registration_and_one_code(
    database: Database, story: Story, page: Shown
) -> None:
    answers: list[object] = []

    async def click() -> None:
        answers.append(await ask(database, page.visit, page.choice(story.ordinary)))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(click)
    assert len({answer(one)["code"] for one in answers}) == 10
    assert len(await all_of(database, Registration)) == 1
    assert len(await all_of(database, AuthorizationCode)) == 1
    completed = [act for act in await all_of(database, Act) if act.action == "registration.completed"]
    assert len(completed) == 1


@pytest.mark.parametrize("what", ["redeemed", "too late", "another choice", "stopped"])
async def test_a_second_click_that_is_no_double_click_gives_no_code(
    database: Database, story: Story, page: Shown, what: str
) -> None:
    answer(await ask(database, page.visit, page.choice(story.ordinary)))
    choice, passed = page.choice(story.ordinary), 59 * SECOND
    if what == "redeemed":
        await database.writing(lambda session: session.exec(select(AuthorizationCode)).one().sqlmodel_update({
            "used_at": NOW
        }))  # fmt: skip
    elif what == "too late":
        passed = 60 * SECOND
    elif what == "another choice":
        choice = page.choice(story.ordinary, story.current)
    else:
        await database.writing(cancel_contract, story)
    found = await ask(database, page.later(passed), choice)
    assert isinstance(found, Halt)
    expected = Obstacle.NO_INTERNET_BANKING if what == "stopped" else Obstacle.ALREADY_DECIDED
    assert found.obstacle is expected
    assert len(await all_of(database, AuthorizationCode)) == 1


def cancel_contract(session: Session, story: Story) -> None:
    session.get_one(Contract, story.hanako_contract).state = "cancelled"


@pytest.mark.both_databases
async def test_a_new_consent_ends_an_older_pending_one_as_abandoned(database: Database, story: Story) -> None:
    def come(session: Session) -> Shown:
        return shown(session, story, push(session, story.kakeibo))

    first, second = await database.writing(come), await database.writing(come)
    answer(await ask(database, first.visit, first.choice(story.ordinary)))
    answer(await ask(database, second.visit, second.choice(story.current)))
    states = {one.state: one.ended_cause for one in await all_of(database, Registration)}
    assert states == {"ended": "abandoned", "pending": None}
    found = await ask(database, first.later(SECOND), first.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.ALREADY_DECIDED


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


@pytest.mark.parametrize("error", ["access_denied", "temporarily_unavailable"])
async def test_a_denial_tells_the_aggregator_its_error_only_and_may_be_repeated(
    database: Database, page: Shown, error: str
) -> None:
    """RFC 6749 section 4.1.2.1, RFC 9207 section 2."""
    first = await database.writing(deny_consent, page.visit, error)
    again = await database.writing(deny_consent, page.visit, error)
    assert answer(first) == answer(again) == {"error": error, "state": "state-1", "iss": ISSUER}
    assert await all_of(database, Registration) == []
    denied = [act for act in await all_of(database, Act) if act.action == "consent.denied"]
    assert len(denied) == 1


async def test_a_request_that_was_denied_cannot_be_approved_nor_the_other_way_round(
    database: Database, story: Story, page: Shown
) -> None:
    await database.writing(deny_consent, page.visit, "access_denied")
    found = await ask(database, page.visit, page.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.ALREADY_DECIDED
    other = await database.writing(lambda session: shown(session, story, push(session, story.kakeibo)))
    answer(await ask(database, other.visit, other.choice(story.ordinary)))
    denied = await database.writing(deny_consent, other.visit, "access_denied")
    assert isinstance(denied, Halt)
    assert denied.obstacle is Obstacle.ALREADY_DECIDED


async def test_another_browser_can_neither_approve_nor_deny(database: Database, story: Story, page: Shown) -> None:
    for session_hash in (None, opaque.stored("another browser")):
        elsewhere = replace(page.visit, session_hash=session_hash)
        for found in (
            await ask(database, elsewhere, page.choice(story.ordinary)),
            await database.writing(deny_consent, elsewhere, "access_denied"),
        ):
            assert isinstance(found, Halt)
            assert found.obstacle is Obstacle.OTHER_BROWSER
            assert found.request is None


async def test_the_page_lives_thirty_minutes_and_extended_sixty(database: Database, story: Story, page: Shown) -> None:
    almost, over = 30 * MINUTE - SECOND, 30 * MINUTE
    assert isinstance(await database.writing(show_consent, page.later(almost)), ConsentView)
    late = await database.writing(show_consent, page.later(over))
    assert isinstance(late, Halt)
    assert late.obstacle is Obstacle.REQUEST_EXPIRED
    longer = await database.writing(extend_page, page.later(almost))
    assert isinstance(longer, ConsentView)
    assert not is_extendable(longer.proceeding.request, page.visit.settings)
    assert isinstance(await database.writing(extend_page, page.later(over)), ConsentView)
    found = await ask(database, page.later(60 * MINUTE), page.choice(story.ordinary))
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.REQUEST_EXPIRED
    answer(await ask(database, page.later(60 * MINUTE - SECOND), page.choice(story.ordinary)))


async def test_consent_needs_a_page_that_was_shown(database: Database, story: Story) -> None:
    unseen = await database.writing(lambda session: logged_in(session, story, push(session, story.kakeibo)))
    found = await ask(
        database, unseen, Choice(frozenset({str(story.ordinary)}), BOTH, CHECKS, "0" * 64, date(2027, 5, 23))
    )
    assert isinstance(found, Halt)
    assert found.obstacle is Obstacle.NOT_LOGGED_IN
    assert await database.reading(lambda session: session.scalar(select(func.count(col(Registration.state))))) == 0

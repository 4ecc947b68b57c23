"""The sample internet-banking login: password and one-time code, counted, locked, and telling nothing (4-1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import anyio
import pytest
from argon2 import PasswordHasher
from sqlalchemy import event
from sqlmodel import Session

from madoguchi.procedures import logging_in
from madoguchi.procedures.logging_in import (
    FAILURES_BEFORE_LOCK,
    LOCK_TIME,
    Attempt,
    Identified,
    Locked,
    NotIdentified,
    SampleLogin,
)
from madoguchi.procedures.sample_logins import (
    code_changes_in,
    current_code,
    sample_customers,
    sample_password,
    seed_sample_logins,
)
from madoguchi.records.bank import Contract, Customer
from madoguchi.records.database import Database
from madoguchi.settings import Mode, Settings
from tests.flows.visits import SECOND, settings_for
from tests.story import NOW, Story

MASTER = b"m" * 32
HANAKO, NOBODY = "10000001", "99999999"


CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm at a fraction of its cost; what the real cost is has a test of its own."""
    monkeypatch.setattr(logging_in, "HASHER", CHEAP)


@pytest.fixture
async def story(database: Database, told_story: Story) -> Story:
    assert await seed_sample_logins(database, MASTER) == 2
    return told_story


@pytest.fixture
def login(database: Database, story: Story) -> SampleLogin:
    return SampleLogin(database, settings_for())


async def attempt(database: Database, number: str = HANAKO, at: object = NOW, **other: str) -> Attempt:
    """The right password and code of a number at `at`, unless told otherwise."""
    code = await database.reading(current_code, number, at) or "000000"
    return Attempt(number, other.get("password", sample_password(MASTER, number)), other.get("code", code))


@pytest.mark.clause("4-1")
@pytest.mark.both_databases
async def test_number_password_and_code_prove_who_it_is(database: Database, login: SampleLogin, story: Story) -> None:
    who = await login.identify(await attempt(database), NOW)
    assert who == Identified(story.hanako, story.hanako_contract, "password+totp")


async def test_a_wrong_password_a_wrong_code_and_an_unknown_number_get_one_and_the_same_answer(
    database: Database, login: SampleLogin
) -> None:
    right = await attempt(database)
    wrong_code = f"{(int(right.one_time_code) + 1) % 1_000_000:06}"
    for wrong in (
        await attempt(database, password="mihon-0000-0000"),
        await attempt(database, code=wrong_code),
        await attempt(database, NOBODY),
    ):
        assert await login.identify(wrong, NOW) is NotIdentified.WRONG


async def test_a_one_time_code_serves_once(database: Database, login: SampleLogin) -> None:
    """RFC 6238 section 5.2."""
    once = await attempt(database)
    assert isinstance(await login.identify(once, NOW), Identified)
    assert await login.identify(once, NOW + SECOND) is NotIdentified.WRONG
    later = NOW + timedelta(seconds=30)
    assert isinstance(await login.identify(await attempt(database, at=later), later), Identified)


async def test_an_older_code_does_not_serve_after_a_newer_one(database: Database, login: SampleLogin) -> None:
    older, newer = await attempt(database, at=NOW - timedelta(seconds=30)), await attempt(database)
    assert isinstance(await login.identify(newer, NOW), Identified)
    assert await login.identify(older, NOW) is NotIdentified.WRONG


@pytest.mark.parametrize(("age", "serves"), [(-1, True), (0, True), (1, True), (2, False), (-2, False)])
async def test_a_code_serves_one_step_of_thirty_seconds_early_or_late(
    database: Database, login: SampleLogin, age: int, serves: bool
) -> None:
    typed = await attempt(database, at=NOW - age * timedelta(seconds=30))
    assert isinstance(await login.identify(typed, NOW), Identified) is serves


@pytest.mark.parametrize("number", [HANAKO, NOBODY])
async def test_the_fifth_failure_locks_for_fifteen_minutes_whether_anybody_has_the_number_or_not(
    database: Database, login: SampleLogin, number: str
) -> None:
    wrong = await attempt(database, number, password="mihon-0000-0000")
    answers = [await login.identify(wrong, NOW) for _ in range(FAILURES_BEFORE_LOCK)]
    assert answers == [NotIdentified.WRONG] * 4 + [Locked(NOW + LOCK_TIME)]
    almost, after = NOW + LOCK_TIME - SECOND, NOW + LOCK_TIME
    assert await login.identify(await attempt(database, number, almost), almost) == Locked(after)
    assert await login.identify(await attempt(database, number, after, code="0"), after) is NotIdentified.WRONG


async def test_the_lock_is_asked_for_by_later_steps_and_ends_by_itself(
    database: Database, login: SampleLogin, story: Story
) -> None:
    wrong = await attempt(database, password="mihon-0000-0000")
    assert not await database.reading(login.locked_until, story.hanako, NOW)
    for _ in range(FAILURES_BEFORE_LOCK):
        await login.identify(wrong, NOW)
    assert await database.reading(login.locked_until, story.hanako, NOW + LOCK_TIME - SECOND)
    assert not await database.reading(login.locked_until, story.jiro, NOW)
    assert not await database.reading(login.locked_until, story.hanako, NOW + LOCK_TIME)


async def test_a_success_forgets_earlier_failures(database: Database, login: SampleLogin) -> None:
    wrong = await attempt(database, password="mihon-0000-0000")
    for _ in range(FAILURES_BEFORE_LOCK - 1):
        await login.identify(wrong, NOW)
    assert isinstance(await login.identify(await attempt(database), NOW), Identified)
    assert await login.identify(wrong, NOW) is NotIdentified.WRONG


@pytest.mark.both_databases
async def test_twenty_guesses_at_once_count_like_twenty_guesses(database: Database, login: SampleLogin) -> None:
    """Parallel guesses are no way round the lock: five are answered, the rest are locked out, right or wrong."""
    guesses = [await attempt(database, password=f"mihon-{n:04}-0000") for n in range(19)]
    answers: list[Identified | NotIdentified | Locked] = []

    async def guess(one: Attempt) -> None:
        answers.append(await login.identify(one, NOW))

    async with anyio.create_task_group() as group:
        for one in guesses:
            group.start_soon(guess, one)
    assert answers.count(NotIdentified.WRONG) == FAILURES_BEFORE_LOCK - 1
    assert answers.count(Locked(NOW + LOCK_TIME)) == 20 - FAILURES_BEFORE_LOCK


@pytest.mark.both_databases
async def test_one_code_sent_ten_times_at_once_logs_in_once(database: Database, login: SampleLogin) -> None:
    once = await attempt(database)
    answers: list[Identified | NotIdentified | Locked] = []

    async def send() -> None:
        answers.append(await login.identify(once, NOW))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(send)
    assert sum(isinstance(answer, Identified) for answer in answers) == 1


async def test_a_number_that_nobody_has_costs_the_same_hash_and_the_same_statements(
    database: Database, login: SampleLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """security.md 12: asserted by count, not by clock."""
    checked: list[str] = []
    fits = logging_in._fits
    monkeypatch.setattr(logging_in, "_fits", lambda known, typed: checked.append(known) or fits(known, typed))
    wrong = [await attempt(database, number, password="mihon-0000-0000") for number in (HANAKO, NOBODY)]
    said = []
    for one in wrong:
        with statements(database) as heard:
            await login.identify(one, NOW)
        said.append(heard)
    assert said[0] == said[1]
    known, nobody = (one.split("$")[1:4] for one in checked)
    assert known == nobody


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        heard.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    yield heard
    event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


@pytest.mark.clause("1-2-1")
async def test_a_customer_without_internet_banking_proves_who_it_is_but_into_no_contract(
    database: Database, login: SampleLogin, story: Story
) -> None:
    def move_in(session: Session) -> int:
        customer = Customer(customer_number="10000003", name="見本 三郎", name_kana="ﾐﾎﾝ ｻﾌﾞﾛｳ")
        session.add(customer)
        session.flush()
        return customer.customer_id or 0

    saburo = await database.writing(move_in)
    assert await seed_sample_logins(database, MASTER) == 1
    who = await login.identify(await attempt(database, "10000003"), NOW)
    assert who == Identified(saburo, None, "password+totp")


@pytest.mark.parametrize(("state", "business_first"), [("live", False), ("cancelled", True)])
async def test_of_two_contracts_the_living_one_is_logged_into_and_the_personal_one_before_the_business_one(
    database: Database, login: SampleLogin, story: Story, state: str, business_first: bool
) -> None:
    def sign(session: Session) -> int:
        session.get_one(Contract, story.hanako_contract).state = state
        business = Contract(customer_id=story.hanako, product="business", state_since=NOW)
        session.add(business)
        session.flush()
        return business.contract_id or 0

    business = await database.writing(sign)
    who = await login.identify(await attempt(database), NOW)
    assert isinstance(who, Identified)
    assert who.contract_id == (business if business_first else story.hanako_contract)


async def test_the_sample_login_is_refused_in_production_and_where_it_is_not_asked_for(database: Database) -> None:
    sandbox = settings_for()
    for refused in ({"sample_login": False}, {"mode": Mode.PRODUCTION}):
        with pytest.raises(ValueError, match="sample login"):
            SampleLogin(database, Settings(**{**sandbox.model_dump(), **refused}))


async def test_seeding_again_changes_nothing_and_the_list_shows_what_logs_in(
    database: Database, login: SampleLogin, story: Story
) -> None:
    assert await seed_sample_logins(database, MASTER) == 0
    hanako, jiro = await database.reading(sample_customers, MASTER, NOW)
    assert (hanako.customer_number, hanako.code) == (HANAKO, await database.reading(current_code, HANAKO, NOW))
    assert [account.last_digits for account in hanako.accounts] == ["4567", "3210", "8901", "1122"]
    who = await login.identify(Attempt(jiro.customer_number, jiro.password, jiro.code), NOW)
    assert who == Identified(story.jiro, story.jiro_contract, "password+totp")
    assert await database.reading(current_code, NOBODY, NOW) is None


def test_a_password_is_kept_as_argon2id_that_costs_64_mib_and_three_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9106 section 4, second recommended option."""
    monkeypatch.undo()
    assert logging_in.hash_password("mihon").split("$")[1:4] == ["argon2id", "v=19", "m=65536,t=3,p=4"]


def test_another_master_key_makes_other_passwords() -> None:
    assert sample_password(MASTER, HANAKO) != sample_password(b"n" * 32, HANAKO)


def test_codes_change_on_the_half_minute() -> None:
    assert code_changes_in(NOW) == 30
    assert code_changes_in(NOW + timedelta(seconds=29)) == 1


def test_what_was_typed_does_not_show_in_a_trace() -> None:
    assert "hunter2" not in repr(Attempt("10000001", "hunter2", "123456"))
    assert "10000001" not in repr(Attempt("10000001", "hunter2", "123456"))

"""A sandbox's clock: one file, one time, forward only; others' proofs are moved by the step; production knows none."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from joserfc.jwk import ECKey
from sqlmodel import Session, col, func, select

from madoguchi.clock import SteppedClock, ahead_of_others, machines
from madoguchi.doors.core_banking import sample_books
from madoguchi.doors.core_banking.sample_customers import load_books
from madoguchi.doors.developer.aggregator.signing import client_assertion, proof
from madoguchi.doors.dpop import ProofRejected, verify_proof
from madoguchi.doors.oauth.client_assertion import ClientRejected, read_assertion, verify_assertion
from madoguchi.installation import CLOCK, clock_of, load_keys, make_keys
from madoguchi.main import build_app
from madoguchi.procedures import logging_in
from madoguchi.procedures.installing import open_database
from madoguchi.procedures.listing import books_until
from madoguchi.records.bank import Account, Customer, Statement
from madoguchi.sandbox import prepare
from madoguchi.sandbox.starting_over import clear
from madoguchi.sandbox.stepping import CannotStep, past_month_end, step
from madoguchi.settings import Mode, Settings
from tests.story import NOW
from tests.support.desk import Command, Desk

AHEAD = timedelta(days=30)
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
URL = "https://api.example/token"


def settings(folder: Path, mode: Mode = Mode.SANDBOX) -> Settings:
    return Settings(
        mode=mode,
        issuer="https://api.example",
        database_url=f"sqlite+aiosqlite:///{folder / 'madoguchi.db'}",
        data_dir=folder,
        bank_code="2999",
    )


def test_a_step_is_seen_by_every_clock_of_the_sandbox_and_time_runs_on_from_there(tmp_path: Path) -> None:
    machine = NOW.astimezone(UTC)
    one, other = (SteppedClock(tmp_path / CLOCK, lambda: machine) for _ in range(2))
    assert (other(), other.ahead()) == (NOW, timedelta(0))
    one.step_to(NOW + AHEAD)
    assert (other(), other.ahead(), machines(other)()) == (NOW + AHEAD, AHEAD, NOW)
    machine += timedelta(seconds=1)
    assert other() == NOW + AHEAD + timedelta(seconds=1)
    one.step_to(NOW + 2 * AHEAD)
    assert ahead_of_others(other) == 2 * AHEAD - timedelta(seconds=1)
    with pytest.raises(ValueError, match="forward only"):
        other.step_to(NOW + AHEAD)


def test_a_proof_is_moved_by_the_step_before_it_is_judged_and_is_burnt_on_our_time_line() -> None:
    at = NOW + AHEAD
    seen = verify_proof([proof(KEY, "POST", URL, NOW)], "POST", URL, at, ahead=AHEAD)
    assert seen.iat == at
    assert seen.once_until == at + timedelta(seconds=70)
    for signed in (NOW - timedelta(seconds=61), NOW + timedelta(seconds=11), at):
        with pytest.raises(ProofRejected):
            verify_proof([proof(KEY, "POST", URL, signed)], "POST", URL, at, ahead=AHEAD)
    with pytest.raises(ProofRejected):  # without a step nothing is moved
        verify_proof([proof(KEY, "POST", URL, NOW)], "POST", URL, at)


def test_an_assertion_is_moved_by_the_step_before_it_is_judged() -> None:
    at, jwks = NOW + AHEAD, {"keys": [KEY.as_dict(private=False)]}

    def claimed(signed: datetime) -> dict[str, str]:
        return {
            "client_assertion": client_assertion(KEY, "client", "https://api.example", signed),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }

    who = verify_assertion(read_assertion(claimed(NOW), None), jwks, "https://api.example", at, AHEAD)
    assert at < who.once_until <= at + timedelta(seconds=70)
    for signed, ahead in ((at, AHEAD), (NOW, timedelta(0)), (NOW - timedelta(minutes=2), AHEAD)):
        with pytest.raises(ClientRejected):
            verify_assertion(read_assertion(claimed(signed), None), jwks, "https://api.example", at, ahead)


def test_production_knows_the_machines_time_only_whatever_lies_in_its_directory(tmp_path: Path) -> None:
    (tmp_path / CLOCK).write_text("86400\n")
    sandbox, production = settings(tmp_path), settings(tmp_path, Mode.PRODUCTION)
    assert clock_of(sandbox, lambda: NOW)() == NOW + timedelta(days=1)
    clock = clock_of(production, lambda: NOW)
    assert (clock(), ahead_of_others(clock)) == (NOW, timedelta(0))
    make_keys(production)
    with pytest.raises(ValueError, match="sandbox only"):
        build_app(production, load_keys(production), SteppedClock(tmp_path / CLOCK))


@pytest.mark.parametrize("words", [("clock",), ("clock", "--forward", "1d"), ("play", "closing"), ("reset", "--yes")])
def test_production_refuses_every_command_of_the_sandbox(command: Command, words: tuple[str, ...]) -> None:
    said = command(
        "sandbox", *words, MADOGUCHI_MODE="production", MADOGUCHI_ISSUER="https://api.example",
        MADOGUCHI_BANK_CODE="2999", MADOGUCHI_DATABASE_URL=f"sqlite+aiosqlite:///{command.data / 'madoguchi.db'}",
    )  # fmt: skip
    assert said.code == 1
    assert "本番では、madoguchi sandbox を使えません" in said.err
    assert not command.data.exists()


def test_no_step_is_longer_than_a_year_and_the_month_ends_on_the_japanese_calendar(tmp_path: Path) -> None:
    one = settings(tmp_path)
    clock = SteppedClock(tmp_path / CLOCK, lambda: NOW)
    with pytest.raises(CannotStep, match="366"):
        asyncio.run(step(one, open_database(one), clock, NOW + timedelta(days=367), print, feeds=False))
    late = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # 1 January in Japan
    assert past_month_end(late).isoformat() == "2027-02-01T00:05:00+09:00"


@pytest.mark.both_databases
@pytest.mark.clause("2-1")
@pytest.mark.clause("7-3")
def test_closing_and_stop_are_played_and_undone(desk: Desk) -> None:
    assert desk.is_open()
    assert desk("sandbox", "play", "closing").code == 0
    assert not desk.is_open()
    assert desk("sandbox", "play", "closing", "--undo").code == 0
    assert desk.is_open()
    desk("sandbox", "play", "suspension")
    assert len(desk("stop", "list", "--json").json) == 1
    desk("sandbox", "play", "suspension", "--undo")
    assert desk("stop", "list", "--json").json == []
    said = desk("sandbox", "play", "closing", "--customer", "10000001")
    assert (said.code, "--customer を付けずに" in said.err) == (2, True)


def test_a_sandbox_from_before_gets_the_customers_that_came_later_with_all_their_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    one = settings(tmp_path).model_copy(update={"issuer": "http://127.0.0.1:8000"})
    books = load_books()
    with monkeypatch.context() as before:
        before.setattr(sample_books, "load_books", lambda: books.model_copy(update={"customers": books.customers[:12]}))
        assert len(asyncio.run(prepare(one, lambda: NOW, lambda _: None)).customers) == 12
    prepared = asyncio.run(prepare(one, lambda: NOW + timedelta(days=1), lambda _: None))
    assert len(prepared.customers) == 17

    def newcomers_histories(session: Session) -> set[date]:
        return set(
            session.exec(
                select(func.min(Statement.first_day))
                .join(Account, col(Account.account_id) == col(Statement.account_id))
                .join(Customer, col(Customer.customer_id) == col(Account.customer_id))
                .where(Customer.customer_number == "10000012")
                .group_by(col(Account.account_id))
            ).all()
        )

    async def ask() -> None:
        database = open_database(one)
        assert await database.reading(newcomers_histories) == {date(2025, 10, 25)}
        held = await database.reading(books_until)
        assert held is not None
        assert held[0] == (NOW + timedelta(days=1)).date()
        await database.close()

    asyncio.run(ask())


def test_clearing_takes_records_feeds_and_the_step_and_leaves_the_keys(command: Command) -> None:
    one = settings(command.data)
    assert command("sandbox", "reset", "--yes").out == "消すものはありません。\n"
    make_keys(one)
    for name in ("madoguchi.db", "madoguchi.db-wal", CLOCK, "played.json"):
        (command.data / name).write_text("0")
    (command.data / "feeds").mkdir()
    assert {path.name for path in clear(one)} == {"madoguchi.db", "madoguchi.db-wal", CLOCK, "played.json", "feeds"}
    assert load_keys(one).master
    with pytest.raises(ValueError, match="only a sandbox"):
        clear(settings(command.data, Mode.PRODUCTION))

"""The sandbox prepares itself the way a real installation does, and does not decay."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from madoguchi.installation import load_keys, public_half, sample_document
from madoguchi.procedures.feeds import taking_in as feeds
from madoguchi.procedures.feeds.states import feed_states
from madoguchi.procedures.feeds.taking_in import take_in_block
from madoguchi.procedures.listing import books_until
from madoguchi.procedures.service import institution_facts
from madoguchi.procedures.setting_up import national_holidays
from madoguchi.procedures.terms import TermsRefused
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.audit import Act
from madoguchi.records.bank import Balance, FeedFile, Statement, Transaction
from madoguchi.records.database import Database
from madoguchi.rules.service_hours import is_open, next_closing
from madoguchi.rules.vocabulary import JST, Completeness, Feed, Product
from madoguchi.sandbox import Prepared, prepare, sent_last
from madoguchi.settings import Mode, Settings
from tests.story import NOW


@dataclass
class Sandbox:
    """A sandbox in a folder of its own."""

    folder: Path
    told: list[str] = field(default_factory=list)

    def settings(self, port: int = 8000) -> Settings:
        return Settings(
            issuer=f"http://127.0.0.1:{port}",
            database_url=f"sqlite+aiosqlite:///{self.folder / 'madoguchi.db'}",
            data_dir=self.folder,
            sample_login=True,
            bank_code="2999",
        )

    def start(self, at: datetime, port: int = 8000) -> Prepared:
        """Prepare it at a moment; `told` holds what was said this time."""
        self.told.clear()
        return asyncio.run(prepare(self.settings(port), lambda: at, self.told.append))

    def ask(self, question: Callable[[Session], Any]) -> Any:
        async def run() -> Any:
            database = Database(self.settings().database_url, 1)
            try:
                return await database.reading(question)
            finally:
                await database.close()

        return asyncio.run(run())


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox") / "data")
    sandbox.start(NOW)
    return sandbox


@pytest.fixture
def sandbox(first_start: Sandbox, tmp_path: Path) -> Sandbox:
    """A sandbox that was started first on 24 November 2026, 14:02."""
    shutil.copytree(first_start.folder, tmp_path / "data")
    return Sandbox(tmp_path / "data", list(first_start.told))


def count(table: Any) -> Callable[[Session], int]:
    return lambda session: session.exec(select(func.count()).select_from(table)).one()


def test_a_first_start_ends_with_books_keys_hours_terms_aggregators_and_logins(sandbox: Sandbox) -> None:
    assert sandbox.ask(books_until) == (date(2026, 11, 24), datetime(2026, 11, 24, 14, 0, tzinfo=JST))
    assert sandbox.ask(count(Transaction)) > 1500
    assert sorted(sandbox.ask(lambda s: [f.kind for f in s.exec(select(FeedFile))])) == ["03", "04", "status"]
    facts = sandbox.ask(institution_facts)
    assert [str(terms.version) for terms in facts.terms] == ["2026-10-01"]
    assert {date(2026, 12, 31), date(2027, 1, 3), date(2027, 1, 1), date(2026, 11, 23)} <= set(facts.holidays)
    for product in Product:
        for hour in range(24):
            assert is_open(NOW + timedelta(hours=hour), product, facts)
        assert next_closing(NOW, product, facts) is None
    names = sandbox.ask(
        lambda s: [row.name for row in s.exec(select(Aggregator).order_by(Aggregator.registration_number))]
    )
    assert names == ["みほん家計簿", "みほん会計"]
    assert {act.actor for act in sandbox.ask(lambda s: s.exec(select(Act)).all())} == {"system:sample"}
    keys = ("master.key", "server.jwks.json", "sample-aggregator.jwks.json")
    assert {name: oct((sandbox.folder / name).stat().st_mode & 0o777) for name in keys} == dict.fromkeys(keys, "0o600")


@pytest.mark.clause("6-1")
@pytest.mark.parametrize(
    ("left_running", "late"), [(timedelta(0), False), (timedelta(days=2, hours=16), False), (timedelta(days=3), True)]
)
def test_a_sandbox_left_running_is_late_on_the_third_day_and_a_new_start_makes_it_good(
    sandbox: Sandbox, left_running: timedelta, late: bool
) -> None:
    at = NOW + left_running
    states = sandbox.ask(lambda session: feed_states(session, at))
    assert [states[feed].lateness.late for feed in (Feed.BALANCES, Feed.TRANSACTIONS)] == [late, late]
    assert not any(state.lateness.unavailable for state in states.values())
    if late:
        sandbox.start(at)
        assert not any(state.lateness.late for state in sandbox.ask(lambda s: feed_states(s, at)).values())


def test_the_same_moment_again_changes_nothing_and_shows_the_same_logins(sandbox: Sandbox) -> None:
    before = sandbox.ask(count(Act))
    one, other = sandbox.start(NOW), sandbox.start(NOW)
    assert sandbox.told == []
    assert sandbox.ask(count(Act)) == before
    assert [(c.customer_number, c.password) for c in one.customers] == [
        (c.customer_number, c.password) for c in other.customers
    ]
    assert len(one.customers) == 17


def test_the_next_days_are_topped_up_without_a_gap_and_no_row_of_yesterday_changes(sandbox: Sandbox) -> None:
    def rows(session: Session) -> dict[int, tuple[Any, ...]]:
        until = date(2026, 11, 24)
        found = session.exec(select(Transaction).where(Transaction.booked_on <= until)).all()
        return {r.transaction_id or 0: (r.account_id, r.position, r.amount, r.balance_after) for r in found}

    before = sandbox.ask(rows)
    sandbox.start(NOW + timedelta(days=9))
    assert sandbox.ask(rows) == before
    assert sandbox.ask(books_until)[0] == date(2026, 12, 3)
    assert sandbox.ask(count(Transaction)) > len(before)
    statements = sandbox.ask(lambda s: s.exec(select(Statement)).all())
    assert Completeness.GAP not in {statement.completeness for statement in statements}
    assert sandbox.ask(count(FeedFile)) == 6


def test_terms_that_differ_from_those_of_the_last_start_are_told_with_the_way_out(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(name: str) -> bytes:
        return sample_document(name) + (b"\n" if name.startswith("api-terms") else b"")

    monkeypatch.setattr("madoguchi.sandbox.preparing.sample_document", changed)
    with pytest.raises(TermsRefused) as refused:
        sandbox.start(NOW)
    assert str(refused.value).endswith(
        "見本をはじめから作り直すには、data/ を別の場所に移してから、もう一度 make run を実行してください。"
    )


@pytest.mark.parametrize("blocks", [1, 33, 36])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1)])
def test_a_start_that_was_interrupted_among_the_accounts_is_made_good_by_the_next(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, blocks: int, later: timedelta
) -> None:
    """Some accounts already have the day, others not: 34 blocks are in the 03 file, 9 in the 04 file."""
    taken = 0

    def interrupted(*args: Any) -> None:
        nonlocal taken
        taken += 1
        if taken > blocks:
            raise KeyboardInterrupt
        take_in_block(*args)

    the_day = NOW + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(feeds, "take_in_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sandbox.start(the_day)
    sandbox.start(the_day + later)
    statements = sandbox.ask(lambda s: s.exec(select(Statement)).all())
    last_days = {piece.account_id: piece.last_day for piece in sorted(statements, key=lambda piece: piece.last_day)}
    assert set(last_days.values()) == {(the_day + later).date()}
    assert Completeness.GAP not in {piece.completeness for piece in statements}
    moments = sandbox.ask(lambda s: set(s.exec(select(col(Balance.as_of)))))
    assert moments == {sent_last(the_day + later)}


@pytest.mark.parametrize(
    ("start", "as_of"),
    [
        ("2026-11-25 00:59", "2026-11-24 14:00"),
        ("2026-11-25 01:00", "2026-11-25 01:00"),
        ("2026-11-25 13:59", "2026-11-25 13:00"),
        ("2026-11-25 14:00", "2026-11-25 14:00"),
        ("2026-11-25 23:59", "2026-11-25 14:00"),
    ],
)
def test_balances_are_of_the_last_full_hour_and_never_of_the_future(sandbox: Sandbox, start: str, as_of: str) -> None:
    sandbox.start(datetime.fromisoformat(start).replace(tzinfo=JST))
    moments = sandbox.ask(lambda s: set(s.exec(select(col(Balance.as_of)))))
    assert moments == {datetime.fromisoformat(as_of).replace(tzinfo=JST)}


def test_a_start_in_the_new_year_knows_its_next_holidays_too(sandbox: Sandbox) -> None:
    sandbox.start(datetime(2027, 1, 4, 9, 0, tzinfo=JST))
    holidays = sandbox.ask(institution_facts).holidays
    assert date(2028, 1, 1) in holidays
    assert date(2026, 11, 23) in holidays


def test_holidays_are_the_national_ones_and_the_turn_of_the_year() -> None:
    days = dict(national_holidays(2026, 2027))
    assert days[date(2026, 1, 1)] == "元日"
    assert days[date(2026, 12, 31)] == days[date(2027, 1, 2)] == "年末年始"
    assert days[date(2026, 9, 22)] == "国民の休日"
    assert date(2026, 11, 24) not in days


def test_another_port_moves_the_sample_aggregators_address_and_says_so_in_the_trail(sandbox: Sandbox) -> None:
    sandbox.start(NOW, port=8001)

    def addresses(session: Session) -> list[list[str]]:
        return [row.redirect_uris for row in session.exec(select(Aggregator).order_by(Aggregator.registration_number))]

    assert sandbox.ask(addresses) == [
        ["http://127.0.0.1:8001/sample/callback", "http://127.0.0.1:8001/developer/graphiql/callback"],
        ["https://kaikei.mihon.example/callback"],
    ]
    (act,) = sandbox.ask(lambda s: s.exec(select(Act).where(Act.action == "aggregator.changed")).all())
    assert act.detail == {"changed": ["redirect_uris"]}


def test_a_new_key_of_the_sample_aggregator_is_told_to_the_register(sandbox: Sandbox) -> None:
    (sandbox.folder / "sample-aggregator.jwks.json").unlink()
    sandbox.start(NOW)
    keys = load_keys(sandbox.settings())
    registered = sandbox.ask(lambda s: s.exec(select(Aggregator).where(Aggregator.name == "みほん家計簿")).one().jwks)
    assert registered == public_half(keys.sample_aggregator)
    assert "d" not in registered["keys"][0]


def test_the_sample_is_never_prepared_in_production(tmp_path: Path) -> None:
    settings = Sandbox(tmp_path / "data").settings().model_copy(update={"mode": Mode.PRODUCTION})
    with pytest.raises(ValueError, match="sandbox only"):
        asyncio.run(prepare(settings, lambda: NOW, print))
    assert not (tmp_path / "data").exists()

"""The sandbox as a foreign client meets it: the sample's customers, a clock that is stepped, events that are played.

One real server and npm's openid-client, whose own clock stays real; the commands run in this process on the same data.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from madoguchi.cli import main
from tests.clients.test_openid_client import CALLBACK, NodeClient
from tests.clients.visitor import Visitor
from tests.support.server import Server, running_server

QUERY = """{ registration { lastDay } accounts { type balance { current freshness { completeness } }
  transactions(first: 250) { nodes { bookedOn kind amount direction } } } }"""


class Sandbox:
    """The served sandbox, its commands, and an aggregator registered with it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        key = ECKey.generate_key("P-256", {"kid": "k1"})
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        added = self.done(
            "aggregator", "add", "--name", "みほん帳", "--jwks", str(jwks), "--redirect-uri", CALLBACK,
            "--scope", "accounts balances transactions", "--json",
        )  # fmt: skip
        self.passwords = {each["customer_number"]: each["password"] for each in self.json("customer", "list", "--json")}
        self.client = NodeClient(
            issuer=server.url, client_id=json.loads(added)["client_id"], key=key.as_dict(private=True),
            alg="ES256", redirect_uri=CALLBACK, scope="accounts balances transactions",
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str]:
        out = StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = main(arguments)
        return code, out.getvalue()

    def done(self, *arguments: str) -> str:
        code, said = self.run(*arguments)
        assert code == 0, said
        return said

    def json(self, *arguments: str) -> Any:
        return json.loads(self.done(*arguments))

    def log_in(self, visitor: Visitor, number: str) -> str:
        """From a new authorization through the login; returns the page that follows."""
        started = self.client.ask("start")
        assert "url" in started, started
        visitor.open(started["url"])
        login = visitor.form("password")
        code = self.json("customer", "code", number, "--json")["code"]
        typed = {"customer_number": number, "password": self.passwords[number], "one_time_code": code}
        visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])
        return visitor.text

    def register(self, number: str) -> None:
        with Visitor(self.server.url) as visitor:
            self.log_in(visitor, number)
            consent = visitor.form("terms")
            names = {name for name, _ in consent.boxes}
            callback = visitor.submit(consent, [*consent.ticked(*names), ("decision", "approve")])
        assert self.client.ask("finish", callback=callback)["token_type"] == "dpop"

    def ask(self) -> dict[str, Any]:
        """What the API says now: the answer, or `error` and `status`."""
        return self.client.ask("query", url=f"{self.server.url}/graphql", query=QUERY)

    def accounts(self) -> list[dict[str, Any]]:
        answer = self.ask()
        assert answer["status"] == 200, answer
        assert "errors" not in answer["body"], answer["body"]["errors"]
        accounts: list[dict[str, Any]] = answer["body"]["data"]["accounts"]
        return accounts

    def paused(self) -> set[tuple[str, str]]:
        """Code and clause of what withholds the accounts for now; {} when they are answered."""
        answer = self.ask()
        assert answer["status"] == 200, answer
        errors = answer["body"].get("errors", [])
        assert (answer["body"]["data"]["accounts"] is None) is bool(errors)
        return {(each["extensions"]["code"], each["extensions"]["clause"]) for each in errors}


@pytest.fixture(scope="module")
def sandbox(new_sample: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    own = {"MADOGUCHI_DATA_DIR": str(new_sample(folder / "data"))}
    with pytest.MonkeyPatch.context() as patch, running_server(own, "--sample") as server:
        patch.setenv("MADOGUCHI_DATA_DIR", own["MADOGUCHI_DATA_DIR"])
        one = Sandbox(server, folder)
        yield one
        one.client.close()


def test_each_sample_customer_shows_what_its_remark_says(sandbox: Sandbox) -> None:
    sandbox.register("10000002")
    assert len(sandbox.accounts()) == 1
    sandbox.register("10000012")
    assert len(sandbox.accounts()) == 12
    sandbox.register("10000013")
    (overdrawn,) = sandbox.accounts()
    assert overdrawn["type"] == "CURRENT"
    assert overdrawn["balance"]["current"] < 0
    sandbox.register("10000014")
    assert "CORRECTION" in {row["kind"] for row in sandbox.accounts()[0]["transactions"]["nodes"]}
    sandbox.register("20000003")
    rows = sandbox.accounts()[0]["transactions"]["nodes"]
    assert 200 in Counter(row["bookedOn"] for row in rows).values()
    sandbox.register("20000001")
    assert {account["type"] for account in sandbox.accounts()} == {"ORDINARY", "CURRENT"}
    for number, told in (
        ("10000003", "連携できる口座がありません"),
        ("10000007", "いまは、連携を登録できません"),
        ("10000009", "インターネットバンキングのご契約が必要です"),
    ):
        with Visitor(sandbox.server.url) as visitor:
            assert told in sandbox.log_in(visitor, number), number


@pytest.mark.clause("2-1")
def test_a_played_closing_pauses_the_accounts_until_it_is_undone(sandbox: Sandbox) -> None:
    sandbox.register("10000004")
    assert sandbox.paused() == set()
    said = sandbox.done("sandbox", "play", "closing")
    assert "OUTSIDE_SERVICE_HOURS(第2条第1項)" in said
    assert sandbox.paused() == {("OUTSIDE_SERVICE_HOURS", "2-1")}
    assert "すでに休んでいます" in sandbox.done("sandbox", "play", "closing")
    sandbox.done("sandbox", "play", "closing", "--undo")
    assert sandbox.paused() == set()
    assert "休みはありません" in sandbox.done("sandbox", "play", "closing", "--undo")


@pytest.mark.clause("7-3")
@pytest.mark.parametrize(
    ("whose", "code"), [((), "SERVICE_STOPPED"), (("--customer", "10000004"), "INTERNET_BANKING_SUSPENDED")]
)
def test_a_played_suspension_pauses_the_accounts_until_it_is_undone(
    sandbox: Sandbox, whose: tuple[str, ...], code: str
) -> None:
    for _ in range(2):
        sandbox.done("sandbox", "play", "suspension", *whose)
        assert sandbox.paused() == {(code, "7-3")}
        assert "すでに停止しています" in sandbox.done("sandbox", "play", "suspension", *whose)
        sandbox.done("sandbox", "play", "suspension", *whose, "--undo")
        assert sandbox.paused() == set()


@pytest.mark.clause("6-1")
def test_a_played_correction_adds_a_row_and_moves_the_balance_until_it_is_undone(sandbox: Sandbox) -> None:
    before = sandbox.accounts()
    for _ in range(2):
        assert "訂正の明細が届きました" in sandbox.done("sandbox", "play", "correction")
        after = sandbox.accounts()
        ((was, now),) = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
        (row,) = [row for row in now["transactions"]["nodes"] if row["kind"] == "CORRECTION"]
        assert len(now["transactions"]["nodes"]) == len(was["transactions"]["nodes"]) + 1
        change = row["amount"] if row["direction"] == "DEPOSIT" else -row["amount"]
        assert now["balance"]["current"] == was["balance"]["current"] + change
        assert "すでに届いています" in sandbox.done("sandbox", "play", "correction")
        sandbox.done("sandbox", "play", "correction", "--undo")
        assert sandbox.accounts() == before


@pytest.mark.clause("6-1")
def test_a_late_feed_is_told_beside_the_balance_until_it_comes(sandbox: Sandbox) -> None:
    def completeness() -> set[str]:
        return {account["balance"]["freshness"]["completeness"] for account in sandbox.accounts()}

    before = completeness()
    sandbox.done("sandbox", "clock", "--forward", "3m", "--no-feeds")
    sandbox.done("sandbox", "play", "feed-late")
    assert completeness() == {"LATE"}
    assert "すでに遅れています" in sandbox.done("sandbox", "play", "feed-late")
    sandbox.done("sandbox", "play", "feed-late", "--undo")
    assert completeness() == before


@pytest.mark.clause("2-1")
def test_over_the_closing_time_tokens_expire_and_are_renewed_by_a_client_whose_clock_stays_real(
    sandbox: Sandbox,
) -> None:
    sandbox.done("sandbox", "clock", "--to", "closing")
    assert sandbox.ask() == {"error": "invalid_token", "status": 401}
    assert sandbox.client.ask("refresh")["scope"] == "accounts balances transactions"
    assert sandbox.paused() == {("OUTSIDE_SERVICE_HOURS", "2-1")}
    sandbox.done("service", "open")
    assert sandbox.paused() == set()


@pytest.mark.clause("6-1")
def test_over_the_month_end_the_books_come_along_and_nothing_is_late(sandbox: Sandbox) -> None:
    told = sandbox.json("sandbox", "clock", "--to", "month-end", "--json")
    assert re.search(r"-01T00:05:0\d", told["now"])
    assert told["ahead_seconds"] > 0
    assert any(line.startswith("zengin03") for line in told["told"])
    sandbox.client.ask("refresh")
    assert "LATE" not in {account["balance"]["freshness"]["completeness"] for account in sandbox.accounts()}
    feeds = sandbox.json("service", "status", "--json")["feeds"]
    assert [feeds[feed]["late_since"] for feed in ("03", "04")] == [None, None]


@pytest.mark.clause("5-2")
def test_a_played_cancellation_ends_the_registration_for_good_and_a_new_contract_allows_a_new_one(
    sandbox: Sandbox,
) -> None:
    sandbox.register("10000011")
    assert sandbox.accounts()
    sandbox.done("sandbox", "play", "cancellation")
    assert sandbox.ask() == {"error": "invalid_token", "status": 401}
    assert sandbox.client.ask("refresh") == {"error": "invalid_grant", "status": 400}
    assert "すでに解約済みです" in sandbox.done("sandbox", "play", "cancellation", "--customer", "10000011")
    assert "10000011" in sandbox.done("sandbox", "play", "cancellation", "--undo")
    assert sandbox.ask() == {"error": "invalid_token", "status": 401}
    sandbox.done("sandbox", "clock", "--forward", "1m")  # a one-time code serves once
    sandbox.register("10000011")
    assert sandbox.accounts()


@pytest.mark.clause("4-1")
def test_over_the_expiry_of_the_registrations_no_token_serves_or_is_renewed(sandbox: Sandbox) -> None:
    while sandbox.run("sandbox", "clock", "--to", "expiry", "--no-feeds")[0] == 0:
        pass
    code, said = sandbox.run("sandbox", "clock", "--to", "expiry")
    assert (code, "有効な登録がありません" in said) == (1, True)
    assert sandbox.ask() == {"error": "invalid_token", "status": 401}
    assert sandbox.client.ask("refresh") == {"error": "invalid_grant", "status": 400}
    code, said = sandbox.run("sandbox", "play", "cancellation")
    assert (code, "有効な登録がありません" in said) == (1, True)


def test_the_clock_goes_forward_only_and_a_served_sandbox_is_not_cleared(sandbox: Sandbox) -> None:
    code, said = sandbox.run("sandbox", "clock", "--to", "2026-11-01")
    assert (code, "戻せません" in said) == (1, True)
    code, said = sandbox.run("sandbox", "reset", "--yes")
    assert (code, "止めてから" in said) == (1, True)

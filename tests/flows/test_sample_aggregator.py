"""The whole story as a newcomer sees it at /sample: a real server, asked over loopback by its own sample aggregator.

One worker serves both, so that an answer also shows that a server that asks itself does not wait for itself. Each test
is a visitor of its own; the customers are those of the sample.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.visitor import Visitor
from tests.support.server import COMMAND, Server, running_server


@dataclass(frozen=True)
class Sandbox:
    """The served sample, and its command line on the same data."""

    server: Server
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [COMMAND[0], *arguments], env=dict(self.environment), capture_output=True, text=True, check=True
        )
        return done.stdout

    def password(self, number: str) -> str:
        """As the server said it at its start."""
        found = re.search(rf"{number}\D.*?(mihon-\w{{4}}-\w{{4}})", self.server.log)
        assert found is not None, self.server.log
        return found[1]

    def log_in(self, visitor: Visitor, number: str) -> None:
        """From the home page of みほん家計簿 to the consent page."""
        visitor.open(f"{self.server.url}/sample")
        assert "みほん信用組合とつなぐ" in visitor.text
        visitor.open(f"{self.server.url}/sample/connect")
        login = visitor.form("password")
        code = re.search(r"\d{6}", self.command("customer", "code", number))
        assert code is not None
        typed = {"customer_number": number, "password": self.password(number), "one_time_code": code[0]}
        visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])

    def connect(self, visitor: Visitor, number: str, *left_out: str) -> None:
        """The whole way, with everything ticked but `left_out`."""
        self.log_in(visitor, number)
        consent = visitor.form("terms")
        ticked = [(name, value) for name, value in consent.boxes if value not in left_out]
        visitor.submit(consent, [*consent.fields, *ticked, ("decision", "approve")])
        assert visitor.url == f"{self.server.url}/sample", visitor.text


@pytest.fixture(scope="module")
def sandbox(new_sample: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    own = {"MADOGUCHI_DATA_DIR": str(new_sample(tmp_path_factory.mktemp("sandbox") / "data"))}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    with running_server(own, "--sample") as server:
        yield Sandbox(server, {**inherited, **own, "MADOGUCHI_ISSUER": server.url})


@pytest.fixture
def visitor(sandbox: Sandbox) -> Iterator[Visitor]:
    with Visitor(sandbox.server.url) as one:
        yield one


@pytest.mark.clause("1-1")
@pytest.mark.clause("5-1")
@pytest.mark.clause("6-1")
def test_a_newcomer_connects_sees_balances_history_and_chart_and_ends_it(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.connect(visitor, "10000001")
    page = visitor.text
    assert "みほん信用組合とつながりました" in page
    assert re.search(r"合計残高（3口座） [\d,]+ 円 \d+月\d+日 \d+時現在", page)
    assert "最近の入出金（新しい順に10件）" in page
    assert "残高の動きのグラフ" in page
    assert "<svg" in visitor.page
    assert "定期預金・融資 つなげるのは、普通預金と当座預金だけです（規定 第2条第2項）。" in page
    assert "…\u20601122" not in page, "her time deposit"

    ending = visitor.form("form_token")
    visitor.submit(ending, ending.fields)
    assert "登録を終えました" in visitor.text
    (registration,) = json.loads(sandbox.command("registration", "list", "--customer", "10000001", "--all", "--json"))
    assert (registration["state"], registration["ended_cause"]) == ("ended", "stopped_by_aggregator")


@pytest.mark.clause("4-3")
def test_what_the_customer_did_not_choose_is_not_there_and_the_page_says_so(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.connect(visitor, "10000002", "balances")
    assert "残高は受け取っていません。" in visitor.text
    assert "明細から残高を計算できる情報も届きません（規定 第4条第3項）" in visitor.text
    assert "最近の入出金" in visitor.text
    assert '<svg class="chart"' not in visitor.page


def test_a_customer_who_does_not_agree_comes_back_without_anything(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.log_in(visitor, "10000004")
    consent = visitor.form("terms")
    visitor.submit(consent, [*consent.fields, ("decision", "deny")])
    assert visitor.url == f"{sandbox.server.url}/sample"
    assert "「同意しない」をお選びになりました" in visitor.text


@pytest.mark.clause("2-1")
def test_a_closed_counter_is_told_and_opening_it_serves_again(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.connect(visitor, "10000005")
    sandbox.command("service", "close")
    try:
        visitor.open(f"{sandbox.server.url}/sample")
        assert "いまは受け取れません" in visitor.text
        assert "みほん信用組合との登録は続いています。" in visitor.text
    finally:
        sandbox.command("service", "open")
    visitor.open(f"{sandbox.server.url}/sample")
    assert "合計残高" in visitor.text


@pytest.mark.clause("5-2")
def test_a_registration_that_the_credit_union_stopped_reads_nothing_any_more(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    sandbox.connect(visitor, "10000006")
    (registration,) = json.loads(sandbox.command("registration", "list", "--customer", "10000006", "--json"))
    sandbox.command("registration", "stop", registration["registration_id"])
    visitor.open(f"{sandbox.server.url}/sample")
    assert "つながりが終わっています" in visitor.text
    assert "合計残高" not in visitor.text

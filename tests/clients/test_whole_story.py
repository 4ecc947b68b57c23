"""The whole story, in a real browser and over real HTTP, from the pushed request to the refused query.

An officer designates an aggregator at the command line; the customer logs in, consents and comes back; the aggregator
reads; its use is on record and explained; it ends the registration and reads no more (1-2-2, 4-1, 4-2, 4-3, 5-1).
The same with a client nobody here wrote is test_openid_client.py, with the sample aggregator
tests/flows/test_sample_aggregator.py.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from tests.fapi.jwts import Assertions, digest, ec_key, proof
from tests.support.server import Server, running_server

MADOGUCHI = str(Path(sys.executable).parent / "madoguchi")
VERIFIER = "a-verifier-of-more-than-forty-three-characters"
STATE = "a state & its=sign"
QUERY = """{
  registration { lastDay scopes }
  accounts { id type branch { name } number
    balance { current freshness { asOf completeness } }
    transactions(first: 5) { nodes { bookedOn amount direction balanceAfter } statement { count } } } }"""


@dataclass
class Aggregator:
    """An aggregator's own server: its key, its callback address, and what came back to it."""

    port: int = 0
    key: ECKey = field(default_factory=lambda: ec_key(kid="k1"))
    proof_key: ECKey = field(default_factory=ec_key)
    client_id: str = ""
    issuer: str = ""
    came_back: list[dict[str, list[str]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """No two aggregators in force have one name."""
        return f"みほん帳{self.port}"

    @property
    def callback(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback"

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form to the authorization server, authenticated, with a proof."""
        at, url = datetime.now(UTC), self.issuer + path
        sent = {**Assertions(self.client_id, self.key, self.issuer).form(at), **fields}
        return httpx.post(url, data=sent, headers={"DPoP": proof(self.proof_key, "POST", url, at)})

    def read(self, token: str) -> httpx.Response:
        url = f"{self.issuer}/graphql"
        proven = proof(self.proof_key, "POST", url, datetime.now(UTC), token)
        return httpx.post(url, json={"query": QUERY}, headers={"Authorization": f"DPoP {token}", "DPoP": proven})


@contextmanager
def open_for_callbacks(aggregator: Aggregator) -> Iterator[None]:
    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/callback":
                aggregator.came_back.append(parse_qs(address.query))
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(
                '<!doctype html><html lang=ja><link rel=icon href="data:,"><title>みほん帳</title>'
                "<p>戻りました".encode()
            )

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Callback)
    aggregator.port = listener.server_port
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield
    listener.shutdown()
    listener.server_close()
    thread.join()


@dataclass(frozen=True)
class Office:
    """The credit union as it runs, and its command line on the same records."""

    server: Server
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        done = subprocess.run([MADOGUCHI, *arguments], env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """On SQLite with one worker; on PostgreSQL with two, so that any step may meet another process."""
    own = {"MADOGUCHI_DATA_DIR": str(tmp_path_factory.mktemp("installation") / "data")}
    workers = "1"
    if request.param == "postgresql":
        name = request.getfixturevalue("new_postgres_database")("template0")
        own["MADOGUCHI_DATABASE_URL"] = request.getfixturevalue("postgres").url(name)
        workers = "2"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    with running_server(own, "--sample", "--workers", workers) as server:
        yield Office(server, {**inherited, **own})


@pytest.fixture
def aggregator(office: Office, tmp_path: Path) -> Iterator[Aggregator]:
    one = Aggregator(issuer=office.server.url)
    with open_for_callbacks(one):
        jwks = tmp_path / "jwks.json"
        jwks.write_text(json.dumps({"keys": [one.key.as_dict(private=False)]}))
        added = office.command(
            "aggregator", "add", "--name", one.name, "--jwks", str(jwks), "--redirect-uri", one.callback,
            "--scope", "accounts balances transactions", "--json",
        )  # fmt: skip
        one.client_id = json.loads(added)["client_id"]
        yield one


def push(aggregator: Aggregator) -> str:
    """PAR; returns where the customer's browser is sent."""
    pushed = aggregator.post(
        "/par",
        response_type="code",
        redirect_uri=aggregator.callback,
        scope="accounts balances transactions",
        state=STATE,
        code_challenge=digest(VERIFIER),
        code_challenge_method="S256",
    )
    assert pushed.status_code == 201, pushed.text
    return f"{aggregator.issuer}/authorize?client_id={aggregator.client_id}&request_uri={pushed.json()['request_uri']}"


def log_in(page: Page, office: Office, number: str) -> None:
    """With the password that the welcome printed. A one-time code serves once, so each test has its own customer."""
    found = re.search(rf"{number}\D.*?(mihon-[a-z2-7]{{4}}-[a-z2-7]{{4}})", office.server.log)
    assert found is not None, office.server.log
    page.get_by_label("お客さま番号").fill(number)
    page.get_by_label("パスワード", exact=True).fill(found[1])
    code = office.command("customer", "code", number)
    page.get_by_label("ワンタイムパスワード").fill(code.strip())
    page.get_by_role("button", name="ログイン").click()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390])
@pytest.mark.clause("4-2")
def test_what_the_customer_allowed_is_read_recorded_explained_and_ended(
    page: Page, office: Office, aggregator: Aggregator
) -> None:
    page.goto(push(aggregator))
    log_in(page, office, "10000001")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"「{aggregator.name}」に、口座の情報を見せますか？")
    assert page.get_by_role("checkbox", checked=True).count() == 0
    page.get_by_role("checkbox", name=re.compile("普通預金.*4567")).check()
    for name in ("残高照会", "入出金明細照会", "利用契約を結んでいます", "に同意します", "リスクを理解し"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="同意して連携する").click()
    page.wait_for_url(f"{aggregator.callback}?**")

    (answer,) = aggregator.came_back
    assert (answer["iss"], answer["state"]) == ([office.server.url], [STATE])
    redeemed = aggregator.post(
        "/token",
        grant_type="authorization_code",
        code=answer["code"][0],
        redirect_uri=aggregator.callback,
        code_verifier=VERIFIER,
    )
    assert redeemed.status_code == 200, redeemed.text
    tokens = redeemed.json()
    assert tokens["token_type"] == "DPoP"

    read = aggregator.read(tokens["access_token"])
    assert read.status_code == 200
    (account,) = read.json()["data"]["accounts"]
    assert (account["type"], account["branch"]["name"]) == ("ORDINARY", "本店営業部")
    (withheld,) = read.json()["errors"]  # its contract lists no account number
    assert (account["number"], withheld["path"]) == (None, ["accounts", 0, "number"])
    assert withheld["extensions"]["clause"] == "4-3"
    rows = account["transactions"]["nodes"]
    assert len(rows) == account["transactions"]["statement"]["count"] == 5
    assert rows[0]["balanceAfter"] == account["balance"]["current"]

    told = json.loads(office.command("explain", read.headers["x-request-id"], "--json"))
    assert told["record"]["outcome"] == "answered"
    assert {answer["rule"] for answer in told["answers"] if answer["refusals"]} == {"may_identify"}
    assert "accounts[1].balance.current" in told["record"]["answered"]

    assert aggregator.post("/revoke", token=tokens["refresh_token"]).status_code == 200
    refused = aggregator.read(tokens["access_token"])
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("DPoP ")
    assert refused.json()["errors"][0]["extensions"]["clause"] == "4-1"
    told = json.loads(office.command("explain", refused.headers["x-request-id"], "--json"))
    assert told["record"]["outcome"] == "refused"
    assert "stopped_by_aggregator" in office.command("registration", "list", "--all", "--json")


@pytest.mark.browser
def test_who_does_not_agree_is_sent_back_with_nothing_but_that(
    page: Page, office: Office, aggregator: Aggregator
) -> None:
    page.goto(push(aggregator))
    log_in(page, office, "10000002")
    page.get_by_role("button", name="同意しない").click()
    page.wait_for_url(f"{aggregator.callback}?**")
    assert aggregator.came_back == [{"error": ["access_denied"], "state": [STATE], "iss": [office.server.url]}]

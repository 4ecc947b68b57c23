"""Nothing of anybody's data, and no secret, is found in the server's log or in an error (security.md 13).

The real server is led through every flow, refused ones and bugs included (a table is taken away under it), with values
that can be recognised: what customers, the aggregator and the books put in, and every secret that was handed out. All
that is personal in the database is looked for as well.
"""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.clients.visitor import Visitor
from tests.fapi.jwts import Assertions, digest, ec_key, proof
from tests.support.server import Server, free_port, running_server

MADOGUCHI = str(Path(sys.executable).parent / "madoguchi")
CALLBACK = "https://kakeibo.example/canary-callback"
VERIFIER = "canary-verifier-of-more-than-forty-three-characters"
QUERY = """query CanaryOperation($canaryVariable: Int!) { canaryAlias: accounts { id number holderKana branch { name }
  balance { current } transactions(first: $canaryVariable) { nodes { id description counterparty } } } }"""
PERSONAL = (
    "SELECT customer_number FROM customer", "SELECT name FROM customer", "SELECT name_kana FROM customer",
    "SELECT phrase FROM customer", "SELECT mail_address FROM customer", "SELECT number FROM account",
    "SELECT holder_kana FROM account", "SELECT description_raw FROM ledger_row", "SELECT counterparty FROM ledger_row",
)  # fmt: skip
INTERNAL = ("sqlite", "SELECT ", "Traceback", "site-packages", "access_record", "aiosqlite")


@dataclass
class Flow:
    """The server, an aggregator at it, every secret seen, and every answer that was an error."""

    server: Server
    records: Path
    environment: dict[str, str]
    key: ECKey = field(default_factory=lambda: ec_key(kid="k1"))
    proof_key: ECKey = field(default_factory=ec_key)
    client_id: str = ""
    secrets: set[str] = field(default_factory=set)
    errors: list[httpx.Response] = field(default_factory=list)

    def command(self, *arguments: str) -> str:
        return subprocess.run(
            [MADOGUCHI, *arguments], env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        sent = {"user-agent": "canary-agent", "x-canary": "canary-header", "cookie": "canary=canary-cookie"}
        answer = httpx.request(method, self.server.url + path, headers=sent | (headers or {}), timeout=30, **how)
        if answer.status_code >= 400 or "errors" in answer.text:
            self.errors.append(answer)
        return answer

    def form(self, path: str, **fields: str) -> httpx.Response:
        at, url = datetime.now(UTC), self.server.url + path
        authentication = Assertions(self.client_id, self.key, self.server.url).form(at)
        shown = proof(self.proof_key, "POST", url, at)
        self.secrets |= {authentication["client_assertion"], shown}
        return self.send("POST", path, {"dpop": shown}, data=authentication | fields)

    def query(self, token: str, text: str = QUERY, rows: int = 5) -> httpx.Response:
        shown = proof(self.proof_key, "POST", f"{self.server.url}/graphql", datetime.now(UTC), token)
        self.secrets |= {token, shown}
        headers = {"authorization": f"DPoP {token}", "dpop": shown, "x-fapi-customer-ip-address": "203.0.113.77"}
        return self.send("POST", "/graphql", headers, json={"query": text, "variables": {"canaryVariable": rows}})

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """A bug: the table is away."""
        self._sql(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            self._sql(f"ALTER TABLE {table}_away RENAME TO {table}")

    def personal(self) -> set[str]:
        """All that is about a customer in the books and long enough to be no accident."""
        with sqlite3.connect(self.records) as books:
            found = {str(value) for statement in PERSONAL for (value,) in books.execute(statement) if value}
        return {value for value in found if len(value.encode()) >= 6}

    def _sql(self, statement: str) -> None:
        books = sqlite3.connect(self.records, timeout=30)
        books.execute("PRAGMA legacy_alter_table = ON")
        books.execute(statement)
        books.commit()
        books.close()


@pytest.fixture
def flow(new_sample: Callable[[Path], Path], tmp_path: Path) -> Iterator[Flow]:
    data = new_sample(tmp_path / "data")
    own = {"MADOGUCHI_DATA_DIR": str(data), "MADOGUCHI_OPERATION_PORT": str(free_port()), "PATH": "/usr/bin:/bin"}
    with running_server(own, "--sample") as server:
        one = Flow(server, data / "madoguchi.db", own | {"MADOGUCHI_ISSUER": server.url})
        jwks = tmp_path / "jwks.json"
        jwks.write_text(json.dumps({"keys": [one.key.as_dict(private=False)]}))
        added = one.command(
            "aggregator", "add", "--name", "カナリア帳", "--jwks", str(jwks), "--redirect-uri", CALLBACK,
            "--scope", "accounts balances transactions", "--json",
        )  # fmt: skip
        one.client_id = json.loads(added)["client_id"]
        yield one


def push(flow: Flow) -> str:
    pushed = flow.form(
        "/par", response_type="code", redirect_uri=CALLBACK, scope="accounts balances transactions",
        state="canary-state", code_challenge=digest(VERIFIER), code_challenge_method="S256",
    )  # fmt: skip
    assert pushed.status_code == 201, pushed.text
    request_uri: str = pushed.json()["request_uri"]
    flow.secrets.add(request_uri.rsplit(":", 1)[1])
    return f"{flow.server.url}/authorize?client_id={flow.client_id}&request_uri={quote(request_uri, safe='')}"


def agree(flow: Flow, number: str) -> str:
    """Log in at the second try, and agree; returns the code."""
    found = re.search(rf"{number}\D.*?(mihon-[a-z2-7]{{4}}-[a-z2-7]{{4}})", flow.server.log)
    assert found is not None
    code = flow.command("customer", "code", number).strip()
    flow.secrets |= {found[1], code}
    with Visitor(flow.server.url) as visitor:
        visitor.open(push(flow))
        for password in ("canary-password", found[1]):
            typed = {"customer_number": number, "password": password, "one_time_code": code}
            login = visitor.form("password")
            flow.secrets |= {value for name, value in login.fields if len(value) > 15}
            visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])
        consent = visitor.form("terms")
        flow.secrets |= {value for _, value in consent.fields if len(value) > 15}
        boxes = {name for name, _ in consent.boxes}
        back = visitor.submit(consent, [*consent.ticked(*boxes), ("decision", "approve")])
    (code,) = parse_qs(urlsplit(back).query)["code"]
    return code


def lead_through_everything(flow: Flow) -> None:
    """Good and refused, in the order of the flows; then the bugs."""
    code = agree(flow, "10000001")
    asked = {"redirect_uri": CALLBACK, "code": code}
    flow.form("/token", grant_type="authorization_code", code_verifier="canary-" + VERIFIER, **asked)
    code = agree(flow, "10000002")
    asked = {"redirect_uri": CALLBACK, "code": code}
    tokens = flow.form("/token", grant_type="authorization_code", code_verifier=VERIFIER, **asked).json()
    flow.secrets |= {code, tokens["access_token"], tokens["refresh_token"]}
    refreshed = flow.form("/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    token = refreshed.json()["access_token"]
    flow.secrets.add(token)
    read = flow.query(token, rows=50)
    assert any(value in read.text for value in flow.personal())  # what is looked for below did leave by the right way

    flow.query(token, text="{ canaryField }")
    flow.query(token, text="{ accounts { canary\x1b[31mfield } }")
    flow.query(token, text='{ account(id: "canary-id") { id } }')
    flow.query("canary-token")
    flow.form("/token", grant_type="refresh_token", refresh_token="canary-refresh")
    flow.form("/par", redirect_uri="https://canary.example/", response_type="canary", scope="canary")
    flow.send("GET", "/canary-path/1234567?canary-query=1#canary")
    flow.send("GET", "/authorize?client_id=canary&request_uri=canary-request")
    flow.send("POST", "/login", data={"customer_number": "77777777", "password": "canary-password"})
    flow.send("CANARY", "/graphql")
    flow.send("POST", "/graphql", {"content-type": "application/json"}, content=b'{"query": "canary')
    report = {"csp-report": {"effective-directive": "script-src", "document-uri": "https://x/canary-document"}}
    flow.send("POST", "/csp-report", {"content-type": "application/csp-report"}, content=json.dumps(report))

    with flow.without("balance"):
        assert flow.query(token).status_code == 500
    with flow.without("access_record"):
        assert flow.query(token).status_code == 500
    with flow.without("used_once"):
        assert flow.form("/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 500
    with Visitor(flow.server.url) as visitor:
        visitor.open(push(flow))
        login = visitor.form("password")
        typed = {"customer_number": "10000004", "password": "canary-password", "one_time_code": "123456"}
        with flow.without("customer"):
            visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])
    assert flow.form("/revoke", token=tokens["refresh_token"]).status_code == 200
    flow.query(token)


def test_no_log_line_and_no_error_holds_anybodys_data_or_a_secret(flow: Flow) -> None:
    lead_through_everything(flow)
    operators = f"http://127.0.0.1:{flow.environment['MADOGUCHI_OPERATION_PORT']}"
    told = "\n".join(httpx.get(operators + path).text for path in ("/metrics", "/health/ready", "/health/live"))
    assert 'madoguchi_refusals_total{clause="4-2"' in told
    assert flow.server.terminate() == 0

    lines = flow.server.log.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("終わるには"))
    events = [json.loads(line) for line in lines[begin + 1 :] if not line.startswith("終わりました")]
    assert {"request", "refused", "request failed", "login"} <= {event["event"] for event in events}
    log = "\n".join(json.dumps(event, ensure_ascii=False) for event in events)
    personal = flow.personal()
    assert len(personal) > 50
    for secret in flow.secrets | personal:
        assert secret not in log
        assert secret not in told
    assert re.findall("(?i).*canary.*|.*カナリア.*|.*203[.]0[.]113.*", log + told) == []
    # Every line of a request names it as its answer did; a sweep is none, and what cannot be read never becomes one.
    named = {answer.headers.get("x-request-id") for answer in flow.errors} - {None}
    assert len(named) > 10
    assert named <= {event.get("request_id") for event in events}
    unnamed = {event["event"] for event in events if "request_id" not in event}
    assert unnamed <= {"sweep failed", "Invalid HTTP request received."}
    for answer in flow.errors:
        leaked = {secret for secret in flow.secrets if secret in answer.text}
        assert not leaked, answer.url.path
        assert not [word for word in INTERNAL if word in answer.text]
    failures = [answer for answer in flow.errors if answer.status_code == 500]
    assert len(failures) >= 3
    assert not [value for answer in failures for value in personal if value in answer.text]

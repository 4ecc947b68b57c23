"""The whole story with a client nobody here wrote: npm's openid-client against the real command, over real sockets.

`madoguchi serve --sample` serves, `madoguchi aggregator add` registers it, the customer uses the pages, and every
proof, assertion, challenge and `iss` is made and checked by the client by itself.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.clients.visitor import Visitor
from tests.support.server import Server, running_server

HERE = Path(__file__).parent
BINARIES = Path(sys.executable).parent
CALLBACK = "https://kakeibo.example/callback"
QUERY = "{ service { open } accounts { id balance { current } } }"


@dataclass(frozen=True)
class Credit:
    """The served credit union, and its command line on the same data."""

    server: Server
    environment: Mapping[str, str]
    passwords: Mapping[str, str]
    customers: Iterator[str]  # a one-time code serves once: each story has a customer of its own

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(BINARIES / "madoguchi"), *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


class NodeClient:
    """aggregator.mjs in a process of its own."""

    def __init__(self, **settings: Any) -> None:
        self._process = subprocess.Popen(
            [str(BINARIES / "node"), str(HERE / "aggregator.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.ask("connect", **settings) == {}

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **values}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def credit_union(
    new_sample: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Credit]:
    own = {"MADOGUCHI_DATA_DIR": str(new_sample(tmp_path_factory.mktemp("installation") / "data"))}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MADOGUCHI_")}
    with running_server(own, "--sample") as server:
        environment = {**inherited, **own, "MADOGUCHI_ISSUER": server.url}
        passwords = dict(re.findall(r"(\d{8})\D.*?(mihon-[a-z2-7]{4}-[a-z2-7]{4})", server.log))
        yield Credit(server, environment, passwords, iter(("10000001", "10000002", "10000004")))


@pytest.fixture(params=["ES256", "PS256", "EdDSA"])
def client(request: pytest.FixtureRequest, credit_union: Credit, tmp_path: Path) -> Iterator[NodeClient]:
    """Registered with one command, and connected."""
    keys: dict[str, Key] = {
        "ES256": ECKey.generate_key("P-256", {"kid": "k1"}),
        "PS256": RSAKey.generate_key(2048, {"kid": "k1"}),
        "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "k1"}),
    }
    key = keys[request.param]
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    added = credit_union.command(
        "aggregator", "add", "--name", f"みほん会計簿 {request.node.name}",
        "--jwks", str(jwks), "--redirect-uri", CALLBACK,
        "--scope", "accounts balances transactions", "--json",
    )  # fmt: skip
    one = NodeClient(
        issuer=credit_union.server.url, client_id=json.loads(added)["client_id"], key=key.as_dict(private=True),
        alg=request.param, redirect_uri=CALLBACK, scope="accounts balances transactions",
    )  # fmt: skip
    yield one
    one.close()


def agree(credit_union: Credit, url: str) -> str:
    """The customer logs in, chooses all that can be chosen, and agrees; returns where she is sent."""
    with Visitor(credit_union.server.url) as visitor:
        visitor.open(url)
        login = visitor.form("password")
        number = next(credit_union.customers)
        code = re.search(r"\d{6}", credit_union.command("customer", "code", number))
        assert code is not None
        typed = {
            "customer_number": number,
            "password": credit_union.passwords[number],
            "one_time_code": code[0],
        }
        visitor.submit(login, [(name, typed.get(name, value)) for name, value in login.fields])
        consent = visitor.form("terms")
        names = {name for name, _ in consent.boxes}
        return visitor.submit(consent, [*consent.ticked(*names), ("decision", "approve")])


def test_a_foreign_client_does_the_whole_story(credit_union: Credit, client: NodeClient) -> None:
    api = f"{credit_union.server.url}/graphql"
    started = client.ask("start")
    assert started["url"].startswith(f"{credit_union.server.url}/authorize?")
    callback = agree(credit_union, started["url"])
    assert callback.startswith(f"{CALLBACK}?code=")

    tokens = client.ask("finish", callback=callback)
    assert tokens == {"scope": "accounts balances transactions", "token_type": "dpop", "expires_in": 300}
    answer = client.ask("query", url=api, query=QUERY)
    assert answer["status"] == 200
    assert "errors" not in answer["body"], answer["body"]
    assert answer["body"]["data"]["accounts"]
    assert answer["request_id"] in credit_union.command("explain", answer["request_id"])

    renewed = client.ask("refresh", scope="accounts balances")
    assert renewed == {"scope": "accounts balances", "rotated": False}
    assert client.ask("query", url=api, query=QUERY)["status"] == 200

    assert client.ask("revoke", token="refresh_token") == {}
    assert client.ask("query", url=api, query=QUERY) == {"error": "invalid_token", "status": 401}
    assert client.ask("refresh") == {"error": "invalid_grant", "status": 400}


def test_a_foreign_client_reads_all_it_needs_from_the_metadata(credit_union: Credit, client: NodeClient) -> None:
    """RFC 8414."""
    known = client.ask("metadata")
    assert known["issuer"] == credit_union.server.url
    assert known["require_pushed_authorization_requests"] is True

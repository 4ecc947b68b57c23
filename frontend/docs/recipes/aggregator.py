"""A small aggregator (API連携事業者) in one file, with httpx and joserfc.

    python aggregator.py keys       make its keys: keys.json stays here, jwks.json goes to the credit union
    python aggregator.py connect    send the customer to the consent page, then read
    python aggregator.py read       accounts, balances and the newest movements
    python aggregator.py sync       keep a copy of the history: what came, changed or was withdrawn
    python aggregator.py end        end the registration (利用登録)

What it knows lies beside you: client.json (from the credit union), keys.json (private), tokens.json (one customer's),
copy.json (the history). A real service keeps all of it in its own vault, and the last two for each customer.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

READ = """query Read {
  accounts {
    branch { name }
    type
    balance { current freshness { asOf completeness } }
    transactions(first: 5) { nodes { bookedOn direction amount description } }
  }
}"""
ACCOUNTS = "query Accounts { accounts { id branch { name } type } }"
CHANGES = """query Changes($account: ID!, $after: String) {
  changes(account: $account, first: 500, after: $after) {
    removed { id }
    added { ...row }
    corrected { ...row }
    cursor
    hasMore
    period { from }
  }
}
fragment row on Transaction { id bookedOn orderInDay direction amount description }"""
LONGEST_WAIT = 30  # seconds; told to wait for longer, this program gives up, and a real one comes back then


class Refused(Exception):
    """The credit union said no, and waiting a little does not help."""


class Over(Refused):
    """The registration serves nothing any more: only the customer can make a new one."""


class Aggregator:
    """This client at its credit union, and the one registration that it holds."""

    def __init__(self) -> None:
        client, keys = load("client.json"), load("keys.json")
        if client is None or keys is None:
            raise Refused("run `keys`, then save as client.json what `madoguchi aggregator add … --json` prints")
        self.client_id, self.issuer, self.scope = client["client_id"], client["issuer"], client["scope"]
        self.redirect_uri = client["redirect_uris"][0]
        self.client_key, self.proof_key = (ECKey.import_key(keys[name]) for name in ("client", "proof"))
        self.http = httpx.Client(timeout=30, trust_env=False)
        self.server = self.http.get(f"{self.issuer}/.well-known/oauth-authorization-server").json()
        if self.server["issuer"] != self.issuer:  # RFC 8414 section 3.3
            raise Refused(f"{self.issuer} calls itself {self.server['issuer']}")
        self.api = self.server["protected_resources"][0]

    # [connect]
    def connect(self) -> None:
        """Push the request, wait for the customer to come back, redeem the code."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with Callback(self.redirect_uri, state) as callback:
            pushed = self.post(
                "pushed_authorization_request_endpoint",
                response_type="code", redirect_uri=self.redirect_uri, scope=self.scope, state=state,
                code_challenge=s256(verifier), code_challenge_method="S256",
            )  # fmt: skip
            query = urlencode({"client_id": self.client_id, "request_uri": pushed["request_uri"]})
            print("Within 90 seconds open this address in a browser, log in as the customer, and agree:")
            print(f"\n  {self.server['authorization_endpoint']}?{query}\n", flush=True)
            answer = callback.wait()
        if answer.get("iss") != self.issuer:  # RFC 9207: what another server answered is not for us
            raise Refused("the answer is not from this credit union")
        if "error" in answer:
            raise Refused(f"the customer came back without a registration: {answer['error']}")
        save("tokens.json", self.redeem(
            grant_type="authorization_code", code=answer["code"], code_verifier=verifier,
            redirect_uri=self.redirect_uri,
        ))  # fmt: skip
        print(f"Registered. The customer allowed: {self.tokens['scope']}")
    # [/connect]

    def refresh(self) -> None:
        """A new access token. The refresh token stays the same until the registration ends."""
        old = self.tokens["refresh_token"]
        save("tokens.json", {**self.tokens, **self.redeem(grant_type="refresh_token", refresh_token=old)})

    def redeem(self, **form: str) -> dict[str, Any]:
        given = self.post("token_endpoint", **form)
        if given["token_type"].lower() != "dpop":
            raise Refused("a token that anybody could use is not taken")
        return {**given, "expires_at": time.time() + given["expires_in"]}

    def end(self) -> None:
        """Revoke the refresh token: the registration ends (RFC 7009, clause 5-1)."""
        self.post("revocation_endpoint", token=self.tokens["refresh_token"])
        Path("tokens.json").unlink()
        print("The registration has ended.")

    @property
    def tokens(self) -> dict[str, Any]:
        tokens: dict[str, Any] | None = load("tokens.json")
        if tokens is None:
            raise Over("there is no registration")
        return tokens

    # [ask]
    def ask(self, query: str, **variables: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Data and errors of one operation. A token that has run out is renewed, and after a 401 once more."""
        if self.tokens["expires_at"] < time.time() + 10:
            self.refresh()
        answer = self.query(query, variables)
        if answer.status_code == 401:
            self.refresh()  # raises Over when the registration has ended
            answer = self.query(query, variables)
        body = answer.json()
        if "data" not in body:
            raise Refused(told(body["errors"]))
        return body["data"], body.get("errors", [])

    def query(self, query: str, variables: dict[str, Any]) -> httpx.Response:
        token = self.tokens["access_token"]

        def request() -> httpx.Request:
            headers = {
                "Accept": "application/graphql-response+json",
                "Authorization": f"DPoP {token}",
                "DPoP": self.proof(self.api, token),
                # The address of the customer who is looking; leave it out when nobody is (an unattended call).
                "x-fapi-customer-ip-address": "203.0.113.7",
            }
            asked = {"query": query, "variables": variables}
            return self.http.build_request("POST", self.api, headers=headers, json=asked)

        return self.send(request)
    # [/ask]

    def post(self, endpoint: str, **form: str) -> dict[str, Any]:
        """POST a form to the authorization server, as this client and with a proof of possession."""
        url = self.server[endpoint]

        def request() -> httpx.Request:
            client = {
                "client_id": self.client_id,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.assertion(),
            }
            return self.http.build_request("POST", url, headers={"DPoP": self.proof(url)}, data={**form, **client})

        answer = self.send(request)
        body: dict[str, Any] = answer.json() if answer.content else {}
        if answer.is_success:
            return body
        why = f"{body['error']} {body.get('error_description', '')}".strip()
        raise Over(why) if body["error"] == "invalid_grant" else Refused(why)

    # [send]
    def send(self, request: Callable[[], httpx.Request]) -> httpx.Response:
        """Send it. Told to wait (429, 503) it waits and makes a new request: proofs and assertions serve once."""
        waited = 0
        while True:
            answer = self.http.send(request())
            if answer.status_code not in (429, 503):
                return answer
            wait = int(answer.headers.get("Retry-After", "5"))
            waited += wait
            if waited > LONGEST_WAIT:
                raise Refused(f"HTTP {answer.status_code}, come back in {wait} seconds: {answer.text}")
            time.sleep(wait)
    # [/send]

    # [proof]
    def assertion(self) -> str:
        """private_key_jwt (RFC 7523): who we are, told to this issuer alone, once, for a minute."""
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now, "exp": now + 60}
        header = {"alg": "ES256", "kid": self.client_key.kid}
        return jwt.encode(header, {**claims, "jti": secrets.token_urlsafe(16)}, self.client_key)

    def proof(self, url: str, access_token: str = "") -> str:
        """A DPoP proof (RFC 9449): we hold the key, for this one POST; `ath` names the token that goes with it."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.proof_key.as_dict(private=False)}
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": url, "iat": int(time.time())}
        return jwt.encode(header, {**claims, "ath": s256(access_token)} if access_token else claims, self.proof_key)
    # [/proof]


def connect(aggregator: Aggregator) -> None:
    aggregator.connect()
    read(aggregator)


def read(aggregator: Aggregator) -> None:
    """Show what may be read, always with the moment it held (clause 6-1)."""
    data, errors = aggregator.ask(READ)
    if data["accounts"] is None:
        raise Refused(told(errors))
    for account in data["accounts"]:
        balance, history = account["balance"], account["transactions"]
        print(f"\n{account['branch']['name']} {account['type']}")
        if balance:
            fresh = balance["freshness"]
            print(f"  balance {balance['current']:,} yen as of {fresh['asOf']} ({fresh['completeness']})")
        for row in history["nodes"] if history else []:
            amount = row["amount"] if row["direction"] == "DEPOSIT" else -row["amount"]
            print(f"  {row['bookedOn']} {amount:>+12,}  {row['description']}")
    if errors:
        print(f"\nNot given: {told(errors)}")


# [sync]
def sync(aggregator: Aggregator) -> None:
    """Keep a copy of each account's history: rows by id, and the cursor to go on from."""
    copies = load("copy.json") or {}
    data, errors = aggregator.ask(ACCOUNTS)
    if errors:
        raise Refused(told(errors))
    for account in data["accounts"]:
        copy = copies.setdefault(account["id"], {"cursor": None, "rows": {}})
        more, came, gone = True, 0, 0
        while more:
            data, errors = aggregator.ask(CHANGES, account=account["id"], after=copy["cursor"])
            if any(error["extensions"]["code"] == "CURSOR_EXPIRED" for error in errors):
                copy.update(cursor=None, rows={})  # forget the account's rows and begin again
                continue
            if errors:
                raise Refused(told(errors))
            changes, rows = data["changes"], copy["rows"]
            for row in changes["removed"]:
                gone += rows.pop(row["id"], None) is not None
            for row in changes["added"] + changes["corrected"]:
                rows[row["id"]] = row
                came += 1
            first = changes["period"]["from"]
            copy.update(cursor=changes["cursor"], rows={i: row for i, row in rows.items() if row["bookedOn"] >= first})
            save("copy.json", copies)  # rows and cursor together
            more = changes["hasMore"]
        name = f"{account['branch']['name']} {account['type']}"
        print(f"{name}: {came} new or changed, {gone} withdrawn, {len(copy['rows'])} held")
# [/sync]


def told(errors: list[dict[str, Any]]) -> str:
    """Each reason once: code, clause, what to do, and when to come back."""
    lines = {}
    for error in errors:
        code, clause, at = (error["extensions"].get(name) for name in ("code", "clause", "retryAt"))
        lines[code] = f"{code} (clause {clause}): {error['message']}{f' retryAt is {at}.' if at else ''}"
    return "\n".join(lines.values())


class Callback(HTTPServer):
    """Our redirect URI, on this machine. What comes with another `state` is not of our request: it is not taken."""

    def __init__(self, redirect_uri: str, state: str) -> None:
        self.address, self.state, self.answer = urlsplit(redirect_uri), state, dict[str, str]()
        super().__init__((self.address.hostname or "", self.address.port or 80), CallbackPage)

    def wait(self) -> dict[str, str]:
        while not self.answer:
            self.handle_request()
        return self.answer


class CallbackPage(BaseHTTPRequestHandler):
    server: Callback

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        answer = {name: values[0] for name, values in parse_qs(asked.query).items()}
        ours = asked.path == self.server.address.path
        ours = ours and secrets.compare_digest(answer.get("state", "").encode(), self.server.state.encode())
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"Back at the aggregator. You may close this page." if ours else b"Nothing here.")
        if ours:
            self.server.answer = answer

    def log_message(self, *_: object) -> None:
        """Say nothing: the address holds the code."""


def make_keys() -> None:
    """One key says who we are; the other binds tokens to us. Only the public half of the first leaves this machine."""
    if load("keys.json"):
        raise Refused("keys.json is there already, and a registration may depend on it")
    keys = {name: ECKey.generate_key("P-256", {"kid": f"{name}-1"}) for name in ("client", "proof")}
    save("keys.json", {name: key.as_dict(private=True) for name, key in keys.items()})
    save("jwks.json", {"keys": [{**keys["client"].as_dict(private=False), "use": "sig", "alg": "ES256"}]})
    print("keys.json is yours alone; give jwks.json to the credit union.")


def s256(text: str) -> str:
    """base64url of the SHA-256, without padding: a PKCE challenge, and `ath`."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def load(name: str) -> Any:
    return json.loads(Path(name).read_text("utf-8")) if Path(name).exists() else None


def save(name: str, what: Any) -> None:
    """Write it whole or not at all, for its owner alone to read."""
    Path(f"{name}.new").unlink(missing_ok=True)
    with os.fdopen(os.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(what, file, ensure_ascii=False, indent=1)
    os.replace(f"{name}.new", name)


COMMANDS = {"connect": connect, "read": read, "sync": sync, "end": Aggregator.end}


def main(command: str = "") -> int:
    """0: done. 1: refused, or not reached. 2: no such command. 3: the customer has to register again."""
    try:
        if command == "keys":
            make_keys()
        elif command in COMMANDS:
            COMMANDS[command](Aggregator())
        else:
            print(__doc__)
            return 2
    except Over as over:
        print(f"Ask the customer to register (`connect`): {over}", file=sys.stderr)
        return 3
    except (Refused, OSError, httpx.TransportError) as failure:
        print(f"It did not work: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

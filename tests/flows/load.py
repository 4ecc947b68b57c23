"""Many customers of みほん家計簿 at once, and the aggregator's software that plays against a running server."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx
from sqlmodel import Session

from madoguchi import opaque
from madoguchi.records.bank import Account, Contract, Customer
from madoguchi.records.registrations import AuthorizationCode, Registration, RegistrationAccount
from madoguchi.rules.disclosure import IDENTIFIERS
from madoguchi.rules.registering import CONFIRMATIONS
from madoguchi.rules.registration_period import registration_until
from madoguchi.rules.vocabulary import AccountKind, Product, RegistrationState
from tests import story
from tests.fapi.jwts import Assertions, digest, proof
from tests.story import Registered, Story

VERIFIER = "verifier-" + "v" * 40
QUERY = "{ accounts { id balance { current } transactions(first: 20) { nodes { id amount } } } }"


def customers(session: Session, many: int) -> list[tuple[int, int, int]]:
    """So many further customers, each as customer, contract and one ordinary account."""
    made = []
    for number in range(many):
        customer = Customer(customer_number=f"2{number:07}", name="見本 太郎", name_kana="ﾐﾎﾝ ﾀﾛｳ", phrase="朝の海")
        session.add(customer)
        session.flush()
        who = customer.customer_id or 0
        contract = Contract(customer_id=who, product=Product.PERSONAL, state_since=story.NOW - timedelta(days=999))
        session.add(contract)
        session.flush()
        account = Account(
            customer_id=who,
            contract_id=contract.contract_id or 0,
            branch_code="002",
            kind=AccountKind.ORDINARY,
            number=f"{5000000 + number}",
            holder_kana="ﾐﾎﾝ ﾀﾛｳ",
            nickname="",
        )
        session.add(account)
        session.flush()
        made.append((who, contract.contract_id or 0, account.account_id or 0))
    return made


def registered(session: Session, told: Story, who: Iterable[tuple[int, int, int]]) -> list[Registered]:
    """A registration with tokens for each of these customers."""
    return [
        story.register(session, told, accounts=[account], customer=(customer, contract))
        for customer, contract, account in who
    ]


def consented(session: Session, told: Story, who: Iterable[tuple[int, int, int]]) -> list[str]:
    """The codes of these customers, who have just agreed."""
    codes = []
    for customer, contract, account in who:
        pending = Registration(
            registration_id=opaque.new_id("reg_"),
            grant_id=opaque.new_id("grant_"),
            aggregator_id=told.kakeibo,
            customer_id=customer,
            contract_id=contract,
            state=RegistrationState.PENDING,
            scopes=list(story.ALL_SCOPES),
            identifiers=list(IDENTIFIERS),
            terms_version=date(2026, 10, 1),
            terms_digest="0" * 64,
            confirmed=list(CONFIRMATIONS),
            logged_in_at=story.NOW,
            login_method="password+totp",
            registered_at=story.NOW,
            until=registration_until(story.NOW, 180),
        )
        session.add(pending)
        session.flush()
        session.add(RegistrationAccount(registration_id=pending.registration_id, account_id=account))
        codes.append(opaque.new_secret(opaque.AUTHORIZATION_CODE))
        session.add(
            AuthorizationCode(
                code_hash=opaque.stored(codes[-1]),
                registration_id=pending.registration_id,
                aggregator_id=told.kakeibo,
                redirect_uri=story.CALLBACK,
                code_challenge=digest(VERIFIER),
                issued_at=story.NOW,
                expires_at=story.NOW + timedelta(seconds=60),
            )
        )
    return codes


@dataclass(frozen=True)
class Software:
    """The aggregator's software; every call has an assertion and a proof of its own."""

    url: str
    told: Story
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30))

    async def query(self, token: str, text: str = QUERY) -> httpx.Response:
        headers = {"Authorization": f"DPoP {token}", "DPoP": self._proof("/graphql", token)}
        return await self.http.post(f"{self.url}/graphql", json={"query": text}, headers=headers)

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self._form("/token", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def redeem(self, code: str) -> httpx.Response:
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": story.CALLBACK}
        return await self._form("/token", {**sent, "code_verifier": VERIFIER})

    async def revoke(self, token: str) -> httpx.Response:
        return await self._form("/revoke", {"token": token})

    async def _form(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        who = Assertions(self.told.kakeibo_client, story.aggregator_key("みほん家計簿"), self.url).form(story.NOW)
        return await self.http.post(f"{self.url}{path}", data={**who, **fields}, headers={"DPoP": self._proof(path)})

    def _proof(self, path: str, token: str | None = None) -> str:
        return proof(story.proof_key(), "POST", self.url + path, story.NOW, token)


async def all_at_once(*calls: Any) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))

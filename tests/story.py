"""The one fictional credit union all tests speak about: みほん信用組合 on 24 November 2026, 14:02 JST.

見本花子 has an ordinary account …4567, a current account …3210, a savings-like ordinary one …8901 and a time deposit;
見本次郎 is another customer. みほん家計簿 is the aggregator, みほん会計 another one. Rows are put in directly;
the feeds have tests of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from joserfc.jwk import ECKey
from sqlalchemy import insert
from sqlmodel import Session, col, select

from madoguchi import opaque
from madoguchi.procedures.aggregators import AggregatorDetails, add_aggregator
from madoguchi.procedures.setting_up import set_up_institution
from madoguchi.procedures.terms import load_terms
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Account, Balance, Branch, Contract, Customer, FeedFile, Statement, Transaction
from madoguchi.records.registrations import AccessToken, RefreshToken, Registration, RegistrationAccount
from madoguchi.rules.disclosure import IDENTIFIERS
from madoguchi.rules.registering import CONFIRMATIONS
from madoguchi.rules.registration_period import registration_until
from madoguchi.rules.vocabulary import JST, AccountKind, Product, RegistrationState, Scope

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=JST)
FIRST_DAY = date(2025, 10, 24)
ISSUER = "http://127.0.0.1:8000"
CALLBACK = f"{ISSUER}/sample/callback"
SAMPLE = Path(__file__).parents[1] / "backend" / "sample"
ALL_SCOPES = (Scope.ACCOUNTS, Scope.BALANCES, Scope.TRANSACTIONS)


@lru_cache
def aggregator_key(name: str = "みほん家計簿") -> ECKey:
    """The key an aggregator authenticates with; one for a test process."""
    return ECKey.generate_key("P-256", {"kid": f"key of {len(name)}", "use": "sig", "alg": "ES256"})


@lru_cache
def proof_key(name: str = "みほん家計簿") -> ECKey:
    """The key an aggregator proves possession with (DPoP)."""
    return ECKey.generate_key("P-256")


@dataclass(frozen=True, slots=True)
class Story:
    """Ids of who and what is there. `ordinary`, `current`, `savings` and `time` are accounts of `hanako`."""

    hanako: int
    hanako_contract: int
    jiro: int
    jiro_contract: int
    ordinary: int
    current: int
    savings: int
    time: int
    jiro_ordinary: int
    kakeibo: str
    kakeibo_client: str
    kaikei: str
    kaikei_client: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration with its tokens in clear, as an aggregator holds them."""

    registration_id: str
    access_token: str
    refresh_token: str


def tell(session: Session, rows_a_day: int = 1) -> Story:
    """Put the whole credit union into an empty, migrated database."""
    # Without the timetable of feeds: a test that speaks of lateness sets its own.
    institution, _, _ = (SAMPLE / "institution.toml").read_bytes().partition(b"[[feeds]]")
    set_up_institution(session, institution, [(date(2026, 11, 23), "勤労感謝の日")], WHO, NOW)
    rules = (SAMPLE / "internet-banking-rules-2026-10-01.toml").read_bytes()
    load_terms(session, (SAMPLE / "api-terms-2026-10-01.toml").read_bytes(), [rules], WHO, NOW)
    session.add(Branch(branch_code="002", name="本店営業部", name_kana="ﾎﾝﾃﾝｴｲｷﾞﾖｳﾌﾞ"))
    session.add(Branch(branch_code="003", name="みなみ支店", name_kana="ﾐﾅﾐ"))
    feed = FeedFile(sha256="0" * 64, kind="03", name="story", imported_at=NOW)
    session.add(feed)
    hanako, hanako_contract = _customer(session, "10000001", "見本 花子", "ﾐﾎﾝ ﾊﾅｺ", Product.PERSONAL)
    jiro, jiro_contract = _customer(session, "10000002", "見本 次郎", "ﾐﾎﾝ ｼﾞﾛｳ", Product.PERSONAL)
    kakeibo = designate(session, "みほん家計簿", (CALLBACK,))
    kaikei = designate(session, "みほん会計", ("https://kaikei.mihon.example/callback",))
    accounts = [
        _account(session, hanako, hanako_contract, "002", AccountKind.ORDINARY, "1234567", "生活口座"),
        _account(session, hanako, hanako_contract, "002", AccountKind.CURRENT, "0013210", "屋号 みほん珈琲"),
        _account(session, hanako, hanako_contract, "003", AccountKind.ORDINARY, "0678901", "積立用"),
        _account(session, hanako, hanako_contract, "002", AccountKind.TIME, "0051122", ""),
        _account(session, jiro, jiro_contract, "003", AccountKind.ORDINARY, "0777777", ""),
    ]
    for account in accounts:
        _history(session, account, feed, rows_a_day)
    ordinary, current, savings, time, jiro_ordinary = (account.account_id or 0 for account in accounts)
    return Story(
        hanako=hanako,
        hanako_contract=hanako_contract,
        jiro=jiro,
        jiro_contract=jiro_contract,
        ordinary=ordinary,
        current=current,
        savings=savings,
        time=time,
        jiro_ordinary=jiro_ordinary,
        kakeibo=kakeibo.aggregator_id,
        kakeibo_client=kakeibo.client_id,
        kaikei=kaikei.aggregator_id,
        kaikei_client=kaikei.client_id,
    )


WHO = "os-user:tests"


def designate(
    session: Session, name: str, redirect_uris: tuple[str, ...], scopes: Sequence[Scope] = ALL_SCOPES
) -> Aggregator:
    """An aggregator with a contract of a year that lists account number and holder's name."""
    details = AggregatorDetails(
        name=name,
        company=f"株式会社{name}",
        registration_number="見本 第0001号",
        jwks={"keys": [aggregator_key(name).as_dict(private=False)]},
        redirect_uris=redirect_uris,
        scopes=tuple(scopes),
        purposes={
            "accounts": "登録した口座の表示",
            "balances": "資産の合計の表示",
            "transactions": "家計簿への自動記録",
        },
        identifiers=IDENTIFIERS,
        data_processors=({"name": "みほんサーバー株式会社", "role": "保管を任せている会社"},),
        complaint_contact=f"{name} お客さま窓口",
        contract_from=NOW - timedelta(days=100),
        contract_until=NOW + timedelta(days=365),
    )
    return add_aggregator(session, details, WHO, NOW - timedelta(days=100))


def register(
    session: Session,
    story: Story,
    scopes: Sequence[Scope] = ALL_SCOPES,
    accounts: Sequence[int] | None = None,
    at: datetime = NOW,
    token_scopes: Sequence[Scope] | None = None,
    aggregator: str | None = None,
    customer: tuple[int, int] | None = None,
    jkt: str | None = None,
) -> Registered:
    """An active registration with a live access token; the flows have tests of their own for how one comes about.

    accounts  default: ordinary and current of 見本花子.  customer  (customer_id, contract_id).
    """
    customer_id, contract_id = customer or (story.hanako, story.hanako_contract)
    registration = Registration(
        registration_id=opaque.new_id("reg_"),
        grant_id=opaque.new_id("grant_"),
        aggregator_id=aggregator or story.kakeibo,
        customer_id=customer_id,
        contract_id=contract_id,
        state=RegistrationState.ACTIVE,
        scopes=list(scopes),
        identifiers=list(IDENTIFIERS),
        terms_version=date(2026, 10, 1),
        terms_digest="0" * 64,
        confirmed=list(CONFIRMATIONS),
        logged_in_at=at,
        login_method="password+totp",
        registered_at=at,
        until=registration_until(at, 180),
        activated_at=at,
    )
    session.add(registration)
    session.flush()
    for account_id in accounts if accounts is not None else (story.ordinary, story.current):
        session.add(RegistrationAccount(registration_id=registration.registration_id, account_id=account_id))
    refresh_token = opaque.new_secret(opaque.REFRESH_TOKEN)
    session.add(
        RefreshToken(
            token_hash=opaque.stored(refresh_token), registration_id=registration.registration_id, issued_at=at
        )
    )
    access_token = access(session, registration.registration_id, token_scopes or scopes, at, jkt)
    return Registered(registration.registration_id, access_token, refresh_token)


def access(
    session: Session, registration_id: str, scopes: Sequence[Scope], at: datetime = NOW, jkt: str | None = None
) -> str:
    """A fresh access token of a registration, bound to `proof_key()` unless `jkt` says otherwise."""
    token = opaque.new_secret(opaque.ACCESS_TOKEN)
    session.add(
        AccessToken(
            token_hash=opaque.stored(token),
            registration_id=registration_id,
            scopes=list(scopes),
            jkt=jkt or proof_key().thumbprint(),
            issued_at=at,
            expires_at=at + timedelta(seconds=300),
        )
    )
    session.flush()
    return token


def rows_of(session: Session, account_id: int) -> Sequence[Transaction]:
    """All rows of an account, oldest first."""
    return session.exec(
        select(Transaction).where(Transaction.account_id == account_id).order_by(col(Transaction.position))
    ).all()


def _customer(session: Session, number: str, name: str, kana: str, product: Product) -> tuple[int, int]:
    customer = Customer(customer_number=number, name=name, name_kana=kana, phrase="雪どけの朝")
    session.add(customer)
    session.flush()
    contract = Contract(customer_id=customer.customer_id or 0, product=product, state_since=NOW - timedelta(days=999))
    session.add(contract)
    session.flush()
    return customer.customer_id or 0, contract.contract_id or 0


def _account(
    session: Session, customer_id: int, contract_id: int, branch: str, kind: AccountKind, number: str, nickname: str
) -> Account:
    account = Account(
        customer_id=customer_id,
        contract_id=contract_id,
        branch_code=branch,
        kind=kind,
        number=number,
        holder_kana="ﾐﾎﾝ ﾊﾅｺ",
        nickname=nickname,
    )
    session.add(account)
    session.flush()
    return account


def _history(session: Session, account: Account, feed: FeedFile, rows_a_day: int) -> None:
    """13 months: deposits of 300,000 on the 25th, withdrawals of 1,000 + n otherwise; the balances chain."""
    session.flush()
    account_id, feed_id = account.account_id or 0, feed.feed_file_id or 0
    balance = opening = 1_000_000
    rows = []
    for offset in range((NOW.date() - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=offset)
        for order in range(rows_a_day):
            is_pay = day.day == 25 and order == 0
            amount = 300_000 if is_pay else 1_000 + order
            balance += amount if is_pay else -amount
            row = {
                "account_id": account_id,
                "customer_id": account.customer_id,
                "position": int(day.strftime("%Y%m%d")) * 1_000_000 + order,
                "booked_on": day,
                "value_on": day,
                "direction": "1" if is_pay else "2",
                "kind": "11" if is_pay else "10",
                "amount": amount,
                "description": "給与" if is_pay else "ATM",
                "description_raw": "ｷﾕｳﾖ" if is_pay else "ATM",
                "counterparty": "ｶ)ﾐﾎﾝｼﾖｳｼﾞ" if is_pay else None,
                "balance_after": balance,
                "inquiry_number": f"{order + 1:08}",
                "first_change": len(rows) + 1,
                "last_change": len(rows) + 1,
                "feed_file_id": feed_id,
            }
            rows.append(row)
    account.last_change = len(rows)
    if rows:
        session.execute(insert(Transaction), rows)
    as_of = NOW.replace(hour=14, minute=0)
    session.add(
        Statement(
            account_id=account_id,
            first_day=FIRST_DAY,
            last_day=NOW.date(),
            opening_balance=opening,
            closing_balance=balance,
            as_of=as_of,
            as_of_precision="minute",
            feed_file_id=feed_id,
        )
    )
    session.add(
        Balance(account_id=account_id, current=balance, as_of=as_of, as_of_precision="minute", feed_file_id=feed_id)
    )
    session.flush()

"""The bench's credit union, as far as the real procedures make it: all that is copied afterwards (copying.py).

Institution, terms and aggregator are set up as an officer does it, the feeds are imported as `madoguchi feed import`
does it, and every customer written agrees and has the code redeemed by the procedures that the doors call.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import ECKey
from sqlmodel import Session, select

from madoguchi import opaque
from madoguchi.doors.core_banking.importing import import_file
from madoguchi.installation import sample_document
from madoguchi.main import RELEASE
from madoguchi.procedures.aggregators import AggregatorDetails, add_aggregator
from madoguchi.procedures.consent_page import ConsentView, show_consent
from madoguchi.procedures.consenting import Choice, Redirect, give_consent
from madoguchi.procedures.redeeming import Redemption, redeem_code
from madoguchi.procedures.setting_up import national_holidays, set_up_institution
from madoguchi.procedures.terms import load_terms
from madoguchi.procedures.tokens import Occasion, Tokens
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.bank import Contract, Customer
from madoguchi.records.database import Database
from madoguchi.records.registrations import PushedRequest
from madoguchi.records.upgrading import upgrade
from madoguchi.rules.disclosure import IDENTIFIERS
from madoguchi.rules.vocabulary import JST, Scope
from tests.fapi.jwts import digest
from tests.flows.visits import BOTH, CHECKS, logged_in, push

BANK_CODE = "2999"
WHO = "os-user:bench"
CALLBACK = "https://kakeibo.mihon.example/callback"
VERIFIER = "v" * 43
TOKEN_LIFETIME = timedelta(days=1)
"""A run takes longer than the usual 300 s, and renewing tokens is no part of what is measured."""


async def open_bank(url: str, files: Mapping[str, bytes], folder: Path, at: datetime) -> None:
    """A migrated database in which the institution stands and the files have come in."""
    database = Database(url)
    try:
        await upgrade(database)
        await database.writing(_set_up, at)
        for name, content in files.items():
            (folder / name).write_bytes(content)
            report = await import_file(database, folder / name, BANK_CODE, at, actor=WHO)
            if not report.clean:
                raise RuntimeError(f"the bench's own feed was refused: {report}")
    finally:
        await database.close()


async def register(url: str, jkt: str, numbers: list[str], at: datetime) -> dict[str, str]:
    """Customer number -> access token, of customers who agree to share all their accounts, one after the other."""
    database = Database(url)
    try:
        return {number: await database.writing(_register, number, jkt, at) for number in numbers}
    finally:
        await database.close()


def _set_up(session: Session, at: datetime) -> None:
    year = at.astimezone(JST).year
    # Its timetable of feeds holds from tomorrow: asked at each request, and nothing is late today.
    set_up_institution(session, sample_document("institution.toml"), national_holidays(year, year + 1), WHO, at)
    rules = sample_document("internet-banking-rules-2026-10-01.toml")
    load_terms(session, sample_document("api-terms-2026-10-01.toml"), [rules], WHO, at)
    details = AggregatorDetails(
        name="みほん家計簿",
        company="株式会社みほん家計簿",
        jwks={"keys": [ECKey.generate_key("P-256").as_dict(private=False)]},
        redirect_uris=(CALLBACK,),
        scopes=tuple(Scope),
        identifiers=IDENTIFIERS,
        contract_from=at - timedelta(days=100),
    )
    add_aggregator(session, details, WHO, at)


def _register(session: Session, number: str, jkt: str, at: datetime) -> str:
    """From the pushed request to the first tokens, with the log-in told instead of made; returns the access token."""
    aggregator = session.exec(select(Aggregator)).one()
    customer = session.exec(select(Customer).where(Customer.customer_number == number)).one()
    contract = session.exec(select(Contract).where(Contract.customer_id == customer.customer_id)).one()
    who = (customer.customer_id or 0, contract.contract_id)
    request_id = push(session, aggregator.aggregator_id, CALLBACK, at=at)
    session.get_one(PushedRequest, request_id).code_challenge = digest(VERIFIER)
    visit = logged_in(session, None, request_id, at, who)  # type: ignore[arg-type]
    view = show_consent(session, visit)
    if not isinstance(view, ConsentView):
        raise RuntimeError(f"no consent page: {view}")
    accounts = frozenset(str(line.account.account_id) for line in view.accounts)
    agreed = give_consent(session, visit, Choice(accounts, BOTH, CHECKS, view.terms.digest, view.last_day))
    if not isinstance(agreed, Redirect):
        raise RuntimeError(f"no registration: {agreed}")
    code = parse_qs(urlsplit(agreed.url).query)["code"][0]
    occasion = Occasion(aggregator, jkt, at, opaque.new_id(), RELEASE, TOKEN_LIFETIME)
    tokens = redeem_code(session, Redemption(code, CALLBACK, VERIFIER), occasion)
    if not isinstance(tokens, Tokens):
        raise RuntimeError(f"no tokens: {tokens}")
    return tokens.access_token

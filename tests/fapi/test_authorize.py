"""GET /authorize over HTTP, and the response that comes back from consent: RFC 9126 section 4, RFC 9207, FAPI 2.0."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session

from madoguchi.procedures.consenting import Redirect, deny_consent
from tests.fapi.bank import ABSENT, Bank
from tests.flows import visits

FOREIGN = "https://evil.example/cb"


async def request_uri(bank: Bank, **form: str) -> str:
    uri: str = (await bank.kakeibo.push(**form)).json()["request_uri"]
    return uri


async def test_a_pushed_request_goes_on_to_our_own_pages(bank: Bank) -> None:
    """FAPI 2.0 5.3.2.2-10, -11: 303. The address is ours, from configuration."""
    answer = await bank.kakeibo.authorize(await request_uri(bank))
    (kept,) = await bank.pushed()
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{bank.settings.issuer}/consent/begin/{kept.request_id}"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.fault("redirect before the redirect_uri is verified")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"client_id": "CLIENT"},
        {"request_uri": "URI"},
        {"client_id": "CLIENT", "request_uri": "urn:ietf:params:oauth:request_uri:unknown"},
        {"client_id": "CLIENT", "request_uri": "https://evil.example/request.jwt"},
        {"client_id": "client_unknown", "request_uri": "URI"},
        {"client_id": "OTHER", "request_uri": "URI"},
        {"client_id": "CLIENT", "request_uri": "URI\x00"},
        {"client_id": "CLIENT", "request_uri": ["URI", "URI"]},
        {"client_id": ["CLIENT", "OTHER"], "request_uri": "URI"},
        {"client_id": "CLIENT", "response_type": "code", "scope": "accounts balances", "state": "s"},
        {"client_id": "CLIENT", "request": "a.b.c"},
    ],
    ids=str,
)
async def test_what_is_not_verified_ends_on_a_page_and_redirects_nowhere(bank: Bank, query: dict[str, object]) -> None:
    """FAPI 2.0 5.3.2.1-7, 5.3.2.2-3; RFC 9126 4; CVE-2026-41479, -44681: whatever redirect_uri is sent along."""
    uri = await request_uri(bank)

    def filled(value: object) -> object:
        if isinstance(value, list):
            return [filled(one) for one in value]
        return str(value).replace("URI", uri).replace("CLIENT", bank.story.kakeibo_client).replace(
            "OTHER", bank.story.kaikei_client
        )  # fmt: skip

    for more in ({}, {"redirect_uri": FOREIGN}, {"redirect_uri": bank.kakeibo.redirect_uri}):
        params = {name: filled(value) for name, value in query.items()} | more
        answer = await bank.http.get("/authorize", params=params)  # type: ignore[arg-type]
        assert (answer.status_code, answer.text.strip()) == (400, "NOT_VERIFIED")
        assert "location" not in answer.headers
        assert FOREIGN not in answer.text


async def test_parameters_beside_the_request_uri_have_no_effect(bank: Bank) -> None:
    """RFC 9101 5, 6.3: only what was pushed counts."""
    more = {"scope": "accounts", "state": "other", "redirect_uri": FOREIGN, "nonce": "n", "response_type": "token"}
    answer = await bank.kakeibo.authorize(await request_uri(bank), **more)
    assert answer.status_code == 303
    request_id = answer.headers["location"].rsplit("/", 1)[1]
    back = urlsplit(await bank.consent(request_id))
    assert f"{back.scheme}://{back.netloc}{back.path}" == bank.kakeibo.redirect_uri
    assert parse_qs(back.query)["state"] == ["state-1"]


@pytest.mark.parametrize(("seconds", "status"), [(0, 303), (89, 303), (90, 400), (91, 400)])
async def test_a_request_uri_is_opened_first_within_ninety_seconds(bank: Bank, seconds: int, status: int) -> None:
    """RFC 9126 4; FAPI 2.0 5.3.2.2-12."""
    uri = await request_uri(bank)
    bank.clock.pass_(seconds)
    answer = await bank.kakeibo.authorize(uri)
    assert answer.status_code == status
    if status == 400:
        assert answer.text == "REQUEST_EXPIRED みほん家計簿"
        assert "location" not in answer.headers


async def test_a_request_uri_may_be_opened_again_and_is_spent_by_the_decision(bank: Bank) -> None:
    """FAPI 2.0 5.3.2.2 note 3: not by looking at it."""
    uri = await request_uri(bank)
    first = await bank.kakeibo.authorize(uri)
    request_id = first.headers["location"].rsplit("/", 1)[1]
    await bank.open(request_id)
    bank.clock.pass_(600)
    assert (await bank.kakeibo.authorize(uri)).status_code == 303
    bank.clock.pass_(-600)
    await bank.kakeibo.code()
    other = await bank.kakeibo.opened()
    await bank.consent(other)
    spent = [one for one in await bank.pushed() if one.decided_at is not None]
    assert len(spent) == 2


async def test_after_the_decision_the_request_uri_is_dead(bank: Bank) -> None:
    uri = await request_uri(bank)
    answer = await bank.kakeibo.authorize(uri)
    await bank.consent(answer.headers["location"].rsplit("/", 1)[1])
    again = await bank.kakeibo.authorize(uri)
    assert (again.status_code, again.text) == (409, "ALREADY_DECIDED みほん家計簿")
    assert "location" not in again.headers


@pytest.mark.clause("1-2-2")
async def test_an_aggregator_without_a_contract_is_not_named_to_anybody(bank: Bank) -> None:
    uri = await request_uri(bank)
    bank.clock.pass_(365 * 86_400)
    answer = await bank.kakeibo.authorize(uri)
    assert (answer.status_code, answer.text.strip()) == (400, "NOT_VERIFIED")


@pytest.mark.fault("one-time store without namespaces")
async def test_one_time_things_of_another_kind_are_no_request_uri(bank: Bank) -> None:
    """Keycloak CVE-2026-4282: a code presented as request_uri, a request_uri as code; the other one is untouched."""
    code = await bank.kakeibo.code()
    assert (await bank.kakeibo.authorize(code)).status_code == 400
    uri = await request_uri(bank)
    assert (await bank.kakeibo.redeem(uri)).json()["error"] == "invalid_grant"
    assert (await bank.kakeibo.authorize(uri)).status_code == 303
    assert (await bank.kakeibo.redeem(code)).status_code == 200


async def test_nobody_may_ask_across_origins(bank: Bank) -> None:
    """FAPI 2.0 5.2.3-3: no CORS at the authorization endpoint."""
    uri = await request_uri(bank)
    query = {"client_id": bank.kakeibo.client.client_id, "request_uri": uri}
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = await bank.http.request(method, "/authorize", params=query, headers=origin)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_response_carries_code_state_and_issuer_once(bank: Bank) -> None:
    """RFC 9207 2; RFC 6749 4.1.2."""
    assert await bank.kakeibo.response() | {"code": ["c"]} == {
        "code": ["c"], "state": ["state-1"], "iss": [bank.settings.issuer],
    }  # fmt: skip


async def test_a_long_state_comes_back_whole_and_none_comes_back_for_none(bank: Bank) -> None:
    """FAPI 2.0 5.3.2.2 note 4."""
    state = "s~ %&+=/?#" * 150
    assert len(state) == 1500
    assert (await bank.kakeibo.response(state=state))["state"] == [state]
    bank.clock.pass_(61)
    assert "state" not in await bank.kakeibo.response(state=ABSENT)


async def test_a_refusal_of_the_customer_carries_error_state_and_issuer(bank: Bank) -> None:
    """RFC 6749 4.1.2.1; RFC 9207 2."""
    request_id = await bank.kakeibo.opened()

    def deny(session: Session) -> object:
        page = visits.shown(session, bank.story, request_id, bank.clock())
        return deny_consent(session, page.visit, "access_denied")

    outcome = await bank.database.writing(deny)
    assert isinstance(outcome, Redirect)
    assert parse_qs(urlsplit(outcome.url).query) == {
        "error": ["access_denied"], "state": ["state-1"], "iss": [bank.settings.issuer],
    }  # fmt: skip


async def test_client_ids_cannot_pass_for_customers(bank: Bank) -> None:
    """FAPI 2.0 6.7: made by us, in a format of their own."""
    assert bank.story.kakeibo_client.startswith("client_")
    assert not bank.story.kakeibo_client.isdigit()

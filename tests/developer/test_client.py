"""みほん家計簿 is a careful client: what it sends, and what it refuses to take.

The credit union here is a socket that answers what a test sets; tests/flows/test_sample_aggregator.py has the real one.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.developer.fake_bank import claims, header, s256
from tests.developer.visitor import CLIENT_ID, KEY, Visitor, data, tokens, visiting


async def test_the_browser_is_sent_with_nothing_but_client_id_and_request_uri(visitor: Visitor) -> None:
    """RFC 9126 section 4; FAPI 2.0 Security Profile 5.3.3.2."""
    answer = await visitor.http.get("/sample/connect")
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{visitor.bank.issuer}/authorize"
    query = parse_qs(target.query)
    assert query == {"client_id": [CLIENT_ID], "request_uri": ["urn:ietf:params:oauth:request_uri:abc"]}


async def test_it_pushes_code_pkce_state_and_its_own_address_under_the_issuer(visitor: Visitor) -> None:
    await visitor.connect()
    form = visitor.bank.to("/par")[0].form
    assert form["redirect_uri"] == f"{visitor.bank.issuer}/sample/callback"
    assert (form["response_type"], form["code_challenge_method"]) == ("code", "S256")
    assert form["scope"] == "accounts balances transactions"
    assert len(form["state"]) >= 43


async def test_the_code_is_redeemed_with_the_verifier_of_its_own_challenge(visitor: Visitor) -> None:
    await visitor.connected()
    challenge = visitor.bank.to("/par")[0].form["code_challenge"]
    form = visitor.bank.to("/token")[0].form
    assert s256(form["code_verifier"]) == challenge
    assert (form["grant_type"], form["code"]) == ("authorization_code", "code-1")
    assert form["redirect_uri"] == f"{visitor.bank.issuer}/sample/callback"


async def test_every_request_to_the_server_is_signed_with_its_own_key_and_proves_another(visitor: Visitor) -> None:
    """private_key_jwt with the issuer as audience; the proof's key is not the authentication key."""
    await visitor.end(await visitor.connected())
    bank = visitor.bank
    for sent in [*bank.to("/par"), *bank.to("/token")]:
        assertion = jwt.decode(sent.form["client_assertion"], KEY, ["ES256"]).claims
        assert (assertion["iss"], assertion["sub"], assertion["aud"]) == (CLIENT_ID, CLIENT_ID, bank.issuer)
        assert assertion["exp"] - assertion["iat"] <= 60
    for sent in [*bank.to("/par"), *bank.to("/token"), *bank.to("/graphql")]:
        heading = header(sent.headers["dpop"])
        own = ECKey.import_key(heading["jwk"])
        proof = jwt.decode(sent.headers["dpop"], own, ["ES256"]).claims
        assert heading["typ"] == "dpop+jwt"
        assert "d" not in heading["jwk"]
        assert own.thumbprint() != KEY.thumbprint()
        assert (proof["htm"], proof["htu"]) == ("POST", bank.issuer + sent.path)


async def test_the_api_gets_the_token_with_a_proof_that_names_it_and_hears_that_the_visitor_is_there(
    visitor: Visitor,
) -> None:
    await visitor.connected()
    (asked,) = visitor.bank.to("/graphql")
    assert asked.headers["authorization"] == "DPoP at-1"
    assert asked.proof["ath"] == s256("at-1")
    assert asked.headers["x-fapi-customer-ip-address"] == "127.0.0.1"


async def test_no_two_requests_share_a_jti(visitor: Visitor) -> None:
    page = await visitor.connected()
    for _ in range(5):
        await visitor.http.get("/sample")
    await visitor.end(page)
    used = [sent.proof["jti"] for sent in visitor.bank.sent if "dpop" in sent.headers]
    used += [claims(sent.form["client_assertion"])["jti"] for sent in visitor.bank.sent if sent.form]
    assert len(used) >= 10
    assert len(set(used)) == len(used)


async def test_no_token_is_ever_in_the_browser(visitor: Visitor) -> None:
    page = await visitor.connected()
    (cookie,) = visitor.http.cookies.jar
    assert (cookie.name, cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("kakeibo", "/sample", True)
    seen = page.text + str(page.headers) + str(cookie.value)
    assert not any(secret in seen for secret in ("at-1", "rt-1", "code-1"))


@pytest.mark.parametrize("change", [{"state": "another"}, {"state": ""}, {}], ids=["wrong", "empty", "absent"])
async def test_an_answer_without_the_state_of_this_visitor_is_not_taken(
    visitor: Visitor, change: dict[str, str]
) -> None:
    """RFC 6749 section 10.12."""
    await visitor.connect()
    page = await visitor.come_back(iss=visitor.bank.issuer, code="code-1", **change)
    assert "うまくつながりませんでした" in page.text
    assert visitor.bank.to("/token") == []


async def test_a_flow_that_another_visitor_began_is_not_taken(visitor: Visitor, tmp_path: Path) -> None:
    state = await visitor.connect()
    async with visiting(visitor.bank, tmp_path) as other:
        await other.connect()
        page = await other.come_back(state=state, iss=visitor.bank.issuer, code="code-1")
    assert "うまくつながりませんでした" in page.text
    assert visitor.bank.to("/token") == []


async def test_a_callback_is_taken_once(visitor: Visitor) -> None:
    state = await visitor.connect()
    for _ in range(2):
        await visitor.come_back(state=state, iss=visitor.bank.issuer, code="code-1")
    assert len(visitor.bank.to("/token")) == 1


async def test_a_flow_that_comes_back_after_an_hour_is_not_taken(visitor: Visitor) -> None:
    state = await visitor.connect()
    visitor.now += timedelta(hours=1, seconds=1)
    await visitor.come_back(state=state, iss=visitor.bank.issuer, code="code-1")
    assert visitor.bank.to("/token") == []


@pytest.mark.parametrize("change", [{"iss": "https://evil.example"}, {}], ids=["another issuer", "no issuer"])
async def test_an_answer_from_another_issuer_is_not_taken_and_its_flow_is_spent(
    visitor: Visitor, change: dict[str, str]
) -> None:
    """RFC 9207 section 2.4."""
    state = await visitor.connect()
    page = await visitor.come_back(state=state, code="code-1", **change)
    assert "うまくつながりませんでした" in page.text
    await visitor.come_back(state=state, iss=visitor.bank.issuer, code="code-1")
    assert visitor.bank.to("/token") == []


async def test_a_parameter_sent_twice_is_refused(visitor: Visitor) -> None:
    state = await visitor.connect()
    answer = await visitor.http.get(f"/sample/callback?state={state}&state=x&iss={visitor.bank.issuer}&code=c")
    assert answer.headers["location"] == "/sample"
    assert visitor.bank.to("/token") == []


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "https://evil.example/token"},
        {"pushed_authorization_request_endpoint": None},
        {"protected_resources": ["https://evil.example/graphql"]},
    ],
)
async def test_metadata_that_names_somebody_else_is_not_followed(visitor: Visitor, change: dict[str, Any]) -> None:
    """RFC 8414 sections 3.3 and 6.2."""
    visitor.bank.metadata |= change
    answer = await visitor.http.get("/sample/connect")
    assert answer.headers["location"] == "/sample"
    assert [sent.path for sent in visitor.bank.sent] == ["/.well-known/oauth-authorization-server"]


async def test_a_token_that_is_bound_to_no_key_is_not_taken(visitor: Visitor) -> None:
    """RFC 9449 section 5."""
    visitor.bank.answers["/token"] = [(200, tokens("at-1", refresh_token="rt-1", token_type="Bearer"))]
    page = await visitor.connected()
    assert "うまくつながりませんでした" in page.text
    assert visitor.bank.to("/graphql") == []


async def test_a_lapsed_access_token_is_renewed_before_it_is_used(visitor: Visitor) -> None:
    await visitor.connected()
    visitor.bank.answers["/token"] = [(200, tokens("at-2"))]
    visitor.now += timedelta(seconds=300)
    page = await visitor.http.get("/sample")
    assert "228,500" in page.text
    assert visitor.bank.to("/token")[-1].form["refresh_token"] == "rt-1"
    assert visitor.bank.to("/graphql")[-1].headers["authorization"] == "DPoP at-2"
    await visitor.http.get("/sample")
    assert len(visitor.bank.to("/token")) == 2, "the renewed one was kept"


async def test_an_access_token_that_was_revoked_alone_is_renewed_once(visitor: Visitor) -> None:
    await visitor.connected()
    refused = {"errors": [{"message": "…", "extensions": {"code": "INVALID_TOKEN", "clause": "4-2"}}]}
    visitor.bank.answers["/graphql"] = [(401, refused), (200, {"data": data()})]
    visitor.bank.answers["/token"] = [(200, tokens("at-2"))]
    assert "228,500" in (await visitor.http.get("/sample")).text
    visitor.bank.answers["/graphql"] = [(401, refused)]
    await visitor.http.get("/sample")
    assert len(visitor.bank.to("/token")) == 3, "not again and again"

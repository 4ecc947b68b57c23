"""The parameters of a push, judged apart from any endpoint: RFC 9126 section 2.1, FAPI 2.0 Security Profile 5.3.2.2."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.doors.http import ProtocolError
from madoguchi.doors.oauth.pushed_request import authorization_request
from madoguchi.procedures.authorizing import Push
from madoguchi.procedures.clients import is_acceptable_redirect_uri
from madoguchi.rules.vocabulary import Scope
from tests.fapi.jwts import digest, ec_key

REDIRECT = "https://kakeibo.example/callback?from=mihon"
LOOPBACK = "http://127.0.0.1:8000/sample/callback"
FORM = {
    "client_id": "agg_mihon",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "scope": "accounts balances transactions",
    "code_challenge": digest("v" * 43),
    "code_challenge_method": "S256",
}
JKT = ec_key().thumbprint()


def push(proof_jkt: str | None = None, contracted: tuple[Scope, ...] = tuple(Scope), **changes: Any) -> Push:
    form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    return authorization_request(form, (REDIRECT, LOOPBACK, "http://evil.example/cb"), contracted, proof_jkt)


def error(**changes: Any) -> str | None:
    try:
        push(**changes)
    except ProtocolError as refused:
        return refused.error if refused.status == 400 else f"status {refused.status}"
    return None


def test_a_complete_request_is_kept_as_it_was_sent() -> None:
    request = push(state="s~ x", dpop_jkt=JKT)
    assert request == Push(REDIRECT, tuple(Scope), "s~ x", FORM["code_challenge"], JKT)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"request_uri": "urn:x"}, "invalid_request"),  # RFC 9126 2.1
        ({"request": "a.b.c"}, "request_not_supported"),  # RFC 9101 7
        ({"client_id": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),  # FAPI 2.0 5.3.2.2-1
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),  # 5.3.2.2-6
        ({"code_challenge": None}, "invalid_request"),  # 5.3.2.2-5
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "v" * 44}, "invalid_request"),
        ({"code_challenge": "v" * 42 + "="}, "invalid_request"),
        ({"code_challenge": "v" * 43}, "invalid_request"),  # not the last character of 256 bits
        ({"scope": None}, "invalid_scope"),
        ({"scope": "accounts"}, "invalid_scope"),
        ({"scope": "balances transactions"}, "invalid_scope"),
        ({"scope": "accounts balances openid"}, "invalid_scope"),
        ({"scope": "accounts BALANCES"}, "invalid_scope"),
        ({"scope": "accounts  balances"}, "invalid_scope"),
        ({"scope": "accounts\tbalances"}, "invalid_scope"),
        ({"state": "x" * 4097}, "invalid_request"),
        ({"state": "\u3042"}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
        ({"dpop_jkt": JKT, "proof_jkt": ec_key().thumbprint()}, "invalid_dpop_proof"),  # RFC 9449 10.1
    ],
)
def test_a_request_that_is_not_fit_is_refused_at_the_push(changes: dict[str, Any], code: str) -> None:
    assert error(**changes) == code


def test_scopes_beyond_the_contract_are_refused_and_their_order_does_not_matter() -> None:
    assert error(contracted=(Scope.ACCOUNTS, Scope.BALANCES)) == "invalid_scope"
    narrow = push(contracted=(Scope.ACCOUNTS, Scope.BALANCES), scope="balances accounts")
    assert narrow.scopes == (Scope.ACCOUNTS, Scope.BALANCES)


def test_a_long_state_comes_back_whole() -> None:
    """FAPI 2.0 5.3.2.2 note 4."""
    for length in (1500, 4096):
        assert push(state="~" * length).state == "~" * length
    assert push().state is None


def test_the_key_is_bound_by_parameter_or_proof_or_both() -> None:
    """RFC 9449 10, 10.1."""
    assert push().dpop_jkt is None
    assert (
        push(dpop_jkt=JKT).dpop_jkt == push(proof_jkt=JKT).dpop_jkt == push(dpop_jkt=JKT, proof_jkt=JKT).dpop_jkt == JKT
    )


def test_parameters_we_do_not_know_are_ignored() -> None:
    """RFC 6749 3.1; nonce and claims belong to OpenID Connect, which is not offered."""
    assert push(nonce="n", claims="{}", prompt="none", max_age="0", x="y") == push()


REDIRECT_TRICKS = [
    "https://kakeibo.example/callback", "https://kakeibo.example/callback?from=mihon&x=1",
    "https://kakeibo.example/callback?from=mihon#", "https://kakeibo.example/callback?from=mihon#f",
    "HTTPS://kakeibo.example/callback?from=mihon", "https://KAKEIBO.example/callback?from=mihon",
    "https://kakeibo.example:443/callback?from=mihon", "https://kakeibo.example:8443/callback?from=mihon",
    "https://kakeibo.example/callback/?from=mihon", "https://kakeibo.example/./callback?from=mihon",
    "https://kakeibo.example/x/../callback?from=mihon", "https://kakeibo.example//callback?from=mihon",
    "https://kakeibo.example/%63allback?from=mihon", "https://kakeibo.example/callback?from=%6dihon",
    "https://kakeibo.example/callback%3Ffrom=mihon", "https://user@kakeibo.example/callback?from=mihon",
    "https://user:pw@kakeibo.example/callback?from=mihon", "https://kakeibo.example@evil.example/callback?from=mihon",
    "https://evil.example/callback?from=mihon", "https://evil.example?kakeibo.example/callback?from=mihon",
    "https://evil.example#kakeibo.example/callback?from=mihon", "https://kakeibo.example.evil.example/callback?from=mihon",
    "https://evilkakeibo.example/callback?from=mihon", "https://kakeibo.example./callback?from=mihon",
    "http://kakeibo.example/callback?from=mihon", "//kakeibo.example/callback?from=mihon", "/callback?from=mihon",
    "javascript:alert(1)", "data:text/html,x", "https:kakeibo.example/callback?from=mihon",
    "https:/kakeibo.example/callback?from=mihon", "https://kakeibo.example\\callback?from=mihon",
    "https://kakeibo.example/callback?from=mihon ", " https://kakeibo.example/callback?from=mihon",
    "https://kakeibo.example/callback?from=mihon\n", "https://kakeibo.example/callback?from=mihon%0d%0aX:y",
    "https://kakeibo.exampl\u212f/callback?from=mihon", "https://kakeibo.example/callback?from=mihon\u200b",
    "https://\u043aakeibo.example/callback?from=mihon", "https://kakeibo\u3002example/callback?from=mihon",
    "http://127.0.0.1:8001/sample/callback", "http://localhost:8000/sample/callback", "http://evil.example/cb",
]  # fmt: skip


@pytest.mark.fault("redirect_uri parser tricks")
@pytest.mark.parametrize("uri", REDIRECT_TRICKS)
def test_a_redirect_uri_that_is_not_the_registered_one_byte_for_byte_is_refused(uri: str) -> None:
    """CVE-2026-7504, CVE-2024-8883; the last one is registered, but http (FAPI 2.0 5.3.2.2-8)."""
    assert error(redirect_uri=uri) == "invalid_request"


@given(st.text(min_size=1))
def test_no_other_redirect_uri_is_ever_accepted(uri: str) -> None:
    assert uri in (REDIRECT, LOOPBACK) or error(redirect_uri=uri) == "invalid_request"


def test_http_is_for_the_loopback_address_alone() -> None:
    """FAPI 2.0 5.3.2.2-8; RFC 8252 7.3."""
    assert push(redirect_uri=LOOPBACK).redirect_uri == LOOPBACK
    for uri in (REDIRECT, LOOPBACK, "http://[::1]:9/x"):
        assert is_acceptable_redirect_uri(uri)
    for uri in (
        "http://kakeibo.example/", "https://a.example/#f", "https://u@a.example/", "https:///x", "ftp://a.example/",
        "https://a.example/\u3042", "http://localhost/", "http://127.0.0.1.evil.example/", "https://[::1/", "",
    ):  # fmt: skip
        assert not is_acceptable_redirect_uri(uri)

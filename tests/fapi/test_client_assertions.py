"""private_key_jwt, judged apart from any endpoint: RFC 7523 section 3 and FAPI 2.0 Security Profile 5.3.2.1, 5.4."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key

from madoguchi.doors.http import ProtocolError
from madoguchi.doors.oauth.client_assertion import (
    ASKED,
    Authenticated,
    ClientRejected,
    read_assertion,
    verify_assertion,
)
from tests.fapi.jwts import ABSENT, Assertions, ec_key, ed_key, proof, rsa_key

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ISSUER = "https://api.mihon.example"
KEY, RSA, ED = ec_key(kid="k1"), rsa_key(kid="k1"), ed_key(kid="k3")
CLIENT = Assertions("agg_mihon", KEY, ISSUER)


def jwks(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def authenticate(form: dict[str, str], registered: Any = None, at: datetime = AT) -> Authenticated:
    return verify_assertion(read_assertion(form, None), registered or jwks(KEY), ISSUER, at)


def refused(form: dict[str, str], registered: Any = None, at: datetime = AT) -> bool:
    try:
        authenticate(form, registered, at)
    except ClientRejected as error:
        return error.status == 401 and error.error == "invalid_client" and error.description == ASKED
    return False


@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=["ES256", "PS256", "EdDSA"])
def test_each_listed_algorithm_authenticates(key: Key) -> None:
    """FAPI 2.0 5.4.1-1."""
    client = Assertions("agg_mihon", key, ISSUER)
    assert authenticate(client.form(AT), jwks(key)).client_id == "agg_mihon"


def test_the_second_name_of_eddsa_authenticates_too() -> None:
    """RFC 9864 2.2; npm's openid-client sends it."""
    client = Assertions("agg_mihon", ED, ISSUER)
    assert authenticate(client.form(AT, header={"alg": "Ed25519"}), jwks(ED)).client_id == "agg_mihon"


def test_of_two_keys_with_one_kid_the_right_one_is_chosen_by_kind() -> None:
    """FAPI 2.0 5.4.3."""
    for key in (KEY, RSA):
        client = Assertions("agg_mihon", key, ISSUER)
        assert authenticate(client.form(AT), jwks(RSA, KEY))
        assert authenticate(client.form(AT), jwks(KEY, RSA))


def test_of_two_keys_of_one_kind_and_kid_either_verifies() -> None:
    twin = ec_key(kid="k1")
    assert authenticate(CLIENT.form(AT), jwks(twin, KEY))


@pytest.mark.parametrize("member", [{"use": "enc"}, {"alg": "ES384"}, {"key_ops": ["sign"]}, {"kid": "other"}], ids=str)
def test_a_registered_key_serves_only_what_it_is_registered_for(member: dict[str, Any]) -> None:
    """RFC 7517 4.2 to 4.5."""
    assert refused(CLIENT.form(AT), {"keys": [{**KEY.as_dict(private=False), **member}]})


def test_a_broken_key_in_the_set_does_not_hide_the_good_one() -> None:
    assert authenticate(CLIENT.form(AT), {"keys": [{"kty": "EC", "kid": "k1"}, KEY.as_dict(private=False)]})


@pytest.mark.parametrize(
    "aud",
    [[ISSUER], ISSUER + "/", ISSUER + "/token", ISSUER + "/par", "https://other.example", ABSENT, None, ISSUER.upper()],
)  # fmt: skip
def test_the_audience_is_our_issuer_as_one_string(aud: Any) -> None:
    """FAPI 2.0 5.3.2.1-8."""
    assert refused(CLIENT.form(AT, aud=aud))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [-60, 0, 8, 10])
def test_a_clock_that_is_little_ahead_is_accepted(claim: str, seconds: int) -> None:
    """FAPI 2.0 5.3.2.1-13."""
    assert authenticate(CLIENT.form(AT, **{claim: int(AT.timestamp()) + seconds}))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [11, 61, 3600])
def test_an_assertion_from_the_future_is_refused(claim: str, seconds: int) -> None:
    assert refused(CLIENT.form(AT, **{claim: int(AT.timestamp()) + seconds}))


@pytest.mark.parametrize("seconds", [1, 60, 300, 310])
def test_an_assertion_may_live_five_minutes_and_our_skew(seconds: int) -> None:
    assert authenticate(CLIENT.form(AT, exp=int(AT.timestamp()) + seconds))


@pytest.mark.parametrize("seconds", [-300, -1, 0, 311, 3600])
def test_an_expired_or_long_lived_assertion_is_refused(seconds: int) -> None:
    assert refused(CLIENT.form(AT, exp=int(AT.timestamp()) + seconds))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ABSENT}, {"iss": ABSENT}, {"exp": ABSENT}, {"jti": ABSENT}, {"iss": "agg_other"}, {"sub": 7},
        {"sub": ""}, {"sub": "agg\u0000"}, {"sub": ["agg_mihon"]}, {"exp": "soon"}, {"jti": "x" * 10_000},
        {"jti": ""}, {"iat": "now"}, {"nbf": True}, {"nbf": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_missing_or_odd_is_refused(changes: dict[str, Any]) -> None:
    """RFC 7523 3."""
    assert refused(CLIENT.form(AT, **changes))


@pytest.mark.fault("algorithm confusion")
@pytest.mark.parametrize("alg", ["RS256", "none", "HS256", "ES384"])
def test_an_algorithm_not_listed_is_refused(alg: str) -> None:
    """FAPI 2.0 5.4.1-1; CVE-2024-37568 for HS256 with the bytes of the public key."""
    key: Any = {"RS256": RSA, "ES384": ECKey.generate_key("P-384", {"kid": "k1"})}.get(alg, KEY)
    signed_by = KEY.as_pem(private=False) if alg == "HS256" else key
    assert refused(CLIENT.form(AT, header={"alg": alg}, signed_by=signed_by), jwks(KEY, RSA, key))


@pytest.mark.fault("key from the token's own header")
def test_a_key_in_the_assertions_own_header_counts_for_nothing() -> None:
    """CVE-2026-27962; FAPI 2.0 5.4.2-2: only registered keys, and nothing is fetched."""
    forger = ec_key(kid="k1")
    jwk = forger.as_dict(private=False)
    for header in (
        {"jwk": jwk},
        {"jwk": jwk, "kid": ABSENT},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["AAAA"]},
        {"kid": "../../k1"},
        {"kid": {"$ne": 1}},
    ):
        assert refused(CLIENT.form(AT, header=header, signed_by=forger))


@pytest.mark.parametrize("typ", ["dpop+jwt", "oauth-authz-req+jwt", "at+jwt", "token-introspection+jwt"])
def test_a_jwt_made_for_something_else_is_no_assertion(typ: str) -> None:
    assert refused(CLIENT.form(AT, header={"typ": typ}))
    assert refused({**CLIENT.form(AT), "client_assertion": proof(KEY, "POST", ISSUER, AT)})


@pytest.mark.parametrize("typ", [ABSENT, "JWT", "client-authentication+jwt"])
def test_an_assertion_says_so_or_nothing_about_its_kind(typ: Any) -> None:
    assert authenticate(CLIENT.form(AT, header={"typ": typ}))


def test_keys_of_another_client_are_refused() -> None:
    assert refused(CLIENT.form(AT, signed_by=ec_key()))
    assert refused(CLIENT.form(AT), {"keys": []})


def test_the_client_id_of_the_form_is_the_subject_of_the_assertion() -> None:
    """RFC 7521 4.2."""
    assert refused({**CLIENT.form(AT), "client_id": "agg_other"})
    form = CLIENT.form(AT)
    del form["client_id"]
    assert authenticate(form)


def test_no_assertion_is_no_authentication() -> None:
    """FAPI 2.0 5.3.2.1-3, -6."""
    for form in ({}, {"client_id": "agg_mihon"}, {"client_id": "agg_mihon", "client_secret": "s"}):
        with pytest.raises(ClientRejected):
            read_assertion(form, None)
    with pytest.raises(ClientRejected) as caught:
        read_assertion({}, "Basic YTpi")
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic")
    for kind in (ABSENT, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"):
        form = {**CLIENT.form(AT), "client_assertion_type": kind}
        assert refused({name: value for name, value in form.items() if value is not ABSENT})


def test_two_ways_of_authentication_at_once_are_refused() -> None:
    """RFC 6749 2.3."""
    for form, authorization in ((CLIENT.form(AT) | {"client_secret": "s"}, None), (CLIENT.form(AT), "Basic YTpi")):
        with pytest.raises(ProtocolError) as caught:
            read_assertion(form, authorization)
        assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


@pytest.mark.fault("jti window against skew")
def test_an_assertion_is_burnt_per_client_until_it_and_the_skew_have_passed() -> None:
    one = authenticate(CLIENT.form(AT, jti="j"))
    again = authenticate(CLIENT.form(AT, jti="j", exp=int(AT.timestamp()) + 100))
    other = authenticate(Assertions("agg_other", KEY, ISSUER).form(AT, jti="j"))
    assert one.once == again.once != other.once
    assert one.once.startswith("assertion:")
    assert one.once_until == AT + timedelta(seconds=70)

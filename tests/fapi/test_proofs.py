"""DPoP proofs, judged apart from any endpoint: RFC 9449 section 4.3, row by row."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from madoguchi.doors.dpop import ProofRejected, verify_proof
from madoguchi.doors.jose import _REGISTRY, JwtRejected, usable_key
from tests.fapi.jwts import ABSENT, b64, digest, ec_key, ed_key, proof, rsa_key, sign

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
URL = "https://api.mihon.example/graphql"
KEY, RSA, ED = ec_key(), rsa_key(), ed_key()


def accepted(jwt: str, method: str = "POST", url: str = URL, at: datetime = AT, token: str | None = None) -> bool:
    try:
        verify_proof([jwt], method, url, at, token)
    except ProofRejected:
        return False
    return True


@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=["ES256", "PS256", "EdDSA"])
def test_each_listed_algorithm_is_accepted_and_names_its_key(key: Any) -> None:
    """RFC 9449 4.3-5; FAPI 2.0 5.4.1-1."""
    assert verify_proof([proof(key, "POST", URL, AT)], "POST", URL, AT).jkt == key.thumbprint()


def test_the_second_name_of_eddsa_is_accepted_with_its_curve_only() -> None:
    """RFC 9864 2.2: what today's clients call Ed25519 is EdDSA with that curve."""
    assert accepted(proof(ED, "POST", URL, AT, header={"alg": "Ed25519"}))
    assert not accepted(proof(ED, "POST", URL, AT, header={"alg": "Ed448"}, signed_by=ED))
    assert not accepted(proof(KEY, "POST", URL, AT, header={"alg": "Ed25519"}, signed_by=ED))


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "ES256K", "Ed448", "PS384"])
def test_no_other_algorithm_is_ever_looked_up(alg: str) -> None:
    """The second lock behind the first: even a JWT that was taken apart elsewhere verifies with these alone."""
    with pytest.raises(JwtRejected):
        _REGISTRY.get_alg(alg)


@pytest.mark.parametrize("member", ["typ", "alg", "jwk"])
def test_a_proof_without_a_header_member_is_refused(member: str) -> None:
    """RFC 9449 4.2, 4.3-3."""
    assert not accepted(proof(KEY, "POST", URL, AT, header={member: ABSENT}))


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
def test_a_proof_without_a_claim_is_refused(claim: str) -> None:
    """RFC 9449 4.2, 4.3-3."""
    assert not accepted(proof(KEY, "POST", URL, AT, **{claim: ABSENT}))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("jti", ""), ("jti", 7), ("jti", "x" * 10_000), ("jti", "\ud800"), ("jti", ["a"]),
        ("htm", "PUT"), ("htm", "post"), ("htm", 1),
        ("htu", 5), ("htu", None), ("htu", ""),
        ("iat", "1764000000"), ("iat", True), ("iat", None), ("iat", float("inf")), ("iat", float("nan")),
        ("iat", 10**30),
    ],
)  # fmt: skip
def test_a_claim_of_another_value_or_kind_is_refused(claim: str, value: object) -> None:
    """RFC 9449 4.3; a 10 kB `jti` is refused (11.1)."""
    assert not accepted(proof(KEY, "POST", URL, AT, **{claim: value}))


@pytest.mark.parametrize("typ", ["JWT", "dpop", "DPOP+JWT", "application/dpop+jwt", ""])
def test_another_typ_is_refused(typ: str) -> None:
    """RFC 9449 4.3-4: a JWT that was made for something else is no proof."""
    assert not accepted(proof(KEY, "POST", URL, AT, header={"typ": typ}))


def test_exactly_one_proof_is_asked_for() -> None:
    """RFC 9449 4.3-1."""
    one, two = proof(KEY, "POST", URL, AT), proof(KEY, "POST", URL, AT)
    for headers in ([], [one, two], [f"{one},{two}"], [f"{one}, {two}"], [""]):
        with pytest.raises(ProofRejected):
            verify_proof(headers, "POST", URL, AT)


@pytest.mark.fault("algorithm confusion")
@pytest.mark.parametrize("alg", ["none", "RS256", "HS256", "ES384"])
def test_an_algorithm_not_listed_is_refused(alg: str) -> None:
    """RFC 9449 4.3-5; FAPI 2.0 5.4.1-1. HS256 is keyed with the bytes of the public key (CVE-2024-37568)."""
    key: Any = {
        "none": KEY, "RS256": RSA, "ES384": ECKey.generate_key("P-384"),
        "HS256": KEY,
    }[alg]  # fmt: skip
    signed_by = KEY.as_pem(private=False) if alg == "HS256" else key
    assert not accepted(proof(key, "POST", URL, AT, header={"alg": alg}, signed_by=signed_by))


def test_a_key_of_another_curve_or_size_is_refused() -> None:
    """FAPI 2.0 5.4.1-2, -3."""
    with pytest.warns(match="Key size"):
        small = rsa_key(1024)
    for key, alg in (
        (ECKey.generate_key("P-384"), "ES384"),
        (ECKey.generate_key("secp256k1"), "ES256"),
        (OKPKey.generate_key("Ed448"), "EdDSA"),
        (small, "PS256"),
    ):
        signing = ECKey.generate_key("P-256") if alg in ("ES384", "ES256") else key
        assert not accepted(proof(key, "POST", URL, AT, header={"alg": alg.replace("384", "256")}, signed_by=signing))


def test_an_rsa_key_with_an_exponent_that_makes_us_compute_is_refused() -> None:
    for exponent in (b"\x01" + bytes(200) + b"\x01", b"\x01\x00\x00\x00\x01", b"\x00\x01\x00\x01", b"\x01", b""):
        with pytest.raises(JwtRejected):
            usable_key({**RSA.as_dict(private=False), "e": b64(exponent)})


@pytest.mark.parametrize("key", [KEY, RSA, ED], ids=["EC", "RSA", "OKP"])
def test_a_private_part_in_the_header_is_refused(key: Any) -> None:
    """RFC 9449 4.3-7."""
    assert not accepted(proof(key, "POST", URL, AT, header={"jwk": key.as_dict(private=True)}))


def test_a_signature_of_another_key_or_an_altered_one_is_refused() -> None:
    """RFC 9449 4.3-6."""
    assert not accepted(proof(KEY, "POST", URL, AT, signed_by=ec_key()))
    head, body, signature = proof(KEY, "POST", URL, AT).split(".")
    other = proof(KEY, "POST", URL, AT).split(".")
    assert not accepted(f"{head}.{other[1]}.{signature}")
    assert not accepted(f"{head}.{body}.{b64(bytes(64))}")
    assert not accepted(f"{head}.{body}.")
    assert not accepted(f"{head}.{body}.{signature}=")


@pytest.mark.parametrize("seconds", [-60, -10, 0, 8, 10])
def test_a_proof_made_within_the_window_is_accepted(seconds: int) -> None:
    """RFC 9449 4.3-11, 11.1; FAPI 2.0 5.3.2.1-13."""
    assert accepted(proof(KEY, "POST", URL, AT + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-3600, -61, 11, 61, 3600])
def test_a_proof_made_outside_the_window_is_refused(seconds: int) -> None:
    assert not accepted(proof(KEY, "POST", URL, AT + timedelta(seconds=seconds)))


def test_times_and_members_we_do_not_know_are_ignored() -> None:
    """RFC 9449 4.2: `exp` and `nbf` of another standard do not decide about a proof."""
    past, future = int(AT.timestamp()) - 10**6, int(AT.timestamp()) + 10**6
    assert accepted(proof(KEY, "POST", URL, AT, header={"x": 1, "kid": "k"}, exp=past, nbf=future, y={"z": []}))


@pytest.mark.parametrize(
    "htu",
    [
        "https://api.mihon.example/graphql?a=b#c", "HTTPS://API.MIHON.EXAMPLE/graphql",
        "https://api.mihon.example:443/graphql", "https://api.mihon.example/%67raphql",
        "https://api.mihon.example/x/../graphql", "https://api.mihon.example/./graphql",
    ],
)  # fmt: skip
def test_two_spellings_of_one_url_are_one(htu: str) -> None:
    """RFC 9449 4.3-9: query and fragment are ignored, the rest is normalised."""
    assert accepted(proof(KEY, "POST", htu, AT))


@pytest.mark.parametrize(
    "htu",
    [
        "https://api.mihon.example/token", "https://api.mihon.example/graphql/", "https://api.mihon.example/Graphql",
        "http://api.mihon.example/graphql", "https://api.mihon.example:8443/graphql", "https://evil.example/graphql",
        "https://api.mihon.example@evil.example/graphql", "https://user@api.mihon.example/graphql",
        "https://evil.example//api.mihon.example/graphql", "//api.mihon.example/graphql", "/graphql",
        "https://api.mihon.example/%2567raphql", "https://api.mihon.example\\@evil.example/graphql",
        "https://api.mihon.example/graph\tql", "https://api.mihon.example/graphql\n", " https://api.mihon.example/graphql",
        "https://api.mihon.exampl\u212f/graphql", "https://[::1/graphql", "https://api.mihon.example:99999/graphql",
    ],
)  # fmt: skip
def test_another_url_is_refused(htu: str) -> None:
    """RFC 9449 4.3-9; RFC 9728 6: no Unicode normalisation."""
    assert not accepted(proof(KEY, "POST", htu, AT))


def test_at_the_resource_the_proof_names_the_token() -> None:
    """RFC 9449 4.3-12, 7."""
    assert accepted(proof(KEY, "POST", URL, AT, token="t1"), token="t1")
    assert not accepted(proof(KEY, "POST", URL, AT, token="t2"), token="t1")
    assert not accepted(proof(KEY, "POST", URL, AT), token="t1")
    assert not accepted(proof(KEY, "POST", URL, AT, ath=[digest("t1")]), token="t1")
    assert not accepted(proof(KEY, "POST", URL, AT, ath="\u00e9" * 43), token="t1")


@pytest.mark.fault("oversized or compressed JOSE")
@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True}, {"zip": "DEF"},
        {"enc": "A128GCM"}, {"jwk": "x"}, {"jwk": []}, {"jwk": {}}, {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {"kty": "EC", "crv": "P-256"}}, {"alg": None}, {"alg": ["ES256"]}, {"pad": "x" * 50_000},
    ],
    ids=str,
)  # fmt: skip
def test_headers_that_led_others_astray_are_refused(header: dict[str, Any]) -> None:
    """CVE-2025-61920, CVE-2025-62706, CVE-2026-27962, RFC 8725: critical, compressed, oversized, odd."""
    jwt = sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}, {}, KEY)
    heading = {**json.loads(_decoded(jwt.split(".")[0])), **header}
    signing = f"{b64(json.dumps(heading).encode())}.{proof(KEY, 'POST', URL, AT).split('.')[1]}"
    signature = proof(KEY, "POST", URL, AT).split(".")[2]
    assert not accepted(f"{signing}.{signature}")
    if isinstance(header.get("alg", ""), str):
        assert not accepted(proof(KEY, "POST", URL, AT, header=header))


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "==")


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a.b.c", "." * 100, "x" * 9000, '{"payload":""}', "\u3042.\u3042.\u3042",
        f'{b64(b"[]")}.{b64(b"{}")}.', f'{b64(b"null")}.{b64(b"{}")}.', f'{b64(b"[" * 2000)}.e30.AA',
        f'{b64(chr(34).encode() + b"alg" + chr(34).encode())}.e30.AA',
    ],
)  # fmt: skip
def test_what_is_no_jwt_is_refused(text: str) -> None:
    """RFC 9449 4.3-2."""
    assert not accepted(text)


def test_claims_that_are_no_object_or_name_a_claim_twice_are_refused() -> None:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    good = json.dumps({"jti": "a", "htm": "POST", "htu": URL, "iat": int(AT.timestamp())})
    assert accepted(sign(header, good.encode(), KEY))
    assert not accepted(sign(header, (good[:-1] + ', "htm": "POST"}').encode(), KEY))
    for odd in (b"[]", b'"x"', b"7", b"", b"[" * 3000):
        assert not accepted(sign(header, odd, KEY))


@pytest.mark.fault("jti window against skew")
def test_a_proof_is_burnt_per_key_until_its_window_and_skew_have_passed() -> None:
    """RFC 9449 11.1; security.md 9: the same `jti` of another key is another proof."""
    one = verify_proof([proof(KEY, "POST", URL, AT, jti="j")], "POST", URL, AT)
    again = verify_proof([proof(KEY, "POST", URL, AT, jti="j", x=1)], "POST", URL, AT)
    other = verify_proof([proof(ED, "POST", URL, AT, jti="j")], "POST", URL, AT)
    assert one.once == again.once != other.once
    assert one.once.startswith("dpop:")
    assert one.once_until == AT + timedelta(seconds=70)


@given(st.text(st.characters(codec="utf-8")) | st.binary().map(lambda octets: f"{b64(octets)}.{b64(octets)}.AA"))
def test_no_text_makes_the_verifier_fail_otherwise_than_by_refusing(text: str) -> None:
    assert not accepted(text)


def test_the_clock_is_ours() -> None:
    """Ten years ahead by our clock, whatever the machine's says."""
    later = AT.replace(year=AT.year + 10)
    assert accepted(proof(KEY, "POST", URL, later), at=later)
    assert not accepted(proof(KEY, "POST", URL, AT), at=later)


def test_rsa_keys_above_the_ceiling_are_refused() -> None:
    usable_key({"kty": "RSA", "n": b64(b"\xff" * 512), "e": "AQAB"})
    for modulus in (b"\xff" * 513, b"\x7f" + b"\xff" * 255, b"\x00" + b"\xff" * 256):
        with pytest.raises(JwtRejected):
            usable_key({"kty": "RSA", "n": b64(modulus), "e": "AQAB"})

"""What an officer may register of a client is exactly what the doors will take from it (1-2-2, FAPI 2.0 5.4.1)."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet, OKPKey
from sqlmodel import Session

from madoguchi.doors.http import ProtocolError
from madoguchi.doors.jose import matching_keys
from madoguchi.doors.oauth.pushed_request import authorization_request
from madoguchi.doors.templating import page_headers
from madoguchi.procedures.aggregators import AggregatorDetails, AggregatorRefused, add_aggregator, change_client
from madoguchi.records.aggregators import Aggregator
from madoguchi.records.database import Database
from madoguchi.rules.vocabulary import Scope
from tests.fapi.jwts import b64, digest, ec_key, ed_key, rsa_key
from tests.story import NOW, WHO

ADDRESS = "https://kakeibo.example/callback"
KEY = ec_key(kid="k1").as_dict(private=False)


def rsa(bits: int) -> dict[str, Any]:
    """An RSA key of exactly so many bits, as far as its size can be seen."""
    return {"kty": "RSA", "n": b64(((1 << bits) - 1).to_bytes((bits + 7) // 8)), "e": "AQAB"}


def register(session: Session, uri: str, jwks: Any, return_origins: tuple[str, ...] = ()) -> Aggregator:
    details = AggregatorDetails(
        name="みほん家計簿",
        company="株式会社みほん家計簿",
        jwks=jwks,
        redirect_uris=(uri,),
        scopes=("accounts", "balances"),
        return_origins=return_origins,
    )
    return add_aggregator(session, details, WHO, NOW)


def pushes(uri: str) -> bool:
    """Whether a push with this registered address is taken, and the consent page can allow a form to lead there."""
    form = {
        "client_id": "agg_mihon",
        "response_type": "code",
        "redirect_uri": uri,
        "scope": "accounts balances",
        "code_challenge": digest("v" * 43),
        "code_challenge_method": "S256",
    }
    try:
        authorization_request(form, (uri,), tuple(Scope), None)
        page_headers([uri])
    except (ProtocolError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    "uri",
    [
        "", " ", "https://", "https:///x", "https://a.example/ b", 'https://a.example/"', "https://a.example/<x>",
        "https://a.example/\x07", "https://a.example/\n", "https://a.example/#x", "https://u:p@a.example/",
        "https://[::1", "https://[zz]/", "https://a.example:99999/", "https://a.example:80a/", "https://a.example:/",
        "https://a,b.example/", "https://a;b.example/", "https://*.example/", "https://a'b.example/",
        "http://a.example/", "http://localhost/", "http://127.0.0.1:99999/", "https://みほん.example/",
    ],
)  # fmt: skip
async def test_an_address_that_a_push_would_refuse_is_not_registered(database: Database, uri: str) -> None:
    row = await database.writing(register, ADDRESS, {"keys": [KEY]})
    with pytest.raises(AggregatorRefused, match="https"):
        await database.writing(register, uri, {"keys": [KEY]})
    with pytest.raises(AggregatorRefused, match="https"):
        await database.writing(change_client, row.aggregator_id, {"keys": [KEY]}, (uri,), WHO, NOW)
    with pytest.raises(AggregatorRefused, match="return-origin"):
        await database.writing(register, ADDRESS, {"keys": [KEY]}, (uri,))
    assert not pushes(uri)


@pytest.mark.parametrize(
    "uri",
    [ADDRESS, ADDRESS + "?a=b&c=%20", "https://a.example:8443/", "https://[2001:db8::1]/", "http://127.0.0.1:65535/x",
     "http://[::1]:9/x"],
)  # fmt: skip
async def test_an_address_that_a_push_takes_can_be_registered(database: Database, uri: str) -> None:
    row = await database.writing(register, uri, {"keys": [KEY]})
    assert row.redirect_uris == [uri]
    assert pushes(uri)


BAD_KEYS: dict[str, Any] = {
    "RSA of 2047 bits": rsa(2047),
    "RSA of 4097 bits": rsa(4097),
    "RSA padded with a zero octet": {**rsa(2040), "n": b64(bytes(1) + b"\xff" * 255)},
    "RSA with a huge exponent": {**rsa(2048), "e": b64(b"\x01" + bytes(8) + b"\x01")},
    "for encryption": {**KEY, "use": "enc"},
    "for another algorithm": {**KEY, "alg": "ES512"},
    "for RS256": {**rsa(2048), "alg": "RS256"},
    "for signing only": {**KEY, "key_ops": ["sign"]},
    "of another curve": ECKey.generate_key("P-384").as_dict(private=False),
    "of Ed448": OKPKey.generate_key("Ed448").as_dict(private=False),
    "symmetric": {"kty": "oct", "k": b64(b"k" * 32)},
    "not on the curve": {**KEY, "y": b64(bytes(31) + b"\x01")},
    "with a coordinate too short": {**KEY, "x": b64(b"x" * 31)},
    "with signs that base64url has not": {**KEY, "x": KEY["x"] + "*"},
    "without a part": {"kty": "EC", "crv": "P-256"},
    "with a kid that is no text": {**KEY, "kid": 7},
    "private": ec_key().as_dict(private=True),
    "no object": "key",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
async def test_a_key_that_an_assertion_could_not_use_is_not_registered(database: Database, key: Any) -> None:
    row = await database.writing(register, ADDRESS, {"keys": [KEY]})
    for jwks in ({"keys": [key]}, {"keys": [KEY, key]}):
        with pytest.raises(AggregatorRefused, match="鍵"):
            await database.writing(register, ADDRESS, jwks)
        with pytest.raises(AggregatorRefused, match="鍵"):
            await database.writing(change_client, row.aggregator_id, jwks, (ADDRESS,), WHO, NOW)
    if isinstance(key, dict):
        assert matching_keys({"keys": [key]}, {}) == []


@pytest.mark.parametrize(
    "jwks",
    [{}, {"keys": []}, {"keys": "x"}, {"keys": {}}, [KEY], "x"],
    ids=["empty", "no keys", "keys a text", "keys an object", "a bare list", "a text"],
)
async def test_what_is_no_key_set_is_not_registered(database: Database, jwks: Any) -> None:
    with pytest.raises(AggregatorRefused, match="鍵"):
        await database.writing(register, ADDRESS, jwks)


@pytest.mark.parametrize(
    "key",
    [
        KEY, {**KEY, "use": "sig", "alg": "ES256"}, {**KEY, "key_ops": ["verify"]}, ed_key(alg="EdDSA").as_dict(),
        ed_key(alg="Ed25519").as_dict(), rsa_key(2048, alg="PS256").as_dict(private=False), rsa(4096),
    ],
    ids=lambda key: f"{key['kty']} {key.get('alg', '')}",
)  # fmt: skip
async def test_a_key_of_the_profile_can_be_registered_and_used(database: Database, key: Any) -> None:
    public = {name: value for name, value in key.items() if name != "d"}
    row = await database.writing(register, ADDRESS, {"keys": [public]})
    assert len(matching_keys(row.jwks, {})) == len(KeySet.import_key_set(row.jwks).keys) == 1  # type: ignore[arg-type]

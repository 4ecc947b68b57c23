"""The documents over HTTP, and over a real socket: RFC 8414, RFC 9728, the key set."""

import asyncio
import socket

import httpx
import uvicorn

from tests.fapi.bank import SERVER_KEY, Bank, error
from tests.fapi.jwts import PRIVATE


async def test_the_documents_are_json_may_be_cached_and_name_our_own_endpoints(bank: Bank) -> None:
    """RFC 8414 3.2; RFC 9728 3.1, 3.2, 3.3, 7.10; RFC 9207 2.3."""
    server = await bank.http.get("/.well-known/oauth-authorization-server")
    resource = await bank.http.get("/.well-known/oauth-protected-resource/graphql")
    for answer in (server, resource):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert "max-age=3600" in answer.headers["cache-control"]
    assert server.json()["issuer"] == bank.settings.issuer
    assert resource.json()["resource"] == bank.settings.issuer + "/graphql"
    assert resource.json()["authorization_servers"] == [server.json()["issuer"]]
    back = await bank.kakeibo.response()
    assert back["iss"] == [server.json()["issuer"]]


async def test_every_endpoint_that_is_named_is_there(bank: Bank) -> None:
    document = (await bank.http.get("/.well-known/oauth-authorization-server")).json()
    for name, address in document.items():
        if name.endswith("_endpoint"):
            answer = await bank.http.get(address)
            assert answer.status_code in (400, 405), name
    assert (await bank.http.get(document["jwks_uri"])).status_code == 200


async def test_the_key_set_has_public_halves_with_names_of_their_own(bank: Bank) -> None:
    """FAPI 2.0 5.4.2-1, -3."""
    keys = (await bank.http.get("/jwks")).json()["keys"]
    assert [key["kid"] for key in keys] == [SERVER_KEY.kid]
    assert not [key for key in keys if PRIVATE & key.keys()]


async def test_only_the_resources_own_well_known_address_answers(bank: Bank) -> None:
    """RFC 9728 3.1."""
    for path in ("", "/", "/graphql/", "/GraphQL", "/other"):
        answer = await bank.http.get(f"/.well-known/oauth-protected-resource{path}", follow_redirects=False)
        assert answer.status_code != 200


async def test_every_answer_carries_a_request_id_of_our_own_making(bank: Bank) -> None:
    ids = set()
    for path in ("/jwks", "/authorize", "/par", "/nowhere"):
        answer = await bank.http.get(path, headers={"X-Request-Id": "rq_chosen-by-the-client"})
        ids.add(answer.headers["x-request-id"])
    assert len(ids) == 4
    assert all(len(one) == 33 and one.startswith("rq_") for one in ids)


async def test_a_whole_registration_over_a_real_socket(bank: Bank) -> None:
    """Repeated header lines, chunked bodies and a closing connection reach us as they were sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(bank.app, log_level="warning", lifespan="off", http="httptools"))
    serving = asyncio.create_task(server.serve([listener]))
    kakeibo = bank.kakeibo
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            over_socket = Bank(bank.app, http, bank.database, bank.clock, bank.settings, bank.story).kakeibo
            tokens = await over_socket.registered()
            assert await bank.serves(tokens["access_token"])
            twice = [kakeibo.proof(), kakeibo.proof()]
            assert error(await over_socket.refresh(tokens["refresh_token"], proofs=twice)) == (
                400,
                "invalid_dpop_proof",
            )

            async def chunks() -> object:
                for _ in range(40):
                    yield b"a=" + b"x" * 1000 + b"&"

            headers = {"content-type": "application/x-www-form-urlencoded"}
            assert error(await http.post("/token", content=chunks(), headers=headers)) == (413, "invalid_request")  # type: ignore[arg-type]
            assert (await over_socket.revoke(tokens["refresh_token"])).status_code == 200
            assert not await bank.serves(tokens["access_token"])
    finally:
        server.should_exit = True
        await serving

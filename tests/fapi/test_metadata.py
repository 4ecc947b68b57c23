"""What we say about ourselves: RFC 8414, RFC 9728, and that all of it is true."""

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from madoguchi.doors.http import RESOURCE_METADATA
from madoguchi.doors.oauth import metadata

ISSUER = "https://api.mihon.example"


def test_the_server_document_is_valid_and_all_its_urls_are_ours() -> None:
    """RFC 8414 2, 3; FAPI 2.0 5.3.2.1-1; RFC 9207 3: `issuer` is the configured text, byte for byte."""
    document = metadata.server_metadata(ISSUER)
    AuthorizationServerMetadata(document).validate()
    assert document["issuer"] == ISSUER
    addresses = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 5
    assert all(address.startswith(ISSUER + "/") for address in addresses)


def test_only_what_the_profile_allows_is_offered() -> None:
    """FAPI 2.0 5.3.2.1-6, 5.4.1-1; RFC 9126 5; RFC 9449 5.1; RFC 9207 3."""
    document = metadata.server_metadata(ISSUER)
    lists = [value for name, value in document.items() if name.endswith("alg_values_supported")]
    assert lists == [["ES256", "PS256", "EdDSA"]] * 3
    methods = [value for name, value in document.items() if name.endswith("auth_methods_supported")]
    assert methods == [["private_key_jwt"]] * 2
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert document["require_pushed_authorization_requests"] is True
    assert document["authorization_response_iss_parameter_supported"] is True
    assert not {"registration_endpoint", "request_object_signing_alg_values_supported"} & document.keys()


def test_the_resource_document_names_the_resource_and_its_server() -> None:
    """RFC 9728 2, 3.1, 3.2 (nothing empty), 3.3; FAPI 2.0 5.3.4-2: tokens in the header only."""
    document = metadata.resource_metadata(ISSUER)
    assert document["resource"] == ISSUER + "/graphql"
    assert document["authorization_servers"] == [ISSUER]
    assert document["bearer_methods_supported"] == ["header"]
    assert document["dpop_bound_access_tokens_required"] is True
    assert all(value not in (None, [], "") for value in document.values())
    assert RESOURCE_METADATA == "/.well-known/oauth-protected-resource/graphql"

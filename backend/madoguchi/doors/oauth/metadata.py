"""What a client can read about us before it speaks: authorization server metadata, resource metadata, key set.

Source: RFC 8414 sections 2 and 3, RFC 9728 sections 2 and 3, RFC 9126 section 5, RFC 9207 section 3, RFC 9449 section
5.1; FAPI 2.0 Security Profile 5.3.2.1-1 and 5.4.1. Only what works is listed, and every URL comes from configuration.
"""

from typing import Any, Final

from madoguchi.doors import jose
from madoguchi.doors.http import RESOURCE, RESOURCE_METADATA
from madoguchi.rules.vocabulary import Scope

AUTHORIZE: Final = "/authorize"
TOKEN: Final = "/token"
PUSH: Final = "/par"
REVOKE: Final = "/revoke"
KEYS: Final = "/jwks"
SERVER_METADATA: Final = "/.well-known/oauth-authorization-server"
FOR_MACHINES: Final = frozenset({TOKEN, PUSH, REVOKE, KEYS, SERVER_METADATA, RESOURCE_METADATA})
"""The paths at which clients ask, and are answered in JSON; a browser comes to /authorize alone."""

_AUTHENTICATION: Final = ["private_key_jwt"]
_SCOPES: Final = [scope.value for scope in Scope]


def server_metadata(issuer: str) -> dict[str, Any]:
    """The RFC 8414 document of the authorization server with this issuer identifier."""
    algorithms = list(jose.ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "pushed_authorization_request_endpoint": issuer + PUSH,
        "require_pushed_authorization_requests": True,
        "revocation_endpoint": issuer + REVOKE,
        "jwks_uri": issuer + KEYS,
        "scopes_supported": _SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": _AUTHENTICATION,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": _AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["ja"],
        "protected_resources": [resource_identifier(issuer)],
    }


def resource_metadata(issuer: str) -> dict[str, Any]:
    """The RFC 9728 document of our one resource."""
    return {
        "resource": resource_identifier(issuer),
        "authorization_servers": [issuer],
        "scopes_supported": _SCOPES,
        "bearer_methods_supported": ["header"],
        "dpop_bound_access_tokens_required": True,
        "dpop_signing_alg_values_supported": list(jose.ALGORITHMS),
    }


def resource_identifier(issuer: str) -> str:
    """Our resource identifier (RFC 9728 section 1.2): the URL of /graphql."""
    return issuer + RESOURCE

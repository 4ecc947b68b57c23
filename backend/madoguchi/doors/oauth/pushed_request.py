"""What an authorization request must look like when it is pushed (PAR): everything is judged here, before any browser.

Source: RFC 9126 section 2.1, RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9449 section 10; FAPI 2.0 Security
Profile 5.3.2.2. Signed request objects (RFC 9101), `authorization_details` and OpenID Connect are not offered.
Parameters we do not know are ignored (RFC 6749 section 3.1). Storing is procedures/authorizing.py's.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from madoguchi.doors.http import ProtocolError
from madoguchi.procedures.authorizing import Push
from madoguchi.procedures.clients import is_acceptable_redirect_uri
from madoguchi.rules.vocabulary import Scope

STATE_CHARACTERS: Final = 4096
"""More than the 1,500 a client may expect to get back whole; a longer one is refused, never cut."""


def authorization_request(
    form: Mapping[str, str],
    redirect_uris: Collection[str],
    contracted: Collection[Scope],
    proof_jkt: str | None,
) -> Push:
    """Judge the parameters of an authenticated client's push.

    redirect_uris  the client's registered ones; nothing else is ever used, compared byte for byte.
    contracted     the scopes of its contract.
    proof_jkt      thumbprint of the key whose DPoP proof came with the push, if one came.
    Raises ProtocolError with the code of RFC 6749 section 4.1.2.1 or RFC 9101 section 7.
    """
    if "request_uri" in form:
        raise _invalid("request_uri must not be pushed")
    if "request" in form:
        raise _refused("request_not_supported", "request objects are not offered")
    if "client_id" not in form:
        raise _invalid("client_id is missing")
    if "response_type" not in form:
        raise _invalid("response_type is missing")
    if form["response_type"] != "code":
        raise _refused("unsupported_response_type", "response_type must be code")
    if form.get("response_mode", "query") != "query":
        raise _invalid("response_mode must be query")
    return Push(
        redirect_uri=_redirect_uri(form, redirect_uris),
        scopes=_scopes(form, contracted),
        state=_state(form),
        code_challenge=_code_challenge(form),
        dpop_jkt=_dpop_jkt(form, proof_jkt),
    )


def _redirect_uri(form: Mapping[str, str], registered: Collection[str]) -> str:
    uri = form.get("redirect_uri")
    if uri is None:
        raise _invalid("redirect_uri is missing")
    if uri not in registered or not is_acceptable_redirect_uri(uri):
        raise _invalid("redirect_uri is not registered")
    return uri


def _scopes(form: Mapping[str, str], contracted: Collection[Scope]) -> tuple[Scope, ...]:
    """The asked scopes in our order. `accounts` alone shows nothing, and the others show nothing without it (2-1)."""
    asked = form.get("scope", "").split(" ")
    if not set(asked) <= {scope.value for scope in contracted}:
        raise _refused("invalid_scope", "scope is missing or exceeds the contract")
    scopes = tuple(scope for scope in Scope if scope in asked)
    if Scope.ACCOUNTS not in scopes or len(scopes) < 2:
        raise _refused("invalid_scope", "scope must be accounts with balances or transactions or both")
    return scopes


def _state(form: Mapping[str, str]) -> str | None:
    state = form.get("state")
    if state is not None and not (len(state) <= STATE_CHARACTERS and re.fullmatch(r"[ -~]+", state)):
        raise _invalid("state must be printable ASCII of at most 4096 characters")
    return state


def _code_challenge(form: Mapping[str, str]) -> str:
    if form.get("code_challenge_method") != "S256":
        raise _invalid("code_challenge_method must be S256")
    challenge = form.get("code_challenge", "")
    if not _is_sha256(challenge):
        raise _invalid("code_challenge is missing or is not a base64url SHA-256 value")
    return challenge


def _dpop_jkt(form: Mapping[str, str], proof_jkt: str | None) -> str | None:
    asked = form.get("dpop_jkt")
    if asked is not None and not _is_sha256(asked):
        raise _invalid("dpop_jkt is no thumbprint")
    if asked is not None and proof_jkt is not None and asked != proof_jkt:
        raise _refused("invalid_dpop_proof", "dpop_jkt and the proof name different keys")
    return asked or proof_jkt


def _is_sha256(text: str) -> bool:
    """43 characters of base64url: 256 bits without padding; the last one carries four bits."""
    return re.fullmatch(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", text) is not None


def _invalid(why: str) -> ProtocolError:
    return _refused("invalid_request", why)


def _refused(error: str, why: str) -> ProtocolError:
    return ProtocolError(error, why, description=why)

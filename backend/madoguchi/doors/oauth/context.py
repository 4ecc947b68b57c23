"""What the OAuth door is given by the composition root, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from madoguchi.clock import Clock
from madoguchi.procedures.transactions import Transactions
from madoguchi.settings import Settings

ErrorPage = Callable[[Request, str, str], Awaitable[Response]]
"""Renders an error page: the request, the name of the pages' message state, the aggregator's name or ""."""


@dataclass(frozen=True, slots=True)
class OAuthContext:
    """jwks: the server's public keys as a JWK set. release: this software's version, named in every record of use."""

    settings: Settings
    clock: Clock
    database: Transactions
    jwks: Mapping[str, Any]
    release: str
    error_page: ErrorPage

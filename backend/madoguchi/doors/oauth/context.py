"""What the OAuth door is given by the composition root, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from madoguchi.clock import Clock
from madoguchi.settings import Settings

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

ErrorPage = Callable[[Request, str, str], Awaitable[Response]]
"""Renders an error page: the request, the name of the pages' message state, the aggregator's name or ""."""


class Transactions(Protocol):
    """The database as a door sees it: procedures run in one transaction each."""

    async def writing(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value: ...

    async def reading(
        self,
        procedure: Callable[Concatenate[Session, Arguments], Value],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Value: ...


@dataclass(frozen=True, slots=True)
class OAuthContext:
    """jwks: the server's public keys as a JWK set. release: this software's version, named in every record of use."""

    settings: Settings
    clock: Clock
    database: Transactions
    jwks: Mapping[str, Any]
    release: str
    error_page: ErrorPage

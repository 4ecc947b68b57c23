"""The database as the doors see it, who start procedures: one transaction each, and nothing else of it.

`madoguchi.records.database.Database` is what stands behind it.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlmodel import Session

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class Transactions(Protocol):
    """Runs procedures: `writing` in one durable transaction, `reading` in one read-only snapshot."""

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

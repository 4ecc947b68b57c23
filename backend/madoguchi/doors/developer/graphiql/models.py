"""The page of GraphiQL: what it says around the editor."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class State(StrEnum):
    """What happened last, told above the editor."""

    CONNECTED = "connected"
    ENDED = "ended"
    DENIED = "denied"  # the customer did not agree: access_denied
    UNAVAILABLE = "unavailable"  # closed or stopped: temporarily_unavailable
    FAILED = "failed"  # any other protocol error


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. `scopes` as the token carries them; `end_action` is where the button posts `form_token`."""

    scopes: tuple[str, ...]
    end_action: str
    form_token: str


@dataclass(frozen=True, slots=True)
class GraphiqlPage:
    """`is_built`: whether `make` has built the editor. `code`: an error's, shown small; "" when there is none.

    institution, aggregator  their names; None before the sample aggregator has been designated: nobody can sign in.
    """

    template: ClassVar[str] = "developer/graphiql.html"

    institution: str | None
    aggregator: str | None
    is_built: bool
    connect_url: str
    run_url: str
    schema_url: str
    session: Session | None = None
    state: State | None = None
    code: str = ""

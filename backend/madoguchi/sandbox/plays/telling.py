"""What a play tells: what happened, what an aggregator sees now, what the customer sees, and how it is undone."""

from dataclasses import dataclass
from datetime import datetime

from madoguchi.procedures.installing import Database
from madoguchi.sandbox.books import Tell
from madoguchi.settings import Settings


class CannotPlay(ValueError):
    """It cannot happen now; the message says why and what to do first, in Japanese."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a play is played: the running sandbox at its moment (aware). `tell` gets a line for each file taken in."""

    settings: Settings
    database: Database
    at: datetime
    tell: Tell


@dataclass(frozen=True, slots=True)
class Told:
    """What is told afterwards, in Japanese.

    undo     the command that undoes it; "" when there is nothing to undo any more.
    changed  whether anything was done at all: a play that is on already changes nothing.
    """

    happened: str
    aggregator: str
    customer: str
    undo: str = ""
    changed: bool = True

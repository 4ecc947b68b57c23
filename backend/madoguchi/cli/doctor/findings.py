"""A finding: one thing that was looked at, how it stands, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How a thing stands. An error keeps the service from being given, or evidence and secrets from being kept."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` is its stable name; `message` and `remedy` are sentences in Japanese."""

    check: str
    level: Level
    message: str
    remedy: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"check": self.check, "level": self.level, "message": self.message, "remedy": self.remedy}


def ok(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.WARNING, message, remedy)


def error(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.ERROR, message, remedy)


def unchecked(checks: tuple[str, ...], because: str) -> list[Finding]:
    """What cannot be looked at because something before it failed."""
    return [Finding(check, Level.UNCHECKED, f"調べられません({because})。") for check in checks]

"""The settings as a page, read from the class that reads them (settings.py): what is not described there is not shown.

A setting's unit and the mode it is for stand in its field's `json_schema_extra`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar

from markupsafe import Markup
from pydantic.fields import FieldInfo

from madoguchi.doors.developer.documentation.markdown import breakable, words_of
from madoguchi.doors.developer.documentation.models import Heading
from madoguchi.settings import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the environment. `default` is empty where it must be given."""

    key: str
    about: Markup
    default: str
    values: Markup
    modes: str


@dataclass(frozen=True, slots=True)
class SettingsReference:
    template: ClassVar[str] = "developer/settings.html"
    settings: tuple[Setting, ...]

    @property
    def headings(self) -> tuple[Heading, ...]:
        return tuple(Heading(3, one.key, breakable(one.key.removeprefix("MADOGUCHI_"))) for one in self.settings)


def settings_reference() -> SettingsReference:
    """Every field of Settings, in its order there."""
    prefix = Settings.model_config["env_prefix"]
    return SettingsReference(
        tuple(_setting(f"{prefix}{name.upper()}", field) for name, field in Settings.model_fields.items())
    )


def _setting(key: str, field: FieldInfo) -> Setting:
    extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Setting(
        key=key,
        about=words_of(field.description or ""),
        default="" if field.is_required() else _written(field.default),
        values=words_of(_values(field, str(extra.get("unit", "")))),
        modes=str(extra.get("modes", "sandbox and production")),
    )


def _written(value: object) -> str:
    """A value as the environment has it."""
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():g}S"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)


def _values(field: FieldInfo, unit: str) -> str:
    """What may stand there, in words."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{one.value}`" for one in kind)
    if kind is bool:
        return "`true` or `false`"
    if kind is timedelta:
        return "A duration in ISO 8601: `PT90S`, `PT30M`"
    if kind in (int, int | None):
        return " ".join(filter(None, ("A whole number", f"of {unit}" if unit else "", _span(field))))
    return f"{unit[:1].upper()}{unit[1:]}" if unit else "Text"


def _span(field: FieldInfo) -> str:
    """The bounds of a number."""
    least, most = (
        next((getattr(one, name) for one in field.metadata if hasattr(one, name)), None) for name in ("ge", "le")
    )
    return f"from {least} to {most}" if most is not None else f"of at least {least}" if least is not None else ""

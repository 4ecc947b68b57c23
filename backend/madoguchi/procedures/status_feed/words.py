"""The words of the status feed that its events and its full file share: numbers, names, moments, accounts.

Source: domain.md (identifiers, core-banking feeds); the format is ours. Strict: no number as text, no unknown key, no
text with a sign that nobody sees. Moments are written as RFC 3339 has them, and lie where every database can keep them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.rules.plain_text import is_plain
from madoguchi.rules.vocabulary import AccountKind

LARGEST_SEQUENCE: Final = 10**15 - 1
"""Exact in JSON everywhere (below 2^53) and in a 64-bit column."""

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""No event of internet banking lies outside; the first and the last year of the calendar cannot be put into UTC."""

PLAIN: Final = "x-plain"
"""Marks a plain text in the schema that pydantic makes; status_feed/schema.py puts the rule in its place."""

_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT: Final = rf"{_DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})"

Calendar = TypeVar("Calendar", date, datetime)


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Plain:
    """Names come onto pages and into terminals: nothing in them that nobody sees (rules/plain_text.py)."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(_seen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), PLAIN: True}


def _seen(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("plain_text", "no control or formatting characters")
    return text


def _calendar(value: Any, pattern: str, read: type[Calendar]) -> Calendar | None:
    """A day or moment that is written as the pattern says, or is one already; None for anything else."""
    try:
        found = read.fromisoformat(value) if isinstance(value, str) and re.fullmatch(pattern, value) else value
    except ValueError:
        return None
    return found if type(found) is read and FIRST_YEAR <= found.year <= LAST_YEAR else None


def _moment(value: Any) -> datetime:
    found = _calendar(value, _MOMENT, datetime)
    if found is None or found.tzinfo is None:
        raise PydanticCustomError("moment", "a moment as in RFC 3339, with its offset")
    return found


def _day(value: Any) -> date:
    found = _calendar(value, _DAY, date)
    if found is None:
        raise PydanticCustomError("day", "a day as in RFC 3339")
    return found


@dataclass(frozen=True, slots=True)
class _Written:
    """A day or a moment in the one way it may be written; pydantic's own reading takes bare numbers too."""

    format: str  # JSON Schema's name of it
    pattern: str
    read: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(source.isoformat, when_used="json")
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": self.format, "pattern": f"^{self.pattern}$"}


Plain = _Plain()
FeedMoment = Annotated[datetime, _Written("date-time", _MOMENT, _moment)]
"""RFC 3339 with its offset."""
Day = Annotated[date, _Written("date", _DAY, _day)]

SequenceNumber = Annotated[
    int, Field(ge=1, le=LARGEST_SEQUENCE, description="from 1, without gaps: behind a gap nothing acts")
]
CustomerNumber = Annotated[str, Field(pattern=r"^[0-9]{8}$", description="お客さま番号, 8 digits")]
CustomerName = Annotated[str, Field(min_length=1, max_length=100), Plain]
MailAddress = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), Plain]
Phrase = Annotated[str, Field(min_length=1, max_length=40, description="お客さまの合言葉, shown after login"), Plain]
BranchCode = Annotated[str, Field(pattern=r"^[0-9]{3}$", description="店番, 3 digits")]
BranchName = Annotated[str, Field(min_length=1, max_length=40, description="店名"), Plain]
BranchKana = Annotated[str, Field(max_length=40, description="店名, half-width kana"), Plain]
HolderKana = Annotated[str, Field(max_length=40, description="口座名義, half-width kana"), Plain]
AccountName = Annotated[str, Field(max_length=40, description="the customer's own name for the account"), Plain]
ProductCode = Annotated[
    str, Field(max_length=10, description="商品コード, for the products that are excluded (2-2)"), Plain
]


class FeedAccount(Strict):
    """An account as the bank knows it: branch, 種目 and number together."""

    branch_code: BranchCode
    kind: Annotated[AccountKind, Field(description="預金種目, Zengin code")]
    number: Annotated[str, Field(pattern=r"^[0-9]{7}$", description="口座番号, 7 digits")]

    @property
    def key(self) -> AccountKey:
        return AccountKey(self.branch_code, self.kind.value, self.number)

"""The two frozen bodies of facts that a decision about reading is made from.

*Institution*: calendar, stops of the whole or a part, terms, data window. *Registration*: the registration,
its aggregator, the customer's internet banking, the accounts. Neither holds a name, a number or a balance.
Their canonical JSON is stored once under its SHA-256, so that any decision can be asked again years later
(`procedures/explaining.py`). `canonical` and `load` are inverse to each other.
"""

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from madoguchi.rules.vocabulary import (
    AccountKind,
    AccountState,
    ContractState,
    DayType,
    Feed,
    FeedCovers,
    FeedDays,
    Product,
    RegistrationState,
    Scope,
    StopTarget,
    TermsChange,
)


@dataclass(frozen=True, slots=True)
class Hours:
    """One window of a day type: minutes since 00:00 JST, `closes` excluded; (0, 1440) is the whole day.

    Dated: holds on days from `valid_from` on and before `valid_until`.
    """

    product: Product
    day_type: DayType
    opens: int
    closes: int
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Closure:
    """A planned closing of the service (maintenance, year end): closed from `starts_at` until before `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop under 7-3 in force from `starts_at` until before `ends_at` (None: until it is lifted)."""

    stop_id: int
    kind: StopTarget
    target: str
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of the terms, named by its date (9-1)."""

    version: date
    effective_from: datetime
    change: TermsChange


@dataclass(frozen=True, slots=True)
class FeedDue:
    """One line of the timetable of feeds (連携の予定): on its days `feed` is due by minute `due` since 00:00 JST (6-1).

    covers             up to when its data must reach then.
    unavailable_after  minutes after `due` from which what is held is too old to be given; None: never.
    Dated: holds on days from `valid_from` on and before `valid_until`.
    """

    feed: Feed
    days: FeedDays
    due: int
    covers: FeedCovers
    unavailable_after: int | None
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class InstitutionFacts:
    """The credit union's side: what holds for everybody. `stops`: those of the whole, a function, kind or branch.

    A field with a default came later: a body from before is read as one that holds the default.
    """

    hours: tuple[Hours, ...]
    holidays: tuple[date, ...]
    closures: tuple[Closure, ...]
    stops: tuple[Stop, ...]
    terms: tuple[Terms, ...]
    history_months: int
    excluded_products: tuple[str, ...]
    feeds: tuple[FeedDue, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account the customer chose at consent, as it stands now."""

    account_id: int
    branch_code: str
    kind: AccountKind
    product_code: str
    state: AccountState


@dataclass(frozen=True, slots=True)
class AggregatorFacts:
    """The contract with the aggregator (1-2-2). Its end is exclusive, None is open; `history_days` narrows 2-4."""

    aggregator_id: str
    contract_from: datetime
    contract_until: datetime | None
    scopes: tuple[Scope, ...]
    identifiers: tuple[str, ...]
    history_days: int | None


@dataclass(frozen=True, slots=True)
class RegistrationFacts:
    """The customer's side: one registration and what it rests on. `stops`: of its aggregator, customer, itself."""

    registration_id: str
    state: RegistrationState
    registered_at: datetime
    until: datetime
    scopes: tuple[Scope, ...]
    identifiers: tuple[str, ...]
    terms_version: date
    product: Product
    contract_state: ContractState
    aggregator: AggregatorFacts
    accounts: tuple[AccountFacts, ...]
    stops: tuple[Stop, ...]


Body = TypeVar("Body")


def canonical(body: Any) -> str:
    """The one JSON text of a body of facts: keys sorted, no spaces, moments in ISO 8601 and UTC.

    Equal bodies have equal texts, whatever zone their moments were written in. Raises ValueError for a naive moment.
    """
    return json.dumps(_plain(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """SHA-256 of a canonical text, in hex: the name a body is stored under."""
    return hashlib.sha256(text.encode()).hexdigest()


def load(kind: type[Body], text: str) -> Body:
    """The body that `canonical` wrote. Raises KeyError, ValueError or TypeError for any other text."""
    value: Body = _typed(kind, json.loads(text))
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("facts hold aware moments only")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def _typed(kind: Any, value: Any) -> Any:
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], item) for item in value)
    if get_origin(kind) is types.UnionType:  # only `X | None` occurs
        return None if value is None else _typed(get_args(kind)[0], value)
    if is_dataclass(kind):
        hints: Mapping[str, Any] = get_type_hints(kind)
        written = [each.name for each in fields(kind) if each.name in value or each.default is MISSING]
        return kind(**{name: _typed(hints[name], value[name]) for name in written})  # type: ignore[operator]
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    return kind(value)

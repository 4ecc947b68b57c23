"""Setting up the one institution of an installation from its document (TOML).

The document gives its names and the values that the terms leave open: hours (2-1), data window (2-4), registration
period (4-1), excluded products (2-2). `backend/sample/institution.toml` is a model.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from madoguchi.procedures.service import facts_of_rows, set_holidays, set_hours, store_fact
from madoguchi.procedures.trail import record_act
from madoguchi.records.service import Institution
from madoguchi.rules import facts
from madoguchi.rules.facts import Hours
from madoguchi.rules.vocabulary import DayType, Product

REQUIRED = (
    "bank_code",
    "name",
    "name_kana",
    "phone",
    "phone_hours",
    "is_sample",
    "registration_days",
    "history_months",
)

FIRST_DAY = date(2000, 1, 1)
"""From when the first calendar holds: before anything the system can be asked about."""


class InstitutionRefused(ValueError):
    """The document does not describe an institution; the message says what is wrong, in Japanese for the officer."""


def set_up_institution(
    session: Session, document: bytes, holidays: list[tuple[date, str]], actor: str, at: datetime
) -> bool:
    """Create the institution with its first calendar; False when there is one already (nothing changes then).

    holidays  days and names on which internet banking keeps its holiday hours. Raises InstitutionRefused.
    """
    if session.get(Institution, 1) is not None:
        return False
    try:
        parsed = tomllib.loads(document.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InstitutionRefused(f"金融機関の文書を読めません: {problem}") from problem
    missing = [name for name in REQUIRED if name not in parsed]
    if missing:
        raise InstitutionRefused(f"金融機関の文書に {'、'.join(missing)} がありません。")
    hours = list(read_hours(parsed.get("hours", {}), FIRST_DAY))
    values = {name: parsed[name] for name in REQUIRED}
    row = Institution(**values, excluded_products=parsed.get("excluded_products", []), facts_digest="")
    row.facts_digest = store_fact(session, facts.canonical(facts_of_rows(session, row, at)))
    session.add(row)
    record_act(session, at, actor, "institution.set_up", "service", "1-1", bank_code=row.bank_code)
    set_hours(session, hours, actor, at)
    set_holidays(session, holidays, actor, at)
    return True


def read_hours(hours: Mapping[str, Any], valid_from: date) -> Iterator[Hours]:
    """Hours as a document writes them: product -> day type -> windows "HH:MM-HH:MM" (24:00 is the day's end)."""
    for product in Product:
        for day_type in DayType:
            windows = hours.get(product, {}).get(day_type)
            if windows is None:
                raise InstitutionRefused(f"hours.{product}.{day_type} がありません(休みの日は [] と書きます)。")
            for window in windows:
                opens, closes = _minutes(window)
                yield Hours(product, day_type, opens, closes, valid_from, None)


def _minutes(window: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", window)
    if match:
        start_hour, start, end_hour, end = (int(part) for part in match.groups())
        opens, closes = start_hour * 60 + start, end_hour * 60 + end
        if start < 60 and end < 60 and opens < closes <= 24 * 60:
            return opens, closes
    raise InstitutionRefused(f"時間帯「{window}」は 07:00-23:00 の形で、始まりを終わりより前にしてください。")

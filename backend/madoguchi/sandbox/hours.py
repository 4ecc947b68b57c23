"""The sample's two calendars (2-1): its own, open at all hours, and the hours that its pages show."""

import tomllib
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from madoguchi.installation import sample_document
from madoguchi.procedures.service import institution_facts, set_hours
from madoguchi.procedures.setting_up import read_hours
from madoguchi.rules.facts import Hours
from madoguchi.rules.vocabulary import JST

ALWAYS: Final = "institution.toml"
DRAWN: Final = "drawn-hours.toml"


def draw_hours(session: Session, actor: str, at: datetime) -> bool:
    """From today on keep the hours that the sample's pages show (平日 7:00〜23:00、土日祝 8:00〜21:00)."""
    return _keep_hours(session, DRAWN, actor, at)


def keep_open(session: Session, actor: str, at: datetime) -> bool:
    """From today on keep the sample's own hours again: 見本のため、いつでも. False when they are kept already."""
    return _keep_hours(session, ALWAYS, actor, at)


def _keep_hours(session: Session, document: str, actor: str, at: datetime) -> bool:
    today = at.astimezone(JST).date()
    wanted = list(read_hours(tomllib.loads(sample_document(document).decode())["hours"], today))
    kept = [
        window
        for window in institution_facts(session).hours
        if window.valid_from <= today and (window.valid_until is None or today < window.valid_until)
    ]
    if {_window(window) for window in wanted} == {_window(window) for window in kept}:
        return False
    set_hours(session, wanted, actor, at)
    return True


def _window(hours: Hours) -> tuple[Any, ...]:
    return hours.product, hours.day_type, hours.opens, hours.closes

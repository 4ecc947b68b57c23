"""What was played on the sample's accounts (訂正), kept beside its feeds: later files must go on telling of it.

A small JSON file in the data directory, one row an account at most.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from madoguchi.procedures.feeds.values import AccountKey, StatementRow
from madoguchi.rules.vocabulary import Direction

FILE: Final = "played.json"

Played = Mapping[AccountKey, tuple[StatementRow, ...]]


def played_rows(data_dir: Path) -> Played:
    """The rows by account; nothing was played where there is no file."""
    try:
        lines = json.loads((data_dir / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {AccountKey(*line["account"]): (_row(line["row"]),) for line in lines}


def keep_played(data_dir: Path, played: Played) -> None:
    """Write them, complete or not at all."""
    lines = [{"account": list(key), "row": asdict(row)} for key, rows in played.items() for row in rows]
    unfinished = data_dir / f"{FILE}.new"
    unfinished.write_text(json.dumps(lines, ensure_ascii=False, indent=1, default=_plain) + "\n", "utf-8")
    unfinished.replace(data_dir / FILE)


def _plain(value: date | Direction) -> str:
    return value.isoformat() if isinstance(value, date) else value.value


def _row(written: dict[str, Any]) -> StatementRow:
    days = {key: date.fromisoformat(written[key]) for key in ("booked_on", "value_on")}
    return StatementRow(**{**written, **days, "direction": Direction(written["direction"])})

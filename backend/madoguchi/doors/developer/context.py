"""What the developer door is given by the composition root, and what the credit union wrote to its sample aggregator.

The sample aggregator stands outside the credit union: it knows its own keys and its designation, no table and no
procedure. The designation is kept in the data directory as an aggregator keeps it in its configuration; whoever sets
the sample up writes it there (`keep_designation`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from madoguchi.clock import Clock
from madoguchi.doors.templating import Templates
from madoguchi.settings import Settings

DESIGNATION = "sample-aggregator.json"


class SampleKeys(Protocol):
    """Of the installation's keys the one set that belongs to the sample aggregator (private, RFC 7517)."""

    @property
    def sample_aggregator(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class DeveloperContext:
    settings: Settings
    clock: Clock
    templates: Templates
    keys: SampleKeys


@dataclass(frozen=True, slots=True)
class Designation:
    """What the sample aggregator was told when it was designated (1-2-2), with the purposes it declared.

    institution  name of the credit union.  purposes  OAuth scope value -> 使いみち.
    """

    client_id: str
    name: str
    company: str
    institution: str
    purposes: Mapping[str, str]


def keep_designation(data_dir: Path, designation: Designation) -> None:
    """Write it, complete or not at all; it replaces an earlier one."""
    unfinished = data_dir / f"{DESIGNATION}.new"
    unfinished.write_text(json.dumps(asdict(designation), ensure_ascii=False, indent=1) + "\n", "utf-8")
    unfinished.replace(data_dir / DESIGNATION)


def find_designation(data_dir: Path) -> Designation | None:
    """The designation; None when the sample aggregator has not been designated here."""
    try:
        return Designation(**json.loads((data_dir / DESIGNATION).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None

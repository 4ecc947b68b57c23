"""What stands around every page of the credit union: its name, the address strip, text size, telephone.

The strip shows the address and, after login, the customer's own phrase (合言葉): what a forger cannot copy.
No lock sign and no claim to be official, which any forger copies.
"""

from dataclasses import dataclass
from enum import StrEnum

from madoguchi.doors.templating import Preferences


@dataclass(frozen=True, slots=True)
class Institution:
    """`phone_hours` is the one opening time of the one telephone number (「平日 9:00〜17:00」)."""

    name: str
    phone: str
    phone_hours: str
    is_sample: bool


class Part(StrEnum):
    """Under which name of the house a page stands; shown below the institution's name on wide screens."""

    INTERNET_BANKING = "インターネットバンキング"
    COUNTER = "API連携の窓口"


@dataclass(frozen=True, slots=True)
class Frame:
    """`address` is the host from the settings, never from a request; `here` is path and query of this page.

    phrase  the customer's own phrase; None before login.
    strip   whether the address strip is shown: on every page of a registration, not on public pages.
    """

    institution: Institution
    address: str
    here: str
    preferences: Preferences
    part: Part = Part.INTERNET_BANKING
    strip: bool = True
    phrase: str | None = None

"""How a visitor wants to read: text size, later language. Works by a plain link (`?size=2`) and a cookie.

A preference is no secret and no session: the cookie holds one digit and is shared by all pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, quote, urlencode

SIZE_COOKIE = "size"


class TextSize(StrEnum):
    """標準, 大, 特大: 100, 118.75 and 137.5 % of the browser's own size."""

    STANDARD = "1"
    LARGE = "2"
    LARGEST = "3"


@dataclass(frozen=True, slots=True)
class Preferences:
    """`light_only` locks the light theme; otherwise the page follows the visitor's system."""

    size: TextSize = TextSize.STANDARD
    light_only: bool = False
    language: str = "ja"


def preferences_of(query: Mapping[str, str], cookies: Mapping[str, str]) -> Preferences:
    """The query speaks first, then the cookie; anything else than 1, 2, 3 is ignored."""
    for source in (query, cookies):
        asked = source.get(SIZE_COOKIE)
        if asked in set(TextSize):
            return Preferences(TextSize(asked))
    return Preferences()


def size_cookie(query: Mapping[str, str]) -> dict[str, str | int | bool] | None:
    """Arguments of `Response.set_cookie` when the visitor has just chosen a size, else None."""
    asked = query.get(SIZE_COOKIE)
    if asked not in set(TextSize):
        return None
    # Not HttpOnly: on the consent page the script switches without a reload, so that no tick is lost.
    return {"key": SIZE_COOKIE, "value": str(asked), "max_age": 31536000, "path": "/", "samesite": "lax"}


def size_link(here: str, size: TextSize) -> str:
    """The same page in another size. `here` is path (decoded) and query of this page; its other parameters stay.

    The path may be anything somebody typed. The link begins with one slash and holds no backslash, as a browser takes
    `//x` and `/\\x` for another host.
    """
    path, _, query = here.partition("?")
    kept = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key != SIZE_COOKIE]
    return f"/{quote(path.lstrip('/'))}?{urlencode([*kept, (SIZE_COOKIE, size.value)])}"

"""Plain text: nothing in it that a reader cannot see and a screen obeys.

Source: Unicode Standard, general categories (control, format, line and paragraph separators, surrogates); UAX #9 on
marks that turn the reading direction around. Gaiji in private use and variation selectors are seen, and are plain.
"""

import unicodedata
from typing import Final

UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def is_plain(text: str) -> bool:
    """Whether every character of the text is one that is seen, or a space."""
    return not any(is_unseen(sign) for sign in text)


def is_unseen(sign: str) -> bool:
    """Whether this character shows nothing of itself, but may change how the rest is shown."""
    return unicodedata.category(sign) in UNSEEN

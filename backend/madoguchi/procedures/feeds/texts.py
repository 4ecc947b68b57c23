"""Half-width texts of the Zengin feed made readable (摘要).

The feed has large kana only, voiced marks apart, and a hyphen for the long vowel: ｶ-ﾄﾞ becomes カード. Small kana
cannot be told from large ones (ｷﾕｳﾖ stays キユウヨ); the text as it came is kept beside it.
"""

import re
from functools import lru_cache

import jaconv

_HYPHEN_AFTER_KANA = re.compile("(?<=[ァ-ヺ])-")


@lru_cache(maxsize=4096)  # a bank's 摘要 are few, and a file may have a million rows
def readable(text: str) -> str:
    """Kana in full width, letters and digits as they are."""
    return _HYPHEN_AFTER_KANA.sub("ー", jaconv.h2z(text))

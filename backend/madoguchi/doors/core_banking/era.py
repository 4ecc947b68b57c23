"""和暦 dates of the Zengin formats: YYMMDD without an era (元号).

Source: the Zengin record layouts; the eras' first days are 1926-12-25 (昭和), 1989-01-08 (平成), 2019-05-01 (令和).
The era is chosen: the latest reading that is not after a given day. Which day that is, is the reader's to say
(three days after the import for 作成日, 31 days after 作成日 for all others).
"""

from datetime import date

_ERAS = (
    # first calendar year, first day, last day on which the feed may still write this era
    (2019, date(2019, 5, 1), date.max),
    # Systems wrote 平成31年 to the end of 2019, eight months after the era had ended.
    (1989, date(1989, 1, 8), date(2019, 12, 31)),
    (1926, date(1926, 12, 25), date(1989, 1, 7)),
)


def read_wareki(digits: str, not_after: date) -> date | None:
    """The latest day that `digits` (YYMMDD) can mean and that is not after `not_after`; None when there is none.

    Edges: 640107 is 7 January 1989, 010108 the day after; 310430 and 010501 are neighbours in 2019.
    """
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    for first_year, first_day, last_day in _ERAS:
        try:
            reading = date(first_year + year - 1, month, day)
        except ValueError:
            continue
        if year and first_day <= reading <= min(last_day, not_after):
            return reading
    return None


def write_wareki(day: date) -> str:
    """YYMMDD of the era that `day` lies in. Raises ValueError before 1926-12-25."""
    for first_year, first_day, _ in _ERAS:
        if day >= first_day:
            return f"{day.year - first_year + 1:02d}{day.month:02d}{day.day:02d}"
    raise ValueError("no Zengin feed is older than the Showa era")

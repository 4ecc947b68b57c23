"""Where the command line writes: a terminal with its width and bold type, or a file and a pipe with neither.

Colour and bold type are for terminals only, and for none that sets NO_COLOR (no-color.org) or TERM=dumb: whatever else
the environment says, what is piped holds no escape sequence and is never cut or folded.
"""

import os
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 100_000
"""A file or a pipe has no width; lines that are too long are easier to search than broken ones."""

READABLE = 80
"""Columns of prose: a help text is no wider, however wide the window."""

NEVER_FIRST = frozenset("、。,.・:;?!)」』】〉》〕]}）ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々〜…：；？！")
NEVER_LAST = frozenset("(「『【〈《〔[{（")
"""Japanese line breaking (行頭禁則、行末禁則): signs that begin no line, and signs that end none."""


def is_plain(stream: TextIO) -> bool:
    """Whether the stream takes characters only: it is no terminal, or whoever sits there asked for no colour."""
    return not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def console(stream: TextIO) -> Console:
    """rich's console on a stream; one that is no terminal is as wide as anything that is written to it."""
    return Console(
        file=stream,
        width=None if stream.isatty() else WIDTH_WITHOUT_TERMINAL,
        color_system=None if is_plain(stream) else "auto",  # told, or FORCE_COLOR would colour a pipe
        highlight=False,
    )


def columns() -> int:
    """How wide prose may be here: 80 columns, or the terminal's when that has fewer."""
    return min(READABLE, console(sys.stdout).width)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, where full-width characters take two.

    Lines break at spaces and between Japanese characters, as Japanese breaks lines; a word that is too long for a line
    (an address, a path) stays whole.
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return lines


def joined(lines: str) -> str:
    """Lines of a docstring as one paragraph: with a space beside words, with none between Japanese characters."""
    text = ""
    for line in lines.split("\n"):
        words = line.strip()
        ends = text[-1:] + words[:1]
        text += f" {words}" if text and any(sign.isascii() and sign not in "、。「」()" for sign in ends) else words
    return text


def padded(text: str, width: int) -> str:
    """The text and as many spaces as bring it to `width` columns."""
    return text + " " * (width - cell_len(text))


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that no line break may cut."""
    piece = text[:1]
    for before, sign in pairwise(text):
        may_break = before == " " or (sign != " " and not (_is_narrow(before) and _is_narrow(sign)))
        if may_break and sign not in NEVER_FIRST and before not in NEVER_LAST:
            yield piece
            piece = ""
        piece += sign
    yield piece


def _is_narrow(sign: str) -> bool:
    return cell_len(sign) < 2

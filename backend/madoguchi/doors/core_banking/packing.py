"""A file that is kept in quarantine whole: packed (zlib) while it is read, unpacked onto disk, so that a file of a
million lines is never in memory."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

KEPT_AT_MOST = 16 * 1024 * 1024
"""Bytes, packed: about a million events. What is longer has no place in the database; it can be sent again."""

_PIECE = 256 * 1024
_IN_MEMORY = 4 * 1024 * 1024


def packed(stream: BinaryIO, at_most: int = KEPT_AT_MOST) -> bytes:
    """The whole stream, packed: of status events about a twentieth. Nothing where it is longer than `at_most` bytes."""
    stream.seek(0)
    packing = zlib.compressobj()
    pieces, length = [], 0
    for piece in iter(partial(stream.read, _PIECE), b""):
        pieces.append(packing.compress(piece))
        length += len(pieces[-1])
        if length > at_most:
            return b""
    pieces.append(packing.flush())
    return b"".join(pieces) if length + len(pieces[-1]) <= at_most else b""


@contextmanager
def unpacked(content: bytes) -> Iterator[BinaryIO]:
    """What was packed, as a stream at its beginning; what is long lies in a temporary file that nobody else can open.

    Raises zlib.error for what `packed` has not made.
    """
    with SpooledTemporaryFile(_IN_MEMORY) as stream:
        unpacking = zlib.decompressobj()
        for at in range(0, len(content), _PIECE):
            piece = content[at : at + _PIECE]
            while piece:
                stream.write(unpacking.decompress(piece, _PIECE))
                piece = unpacking.unconsumed_tail
        stream.write(unpacking.flush())
        stream.seek(0)
        yield cast(BinaryIO, stream)

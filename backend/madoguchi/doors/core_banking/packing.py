"""A file that is kept in quarantine whole: packed (zlib) while it is read, unpacked onto disk, so that a file of a
million lines is never in memory."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

_PIECE = 256 * 1024
_IN_MEMORY = 4 * 1024 * 1024


def packed(stream: BinaryIO) -> bytes:
    """The whole stream, packed: of status events about a twentieth."""
    stream.seek(0)
    packing = zlib.compressobj()
    pieces = [packing.compress(piece) for piece in iter(partial(stream.read, _PIECE), b"")]
    return b"".join((*pieces, packing.flush()))


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

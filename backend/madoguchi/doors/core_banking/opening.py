"""Opening what arrives in a folder into which others write: regular files only, looked at after they are open.

A name may stand for something else a moment after it was looked at. A pipe would keep its reader waiting for ever, and
a link would lead to files that are not the sender's.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path, follow_links: bool = False) -> BufferedReader:
    """The file, for reading. Raises OSError for anything but a regular file; for a link, unless it may be followed."""
    # Non-blocking: the opening of a pipe waits for somebody who writes into it.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, "ふつうのファイルではありません", str(path))
    return os.fdopen(descriptor, "rb")

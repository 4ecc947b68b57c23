"""Opaque pairwise ids and cursors of the GraphQL door.

An id is one AES block over kind (1 byte), what it belongs to (7 bytes) and internal key (8 bytes), in base64url (22
characters). The key of the cipher is derived per aggregator and never rotated: an id is stable for one aggregator
across renewals, and two aggregators cannot join theirs. Kind and belonging are the check bytes: whatever was not made
here for this aggregator, this kind and (for a cursor) this account opens to nothing. What does not fit into a block is
a `note`, sealed with AES-SIV (RFC 5297) under a key of its own, with kind and account as its associated data.
Source: graphql.md "Ids"; security.md 12. Whether a key may be seen is not decided here: plan.py.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from madoguchi.opaque import derive_key

BLOCK = TAG = 16
LENGTH = 22  # of a block in base64url without padding
NOTHING = bytes(BLOCK)


class Kind(IntEnum):
    """What an id names. Numbers are for ever: they are inside every id that was given out."""

    ACCOUNT = 1
    TRANSACTION = 2
    CURSOR = 3
    CHANGES = 4


class Ids:
    """The ids of one aggregator. Cheap to make; holds nothing but the derived keys' ciphers."""

    def __init__(self, master: bytes, aggregator_id: str) -> None:
        # Each block is a whole message of its own and every plaintext is distinct: ECB is then one secret permutation.
        self._cipher = Cipher(AES(derive_key(master, "graphql-id", aggregator_id)), ECB())  # noqa: S305
        self._notes = AESSIV(derive_key(master, "graphql-note", aggregator_id))

    def seal(self, kind: Kind, keys: Iterable[int], within: int = 0) -> list[str]:
        """Ids of many keys (below 2^64) in one call of the cipher. A cursor lies `within` an account (below 2^56)."""
        head = _head(kind, within)
        plain = b"".join(head + key.to_bytes(8) for key in keys)
        sealed = self._cipher.encryptor().update(plain)
        return [_text(sealed[start : start + BLOCK]) for start in range(0, len(sealed), BLOCK)]

    def open(self, text: str, kinds: Sequence[Kind], within: int = 0) -> tuple[Kind, int] | None:
        """Kind and key of an id, or None for one that is malformed, of another kind, account or aggregator.

        The work is the same in every case: one decoding, one block, one comparison.
        """
        block = _block(text)
        plain = self._cipher.decryptor().update(block if block is not None else NOTHING)
        heads = {_head(kind, within): kind for kind in kinds}
        kind = heads.get(plain[:8])
        if kind is None or block is None:
            return None
        return kind, int.from_bytes(plain[8:])

    def seal_note(self, kind: Kind, note: bytes, within: int) -> str:
        """An opaque text that carries a note about an account: the same note is the same text."""
        return _text(self._notes.encrypt(note, [_head(kind, within)]))

    def open_note(self, text: str, kind: Kind, length: int, within: int) -> bytes | None:
        """The note of so many bytes in a text, or None where `open` would say None; the work is the same too."""
        sealed = _block(text, TAG + length)
        try:
            note = self._notes.decrypt(sealed if sealed is not None else bytes(TAG + length), [_head(kind, within)])
        except InvalidTag:
            return None
        return note if sealed is not None else None


def _head(kind: Kind, within: int) -> bytes:
    return bytes([kind]) + within.to_bytes(7)


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _block(text: str, length: int = BLOCK) -> bytes | None:
    """So many bytes from their text; None unless it is the one text that `_text` writes for them."""
    longest = -(-length * 4 // 3)
    try:
        block = urlsafe_b64decode(text.encode("ascii", "replace")[:longest] + b"==")
    except NotBase64:
        return None
    return block if len(block) == length and _text(block) == text else None

"""Many things, some at a time: statements have bounds, and so has memory."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in their order, `size` at a time; the last batch may be shorter, none is empty."""
    each = iter(items)
    while some := list(islice(each, size)):
        yield some

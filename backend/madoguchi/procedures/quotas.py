"""Judging a call against its quotas, across workers and restarts; what the quotas are is rules/quotas.py.

What a call adds becomes durable in the shared commit that stands before its answer (procedures/recording.py). A process
knows its own calls before they are on disk, so that parallel requests of one process never pass together where one
would not: here a limit is exact. Of the other workers it knows what they have committed: between N workers a limit can
be passed by what N - 1 of them have under way at one moment, and by nothing else.
Nothing here is needed after a crash: counts that did not become durable belong to answers that never left.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session

from madoguchi.records import quotas
from madoguchi.rules.quotas import Allowance, Call, Charge, Standing, counters

HELD: Final = timedelta(seconds=30)
"""How long a process's own count is remembered after its last call: twice the longest request (doors/deadlines.py), so
that by then it is on disk, and in the snapshot of whoever asks next. Later the rows are the truth again."""


@dataclass(slots=True)
class _Own:
    """This process's part of one counter, by session; with what is not on disk yet."""

    touched_at: datetime
    used: dict[str, int]


class Tally:
    """How often something was done in one second, in this process alone. It holds what the newest second has."""

    def __init__(self) -> None:
        self._second: datetime | None = None
        self._counted: Counter[tuple[str, str]] = Counter()

    def add(self, whose: str, what: str, at: datetime) -> int:
        """Count it; how often it was done in the second of `at`, this time included."""
        self._turn(at)
        self._counted[whose, what] += 1
        return self._counted[whose, what]

    def of(self, whose: str, what: str, at: datetime) -> int:
        """How often it was done in the second of `at`."""
        self._turn(at)
        return self._counted[whose, what]

    def _turn(self, at: datetime) -> None:
        second = at.replace(microsecond=0)
        if second != self._second:
            self._second = second
            self._counted.clear()


class Quotas:
    """The quotas of one installation, and what this process has let through just now. One for a process.

    worker  names this process and no other, before or after (`Recorder.worker`): the rows it adds to are its own.
    """

    def __init__(self, allowance: Allowance, worker: str) -> None:
        self.allowance = allowance
        self.worker = worker
        self.tally = Tally()
        self._own: OrderedDict[str, _Own] = OrderedDict()

    def standing(self, session: Session, call: Call, once: str) -> Standing | None:
        """How far the quotas of this call are used; None for a replay: its proof's key `once` was used. One statement.

        What is judged by it, and `spend`, must follow without waiting for anything: then no other request of this
        process comes between.
        """
        counted = counters(call, self.allowance)
        own: dict[str, dict[str, int]] = defaultdict(dict)
        total: dict[str, dict[str, int]] = {each.name: {} for each in counted}
        rows = quotas.used(session, list(total), once)
        if rows is None:
            return None
        for counter, part, worker, amount in rows:
            if worker == self.worker:
                own[counter][part] = amount
            else:
                total[counter][part] = total[counter].get(part, 0) + amount
        self._forget(call.at)
        for name, parts in total.items():
            for part, amount in self._remembered(name, own[name], call.at).items():
                parts[part] = parts.get(part, 0) + amount
        return Standing(call, self.allowance, counted, total)

    def spend(self, standing: Standing, cost: int) -> tuple[Charge, ...]:
        """Let the call through: it counts in this process from now on. What is returned belongs in its record."""
        charges = standing.charges(cost)
        for charge in charges:
            parts = self._own[charge.counter].used
            parts[charge.part] = parts.get(charge.part, 0) + charge.amount
        return charges

    def give_back(self, charges: Iterable[Charge]) -> None:
        """The call came to nothing: its record could not be written."""
        for charge in charges:
            if (own := self._own.get(charge.counter)) is not None:
                left = own.used.pop(charge.part, 0) - charge.amount
                if left > 0:
                    own.used[charge.part] = left

    def _remembered(self, name: str, on_disk: dict[str, int], at: datetime) -> dict[str, int]:
        own = self._own.get(name)
        if own is None:
            own = self._own[name] = _Own(at, on_disk)
        own.touched_at = at
        self._own.move_to_end(name)
        return own.used

    def _forget(self, at: datetime) -> None:
        while self._own and (name := next(iter(self._own))) and at - self._own[name].touched_at > HELD:
            del self._own[name]


def rows_of(charges: Iterable[Charge], worker: str) -> list[dict[str, Any]]:
    """The rows that the calls of one worker add up to, each counter and part once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for charge in charges:
        key = (charge.counter, charge.part)
        if key in found:
            found[key]["used"] += charge.amount
        else:
            names = {"counter": charge.counter, "part": charge.part, "worker": worker}
            found[key] = {**names, "used": charge.amount, "kept_until": charge.kept_until}
    return list(found.values())

"""The one place where time enters. Everything else takes a moment or a `Clock` as an argument.

A sandbox's clock can be stepped forward (`SteppedClock`). Others' clocks cannot: what an aggregator's machine says of
its own time is moved by the step before it is judged (`ahead_of_others`), so that all moments stay on one line.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""

NO_STEP: Final = timedelta(0)


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


class SteppedClock:
    """A sandbox's clock: the machine's, and what it was stepped ahead of it. Never used in production.

    The step stands in a small file, so that all workers and commands of one sandbox have one time. For each moment the
    file is looked at, and read when it is another one.
    """

    def __init__(self, file: Path, machine: Clock = system_clock) -> None:
        """machine  the clock that runs; `file` need not be there, and then nothing was stepped."""
        self._file = file
        self.machine = machine
        self._read: tuple[tuple[int, int, int] | None, timedelta] = (None, NO_STEP)

    def __call__(self) -> datetime:
        return self.machine() + self.ahead()

    def ahead(self) -> timedelta:
        """How far it is ahead of the machine's clock, never negative. Raises ValueError for a damaged file."""
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return NO_STEP
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        read, ahead = self._read  # one tuple: threads see the one or the other
        if read != version:
            ahead = timedelta(seconds=float(self._file.read_text("ascii")))
            self._read = (version, ahead)
        return ahead

    def step_to(self, moment: datetime) -> None:
        """From now on it is `moment` (aware), and time runs on from there. Raises ValueError for a step back."""
        machine = self.machine()
        if moment < machine + self.ahead():
            raise ValueError("a clock that records were made by goes forward only")
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(f"{(moment - machine).total_seconds()}\n", "ascii")
        unfinished.replace(self._file)


def ahead_of_others(clock: Clock) -> timedelta:
    """How far this clock is ahead of those of other machines: nothing at all, unless a sandbox's was stepped."""
    return clock.ahead() if isinstance(clock, SteppedClock) else NO_STEP


def machines(clock: Clock) -> Clock:
    """The machine's own clock behind this one: the time of whoever stands outside the credit union."""
    return clock.machine if isinstance(clock, SteppedClock) else clock

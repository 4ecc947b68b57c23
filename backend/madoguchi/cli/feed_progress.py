"""A progress bar while a file is taken in: rows a second and the time left, on a terminal and nowhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from madoguchi.cli.screen import console
from madoguchi.cli.words import visible
from madoguchi.doors.core_banking.importing import Progress as Tell
from madoguchi.doors.core_banking.importing import in_silence


class _Rate(ProgressColumn):
    """行/秒, as fast as it has been lately."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}行/秒", style="progress.data.speed")


@contextmanager
def progress(name: str, silent: bool = False) -> Iterator[Tell]:
    """What import_file tells is drawn on the error stream while this lasts; nothing stays of it afterwards."""
    if silent or not sys.stderr.isatty():
        yield in_silence
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),  # 80 columns hold the rate and the time left too
        TaskProgressColumn(),
        _Rate(),
        TextColumn("残り"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(visible(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

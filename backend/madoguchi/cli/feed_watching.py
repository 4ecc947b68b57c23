"""`madoguchi feed watch DIR`: files are taken in as soon as they are all there, until the command is stopped.

The kernel tells what was closed or moved in (inotify, package watchdog); a look around every few seconds finds the
rest, as on shared folders, whose other machines tell nobody. A failure of one file is told and leaves it where it is
until it changes; a database that is away is waited for. SIGTERM and Ctrl+C finish the file at hand.
"""

import logging
import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Annotated, Any, TypeVar

import typer
from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers.inotify import InotifyObserver

from madoguchi.cli.context import Office, office
from madoguchi.cli.failures import Trouble, database_is_away, sentence_of
from madoguchi.cli.feed_folder import alone_in
from madoguchi.cli.feed_progress import progress
from madoguchi.cli.feed_words import particulars, report_as_json, summary
from madoguchi.cli.words import say, say_json, visible_lines
from madoguchi.doors.core_banking.importing import Progress, import_file
from madoguchi.doors.core_banking.watching import (
    DONE,
    REFUSED,
    Delivery,
    candidates,
    is_quiet,
    is_whole,
    put_away,
    turn_of,
)
from madoguchi.doors.core_banking.zengin_file import FileForm
from madoguchi.procedures.feeds.files import FileReport
from madoguchi.procedures.feeds.listing import count_entries
from madoguchi.procedures.installing import Database
from madoguchi.procedures.status_feed.reconciling import EndingBound

Value = TypeVar("Value")

LOOK_EVERY = 5.0
"""Seconds between two looks around the folder."""

LONGEST_WAIT = 60.0
"""Seconds between two tries to reach the database, at most; they begin with one."""

State = tuple[int, int]
"""Size and time of writing: a file that has changed is looked at again."""


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="ファイルが届くフォルダー。", metavar="DIR", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="プログラムのための形で、1行に1つずつ書き出します。")] = False,
) -> None:
    """フォルダーを見ていて、届いたファイルを取り込みます。止めるには Ctrl+C か SIGTERM。

    そろったファイルだけを取り込みます。別の名前や場所から移されたもの、終わりの記録(全銀の9、全件照合の full.end)の
    あるもの、イベントのファイルは書き終わって閉じられたものです。
    「.」で始まる名前と、.tmp .part .filepart で終わる名前には触れません。

    すべて受け付けたファイルは done/ に、受け付けないものがあったファイルは refused/ に移します。上書きはしません。
    一度に届いたファイルは、利用状況、03、04 の順に、それぞれ番号か日付の順に取り込みます。

    --json の各行は event のあるオブジェクトです。taken は「feed import --json」のキーと moved_to、failed は file と
    reason、unfinished は file、watching は folder を伴い、ほかは database_away、database_back、stopped です。
    """
    desk = office(context)
    with ExitStack() as held:
        held.enter_context(alone_in(folder))
        watched = Watch(desk, folder, as_json)
        held.enter_context(watched.stopped_by_signals())
        held.enter_context(watched.told_by_the_kernel())
        watched.reach_database()
        watched.tell("watching", f"{folder} を見ています。止めるには Ctrl+C を押してください。", folder=str(folder))
        watched.until_stopped()
        watched.tell("stopped", "見るのをやめました。")


@dataclass
class Watch:
    """One folder being watched, and what is known about the files in it."""

    desk: Office
    folder: Path
    as_json: bool = False
    look_every: float = LOOK_EVERY
    stopped: bool = False
    arrivals: "queue.SimpleQueue[tuple[str, Delivery] | None]" = field(default_factory=queue.SimpleQueue)
    delivered: dict[str, Delivery] = field(default_factory=dict)
    left_alone: dict[str, State] = field(default_factory=dict)  # files that failed, until they change
    told_unfinished: dict[str, State] = field(default_factory=dict)

    def until_stopped(self) -> None:
        """Take in what comes until somebody stops it."""
        while not self.stopped:
            self.take_what_is_whole()
            if not self.stopped:
                self.wait(self.look_every)

    def take_what_is_whole(self) -> None:
        """Take in every file that is all there now, in their order."""
        there = list(candidates(self.folder))
        names = {path.name for path in there}
        self.delivered = {name: how for name, how in self.delivered.items() if name in names}
        self.left_alone = {name: state for name, state in self.left_alone.items() if name in names}
        self.told_unfinished = {name: state for name, state in self.told_unfinished.items() if name in names}
        whole = []
        for path in there:
            try:
                if self.left_alone.get(path.name) != _state(path) and self._is_whole(path):
                    whole.append((turn_of(path), path))
            except Exception as failure:
                self._leave(path, None, failure)
        for _, path in sorted(whole):
            if self.stopped:
                return
            self._take(path)

    def wait(self, seconds: float) -> None:
        """Until something comes, somebody stops us, or the time is over."""
        try:
            news = self.arrivals.get(timeout=seconds)
            while news is not None:
                name, delivery = news
                self.delivered[name] = max(delivery, self.delivered.get(name, Delivery.UNKNOWN))
                news = self.arrivals.get_nowait()
        except queue.Empty:
            return

    def wait_out(self, seconds: float) -> None:
        """The whole time, whatever comes, unless somebody stops us."""
        until = monotonic() + seconds
        while not self.stopped and (left := until - monotonic()) > 0:
            self.wait(left)

    def reach_database(self) -> None:
        """Return when the database answers, or when we are stopped. Raises Trouble for what waiting does not mend."""
        self._with_database(partial(self.desk.reading, count_entries))

    def tell(self, event: str, *sentences: str, **keys: Any) -> None:
        """What happened: sentences for a person, one object on one line for a program."""
        if self.as_json:
            say_json({"event": event, **keys}, one_line=True)
            return
        for sentence in sentences:
            say(sentence)

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl+C stop the watch after the file at hand."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.stopped = True
            self.arrivals.put(None)

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def told_by_the_kernel(self) -> Iterator[None]:
        """Be told of files that are closed after writing or moved in."""
        # It calls a thread that was stopped in time an error.
        logging.getLogger("watchdog").setLevel(logging.CRITICAL)
        observer = InotifyObserver(generate_full_events=True)  # else a file moved in looks like one just begun
        observer.schedule(_Doorbell(self.arrivals), str(self.folder), event_filter=[FileClosedEvent, FileMovedEvent])
        observer.start()
        try:
            yield
        finally:
            observer.stop()
            observer.join()

    def _is_whole(self, path: Path) -> bool:
        now = self.desk.now
        if is_whole(path, self.delivered.get(path.name, Delivery.UNKNOWN), now):
            return True
        if is_quiet(path.lstat(), now) and self.told_unfinished.get(path.name) != _state(path):
            self.told_unfinished[path.name] = _state(path)
            sentence = f"{path.name}: まだ終わりまで届いていません。届いたら取り込みます。"
            self.tell("unfinished", sentence, file=path.name)
        return False

    def _take(self, path: Path) -> None:
        state: State | None = None
        try:
            state = _state(path)
            report = self._with_database(lambda: self._import(path))
            if report is None:
                return
            there = put_away(path, self.folder / (DONE if report.clean else REFUSED))
        except Trouble:
            raise
        except Exception as failure:
            self._leave(path, state, failure)
            return
        self.delivered.pop(path.name, None)
        moved_to = f"{there.parent.name}/{there.name}"
        lines = f"{summary(report)} → {moved_to}", *(f"  {sentence}" for sentence in particulars(report))
        self.tell("taken", *lines, **report_as_json(report), moved_to=moved_to)

    def _import(self, path: Path) -> FileReport:
        with progress(path.name, silent=self.as_json) as tell:
            return self.desk.run(partial(_import, self.desk, path, tell))

    def _with_database(self, work: Callable[[], Value]) -> Value | None:
        """The work done, however long the database is away; None when we were stopped meanwhile."""
        seconds, told = 1.0, False
        while not self.stopped:
            try:
                done = work()
            except Exception as failure:
                if not database_is_away(failure):
                    raise
                if not told:
                    self.tell("database_away", "データベースにつながりません。つながるのを待っています。")
                told = True
                self.wait_out(seconds)
                seconds = min(2 * seconds, LONGEST_WAIT)
            else:
                if told:
                    self.tell("database_back", "データベースにつながりました。")
                return done
        return None

    def _leave(self, path: Path, state: State | None, failure: Exception) -> None:
        """Tell why a file was not taken, and leave it until it is not any more as it was.

        What comes under its name then has not been moved in yet.
        """
        self.delivered.pop(path.name, None)
        try:
            self.left_alone[path.name] = state or _state(path)
        except OSError:
            return  # somebody took it away
        reason, _ = sentence_of(failure)
        if self.as_json:
            self.tell("failed", file=path.name, reason=reason)
        else:
            print(visible_lines(f"{path.name}: {reason}"), file=sys.stderr)


class _Doorbell(FileSystemEventHandler):
    """Passes on which file was closed or moved in; called in the observer's thread."""

    def __init__(self, arrivals: "queue.SimpleQueue[tuple[str, Delivery] | None]") -> None:
        self._arrivals = arrivals

    def on_closed(self, event: FileSystemEvent) -> None:
        self._arrivals.put((os.path.basename(os.fsdecode(event.src_path)), Delivery.CLOSED))

    def on_moved(self, event: FileSystemEvent) -> None:
        if event.dest_path:
            self._arrivals.put((os.path.basename(os.fsdecode(event.dest_path)), Delivery.MOVED))


async def _import(desk: Office, path: Path, tell: Progress, database: Database) -> FileReport:
    form, bound = FileForm.set_by(desk.settings), EndingBound(desk.settings.full_file_ends_percent)
    return await import_file(
        database,
        path,
        desk.settings.bank_code,
        desk.now,
        actor=desk.actor,
        form=form,
        bound=bound,
        progress=tell,
        follow_links=False,
    )


def _state(path: Path) -> State:
    found = path.lstat()
    return found.st_size, found.st_mtime_ns

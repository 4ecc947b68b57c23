"""Ctrl+C and SIGTERM during an import: what was begun is given up as a whole, and the operator is told what to do."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

CTRL_C, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM

INTERRUPTED = "中断しました。半端に残ったブロックはありません。同じファイルを、もう一度取り込んでください。"


@contextmanager
def told_when_interrupted() -> Iterator[None]:
    """Say so, and end the command with 130 or 143, as shells have it."""
    code = CTRL_C

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal code
        code = 128 + number
        raise KeyboardInterrupt  # closing the event loop gives up what was begun

    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        raise typer.Exit(code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

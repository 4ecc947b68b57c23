"""Events at the credit union, played on a running sandbox through the doors of real life, and undone again.

Each tells what an aggregator and the customer see now. One that is on already changes nothing.
"""

from madoguchi.clock import Clock
from madoguchi.procedures.installing import Database
from madoguchi.procedures.service import institution
from madoguchi.sandbox.books import Tell
from madoguchi.sandbox.one_at_a_time import one_at_a_time
from madoguchi.sandbox.plays import cancellation, closing, correction, late_feed, suspension
from madoguchi.sandbox.plays.telling import CannotPlay, Scene, Told
from madoguchi.settings import Settings

__all__ = ["CannotPlay", "Told", "play"]


async def play(
    event: str, settings: Settings, database: Database, clock: Clock, tell: Tell, customer: str | None, *, undo: bool
) -> Told:
    """Play or undo `event`: closing, suspension, cancellation, correction or feed-late.

    Raises CannotPlay where it cannot happen now, and ValueError in production (the caller has told the operator).
    """
    if not settings.is_sandbox:
        raise ValueError("plays are for the sandbox only")
    with one_at_a_time(settings):
        if not (await database.reading(institution)).is_sample:
            raise CannotPlay("見本の信用組合ではないので、できごとを起こせません。")
        scene = Scene(settings, database, clock(), tell)
        match event:
            case "closing":
                return await (closing.undo(scene) if undo else closing.play(scene))
            case "suspension":
                return await (suspension.undo(scene, customer) if undo else suspension.play(scene, customer))
            case "cancellation":
                return await (cancellation.undo(scene, customer) if undo else cancellation.play(scene, customer))
            case "correction":
                return await (correction.undo(scene, customer) if undo else correction.play(scene, customer))
            case "feed-late":
                return await (late_feed.undo(scene) if undo else late_feed.play(scene))
        raise ValueError(f"no such play: {event}")

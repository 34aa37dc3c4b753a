"""How long a run in the queue will wait: its place in the line, and an estimate from the runs before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_core import shelf
from gan_core.hosting import limits
from gan_core.jobs import queued, training
from gan_core.runs import Run, Status


@dataclass(frozen=True)
class Wait:
    """A place in the line, 1 being next, and how many seconds until the turn; None where nobody can tell."""

    place: int
    seconds: float | None


def wait_of(run: Run) -> Wait:
    """How long a waiting run will go on waiting."""
    root = run.path.parent
    line = queued(root)
    ahead = [Run(root / name) for name in line[: line.index(run.id) if run.id in line else 0]]
    times = [left(other.status()) for other in training(root)] + [expected(other) for other in ahead]
    known = [time for time in times if time is not None]
    return Wait(len(ahead) + 1, sum(known) if len(known) == len(times) else None)


def left(status: Status) -> float | None:
    """Seconds until a training ends: at its end, or at the limit of a shared server. A pause may take for ever."""
    bounds = limits()
    if bounds is None:
        return None if status.state == "paused" else status.seconds_left
    allowed = max(0.0, bounds.minutes * 60 - status.seconds)
    return allowed if status.state == "paused" or status.seconds_left is None else min(allowed, status.seconds_left)


def expected(run: Run) -> float | None:
    """Seconds that a run which waits will train: as long as others of its recipe took for an epoch, times its own."""
    bounds = limits()
    longest = None if bounds is None else bounds.minutes * 60.0
    pace = _seconds_an_epoch(run.path.parent, run.recipe().name)
    if pace is None:
        return longest
    own = pace * max(0.0, run.recipe().training.epochs - run.status().epoch)
    return own if longest is None else min(own, longest)


def _seconds_an_epoch(root: Path, recipe: str) -> float | None:
    """Of the newest run of that recipe that trained for some of one."""
    for entry in shelf.run_entries():
        if entry.recipe == recipe and entry.status.epoch > 0 and entry.run.path.parent == root:
            return entry.status.seconds / entry.status.epoch
    return None

"""How long a run in the queue will wait: its place in the line, and an estimate from the runs before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_core import shelf
from gan_core.hosting import limits
from gan_core.jobs import queued, training
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, Status, runs_dir


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
    pace = _seconds_an_epoch(run.path.parent, run.recipe())
    if pace is None:
        return longest
    own = pace * max(0.0, run.recipe().training.epochs - run.status().epoch)
    return own if longest is None else min(own, longest)


def planned(recipes: Sequence[Recipe]) -> float | None:
    """Seconds that runs of these recipes would train, one after the other; None where nobody can tell."""
    alike = {(recipe.name, recipe.dataset): recipe for recipe in recipes}
    paces = {key: _seconds_an_epoch(runs_dir(), recipe) for key, recipe in alike.items()}
    times = [(paces[recipe.name, recipe.dataset], recipe.training.epochs) for recipe in recipes]
    known = [pace * epochs for pace, epochs in times if pace is not None]
    return sum(known) if len(known) == len(times) else None


def remaining(runs: Iterable[Run]) -> float | None:
    """Seconds until the last of these runs has ended, once it is their turn; None where nobody can tell."""
    live = [(run, status) for run in runs if (status := run.status()).live]
    times = [expected(run) if status.state == "queued" else left(status) for run, status in live]
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None


def _seconds_an_epoch(root: Path, recipe: Recipe) -> float | None:
    """Of the newest run of that recipe that trained for some of one, on the same data if there is such a run."""
    trained = [entry for entry in shelf.run_entries()
               if entry.recipe == recipe.name and entry.status.epoch > 0 and entry.run.path.parent == root]  # fmt: skip
    same = [entry for entry in trained if entry.dataset == recipe.dataset]
    return next((entry.status.seconds / entry.status.epoch for entry in (*same, *trained)), None)

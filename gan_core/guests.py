"""What visitors of a shared server may do: limits of a training, whose run is whose, and what ends or goes by itself.

Everything here allows everything on a server of one's own (see gan_core.hosting). The supervisor calls :func:`over`
and :func:`tidy`; pages call :func:`seen` while somebody looks at a run.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gan_core.config import UserError
from gan_core.data import find_dataset
from gan_core.datasets.archives import delete_upload, stored_uploads
from gan_core.hosting import Limits, limits
from gan_core.recipes.recipe import Recipe
from gan_core.runs import Run, list_runs
from gan_core.shelf import run_bytes
from gan_core.uploads import list_uploads, upload_owner

SEEN_SECONDS = 10.0  # between two marks of the same viewer; the file system need not hear of every look
TIME_IS_UP = (
    "This shared server trains a run for {minutes} minutes at most. Export the run in the Library, and go on with it "
    "on a machine of your own."
)
UNWATCHED = "Nobody watched this run for {minutes} minutes, so the shared server stopped it; resume it to go on."


@dataclass(frozen=True)
class Reason:
    """Why a run was stopped: a template, and what fills it."""

    text: str
    values: dict[str, object]


def fitted(recipe: Recipe) -> Recipe:
    """``recipe`` as this server can train it: with no more epochs than allowed."""
    bounds = limits()
    if bounds is None or recipe.training.epochs <= bounds.epochs:
        return recipe
    training = replace(recipe.training, epochs=bounds.epochs)
    kept = tuple(epoch for epoch in recipe.snapshots.epochs if epoch <= bounds.epochs)
    return replace(recipe, training=training, snapshots=replace(recipe.snapshots, epochs=kept))


def check(recipe: Recipe) -> None:
    """Raise UserError where a recipe asks for more than this server gives."""
    bounds = limits()
    if bounds is None:
        return
    if recipe.training.epochs > bounds.epochs:
        raise UserError("This shared server trains {epochs} epochs at most; set Epochs to that.", epochs=bounds.epochs)
    side = max(find_dataset(recipe.dataset).image_shape[1:])
    if side > bounds.side:
        raise UserError(
            "This shared server trains on pictures of {side} × {side} pixels at most; choose a smaller size or other "
            "data.",
            side=bounds.side,
        )  # fmt: skip


def check_turn(owner: str, more: int = 1, root: Path | None = None) -> None:
    """Raise UserError where a visitor has as many runs going as one may, or where there is no room for another.

    Args:
        owner: who asks; :func:`owner_of` a run is compared with it.
        more: how many runs are to be started.
    """
    bounds = limits()
    if bounds is None:
        return
    going = sum(run.status().live and run.about().owner == owner for run in list_runs(root))
    if going + more > bounds.runs:
        raise UserError(
            "On this shared server {runs} of your runs may train or wait at once; stop one, or wait until one has "
            "ended.",
            runs=bounds.runs,
        )  # fmt: skip
    check_room(root)


def check_room(root: Path | None = None) -> None:
    """Raise UserError where all that visitors may store is taken."""
    bounds = limits()
    if bounds is not None and storage_bytes(root) > bounds.storage_gb * 10**9:
        raise UserError("This shared server has no room for more just now; try again in an hour.")


def check_resume(run: Run) -> None:
    """Raise UserError where a stopped run has used up its time."""
    bounds = limits()
    if bounds is not None and run.status().seconds >= bounds.minutes * 60:
        raise UserError(TIME_IS_UP, minutes=bounds.minutes)


def check_owner(run: Run, visitor: str) -> None:
    """Raise UserError where the run is another visitor's: it may be watched, and that is all."""
    if not owns(run, visitor):
        raise UserError("Only the visitor who started this run can change it; you can watch it.")


def owns(run: Run, visitor: str) -> bool:
    """Whether ``visitor`` may steer, rename and delete the run; anybody may on a server of one's own."""
    return limits() is None or (bool(visitor) and run.about().owner == visitor)


def seen(run: Run) -> None:
    """Note that somebody looks at the run now; nothing on a server of one's own."""
    if limits() is None:
        return
    mark, now = _mark(run), time.time()
    with contextlib.suppress(OSError):
        if not mark.exists() or now - last_seen(run) > SEEN_SECONDS:
            mark.touch()
            os.utime(mark, (now, now))


def last_seen(run: Run) -> float:
    """When somebody last looked at the run, or when it was made; seconds since 1970."""
    with contextlib.suppress(OSError):
        return _mark(run).stat().st_mtime
    return run.about().created


def over(run: Run, since: float, now: float) -> Reason | None:
    """Why a run that trains has to end.

    Args:
        since: when its process took it up, in seconds since 1970; a pause does not stop that clock.
        now: seconds since 1970.
    """
    bounds = limits()
    if bounds is None:
        return None
    status = run.status()
    if max(now - since, status.seconds) >= bounds.minutes * 60:
        return Reason(TIME_IS_UP, {"minutes": bounds.minutes})
    return unwatched(run, max(since, last_seen(run)), now, bounds)


def abandoned(run: Run, now: float) -> Reason | None:
    """Why a waiting run should not have its turn: its visitor left while it waited."""
    bounds = limits()
    return None if bounds is None else unwatched(run, max(last_seen(run), run.status().updated), now, bounds)


def unwatched(run: Run, last: float, now: float, bounds: Limits) -> Reason | None:
    """The reason, if nobody was there since ``last`` for longer than allowed."""
    if now - last < bounds.unwatched_minutes * 60:
        return None
    return Reason(UNWATCHED, {"minutes": bounds.unwatched_minutes})


@dataclass(frozen=True)
class _Item:
    """Something that takes room: when it was last used, in seconds since 1970, its bytes, and how to remove it."""

    used: float
    size: int
    name: str
    remove: Callable[[], None]


def storage_bytes(root: Path | None = None) -> int:
    """What runs, uploaded bundles and uploaded pictures take."""
    return sum(run_bytes(run) for run in list_runs(root)) + sum(item.size for item in _uploads())


def tidy(root: Path | None = None, now: float | None = None) -> list[str]:
    """Remove what nobody used for long, then the oldest until all fits; never a run that trains or waits, nor the
    pictures that it needs.

    Returns:
        The names of the runs and uploads that are gone, oldest first.
    """
    bounds = limits()
    if bounds is None:
        return []
    now = time.time() if now is None else now
    runs = list_runs(root)
    live = [run for run in runs if run.status().live]
    needed = {_pictures_of(run) for run in live}
    found = [
        _Item(max(last_seen(run), run.status().updated), run_bytes(run), run.id, run.delete)
        for run in runs if run not in live
    ]  # fmt: skip
    found += [item for item in _uploads() if item.name not in needed]
    excess, gone = storage_bytes(root) - bounds.storage_gb * 10**9, []
    for item in sorted(found, key=lambda item: item.used):
        if now - item.used < bounds.keep_days * 86400 and excess <= 0:
            break
        with contextlib.suppress(UserError, OSError):  # resumed or deleted in between
            item.remove()
            excess -= item.size
            gone.append(item.name)
    return gone


def _uploads() -> Iterator[_Item]:
    """Bundles and zip files of pictures that visitors brought."""
    for path in list_uploads():
        about = path.stat()
        yield _Item(about.st_mtime, about.st_size, path.stem, partial(_remove_bundle, path))
    for stored in stored_uploads():
        yield _Item(stored.since, stored.size, stored.name, partial(delete_upload, stored.name))


def _pictures_of(run: Run) -> str:
    """The name of the uploaded pictures that a run trains on; nothing where it needs none."""
    with contextlib.suppress(UserError):
        name, _, rest = run.recipe().dataset.partition(":")
        return rest.partition("?")[0] if name == "upload" else ""
    return ""


def _remove_bundle(path: Path) -> None:
    path.unlink()
    upload_owner(path).unlink(missing_ok=True)


def _mark(run: Run) -> Path:
    return run.path / "seen"

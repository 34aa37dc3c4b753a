"""What the Library lists: every run at a glance, what it takes on the disk, and whether shipped files are whole.

Reading a thousand folders takes seconds, looking at the times of their files takes milliseconds; so what was read of a
folder is kept until one of its files changes.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core import library
from gan_core.config import UserError
from gan_core.files import read_json
from gan_core.images import Pixels, first_rows, read_png
from gan_core.runs import About, Run, Status, list_runs, runs_dir
from gan_core.uploads import list_uploads


@dataclass(frozen=True)
class RunEntry:
    """One run at a glance; ``recipe`` and its title are empty where the folder is damaged."""

    id: str
    about: About
    status: Status
    recipe: str
    recipe_title: str
    dataset: str

    @property
    def run(self) -> Run:
        return Run(runs_dir() / self.id)


@dataclass(frozen=True)
class DiskUse:
    """Bytes that runs and uploads take, and bytes that are free where they are kept."""

    runs: int
    uploads: int
    free: int


def run_entries() -> list[RunEntry]:
    """All own runs, newest first."""
    entries = (_entry(run.path, _stamp(run.path, _DESCRIBING)) for run in list_runs())
    return sorted(entries, key=lambda entry: entry.about.created, reverse=True)


def matching(entries: list[RunEntry], *, text: str = "", recipe: str = "", states: frozenset[str] = frozenset()
             ) -> list[RunEntry]:  # fmt: skip
    """Those whose name, id or recipe has all words of ``text``, with that recipe and one of the states, if given."""
    words = text.casefold().split()
    return [
        entry
        for entry in entries
        if (not recipe or entry.recipe == recipe)
        and (not states or entry.status.state in states)
        and all(word in f"{entry.about.name} {entry.id} {entry.recipe} {entry.dataset}".casefold() for word in words)
    ]


def group_entries(group: str) -> list[RunEntry]:
    """The runs that were started together under that name, in the order of their start."""
    return [entry for entry in reversed(run_entries()) if group and entry.about.group == group]


def newest_sheet(run: Run) -> bytes | None:
    """The PNG file of a run's newest picture sheet; None where there is none yet."""
    pictures = sorted((run.path / "snapshots").glob("step-*.png"))
    try:
        return pictures[-1].read_bytes() if pictures else None
    except OSError:  # deleted in between
        return None


def top_of_newest_sheet(run: Run, rows: int) -> tuple[Pixels, float] | None:
    """(The first ``rows`` of a run's newest picture sheet, its epoch); None where there is none yet."""
    return _top_of_newest_sheet(run.path, rows, _stamp(run.path, ("metrics.jsonl", "snapshots")))


def run_bytes(run: Run) -> int:
    """What a run's folder takes on the disk."""
    return _run_bytes(run.path, _stamp(run.path, _CHANGING))


def disk_use() -> DiskUse:
    """What everything takes."""
    folder = runs_dir().resolve()
    while not folder.exists():
        folder = folder.parent
    uploads = sum(path.stat().st_size for path in list_uploads())
    return DiskUse(sum(run_bytes(run) for run in list_runs()), uploads, shutil.disk_usage(folder).free)


def is_whole(entry: dict[str, Any]) -> bool:
    """Whether a shipped bundle's file still has the checksum of its ``entry`` in the manifest."""
    try:
        data = library.find_path(entry["name"]).read_bytes()
    except (UserError, OSError):
        return False
    return hashlib.sha256(data).hexdigest() == str(entry["sha256"])


# Files are replaced, not rewritten, so a folder's own time tells that one of them changed.
_DESCRIBING = ("about.json", "status.json", "recipe.json")
_CHANGING = (".", "snapshots", "checkpoints")


def _stamp(path: Path, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(_changed(f"{path}/{name}") for name in names)


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 (a thousand Path objects would take longer than the look)
    except OSError:
        return 0


@functools.lru_cache(maxsize=10_000)
def _entry(path: Path, stamp: tuple[int, ...]) -> RunEntry:
    run, recipe = Run(path), read_json(path / "recipe.json")
    known = recipe if isinstance(recipe, dict) else {}
    name, title, dataset = (str(known.get(key, "")) for key in ("name", "title", "dataset"))
    return RunEntry(run.id, run.about(), run.status(), name, title, dataset)


@functools.lru_cache(maxsize=64)
def _top_of_newest_sheet(path: Path, rows: int, stamp: tuple[int, ...]) -> tuple[Pixels, float] | None:
    sheets = Run(path).sheets()
    if not sheets:
        return None
    newest = sheets[-1]
    return first_rows(read_png(newest.picture.read_bytes()), rows, newest.rows), newest.epoch


@functools.lru_cache(maxsize=10_000)
def _run_bytes(path: Path, stamp: tuple[int, ...]) -> int:
    total, folders = 0, [str(path)]
    while folders:
        try:
            for item in os.scandir(folders.pop()):
                if item.is_dir(follow_symlinks=False):
                    folders.append(item.path)
                else:
                    total += item.stat(follow_symlinks=False).st_size
        except OSError:  # deleted in between
            continue
    return total

"""The comparisons that there are: own ones, known by the group of their runs, and those that come with the workbench.

    [comparison.ref for comparison in (*own(shelf.run_entries()), *shipped())]
    open_results("shipped:fc_gan")          # Results; of an own one as it stands
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gan_core.config import UserError
from gan_core.lab.trials import Results, read_results, results_of
from gan_core.shelf import RunEntry
from gan_core.shipped import WEIGHTS_DIR

SHIPPED = "shipped:"  # before the name of a file in weights/lab; a group's name has no colon
LAB_DIR = WEIGHTS_DIR / "lab"


@dataclass(frozen=True)
class Comparison:
    """One comparison at a glance: what is compared, in how many ``runs``, and since when it is."""

    ref: str
    title: str
    dataset: str
    runs: int
    created: float = 0.0

    @property
    def shipped(self) -> bool:
        return self.ref.startswith(SHIPPED)


def own(entries: Iterable[RunEntry]) -> list[Comparison]:
    """The comparisons that the runs belong to, newest first."""
    groups: dict[str, list[RunEntry]] = {}
    for entry in entries:
        if entry.about.group and entry.about.part:
            groups.setdefault(entry.about.group, []).append(entry)
    found = [
        Comparison(
            group, members[0].recipe_title, members[0].dataset, len(members),
            min(entry.about.created for entry in members),
        )
        for group, members in groups.items()
    ]  # fmt: skip
    return sorted(found, key=lambda comparison: comparison.created, reverse=True)


def shipped() -> list[Comparison]:
    """Those in weights/lab, by name."""
    found = [(path.stem, _read(path, path.stat().st_mtime_ns)) for path in sorted(LAB_DIR.glob("*.json"))]
    return [
        Comparison(f"{SHIPPED}{name}", results.title, results.dataset, len(results.trials))
        for name, results in found
    ]


def open_results(ref: str) -> Results:
    """The results of a comparison.

    Raises:
        UserError: there is none of that name, or its file is damaged.
    """
    if not ref.startswith(SHIPPED):
        return results_of(ref)
    path = LAB_DIR / f"{Path(ref.removeprefix(SHIPPED)).name}.json"
    if not path.is_file():
        raise UserError("No comparison called {name} ships with this copy; choose another.", name=repr(path.stem))
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _read(path: Path, stamp: int) -> Results:
    return read_results(path)

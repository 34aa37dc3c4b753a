"""Strokes, the digits that the project draws itself, kept in the cache once drawn."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from gan_core.datasets.dataset import Dataset, MnistLike, Report, cache_dir, silent
from gan_core.strokes import draw_strokes

DRAWING = "Drawing the strokes digits"
_SEEDS = {"train": 0, "test": 1}


@dataclass(frozen=True)
class StrokesSource(MnistLike):
    """Digits in MNIST's layout that need no file and no network."""

    def on_disk(self) -> bool:
        """Always: nothing needs to be downloaded."""
        return True

    def load(self, split: str = "train", report: Report = silent) -> Dataset:
        """The "train" or "test" pictures."""
        return self.dataset(*_drawn_once(self.counts[split], _SEEDS[split], report))


def _drawn_once(count: int, seed: int, report: Report) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    # Named by the code that draws them, so that a change of the drawing is never answered with old pictures.
    drawing = hashlib.sha256(Path(draw_strokes.__code__.co_filename).read_bytes()).hexdigest()[:12]
    path = cache_dir() / f"strokes-{count}-{seed}-{drawing}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, BadZipFile), np.load(path, allow_pickle=False) as stored:
        return stored["images"], stored["labels"]
    report(DRAWING)
    images, labels = draw_strokes(count, seed)
    with contextlib.suppress(OSError):  # a read-only home only costs the next start some seconds
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as stream:
            np.savez(stream, images=images, labels=labels)
        Path(stream.name).replace(path)
    return images, labels
